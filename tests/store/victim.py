"""A process that is killed again and again: it owes, claims, acts and settles, and may be stopped
at its nth step or at any moment. Imported once; each victim is a fork of the warm process.

Commands on stdin, one a line: `STEP MILLISECONDS` (killed at that step, or after that time; 0: not
so). The answer on stdout is the signal that ended the life, or 0.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from daemon.core.ports import Done
from daemon.store import outbox
from daemon.store.database import Database, open_database
from daemon.store.outbox import Action, Claim, worker_identity
from tests.factories import NOW
from tests.store.conftest import LEASE, a_put

BATCH = 3
ROUNDS = 2


class World:
    """What really happened: one line an effect, on the disk before anybody hears of it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def happened(self) -> list[str]:
        return self.file.read_text().split() if self.file.exists() else []

    def add(self, key: str) -> None:
        handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(handle, f"{key}\n".encode())
        os.fsync(handle)
        os.close(handle)


def live(root: Path, step: Callable[[], None]) -> None:
    """Finish what an earlier life left, then owe and carry out some more."""
    database = open_database("sqlite:///state.db", root)
    owed, world = World(root / "owed"), World(root / "world")
    for _ in range(ROUNDS):
        first = len(owed.happened())
        effects = [a_put(first + number) for number in range(BATCH)]
        with database.writing() as conn:
            outbox.owe(conn, effects, NOW)
            step()
        for effect in effects:
            owed.add(effect.key)
        step()
        act(database, world, step)
    database.close()


def act(database: Database, world: World, step: Callable[[], None]) -> None:
    """Claim, look where it is doubtful, do, settle: until nothing is left."""
    while claims := claimed(database, step):
        for claim in claims:
            if not (claim.doubtful and claim.effect.key in world.happened()):
                world.add(claim.effect.key)
            step()
            with database.writing() as conn:
                assert outbox.settle(conn, claim, Done(), NOW)
                step()
            step()


def claimed(database: Database, step: Callable[[], None]) -> list[Claim]:
    with database.writing() as conn:
        claims = outbox.claim(conn, Action.PUT, worker_identity(), NOW, LEASE, BATCH)
        step()
    step()
    return claims


def stopping_at(last: int) -> Callable[[], None]:
    """Count steps, and die at the last one."""
    taken = 0

    def step() -> None:
        nonlocal taken
        taken += 1
        if taken == last:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def one_life(root: Path, last: int, milliseconds: float) -> int:
    """Live once; 0: to the end, else the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            live(root, stopping_at(last))
            code = 0
        finally:
            os._exit(code)
    if milliseconds:
        time.sleep(milliseconds / 1000)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a victim failed by itself")
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def main(root: Path) -> None:
    for line in sys.stdin:
        last, milliseconds = line.split()
        print(one_life(root, int(last), float(milliseconds)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
