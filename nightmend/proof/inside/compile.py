"""Does this Python read and compile some sources? Nothing of them runs.

Runs inside a sandbox, on Python 3.8 and later. Standard input is JSON: lists of an id, a path and the source
(its bytes as latin-1). Prints for each, as JSON, why it does not compile, or nothing.
"""

import json
import sys
import warnings

MARK = "\ncompiled "


def _problem(path, source):
    try:
        compile(source.encode("latin-1"), path, "exec", dont_inherit=True)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _main():
    warnings.simplefilter("ignore")
    for name, path, source in json.load(sys.stdin):
        print(MARK + json.dumps([name, _problem(path, source)]), flush=True)


_main()
