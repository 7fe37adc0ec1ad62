"""How results are kept: as JSON under a digest, so that a changed byte makes a record none."""

import hashlib
from typing import Any

from prefect.serializers import JSONSerializer
from pydantic import Field


class SealedJSON(JSONSerializer):
    """JSON behind the SHA-256 of its bytes; ValueError where they are others than were written.

    Prefect takes a record that cannot be read for none, so that its work is done again.
    """

    type: str = Field(default="nightmend-sealed-json", frozen=True)

    def dumps(self, obj: Any) -> bytes:
        """Return the bytes of a value, with their digest before them."""
        content = super().dumps(obj)
        return b" ".join((_seal(content), content))

    def loads(self, blob: bytes) -> Any:
        """Return the value of bytes that are as they were written."""
        seal, _, content = blob.partition(b" ")
        if seal != _seal(content):
            raise ValueError("the digest of a kept result is not that of its bytes: they were changed")
        return super().loads(content)


def _seal(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


SEALED = SealedJSON()
