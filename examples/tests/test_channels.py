import pytest

from agents.channels import channel
from agents.core.errors import ConfigError


def test_a_channel_by_its_name():
    assert channel("mail").line("ana", "sold out") == "mail to ana: sold out"
    assert channel("chat").line("bo", "rain").endswith("to bo: rain")


def test_another_word_is_an_error():
    with pytest.raises(ConfigError, match="no channel is called 'smoke'"):
        channel("smoke")
