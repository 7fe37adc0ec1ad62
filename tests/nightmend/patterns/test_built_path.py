from pathlib import PurePosixPath

import pytest

from nightmend.patterns.built_path import path_built_by
from nightmend.repairs.repair import Edit


@pytest.mark.parametrize(
    ("text", "leads_to"),
    [
        ('Path(__file__).resolve().parents[1] / "data" / "sales.csv"', "data/sales.csv"),
        ('str(Path(__file__).resolve().parents[1] / "data" / "sales.csv")', "data/sales.csv"),
        ("(Path(__file__).resolve().parent / 'stores.csv')", "pipeline/stores.csv"),
        ("pathlib.Path(__file__).resolve().parent", "pipeline"),
        ("from pathlib import Path\n", None),
        ('"/srv/data/sales.csv"', None),
        ("1 / 2", None),
    ],
)
def test_where_the_mended_expression_leads(text, leads_to):
    edit = Edit(path="pipeline/settings.py", start=0, end=0, text=text)
    assert path_built_by(edit) == (PurePosixPath(leads_to) if leads_to else None)
