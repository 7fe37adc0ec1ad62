"""Register nightmend's blocks with the configured Prefect API: `python -m deployments.register_blocks`.

Run it as often as you like: a block that exists keeps what people set in it.
"""

import sys

from blocks.load import BLOCKS, NAME


def register() -> tuple[str, ...]:
    """Register every block type, and save a document with the defaults where there is none."""
    made = []
    for kind in BLOCKS:
        kind.register_type_and_schema()
        try:
            kind.load(NAME)
        except ValueError:
            kind().save(NAME)
            made.append(f"{kind.get_block_type_slug()}/{NAME}")
    return tuple(made)


if __name__ == "__main__":
    made = register()
    sys.stdout.write(f"registered: {', '.join(made) or 'nothing new'}\n")
