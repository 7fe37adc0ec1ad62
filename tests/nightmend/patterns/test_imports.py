"""An import that a repair needs: the one that is there, or the smallest one in its place."""

import ast
import textwrap

import pytest

from nightmend.patterns.imports import reach
from nightmend.patterns.source import Module
from nightmend.repairs.repair import apply_edits

HEADER = """\
#!/usr/bin/env python
# -*- coding: utf-8 -*-
# Copyright: us

'A docstring.'
from __future__ import annotations
"""


def reached(source: str, qualified: str, *, whole: bool = False) -> tuple[str, str] | None:
    """How the name is written at the call of `here`, and the file after the edits."""
    content = textwrap.dedent(source).encode()
    module = Module.parse("example.py", content)
    assert module is not None
    calls = module.nodes(ast.Call)
    call = next(one for one in calls if isinstance(one.func, ast.Name) and one.func.id == "here")
    answer = reach(module, qualified, call, whole=whole)
    return None if answer is None else (answer.text, apply_edits(content, answer.edits).decode())


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("import collections\nhere()\n", "collections.deque"),
        ("import collections as c\nhere()\n", "c.deque"),
        ("from collections import deque\nhere()\n", "deque"),
        ("from collections import deque as d\nhere()\n", "d"),
        ("def f():\n    import collections\n    here()\n", "collections.deque"),
        ("def f():\n    here()\nimport collections\n", "collections.deque"),
    ],
)
def test_an_import_that_is_there_is_used(source: str, text: str) -> None:
    assert reached(source, "collections.deque") == (text, source)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("deque = 1\nhere()\n", id="the name is taken"),
        pytest.param("def f(deque):\n    here()\n", id="taken by a parameter"),
        pytest.param(
            "if TYPE_CHECKING:\n    from collections import deque\nhere()\n", id="for the type checker only"
        ),
        pytest.param("def f():\n    here()\n    from collections import deque\n", id="imported too late"),
    ],
)
def test_a_name_that_is_taken_is_not_reached(source: str) -> None:
    assert reached(source, "collections.deque") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "import abc\nimport json\n\nimport numpy\nhere()\n",
            "import abc\nimport asyncio\nimport json\n\nimport numpy\nhere()\n",
            id="in order",
        ),
        pytest.param(
            "import os\nfrom abc import ABC\nhere()\n",
            "import asyncio\nimport os\nfrom abc import ABC\nhere()\n",
            id="plain imports first",
        ),
        pytest.param(
            "from abc import ABC\nimport os\nhere()\n",
            "from abc import ABC\nimport asyncio\nimport os\nhere()\n",
            id="sorted by module",
        ),
        pytest.param(
            "import abc\n\nimport numpy\nhere()\n",
            "import abc\nimport asyncio\n\nimport numpy\nhere()\n",
            id="at the end of the standard library",
        ),
        pytest.param(
            "import numpy\nhere()\n", "import asyncio\n\nimport numpy\nhere()\n", id="a group of its own"
        ),
        pytest.param("here()\n", "import asyncio\n\nhere()\n", id="an empty head"),
        pytest.param(
            "def here(): ...\nhere()\n",
            "import asyncio\n\n\ndef here(): ...\nhere()\n",
            id="above a function",
        ),
        pytest.param(
            f"{HEADER}here()\n",
            f"{HEADER}\nimport asyncio\nhere()\n",
            id="below all that must stay first",
        ),
        pytest.param(
            "#!/usr/bin/env python\n# Copyright: us\n\nhere()\n",
            "#!/usr/bin/env python\n# Copyright: us\n\nimport asyncio\n\nhere()\n",
            id="below the licence",
        ),
    ],
)
def test_a_new_import_stands_where_a_reader_looks(before: str, after: str) -> None:
    assert reached(before, "asyncio.sleep", whole=True) == ("asyncio.sleep", after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from datetime import date\nhere()\n", "from datetime import date, timezone\nhere()\n"),
        (
            "from datetime import UTC, tzinfo\nhere()\n",
            "from datetime import UTC, timezone, tzinfo\nhere()\n",
        ),
        (
            "from datetime import (\n    date,\n)\nhere()\n",
            "from datetime import (\n    date,\n    timezone,\n)\nhere()\n",
        ),
        (
            "from datetime import (\n    date\n)\nhere()\n",
            "from datetime import (\n    date,\n    timezone\n)\nhere()\n",
        ),
        ("from datetime import (date,)\nhere()\n", "from datetime import (date, timezone,)\nhere()\n"),
        (
            "from datetime import (\n    date,  # a day\n)\nhere()\n",
            "from datetime import (\n    date,  # a day\n)\nfrom datetime import timezone\nhere()\n",
        ),
        (
            "from datetime import *\nhere()\n",
            "from datetime import *\nfrom datetime import timezone\nhere()\n",
        ),
    ],
)
def test_a_name_joins_the_import_of_its_module(before: str, after: str) -> None:
    assert reached(before, "datetime.timezone") == ("timezone", after)
