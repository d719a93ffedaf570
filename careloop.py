"""The front door: makes sure that the packages behind it are ours, then goes in."""

import os
import sys
from importlib.machinery import PathFinder

CLASH = """careloop: the package `{name}` that Python finds is not ours but {place}.
Another distribution brings a package of that name. Give careloop an environment of its own:
  python3 -m venv /opt/careloop && /opt/careloop/bin/pip install careloop && unset PYTHONPATH
"""


def main() -> int:
    """Run the command; returns its exit code."""
    for name in ("daemon", "connectors"):
        place = _stranger(name)
        if place:
            sys.stderr.write(CLASH.format(name=name, place=place))
            return 1
    from daemon.cli.main import main as inside  # only now known to be ours

    return inside()


def _stranger(name: str) -> str | None:
    """Where the package is found when it is not the one beside this file; None: it is ours."""
    spec = PathFinder.find_spec(name)
    origin = spec.origin if spec and spec.origin else "missing"
    ours = os.path.join(os.path.dirname(os.path.abspath(__file__)), name, "__init__.py")  # noqa: PTH118, PTH120, PTH100 pathlib would double the time to start
    if os.path.realpath(origin) != os.path.realpath(ours):
        return origin
    marked = name != "daemon" or getattr(__import__(name), "PRODUCT", None) == "careloop"
    return None if marked else origin


if __name__ == "__main__":
    sys.exit(main())
