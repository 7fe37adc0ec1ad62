import pytest


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See `a <x.rst>`_ and `b <y.rst#z>`__.", ["x.rst", "y.rst#z"]),
        ("See a_.\n\n.. _a: x.rst\n.. _`b c`: y.rst\n", ["x.rst", "y.rst"]),
        (".. image:: x.png\n   :alt: a\n", ["x.png"]),
        (".. |logo| image:: x.png\n", ["x.png"]),
        ("* .. figure:: x.png\n\n  .. include:: y.rst\n", ["y.rst"]),
        (".. literalinclude:: x.py\n   :lines: 1\n", ["x.py"]),
        (":download:`a <x.zip>`", ["x.zip"]),
        (".. note::\n\n   `a <x.rst>`_\n", ["x.rst"]),
        ("Code::\n\n    `a <x.rst>`_\n\n`b <y.rst>`_\n", ["y.rst"]),
        (".. code-block:: rst\n\n   `a <x.rst>`_\n\n`b <y.rst>`_\n", ["y.rst"]),
        ("`ä <ö.rst>`_\r\n`b <y.rst>`_\r\n", ["ö.rst", "y.rst"]),
    ],
)
def test_found(text, found, pointed_at):
    assert pointed_at(text, "page.rst") == found


@pytest.mark.parametrize(
    "text",
    [
        "``a `b <x.rst>`_``",
        ".. a remark `a <x.rst>`_\n   .. image:: x.png\n",
        "..\n   .. image:: x.png\n",
        "`a <target_>`_",
        ".. _a: target_\n",
        ":ref:`a <x.rst>`",
        ".. parsed-literal::\n\n   `a <x.rst>`_\n",
        ".. image::\n",
        "a <x.rst>",
    ],
)
def test_not_found(text, pointed_at):
    assert pointed_at(text, "page.rst") == []
