import time

import pytest

from nightmend.proof.packages import copies_among, packages_of, roots_missing


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["pkg/__init__.py", "pkg/a.py", "pkg/sub/__init__.py"], {"pkg": "."}),
        (["src/pkg/__init__.py", "src/pkg/a.py"], {"pkg": "src"}),
        (["src/space/pkg/__init__.py"], {"space.pkg": "src"}),
        (["lib/one.py", "two.py"], {"one": "lib", "two": "."}),
        (["packages/first/src/pkg/__init__.py"], {"pkg": "packages/first/src"}),
        (["tests/__init__.py", "docs/conf.py", "setup.py", "conftest.py", "test_it.py", "test/x.py"], {}),
        (["my-scripts/__init__.py", "not a name.py"], {}),
        ([], {}),
    ],
    ids=["flat", "src", "namespace", "modules", "monorepo", "no product", "no names", "empty"],
)  # fmt: skip
def test_what_a_tree_ships_and_from_where(paths: list[str], names: dict[str, str]) -> None:
    assert {package.name: package.root for package in packages_of(paths)} == names


def test_every_module_has_its_dotted_name() -> None:
    (package,) = packages_of(["src/pkg/__init__.py", "src/pkg/a.py", "src/pkg/data/b.py", "src/pkg/x.txt"])
    assert package.modules == {
        "pkg": "src/pkg/__init__.py",
        "pkg.a": "src/pkg/a.py",
        "pkg.data.b": "src/pkg/data/b.py",
    }


def test_a_tree_of_many_packages_is_read_in_one_pass() -> None:
    paths = [f"p{number % 200}/m{number}.py" for number in range(20_000)]
    begun = time.process_time()
    packages = packages_of([*paths, *(f"p{number}/__init__.py" for number in range(200))])
    assert {len(package.modules) for package in packages} == {101}
    assert time.process_time() - begun < 20


def test_a_copy_is_told_from_the_tree_and_from_another_project(tmp_path) -> None:  # type: ignore[no-untyped-def]
    target, site = tmp_path / "target", tmp_path / "site"
    for name in ("copied", "other", "edited"):
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").write_text("")
    (site / "copied" / "a.py").write_text("")
    paths = [f"{name}/{file}.py" for name in ("copied", "other", "edited") for file in ("__init__", "a", "b")]
    packages = packages_of(paths)
    places = {
        "copied": str(site / "copied" / "__init__.py"),
        "other": str(site / "other" / "__init__.py"),
        "edited": str(target / "edited" / "__init__.py"),
    }
    assert list(copies_among(packages, places, str(target))) == [str(site / "copied")]


def test_only_what_the_environment_lacks_or_has_of_another_project_needs_a_root() -> None:
    paths = ["src/here/__init__.py", "lib/gone/__init__.py", "python/tasks/__init__.py", "queue.py"]
    packages = {package.name: package for package in packages_of([*paths, "source/copied.py"])}
    places = {
        "here": "/target/src/here/__init__.py",
        "gone": None,
        "tasks": "/site/tasks/__init__.py",
        "queue": "/usr/lib/python3/queue.py",
        "copied": "/site/copied.py",
    }
    assert roots_missing(packages.values(), places, [packages["copied"]], "/target") == ("lib", "python")
