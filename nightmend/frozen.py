from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of every value that crosses a border: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
