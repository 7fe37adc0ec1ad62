import pytest

from nightmend.proof.brought import brought
from nightmend.proof.survey import Survey

MANAGE = b"os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_of.settings')\n"
WITH_DJANGO = Survey(pytest="8.4.1", plugins=(), places={"django": "/env/django/__init__.py"})


def test_a_python_too_old_for_our_pytest_is_told():
    found = Survey(pytest=None, plugins=(), places={})
    assert brought(found, (3, 10), (), {}.get).trouble == "there is no pytest, and ours needs Python 3.11"
    assert brought(found, (3, 11), (), {}.get).trouble == ""
    assert brought(found.model_copy(update={"pytest": "8.4.1"}), (3, 9), (), {}.get).trouble == ""


def test_an_interpreter_that_did_not_answer_is_told():
    found = Survey(pytest=None, plugins=(), places={}, trouble="wall_seconds")
    assert brought(found, (3, 12), (), {}.get).trouble == "wall_seconds"


@pytest.mark.parametrize(
    ("files", "roots"),
    [
        (["manage.py"], ("",)),
        (["web/manage.py", "a/b/manage.py"], ("web",)),
        (["other.py"], ()),
    ],
)
def test_the_uppermost_manage_py_names_the_settings(files, roots):
    extra = brought(WITH_DJANGO, (3, 12), files, lambda path: MANAGE)
    assert extra.roots == roots
    assert extra.variables == ({"DJANGO_SETTINGS_MODULE": "site_of.settings"} if roots else {})


@pytest.mark.parametrize(
    "change",
    [{"plugins": ("django",)}, {"places": {"django": None}}],
    ids=["a plugin knows it", "Django is not there"],
)
def test_django_is_left_alone_where(change):
    extra = brought(WITH_DJANGO.model_copy(update=change), (3, 12), ["manage.py"], lambda path: MANAGE)
    assert (extra.plugins, extra.variables, extra.binds) == ((), {}, ())
