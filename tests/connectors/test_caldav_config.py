"""The section [caldav] and the file of accounts: what they may say, and that the example shows all
of it."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors._answers import NoAnswer
from connectors._dav_accounts import Accounts, NoCalendar
from daemon.config.caldav import Caldav
from daemon.config.load import examine
from daemon.core.domain import Email
from daemon.core.ports import CredentialsRefused, Trouble

ROOT = Path(__file__).parents[2]
OWN: dict[str, Any] = {"url": "https://dav.example/", "credentials": "accounts.txt"}
SERVICE: dict[str, Any] = {
    "url": "https://dav.example/",
    "user": "careloop",
    "password": "file:caldav.secret",
    "user_url": "https://cal.example/{user}/",
}
EMMA = Email("emma@acme.example")


def test_the_example_shows_every_option_with_its_default() -> None:
    text = (ROOT / "config.example.toml").read_text()
    block = text[text.index("#[caldav]") :].split("\n\n")[0]

    shown = tomllib.loads(re.sub(r"^#", "", block, flags=re.MULTILINE))["caldav"]

    assert set(shown) == set(Caldav.model_fields)
    defaults = Caldav(**OWN).model_dump(mode="json")
    free = {"url", "credentials", "user"} | {name for name in shown if defaults[name] is None}
    assert {name: shown[name] for name in set(shown) - free} == {
        name: defaults[name] for name in set(shown) - free
    }


def test_the_document_names_every_option() -> None:
    document = (ROOT / "docs" / "caldav.md").read_text()

    assert [name for name in Caldav.model_fields if f"`{name}`" not in document] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "dav.example"},
        {"url": "https://emma:secret@dav.example/"},
        {"credentials": None},
        {"user": "careloop"},
        {"password": "secret"},
        {"scheduling": "both"},
        {"free_busy": "guess"},
        {"allow_hosts": ["https://dav.example/"]},
        {"timeout": 0},
        {"concurrency": 0},
        {"server": "dav.example"},
    ],
)
def test_what_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Caldav(**{**OWN, **wrong})


@pytest.mark.parametrize("missing", ["user", "password", "user_url"])
def test_a_service_account_needs_all_its_parts(missing: str) -> None:
    with pytest.raises(ValidationError):
        Caldav(**{key: value for key, value in SERVICE.items() if key != missing})


def test_a_pattern_has_to_tell_people_apart() -> None:
    with pytest.raises(ValidationError):
        Caldav(**{**SERVICE, "user_url": "https://cal.example/everybody/"})


def test_only_named_hosts_are_spoken_to() -> None:
    assert Caldav(**SERVICE).hosts() == {"dav.example", "cal.example"}
    assert Caldav(**OWN, allow_hosts=["P01.dav.example"]).hosts() == {
        "dav.example",
        "p01.dav.example",
    }


def test_a_mistake_in_the_file_is_told_with_its_line_and_the_nearest_key(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[organization]\nname = "Acme"\n[calendar]\nkind = "caldav"\n[caldav]\n'
        'url = "https://dav.example/"\ncredentials = "accounts.txt"\nschedule = "own"\n'
    )

    errors = examine(path).errors

    assert any(one.where.endswith(":8") and "scheduling" in one.cure for one in errors)


# --- accounts -------------------------------------------------------------------------------


def accounts(root: Path, text: str, **more: Any) -> Accounts:
    (root / "accounts.txt").write_text(text)
    (root / "emma.secret").write_text("a secret\n")
    (root / "emma.secret").chmod(0o600)
    return Accounts(Caldav(**{**OWN, **more}), root)


def test_a_persons_line_says_who_they_are_on_the_server(tmp_path: Path) -> None:
    text = "# people\n\nEmma@Acme.Example  emma  file:emma.secret\n"

    account = accounts(tmp_path, text).of(EMMA)

    assert (account.user, account.secret.reveal()) == ("emma", "a secret")
    assert account.start == "https://dav.example/"
    assert not account.shared


def test_a_line_may_name_where_the_search_begins(tmp_path: Path) -> None:
    text = f"{EMMA} emma file:emma.secret https://dav.example/emma/"

    assert accounts(tmp_path, text).of(EMMA).start == "https://dav.example/emma/"


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    known = accounts(tmp_path, f"{EMMA} emma file:emma.secret\n")
    known.of(EMMA)
    (tmp_path / "accounts.txt").write_text(f"{EMMA} emma.employee file:emma.secret\n")

    assert known.of(EMMA).user == "emma.employee"


def test_somebody_without_a_line_is_told_with_the_lines_that_are_wrong(tmp_path: Path) -> None:
    known = accounts(tmp_path, "emma emma file:emma.secret\n")

    with pytest.raises(NoCalendar, match=r"no line for emma@.*not understood: \[1\]"):
        known.of(EMMA)


def test_a_secret_others_can_read_is_refused_with_its_line(tmp_path: Path) -> None:
    known = accounts(tmp_path, f"{EMMA} emma file:emma.secret\n")
    (tmp_path / "emma.secret").chmod(0o644)

    with pytest.raises(NoAnswer, match=r"accounts.txt:1: .*can be read by others"):
        known.of(EMMA)


def test_a_missing_file_is_everybodys_trouble(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=r"accounts.txt"):
        Accounts(Caldav(**OWN), tmp_path).of(EMMA)


def test_a_service_accounts_pattern_is_filled_in_safely(tmp_path: Path) -> None:
    (tmp_path / "caldav.secret").write_text("s")
    (tmp_path / "caldav.secret").chmod(0o600)
    known = Accounts(Caldav(**SERVICE), tmp_path)

    assert known.of(Email("a/../b c@acme.example")).start == "https://cal.example/a%2F..%2Fb%20c/"


def test_a_service_account_without_its_secret_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(CredentialsRefused):
        Accounts(Caldav(**SERVICE), tmp_path).of(EMMA)
