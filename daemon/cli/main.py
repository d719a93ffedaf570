"""Where the command starts: what needs no imports is answered at once, the rest goes to a verb."""

import sys
from collections.abc import Sequence

from daemon import __version__
from daemon.cli.verbs import page


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code (0, 1, 2, 3 or 12)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in ([], ["--help"], ["-h"], ["help"]):
        sys.stdout.write(page())
        return 0
    if given == ["--version"]:
        sys.stdout.write(f"careloop {__version__}\n")
        return 0
    from daemon.cli.group import run  # click takes longer to load than help takes to print

    return run(given)
