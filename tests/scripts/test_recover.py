import os
import runpy
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "recover.py"))
MOVED = SCRIPT["MOVED"]


def git(folder, *arguments):
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return SCRIPT["example_repository"](tmp_path_factory.mktemp("home"))


def test_the_copy_is_the_example_and_clean(repository):
    tracked = git(repository, "ls-files")
    assert git(repository, "status", "--short", "--ignored") == []
    assert {path: (repository / path).read_bytes() for path in tracked} == {
        path: (ROOT / "examples" / path).read_bytes() for path in tracked
    }
    assert {"README.md", "agents/core/base_agent.py", "models/sales_ridge.npz", ".gitignore"} <= set(tracked)


def test_history_knows_every_move(repository):
    lines = git(repository, "log", "--diff-filter=R", "--name-status", "-M", "--format=")
    assert {tuple(line.split("\t")[1:]) for line in lines if line} == set(MOVED.items())


def test_each_commit_does_something_and_the_last_has_everything(repository):
    assert len(git(repository, "log", "--format=%h")) == len(SCRIPT["COMMITS"]) + 1


def test_a_second_call_uses_the_same_repository(repository):
    (repository / "note.txt").write_text("mine")
    assert SCRIPT["example_repository"](repository.parent.parent) == repository
    assert (repository / "note.txt").read_text() == "mine"
    (repository / "note.txt").unlink()
    assert [path.name for path in repository.parent.iterdir()] == [repository.name]


def test_the_commits_are_the_same_on_every_machine(repository, tmp_path, monkeypatch):
    config = tmp_path / ".gitconfig"
    config.write_text("[commit]\n\tgpgsign = true\n[user]\n\tname = me\n[core]\n\tautocrlf = true\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    other = SCRIPT["example_repository"](tmp_path / "home")
    monkeypatch.delenv("GIT_DIR")
    assert git(other, "rev-parse", "HEAD") == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("arguments", [[], ["--profile", "strict"], ["/some/repo", "--apply"]])
def test_the_rest_of_the_command_line_is_passed_on(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NIGHTMEND_HOME", str(tmp_path))
    calls = []
    monkeypatch.setattr(os, "execv", lambda path, line: calls.append((path, line)))
    SCRIPT["main"](list(arguments))
    [(path, line)] = calls
    assert Path(path).name == "nightmend"
    assert line[:2] == [path, "recover"]
    if arguments[:1] == ["/some/repo"]:
        assert line[2:] == arguments
    else:
        assert Path(line[2]).parent == tmp_path / "examples"
        assert line[3:] == arguments
        assert line[2] in capsys.readouterr().out
