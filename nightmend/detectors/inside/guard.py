"""Runs before a tool of ours in a sandbox: imports find what is installed, whatever else is on sys.path.

Pylint puts the tree that it reads first on sys.path, and imports some of its own parts late; without this, a
file `isort.py` of the target would run in its place.
"""

import importlib.machinery
import importlib.metadata
import runpy
import sys


class InstalledOnly(importlib.machinery.PathFinder):
    """The path finder, but with sys.path as it was at the start."""

    places = tuple(sys.path)

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        """Find a module where it was installed, or below a package that is."""
        return super().find_spec(fullname, list(cls.places) if path is None else path, target)

    @classmethod
    def find_distributions(cls, context=None):
        """Find what is installed."""
        own = importlib.metadata.DistributionFinder.Context(
            name=context and context.name, path=list(cls.places)
        )
        return importlib.machinery.PathFinder.find_distributions(own)


sys.meta_path[:] = [
    InstalledOnly if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path
]
if len(sys.argv) > 1:
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
