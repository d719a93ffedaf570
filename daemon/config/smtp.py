"""The section [smtp]: the server that takes our mail (submission, RFC 6409)."""

from typing import Annotated

from pydantic import Field

from daemon.config.mailserver import MailServer

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class Smtp(MailServer):
    """Where letters and invitations are handed over."""

    connections: Annotated[int, Field(ge=1, le=16)] = 1
    """How many connections send side by side."""
    return_path: str = ""
    """Whom bounces reach: `[mail] sender`, where nothing else is named."""
    hello: Annotated[str, Field(pattern=r"^[A-Za-z0-9.\[\]:-]*$")] = ""
    """The name we greet with; default: this machine's."""

    @property
    def at(self) -> int:
        """The port: the named one, or the usual one."""
        return self.port or _PORTS[self.tls]
