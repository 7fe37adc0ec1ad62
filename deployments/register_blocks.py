"""Register nightmend's blocks with the Prefect API that nights use: `python -m deployments.register_blocks`.

Run it as often as you like: a block that exists keeps what people set in it.
"""

import os
import sys

from blocks.load import BLOCKS, NAME, find
from flows.environment import QUIET
from flows.server import prefect_api
from nightmend.errors import NightmendError
from nightmend.home import state_folder


def register() -> tuple[str, ...]:
    """Register every block type, and save a document with the defaults where there is none."""
    made = []
    for kind in BLOCKS:
        kind.register_type_and_schema()
        if find(kind) is None:
            kind().save(NAME)
            made.append(f"{kind.get_block_type_slug()}/{NAME}")
    return tuple(made)


def main() -> None:
    """Register the blocks, and say which are new."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)  # the private server of people who have none is our child
    try:
        with prefect_api(state_folder()):
            made = register()
    except NightmendError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    sys.stdout.write(f"registered: {', '.join(made) or 'nothing new'}\n")


if __name__ == "__main__":
    main()
