import pytest
from pydantic import ValidationError

from nightmend.durations import seconds_of
from nightmend.errors import UsageError
from nightmend.settings import OrchestratorSettings


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("4h", 14400), ("90m", 5400), ("2h30m", 9000), ("2H30", 9000), (" 45 ", 2700), ("0h5m", 300)],
)
def test_durations_are_read_as_people_write_them(written, seconds):
    assert seconds_of(written) == seconds


@pytest.mark.parametrize(
    "written", ["", "0", "0h0m", "4 hours", "-1h", "1.5h", "h", "PT4H", "04:00:00", "30m2h"]
)
def test_anything_else_is_refused_with_an_example(written):
    with pytest.raises(UsageError, match="is no duration: write it as 4h, 90m or 2h30m"):
        seconds_of(written)
    with pytest.raises(ValidationError, match="time_budget"):
        OrchestratorSettings(time_budget=written)
