import pytest

from nightmend.proof.fixed_seed import fixed_hash_seed


@pytest.mark.parametrize(
    ("file", "text", "seed"),
    [
        ("tox.ini", "[testenv]\nsetenv =\n    PYTHONHASHSEED = 0\n", 0),
        ("tox.ini", "[testenv]\nsetenv = PYTHONHASHSEED=7\n", 7),
        ("pyproject.toml", '[tool.tox.env_run_base]\nset_env = { PYTHONHASHSEED = "12" }\n', 12),
        ("pytest.ini", "[pytest]\nenv =\n    PYTHONHASHSEED=3\n", 3),
        ("noxfile.py", 'session.env["PYTHONHASHSEED"] = "5"\n', 5),
        ("noxfile.py", 'env={"PYTHONHASHSEED": "6"}\n', 6),
        ("Makefile", "test:\n\tPYTHONHASHSEED=9 pytest\n", 9),
        ("tox.ini", "# PYTHONHASHSEED = 0\n", None),
        ("tox.ini", "[testenv]\nsetenv = PYTHONHASHSEED=random\n", None),
        ("tox.ini", "[testenv]\nsetenv = PYTHONHASHSEED=99999999999\n", None),
        ("tox.ini", "[testenv]\npassenv = PYTHONHASHSEED\n", None),
        ("other.ini", "PYTHONHASHSEED=1\n", None),
    ],
)
def test_the_seed_that_a_target_fixes_is_read_where_such_is_written(file, text, seed):
    assert fixed_hash_seed({file: text.encode()}.get) == seed
