"""The host's network for a sandbox that runs nothing but tools of ours: only the download of packages asks.

A contract of imports (pyproject.toml) keeps this module from everyone else, so nothing else of nightmend can
make the value that `SandboxSpec.network` needs.
"""

from nightmend.frozen import Frozen


class Network(Frozen):
    """Says that a sandbox shares the network of the host."""
