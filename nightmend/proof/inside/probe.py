"""What the target's interpreter would import, and whether it has pytest; printed as JSON.

Runs inside the sandbox, on Python 3.8 and later, with the names of packages as arguments. Finding a package
runs the finders of editable installs, never the package itself.
"""

import importlib.util
import json
import os
import sys
from importlib import metadata


def _place(name):
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    place = spec.origin if spec.has_location else next(iter(spec.submodule_search_locations or ()), None)
    return place and os.path.realpath(place)


def _plugins():
    names = set()
    for distribution in metadata.distributions():
        names.update(entry.name for entry in distribution.entry_points if entry.group == "pytest11")
    return sorted(names)


def _pytest():
    try:
        return metadata.version("pytest")
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.path.pop(0)
    places = {name: _place(name) for name in sys.argv[1:]}
    print("\n" + json.dumps({"pytest": _pytest(), "plugins": _plugins(), "places": places}))
