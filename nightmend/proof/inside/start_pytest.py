"""Starts a pytest of ours in an interpreter that has none, behind all that the interpreter does have.

Runs inside the sandbox as a script; the packages lie beside it.
"""

import os
import sys

sys.path[0] = os.getcwd()  # as `python -m` has it
sys.path.append(os.path.dirname(os.path.abspath(__file__)))

import pytest  # noqa: E402

sys.exit(pytest.console_main())
