"""The section [google]: what it may say, and that example and document show all of it."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.google import scopes_of
from daemon.config.google import Google
from daemon.config.load import examine
from daemon.config.model import CalendarSection, Config, MailSection, Organization

ROOT = Path(__file__).parents[2]
PLAIN = {"subject": "careloop@acme.example", "service_account": "file:google.json"}


def test_the_example_shows_every_option_with_its_default() -> None:
    text = (ROOT / "config.example.toml").read_text()
    block = text[text.index("#[google]") :].split("\n\n")[0]

    shown = tomllib.loads(re.sub(r"^#", "", block, flags=re.MULTILINE))["google"]

    assert set(shown) == set(Google.model_fields)
    defaults = Google(**PLAIN).model_dump(mode="json")
    free = {"subject", "service_account"} | {name for name in shown if defaults[name] is None}
    assert {name: shown[name] for name in set(shown) - free} == {
        name: defaults[name] for name in set(shown) - free
    }


def test_the_document_lists_exactly_the_scopes_that_are_asked_for() -> None:
    google = Google(**PLAIN, verify_sent=True)
    config = Config(
        organization=Organization(name="Acme"),
        calendar=CalendarSection(kind="google"),
        mail=MailSection(kind="google"),
        google=google,
    )
    document = (ROOT / "docs" / "google.md").read_text()

    told = set(re.findall(r"https://www\.googleapis\.com/auth/[a-z.]+", document))

    assert told == frozenset().union(*scopes_of(config).values())


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "nobody"},
        {"service_account": "google.json"},
        {"service_account": None},
        {"impersonate": "x@project.iam.gserviceaccount.com"},
        {"endpoint": "ftp://somewhere"},
        {"endpoint": "somewhere"},
        {"organizer": "boss"},
        {"batch_size": 1001},
        {"mail_batch_size": 101},
        {"mails_per_minute": 0},
        {"domain": "acme.example"},
    ],
)
def test_what_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Google(**{**PLAIN, **wrong})


def test_addresses_are_keys_whatever_their_case() -> None:
    assert Google(**{**PLAIN, "subject": " Careloop@Acme.Example "}).subject == PLAIN["subject"]


def test_only_googles_hosts_are_spoken_to_unless_others_are_named() -> None:
    keyless = {"subject": PLAIN["subject"], "impersonate": "x@project.iam.gserviceaccount.com"}

    assert Google(**PLAIN).hosts() == {
        "www.googleapis.com",
        "gmail.googleapis.com",
        "admin.googleapis.com",
        "oauth2.googleapis.com",
    }
    assert "iamcredentials.googleapis.com" in Google(**keyless).hosts()
    assert Google(
        **PLAIN, endpoint="http://127.0.0.1:1/", token_endpoint="http://localhost/token"
    ).hosts() == {"127.0.0.1", "localhost"}


def test_a_mistake_in_the_file_is_told_with_its_line_and_the_nearest_key(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[organization]\nname = "Acme"\n[calendar]\nkind = "google"\n[google]\n'
        'subject = "careloop@acme.example"\nservice_account = "file:k.json"\n'
        'organiser = "service"\n'
    )

    errors = examine(path).errors

    assert any(one.where.endswith(":8") and "organizer" in one.cure for one in errors)


def test_a_section_without_a_credential_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[organization]\nname = "Acme"\n[calendar]\nkind = "google"\n[google]\n'
        'subject = "careloop@acme.example"\n'
    )

    errors = examine(path).errors

    assert any("service_account or impersonate" in f"{one.what} {one.cure}" for one in errors)
