"""Forty pairs for ninety days at Google (the employee's calendar, the service's) and at Microsoft
365, with people who move, decline, propose, delete and fall ill: faults, talks held, what was asked
of the provider, and this process's CPU seconds (the local provider's own work included)."""

import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from tests.doubles.google import google_on_loopback
from tests.doubles.microsoft import microsoft
from tests.system.cloud import Scene, Tenant
from tests.system.company import Company, found
from tests.system.google_tenant import GoogleTenant
from tests.system.microsoft_tenant import MicrosoftTenant

PAIRS, DAYS = 40, 90
START = datetime(2027, 3, 1, 6, tzinfo=UTC)


def run() -> None:
    """Print a line for each provider and every fault there is; faults end in exit code 1."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    clean = [_played(name, founding) for name, founding in PROVIDERS.items()]
    if not all(clean):
        sys.exit(1)


def _played(name: str, founding: Callable[[Path], Iterator[Tenant]]) -> bool:
    with tempfile.TemporaryDirectory() as folder, contextmanager(founding)(Path(folder)) as tenant:
        scene, began = Scene(tenant, START), time.process_time()
        scene.play(DAYS)
        spent = time.process_time() - began
        scene.check(DAYS)
    faults, people = scene.books.faults, dict(sorted(scene.did.items()))
    print(f"{name}: {PAIRS} pairs, {DAYS} days, {len(faults)} faults, {len(scene.books.held)} held")
    print(f"  people did    {people}")
    print(f"  was asked for {dict(sorted(tenant.changes().items()))}")
    print(f"  letters       {len(scene.books.posts)}; {spent:.0f} s CPU", flush=True)
    for fault in faults:
        print(f"  FAULT {fault}")
    return not faults


def _company(folder: Path) -> Company:
    return found(
        folder / "acme", pairs=PAIRS, start=START.date(), days=DAYS, seed=7, taken=(0.1, 0.3)
    )


def _google(organizer: str) -> Callable[[Path], Iterator[Tenant]]:
    def founding(folder: Path) -> Iterator[Tenant]:
        with google_on_loopback() as served:
            served.strict = False
            yield GoogleTenant(_company(folder), served, organizer)

    return founding


def _microsoft(folder: Path) -> Iterator[Tenant]:
    with microsoft(folder) as double:
        yield MicrosoftTenant(_company(folder), double)


PROVIDERS: dict[str, Callable[[Path], Iterator[Tenant]]] = {
    "google, employee": _google("employee"),
    "google, service": _google("service"),
    "microsoft": _microsoft,
}
