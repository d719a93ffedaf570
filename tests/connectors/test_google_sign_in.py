"""Who careloop is to Google: scopes, keys, refusals told apart, and no word to anybody else."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors._google_calendar import GoogleCalendar
from connectors._google_directory import GoogleDirectory
from connectors._google_mail import GoogleMailer
from connectors.google import calendar, directory, mailer, open_workspace, scopes_of
from daemon.config.google import Google
from daemon.config.model import CalendarSection, MailSection
from daemon.core.domain import OFFICE_HOURS, Interval
from daemon.core.ports import CredentialsRefused, Done, Permanent, Temporary, Unknown
from tests.connectors.contract import (
    EMPLOYEE,
    MANAGER,
    OTHER,
    PEOPLE,
    a_mail,
    a_meeting,
    an_invite,
    at,
)
from tests.connectors.google_setting import (
    ADMIN,
    SUBJECT,
    a_config,
    a_workspace,
    a_workspace_on_loopback,
)
from tests.doubles.google import GoogleDouble
from tests.doubles.google_sign_in import ACCOUNT, AUTH, EVERY_SCOPE, key_file

TODAY = Interval(at(0).start, at(24).start)
Open = Callable[..., GoogleCalendar]


@pytest.fixture
def double() -> Iterator[GoogleDouble]:
    with a_workspace_on_loopback() as served:
        yield served


@pytest.fixture
def opened(double: GoogleDouble, tmp_path: Path) -> Open:
    def open_calendar(**settings: Any) -> GoogleCalendar:
        return GoogleCalendar(a_workspace(double, tmp_path, **settings))

    return open_calendar


# --- what is asked for ----------------------------------------------------------------------


def test_only_the_scopes_of_the_roles_in_use_are_asked_for(
    double: GoogleDouble, tmp_path: Path
) -> None:
    config = a_config(double, tmp_path)
    for_mail = config.model_copy(update={"calendar": CalendarSection(kind="folder")})
    for_calendars = config.model_copy(update={"mail": MailSection(kind="maildir")})

    assert scopes_of(for_mail)["gmail"] == {AUTH + "gmail.send"}
    assert scopes_of(for_calendars)["calendar"] == {
        AUTH + "calendar.events.owned",
        AUTH + "calendar.events.freebusy",
        AUTH + "calendar.calendars.readonly",
    }
    assert scopes_of(config)["directory"] == {AUTH + "admin.directory.user.readonly"}


def test_calendar_and_mail_share_one_token_a_person(double: GoogleDouble, tmp_path: Path) -> None:
    workspace = a_workspace(double, tmp_path, organizer="service")
    GoogleCalendar(workspace).put([an_invite(at(10))])
    GoogleMailer(workspace).send([a_mail()])
    GoogleCalendar(workspace).busy(PEOPLE, TODAY, [])

    assert double.arrived.count("/token") == 1


def test_the_three_roles_of_one_configuration_are_one_connection(
    double: GoogleDouble, tmp_path: Path
) -> None:
    config = a_config(double, tmp_path, organizer="service")

    calendar(config).busy(PEOPLE, TODAY, [])
    mailer(config).send([a_mail()])
    directory(config).people()

    assert double.arrived.count("/token") == 2, "the work's token and the administrator's"


def test_a_token_google_no_longer_accepts_is_renewed_once(
    double: GoogleDouble, opened: Open
) -> None:
    connector = opened()
    invites = [an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)]
    connector.put(invites[:1])
    double.sign_in.revoke()

    one = connector.look([a_meeting(invites[0])])
    double.sign_in.revoke()
    both = connector.put(invites)

    assert one[invites[0].uid].present
    assert all(isinstance(result, Done) for result in both.values())


# --- refusals -------------------------------------------------------------------------------


def test_a_missing_scope_is_one_clear_line_for_the_whole_connection(
    double: GoogleDouble, opened: Open
) -> None:
    double.sign_in.allowed = EVERY_SCOPE - {AUTH + "gmail.send"}

    with pytest.raises(CredentialsRefused) as refused:
        opened().put([an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)])

    assert "Domain-wide delegation" in refused.value.reason
    assert AUTH + "gmail.send" in refused.value.reason
    assert "\n" not in refused.value.reason


def test_a_deleted_key_a_disabled_account_and_a_wrong_clock_are_told_apart(
    double: GoogleDouble, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reason() -> str:
        with pytest.raises(CredentialsRefused) as refused:
            opened().busy(PEOPLE, TODAY, [])
        return refused.value.reason

    double.sign_in.trusted_key = 1
    assert "its key was deleted or replaced" in reason()

    double.sign_in.trusted_key = 0
    double.sign_in.disabled = True
    assert "disabled or deleted" in reason()

    double.sign_in.disabled = False
    monkeypatch.setattr("tests.doubles.google_sign_in.time.time", lambda: 1.0)
    assert "the clock of this machine is wrong" in reason()


@pytest.mark.parametrize("text", ["not json", "[]", '{"client_email": "x"}', key_file()[:300]])
def test_a_broken_key_file_is_named_and_never_shown(
    double: GoogleDouble, opened: Open, tmp_path: Path, text: str
) -> None:
    connector = opened()
    (tmp_path / "google.json").write_text(text)

    with pytest.raises(CredentialsRefused) as refused:
        connector.busy(PEOPLE, TODAY, [])

    assert "service account's key" in refused.value.reason
    assert "PRIVATE" not in refused.value.reason


def test_a_key_others_may_read_is_refused(
    double: GoogleDouble, opened: Open, tmp_path: Path
) -> None:
    connector = opened()
    (tmp_path / "google.json").chmod(0o644)

    with pytest.raises(CredentialsRefused, match="chmod 600"):
        connector.busy(PEOPLE, TODAY, [])


def test_a_new_key_is_taken_up_without_a_restart(
    double: GoogleDouble, opened: Open, tmp_path: Path
) -> None:
    connector = opened()
    double.sign_in.trusted_key = 1
    (tmp_path / "google.json").write_text(key_file(1))

    answer = connector.put([an_invite(at(10))])

    assert all(isinstance(result, Done) for result in answer.values())


def test_one_wrong_person_is_not_the_connections_trouble(
    double: GoogleDouble, opened: Open
) -> None:
    double.books.accounts[EMPLOYEE.email].suspended = True
    invite = an_invite(at(10))

    answer = opened().put([invite])

    assert isinstance(answer[invite.uid], Permanent)


def test_a_person_outside_the_delegation_is_only_their_own_row(
    double: GoogleDouble, opened: Open
) -> None:
    connector = opened()
    connector.put([an_invite(at(10))])
    double.fail(
        "token",
        401,
        body=b'{"error": "unauthorized_client", "error_description": "Client is unauthorized"}',
    )
    invite = an_invite(at(12), OTHER, MANAGER)

    answer = connector.put([invite])

    assert isinstance(answer[invite.uid], Permanent)


def test_a_wrong_subject_in_the_configuration_is_the_connections_trouble(
    double: GoogleDouble, opened: Open
) -> None:
    with pytest.raises(CredentialsRefused, match=r"nobody@acme\.example"):
        opened(subject="nobody@acme.example").busy(PEOPLE, TODAY, [])


def test_every_token_refused_is_the_connections_trouble(double: GoogleDouble, opened: Open) -> None:
    connector = opened()
    connector.put([an_invite(at(10))])
    double.fail("calendar.events.get", 401, "authError", times=99)

    with pytest.raises(CredentialsRefused, match="revoked"):
        connector.look([a_meeting(an_invite(at(10)))])


def test_an_api_that_is_switched_off_is_named(double: GoogleDouble, opened: Open) -> None:
    double.fail("calendar.events.insert", 403, "accessNotConfigured", times=9)

    with pytest.raises(CredentialsRefused, match="enable it in the Cloud project"):
        opened().put([an_invite(at(10))])


def test_a_sign_in_out_of_order_is_temporary_and_not_asked_thrice_over(
    double: GoogleDouble, opened: Open
) -> None:
    double.fail("token", 503, "backendError", times=99)
    invite = an_invite(at(10))

    answer = opened().put([invite])

    assert isinstance(answer[invite.uid], Temporary)
    assert double.arrived == ["/token"] * 3


def test_a_third_of_the_sign_ins_failing_stops_nobody(double: GoogleDouble, opened: Open) -> None:
    double.fail("token", 500, "backendError")
    invites = [an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)]

    answer = opened().put(invites)

    assert all(isinstance(result, Done) for result in answer.values())


def test_a_refused_person_is_not_asked_for_in_every_call(
    double: GoogleDouble, opened: Open
) -> None:
    double.books.accounts[EMPLOYEE.email].suspended = True
    connector, invite = opened(), an_invite(at(10))

    connector.put([invite])
    connector.put([invite])

    assert double.arrived.count("/token") == 1


# --- the directory's administrator ----------------------------------------------------------


def test_a_reader_of_the_directory_who_is_no_administrator_is_refused(
    double: GoogleDouble, tmp_path: Path
) -> None:
    config = a_config(double, tmp_path, admin=None)

    with pytest.raises(CredentialsRefused, match=SUBJECT):
        GoogleDirectory(open_workspace(config), config.organization, OFFICE_HOURS).people()


def test_only_the_administrators_token_reads_the_directory(
    double: GoogleDouble, tmp_path: Path
) -> None:
    config = a_config(double, tmp_path)

    GoogleDirectory(open_workspace(config), config.organization, OFFICE_HOURS).people()

    assert {who for method, who in double.calls if method.startswith("directory.")} == {ADMIN}


# --- without a key --------------------------------------------------------------------------


@pytest.fixture
def machine(double: GoogleDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The identity this machine has by itself: a workload pool's file and token."""
    (tmp_path / "identity").write_text("who I am")
    told = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{double.url}/token",
        "credential_source": {"file": str(tmp_path / "identity")},
    }
    path = tmp_path / "identity.json"
    path.write_text(json.dumps(told))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "project")
    return path


def keyless(double: GoogleDouble) -> dict[str, Any]:
    return {"service_account": None, "impersonate": ACCOUNT, "iam_endpoint": double.url}


@pytest.mark.usefixtures("machine")
def test_without_a_key_the_machines_own_identity_signs(double: GoogleDouble, opened: Open) -> None:
    invite = an_invite(at(10))

    answer = opened(**keyless(double)).put([invite])

    assert isinstance(answer[invite.uid], Done)
    assert f"/v1/projects/-/serviceAccounts/{ACCOUNT}:signBlob" in double.arrived


@pytest.mark.usefixtures("machine")
def test_an_identity_that_may_not_sign_is_told_what_it_needs(
    double: GoogleDouble, opened: Open
) -> None:
    double.fail("signBlob", 403, "forbidden")

    with pytest.raises(CredentialsRefused, match="Service Account Token Creator"):
        opened(**keyless(double)).busy(PEOPLE, TODAY, [])


def test_exactly_one_way_to_sign_in_has_to_be_named() -> None:
    with pytest.raises(ValidationError, match="either service_account or impersonate"):
        Google(subject=SUBJECT)
    with pytest.raises(ValidationError, match="either service_account or impersonate"):
        Google(subject=SUBJECT, service_account="file:key.json", impersonate=ACCOUNT)


# --- nobody else ----------------------------------------------------------------------------


def test_no_request_reaches_any_host_but_the_configured_one(
    double: GoogleDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: set[tuple[str, int]] = set()
    asked: set[str] = set()
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def noted(self: socket.socket, address: Any) -> None:
        reached.add(address[:2])
        connect(self, address)

    def looked_up(host: str, *rest: Any, **more: Any) -> Any:
        asked.add(host)
        return resolve(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", noted)
    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    config = a_config(double, tmp_path, conference="meet", verify_sent=True)
    workspace = open_workspace(config, sleep=lambda _: None)
    connector, letters = GoogleCalendar(workspace), GoogleMailer(workspace)
    invites = [an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)]
    mails = [a_mail(), a_mail(MANAGER.email, "brief")]

    GoogleDirectory(workspace, config.organization, OFFICE_HOURS).people()
    connector.busy(PEOPLE, TODAY, [])
    connector.put(invites)
    connector.look([a_meeting(invite) for invite in invites])
    connector.cancel([replace(invite, before=at(10)) for invite in invites])
    letters.send(mails)
    letters.sent(mails)

    port = int(double.url.rpartition(":")[2])
    assert reached == {("127.0.0.1", port)}
    assert asked == {"127.0.0.1"}
    assert len(double.arrived) > 10


def test_credentials_do_not_follow_a_redirect(double: GoogleDouble, opened: Open) -> None:
    double.fail(
        "calendar.events.insert", 302, body=b"", headers={"Location": "http://127.0.0.1:9/x"}
    )
    invite = an_invite(at(10))

    answer = opened().put([invite])

    assert isinstance(answer[invite.uid], Permanent)


def test_an_outage_is_trouble_and_nothing_is_concluded_from_it(
    double: GoogleDouble, opened: Open
) -> None:
    connector, invite = opened(), an_invite(at(10))
    connector.put([invite])
    double.fail("calendar.events.get", drop="before", times=99)

    seen = connector.look([a_meeting(invite)])[invite.uid]

    assert isinstance(seen, Unknown)
