import pytest

from flows.absolute import absolute
from nightmend.errors import UsageError


def test_a_relative_place_is_refused_by_its_name():
    with pytest.raises(UsageError, match="target 'repositories/shop' is relative"):
        absolute(target="repositories/shop", report=None)
    with pytest.raises(UsageError, match="report 'out' is relative"):
        absolute(target="/srv/shop", report="out")


def test_whole_paths_and_none_are_fine():
    absolute(target="/srv/shop", report=None)
