"""The user's settings are read as data, uv's before pip's, and their passwords are never told."""

from pathlib import Path

import pytest

from nightmend.environments.index import user_indexes


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "uv").mkdir()
    return tmp_path


@pytest.fixture
def indexes(home, monkeypatch):
    """Read the settings of a person who has this home and these variables, on a machine without any."""
    monkeypatch.setattr("sys.prefix", str(home / "environment"))

    def read(**environment):
        return user_indexes({"XDG_CONFIG_DIRS": str(home / "xdg"), **environment}, home, etc=home / "etc")

    return read


def pip_conf(home: Path, text: str) -> None:
    (home / ".config/pip/pip.conf").write_text(text)


def test_pip_settings_are_told_to_uv(home, indexes):
    bounds = home / "bounds.txt"
    bounds.write_text("glass<2  # so\n# nothing\n")
    pip_conf(
        home,
        "[global]\nindex-url = https://one.invalid/simple\nextra-index-url =\n  https://two.invalid/simple\n"
        "  file:///srv/index/simple\ntrusted-host = two.invalid\n"
        f"cert = /etc/own.pem\nconstraint = {bounds}\n",
    )
    found = indexes()
    assert found.variables == {
        "UV_DEFAULT_INDEX": "https://one.invalid/simple",
        "UV_INDEX": "https://two.invalid/simple file:///srv/index/simple",
        "UV_INSECURE_HOST": "two.invalid",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "SSL_CERT_FILE": "/etc/own.pem",
    }
    assert found.constraints == ("glass<2",)
    assert found.local == (Path("/srv/index/simple"),)


def test_variables_come_before_files_and_sections_add_up(home, indexes):
    pip_conf(home, "[global]\nindex-url = https://one.invalid/\n[install]\nfind-links = /srv/links\n")
    found = indexes(PIP_INDEX_URL="https://three.invalid/")
    assert (found.default, found.find_links) == ("https://three.invalid/", ("/srv/links",))


def test_settings_of_uv_come_before_those_of_pip(home, indexes):
    pip_conf(home, "[global]\nindex-url = https://one.invalid/\ntrusted-host = one.invalid\n")
    (home / ".config/uv/uv.toml").write_text(
        '[[index]]\nname = "inner-place"\nurl = "https://four.invalid/"\n'
        '[[index]]\nurl = "https://five.invalid/"\ndefault = true\n'
    )
    found = indexes(UV_INDEX_INNER_PLACE_USERNAME="keeper", UV_INDEX_INNER_PLACE_PASSWORD="a b@c")
    assert found.default == "https://five.invalid/"
    assert found.extra == ("https://keeper:a%20b%40c@four.invalid/",)
    assert not found.best_match
    assert found.logins == {"four.invalid": ("keeper", "a b@c")}


def test_without_an_index_only_links_are_looked_at(home, indexes):
    pip_conf(home, "[global]\nno-index = true\nfind-links = /srv/links\n")
    assert indexes().variables == {
        "UV_FIND_LINKS": "/srv/links",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_NO_INDEX": "1",
    }


def test_a_netrc_file_gives_the_login_of_its_host_alone(home, indexes):
    (home / ".netrc").write_text("machine one.invalid login keeper password hunter2\n")
    found = indexes(UV_DEFAULT_INDEX="https://one.invalid/simple", UV_INDEX="https://two.invalid/simple")
    assert found.logins == {"one.invalid": ("keeper", "hunter2")}


@pytest.mark.parametrize(
    "text",
    [
        "cannot fetch https://keeper:s%2Fcret@one.invalid/simple/glass/",
        "the password s/cret is wrong",
        "s%2Fcret",
    ],
)
def test_what_is_told_holds_no_password(indexes, text):
    told = indexes(UV_DEFAULT_INDEX="https://keeper:s%2Fcret@one.invalid/simple").scrubbed(text)
    assert "cret" not in told
