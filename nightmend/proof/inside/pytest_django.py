"""What `manage.py test` does around the tests of a Django project, where the target has no plugin for it.

Loaded by the target's interpreter, so it runs on Python 3.8 and imports nothing of ours. The settings are
those that DJANGO_SETTINGS_MODULE names.
"""
# ruff: noqa: PLC0415

import sys

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests():
    """Set Django up before anything of the target is imported."""
    import django

    django.setup()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Let tests that write for good come behind those that roll back, as Django has it."""
    from django.test import SimpleTestCase, TestCase

    def kind(item):
        case = getattr(item, "cls", None) or object
        return 0 if issubclass(case, TestCase) else 1 if issubclass(case, SimpleTestCase) else 2

    items.sort(key=kind)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtestloop():
    """Make the databases of the tests, by the runner that the settings name, and remove them."""
    from django.conf import settings
    from django.test.utils import get_runner, setup_test_environment, teardown_test_environment

    runner = get_runner(settings)(verbosity=0, interactive=False)
    setup_test_environment()
    try:
        databases = runner.setup_databases()
    except Exception as error:  # tests that need no database run all the same; each other says what it lacks
        sys.stderr.write("the databases of the tests could not be made: {}\n".format(error))  # noqa: UP032
        databases = None
    yield
    if databases is not None:
        runner.teardown_databases(databases)
    teardown_test_environment()
