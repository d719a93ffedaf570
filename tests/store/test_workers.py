"""Promises about who holds what: living and dead processes, leases, several daemons."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.core.ports import Done
from daemon.store import outbox, workers
from daemon.store.database import Database, open_database
from daemon.store.leases import lease, release_lease
from daemon.store.outbox import Action, worker_identity
from daemon.store.workers import is_dead
from tests.factories import NOW
from tests.store.conftest import ANOTHER, LEASE, THIRD, a_put

MINUTE = timedelta(minutes=1)


IDENTITY = "from daemon.store.workers import worker_identity; print(worker_identity(), flush=True)"
CLAIM = """
from pathlib import Path
from daemon.store import outbox
from daemon.store.database import open_database
from tests.factories import NOW
from tests.store.conftest import LEASE
with open_database({url!r}, Path({root!r})).writing() as conn:
    worker = outbox.worker_identity()
    print(len(outbox.claim(conn, outbox.Action.PUT, worker, NOW, LEASE, 1)))
print("recorded", flush=True)
"""


@contextmanager
def another_process(script: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that runs the script and waits; and the last line it said."""
    waiting = f"{script}\nimport sys\nsys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", waiting], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = ""
    while said in ("", "1\n"):
        said = process.stdout.readline()
    yield process, said.strip()
    process.kill()
    process.communicate()


def test_a_worker_names_machine_boot_process_and_start() -> None:
    host, boot, pid, start = worker_identity().split(":")

    assert host
    assert boot
    assert int(pid) == os.getpid()
    assert int(start) > 0
    assert worker_identity() == worker_identity()


def test_a_process_of_this_machine_is_alive_until_it_is_killed() -> None:
    with another_process(IDENTITY) as (process, worker):
        living = is_dead(worker)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        unfetched = is_dead(worker)
        process.wait()
        gone = is_dead(worker)

    assert (living, unfetched, gone) == (False, True, True)


def test_a_process_number_given_out_again_is_somebody_else() -> None:
    host, boot, pid, start = worker_identity().split(":")

    assert is_dead(f"{host}:{boot}:{pid}:{int(start) - 1}")


def test_nobody_lives_through_a_restart_of_the_machine() -> None:
    host, _, pid, start = worker_identity().split(":")

    assert is_dead(f"{host}:another-boot:{pid}:{start}")


def test_a_boot_that_cannot_be_read_proves_nothing() -> None:
    host, _, pid, start = worker_identity().split(":")

    assert not is_dead(f"{host}:-:{pid}:{start}")


def test_a_process_hidden_from_us_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = worker_identity()
    monkeypatch.setattr(workers, "_PROC", Path("/nonexistent"))

    assert not is_dead(worker)


@pytest.mark.parametrize("worker", [ANOTHER, "", "w1", "a:b:c", "a:b:c:d:e"])
def test_whoever_is_not_of_this_machine_is_never_called_dead(worker: str) -> None:
    assert not is_dead(worker)


def test_the_claim_of_a_killed_process_is_void_at_once(
    opened: Database, url: str, tmp_path: Path
) -> None:
    with opened.writing() as conn:
        outbox.owe(conn, [a_put()], NOW)

    with another_process(CLAIM.format(url=url, root=str(tmp_path))) as (process, _):
        with opened.writing() as conn:
            while_it_lives = outbox.claim(conn, Action.PUT, worker_identity(), NOW, LEASE, 1)
        process.kill()
        process.wait()
        with opened.writing() as conn:
            (taken,) = outbox.claim(conn, Action.PUT, worker_identity(), NOW, LEASE, 1)

    assert while_it_lives == []
    assert (taken.attempt, taken.doubtful) == (2, True)


# --- leases -----------------------------------------------------------------------------------


def take(database: Database, worker: str, minutes: int = 0) -> bool:
    with database.writing() as conn:
        return lease(conn, "planning", worker, NOW + minutes * MINUTE, 2 * MINUTE)


def test_one_worker_plans_at_a_time(opened: Database, second: Database) -> None:
    taken = [take(opened, ANOTHER), take(second, THIRD), take(opened, ANOTHER, 1)]

    assert taken == [True, False, True]


def test_a_lease_that_ended_is_free(opened: Database) -> None:
    taken = [take(opened, ANOTHER), take(opened, THIRD, 1), take(opened, THIRD, 2)]

    assert taken == [True, False, True]


def test_a_lease_given_back_is_free_and_only_the_holder_gives_it_back(opened: Database) -> None:
    take(opened, ANOTHER)

    with opened.writing() as conn:
        release_lease(conn, "planning", THIRD)
    still_held = not take(opened, THIRD)
    with opened.writing() as conn:
        release_lease(conn, "planning", ANOTHER)

    assert still_held
    assert take(opened, THIRD)


def test_the_lease_of_a_dead_process_is_free(opened: Database) -> None:
    with another_process(IDENTITY) as (process, worker):
        taken = [take(opened, worker), take(opened, THIRD)]
        process.kill()
        process.wait()

    assert [*taken, take(opened, THIRD)] == [True, False, True]


# --- several daemons at once --------------------------------------------------------------------


def test_many_workers_at_once_do_each_effect_once(
    opened: Database, url: str, tmp_path: Path
) -> None:
    effects = [a_put(number) for number in range(120)]
    with opened.writing() as conn:
        outbox.owe(conn, effects, NOW)
    done: list[str] = []
    refused: list[str] = []

    def work(name: str) -> None:
        database = open_database(url, tmp_path)
        while True:
            with database.writing() as conn:
                claims = outbox.claim(conn, Action.PUT, name, NOW, LEASE, 7)
            if not claims:
                break
            for claim in claims:
                done.append(claim.effect.key)
                with database.writing() as conn:
                    if not outbox.settle(conn, claim, Done(), NOW):
                        refused.append(claim.effect.key)
        database.close()

    run([threading.Thread(target=work, args=(f"m{n}/1/1:b:1:1",)) for n in range(4)])

    assert sorted(done) == sorted(effect.key for effect in effects)
    assert refused == []


def test_revisions_of_one_event_never_run_beside_each_other(
    opened: Database, url: str, tmp_path: Path
) -> None:
    in_flight: set[str] = set()
    clashes: list[str] = []
    carried_out: list[tuple[str, int]] = []
    guard = threading.Lock()

    def work(name: str) -> None:
        database = open_database(url, tmp_path)
        for sequence in range(12):
            with database.writing() as conn:
                outbox.owe(conn, [a_put(n, sequence) for n in range(6)], NOW)
            with database.writing() as conn:
                claims = outbox.claim(conn, Action.PUT, name, NOW, LEASE, 3)
            with guard:
                uids = [claim.effect.uid for claim in claims]
                clashes.extend(in_flight.intersection(uids))
                in_flight.update(uids)
            for claim in claims:
                with guard:
                    in_flight.discard(claim.effect.uid)
                    carried_out.append((claim.effect.uid, claim.effect.sequence))
                with database.writing() as conn:
                    outbox.settle(conn, claim, Done(), NOW)
        database.close()

    run([threading.Thread(target=work, args=(f"m{n}/1/1:b:1:1",)) for n in range(4)])

    assert clashes == []
    assert len(carried_out) > 20
    for uid in {uid for uid, _ in carried_out}:
        order = [sequence for found, sequence in carried_out if found == uid]
        assert order == sorted(set(order))


def run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
