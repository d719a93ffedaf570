"""What the sections [smtp] and [imap] share: a host, how it is secured, and who we are there."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from daemon.config.secrets import Reference
from daemon.config.section import Section


class MailServer(Section):
    """A mail server; `tls = "none"` is for this very machine only."""

    host: Annotated[str, Field(pattern=r"^[^\s/@]+$")]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    """A PEM file to trust instead of the system's authorities."""
    user: str = ""
    password: Reference | None = None
    timeout_seconds: Annotated[int, Field(ge=1, le=120)] = 30
    """How long the server may take for one answer."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.tls == "none" and not on_this_machine(self.host):
            raise PydanticCustomError(
                "mail_in_the_clear",
                'tls = "none" is for a server on this machine; write "starttls" or "tls"',
            )
        if bool(self.user) != (self.password is not None):
            raise PydanticCustomError("mail_login", "user and password belong together")
        return self

    def hosts(self) -> frozenset[str]:
        """Every host this section lets careloop speak to."""
        return frozenset({self.host})


def on_this_machine(host: str) -> bool:
    """Tell whether a host name or address can only mean this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
