"""A Workspace of three people on a local Google, and careloop's configuration for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors._google_transport import Workspace
from connectors.google import open_workspace
from daemon.config.google import Google
from daemon.config.model import CalendarSection, Config, MailSection, Organization, People
from tests.connectors.contract import PEOPLE
from tests.doubles.google import GoogleDouble, google_on_loopback
from tests.doubles.google_sign_in import key_file

SUBJECT = "careloop@acme.example"
ADMIN = "admin@acme.example"


@contextmanager
def a_workspace_on_loopback() -> Iterator[GoogleDouble]:
    """Serve a Google with the contract's people; nothing may have been asked or answered that
    Google's own description does not know."""
    with google_on_loopback() as double:
        for address in (SUBJECT, ADMIN, *(person.email for person in PEOPLE)):
            double.books.open_account(address)
        double.people.admins.add(ADMIN)
        yield double
    assert double.complaints == []


def a_config(double: GoogleDouble, root: Path, **settings: Any) -> Config:
    """The configuration of a careloop that uses Google for everything."""
    key = root / "google.json"
    if not key.exists():
        key.write_text(key_file())
        key.chmod(0o600)
    chosen = {
        "subject": SUBJECT,
        "admin": ADMIN,
        "service_account": "file:google.json",
        "endpoint": double.url,
        "token_endpoint": f"{double.url}/token",
        **settings,
    }
    return Config(
        root=root,
        organization=Organization(name="Acme", time_zone="Europe/Berlin", country="DE"),
        people=People(kind="google"),
        calendar=CalendarSection(kind="google"),
        mail=MailSection(kind="google", sender=SUBJECT),
        google=Google(**{name: said for name, said in chosen.items() if said is not None}),
    )


def a_workspace(double: GoogleDouble, root: Path, **settings: Any) -> Workspace:
    """A connection that does not wait for real."""
    return open_workspace(a_config(double, root, **settings), sleep=lambda _: None)
