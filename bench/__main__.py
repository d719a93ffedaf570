"""Run the benches named on the command line, or all of them, each in a process of its own."""

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import bench


def names() -> list[str]:
    """The benches there are: every module here that has a `run`."""
    found = (module.name for module in iter_modules(bench.__path__))
    return [name for name in found if name != "__main__" and _has_run(name)]


def _has_run(name: str) -> bool:
    return hasattr(import_module(f"bench.{name}"), "run")


def main(wanted: list[str]) -> int:
    """Run what is wanted; one bench alone runs right here."""
    known = names()
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        print(f"no bench named {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    if len(wanted) == 1:
        import_module(f"bench.{wanted[0]}").run()
        return 0
    failed = 0
    for name in wanted or known:
        print(f"== {name}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", "bench", name], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
