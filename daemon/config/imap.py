"""The section [imap]: the mailbox that receives what people's calendars answer."""

from typing import Annotated

from pydantic import Field

from daemon.config.mailserver import MailServer

_PORTS = {"starttls": 143, "tls": 993, "none": 143}
Folder = Annotated[str, Field(pattern=r"^[ -~]*$")]
"""A folder's name in ASCII; letters beyond it as the server writes them (modified UTF-7)."""


class Imap(MailServer):
    """The mailbox and its folders."""

    folder: Folder = "INBOX"
    """Where answers arrive."""
    processed: Folder = "Processed"
    """Where they lie once they are noted; they are read again from there after a loss."""
    quarantine: Folder = "Quarantine"
    """Where mail lies that could not be understood or is not to be believed."""
    sent_folder: Folder = ""
    """Where the server itself keeps a copy of every mail we send; empty: nowhere."""
    most_messages: Annotated[int, Field(ge=1, le=5000)] = 500
    """Read in one go; the rest waits for the next turn."""
    largest_kib: Annotated[int, Field(ge=16, le=16384)] = 1024
    """Larger mail goes to the quarantine unread."""

    @property
    def at(self) -> int:
        """The port: the named one, or the usual one."""
        return self.port or _PORTS[self.tls]
