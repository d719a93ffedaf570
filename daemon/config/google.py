"""The section [google]: a service account that acts for the people of a Workspace."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from daemon.config.secrets import Reference
from daemon.config.section import Section
from daemon.core.domain import Email, email

CALENDAR_HOST = "https://www.googleapis.com"
GMAIL_HOST = "https://gmail.googleapis.com"
DIRECTORY_HOST = "https://admin.googleapis.com"


def _address(text: str) -> Email:
    address = email(text)
    name, at, domain = address.partition("@")
    if not (name and at and domain) or " " in address:
        raise PydanticCustomError("mail_address", "this has to be a mail address")
    return address


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PydanticCustomError("web_address", "this has to be a web address (https://...)")
    return text.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class Google(Section):
    """Whom careloop acts as, where Google answers, and how much it may be asked."""

    subject: Address
    """The account that reads everybody's busy times; with `organizer = "service"` the organizer."""
    service_account: Reference | None = None
    """The JSON key of the service account; without one, `impersonate` (keyless)."""
    impersonate: Address | None = None
    """Keyless: the service account's address, signed for by the machine's own identity."""
    admin: Address | None = None
    """The administrator as whom the directory is read; default: `subject`."""
    customer: str = "my_customer"
    people_query: str = ""
    """A users.list query that narrows the directory: `orgUnitPath='/Staff'`."""
    organizer: Literal["employee", "manager", "service"] = "employee"
    conference: Literal["none", "meet"] = "none"
    send_as: Address | None = None
    """One mailbox that sends every letter; default: each letter's own sender."""
    verify_sent: bool = False
    """Settle a lost answer by looking into Sent; needs the scope gmail.readonly."""
    endpoint: WebAddress | None = None
    """One host instead of Google's three (calendar, mail, directory)."""
    token_endpoint: WebAddress = "https://oauth2.googleapis.com/token"
    iam_endpoint: WebAddress = "https://iamcredentials.googleapis.com"
    """Used by keyless credentials alone."""
    ca_file: Path | None = None
    batch_size: Annotated[int, Field(ge=1, le=1000)] = 50
    mail_batch_size: Annotated[int, Field(ge=1, le=100)] = 50
    in_flight: Annotated[int, Field(ge=1, le=32)] = 8
    per_minute: Annotated[int, Field(ge=1)] = 10_000
    """Calendar calls a minute of the whole project."""
    per_user_per_minute: Annotated[int, Field(ge=1)] = 600
    mails_per_minute: Annotated[int, Field(ge=1)] = 60
    """Letters a minute from one mailbox."""

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if (self.service_account is None) == (self.impersonate is None):
            raise PydanticCustomError(
                "google_credential", "name either service_account or impersonate"
            )
        return self

    @property
    def reads_directory_as(self) -> Email:
        """The administrator the directory answers to."""
        return Email(self.admin or self.subject)

    def hosts(self) -> frozenset[str]:
        """Every host this section lets careloop speak to."""
        own = [self.endpoint] if self.endpoint else [CALENDAR_HOST, GMAIL_HOST, DIRECTORY_HOST]
        own += [self.token_endpoint, *([self.iam_endpoint] if self.impersonate else [])]
        return frozenset(urlsplit(url).hostname or "" for url in own)
