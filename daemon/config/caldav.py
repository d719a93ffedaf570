"""The section [caldav]: a CalDAV server, and as whom careloop reads and writes calendars there."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from daemon.config.secrets import Reference
from daemon.config.section import Section


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PydanticCustomError("web_address", "this has to be a web address (https://...)")
    if parts.username or parts.password:
        raise PydanticCustomError("web_address", "a user or password never stands in an address")
    return text


def _pattern(text: str) -> str:
    if "{user}" not in text and "{email}" not in text:
        raise PydanticCustomError("user_url", "this has to hold {user} or {email}")
    return _web_address(text)


def _host(text: str) -> str:
    if not text or any(sign in text for sign in "/:@ *"):
        raise PydanticCustomError("host", "this has to be the name of a host, nothing more")
    return text.lower()


class Caldav(Section):
    """Where the calendars are, who reads and writes them, and how much may be asked."""

    url: Annotated[str, AfterValidator(_web_address)]
    """The server; its well-known address leads on from there (RFC 6764)."""
    user: str = ""
    """One service account for everybody; or `credentials`."""
    password: Reference | None = None
    user_url: Annotated[str, AfterValidator(_pattern)] | None = None
    """Where a person's principal or calendar home is: `https://dav.example/{user}/` (`{user}` is
    the address before the @, `{email}` the whole of it). Needed with a service account."""
    credentials: Path | None = None
    """A file with a line for each person: address, user, secret reference."""
    calendar: str = ""
    """The name of the calendar meetings are written to; without one, each person's default."""
    scheduling: Literal["auto", "server", "own"] = "auto"
    """Who invites the manager: the server, where it says that it does, or careloop itself."""
    free_busy: Literal["auto", "outbox", "report", "query"] = "auto"
    """How busy times are asked for; `auto` takes the first way that the server can."""
    allow_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    """Further hosts the server may name as the place of a calendar."""
    public_only: bool = False
    """Refuse addresses inside private networks, whatever a name resolves to."""
    ca_file: Path | None = None
    timeout: Annotated[float, Field(ge=1, le=300)] = 30
    """Seconds one call may take, to its last byte."""
    concurrency: Annotated[int, Field(ge=1, le=32)] = 4
    """Calls at once."""
    people_per_query: Annotated[int, Field(ge=1, le=500)] = 50
    """People in one question to a scheduling outbox."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        service = bool(self.user) or self.password is not None
        if service == (self.credentials is not None):
            raise PydanticCustomError(
                "caldav_credential", "name either user and password, or credentials"
            )
        if service and not (self.user and self.password and self.user_url):
            raise PydanticCustomError(
                "caldav_service", "a service account needs user, password and user_url"
            )
        return self

    @property
    def endpoint(self) -> str:
        """Where the work is done."""
        return self.url

    def hosts(self) -> frozenset[str]:
        """Every host this section lets careloop speak to."""
        own = {urlsplit(url).hostname or "" for url in (self.url, self.user_url or self.url)}
        return frozenset(own | set(self.allow_hosts))
