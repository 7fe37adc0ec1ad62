"""The tests in another order: folders, files, classes and tests by a digest of their name and a seed.

Loaded behind the witness, by the target's interpreter, so it runs on Python 3.8 and imports nothing of ours
but the witness. Any part of a suite comes in the order that it has in the whole. What else has a say in the
order (fixtures that tests share, pytest-order, pytest-django, a conftest) has it afterwards: its word holds.
"""
# ruff: noqa: D102, S324

import hashlib

import pytest
from nightmend_witness import ORDERS

STEPS = ("dependency", "incremental")
"""Marks of tests that are steps of one story: their file keeps its own order."""


def _digest(name):
    text = "{}:{}".format(ORDERS["order"], name)
    return hashlib.sha1(text.encode("utf-8", "backslashreplace")).digest()


def _file(item):
    return item.nodeid.partition("::")[0]


class Order:
    """The hook of pytest that knows all tests."""

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        stories = {_file(item) for item in items if any(map(item.get_closest_marker, STEPS))}

        def place(item):
            names = [node.nodeid for node in item.listchain()]
            return [_digest(name) for name in names if "::" not in name or _file(item) not in stories]

        items.sort(key=place)
        yield


def pytest_configure(config):
    """Register the hook."""
    config.pluginmanager.register(Order(), "nightmend_order_hooks")
