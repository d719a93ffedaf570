"""A real Postfix on loopback in front of `mailboxes`, with a configuration of its own.

Nothing can leave: every domain but acme.example ends in `default_transport = error`.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.doubles.mailboxes import MISSING as NO_DOVECOT
from tests.doubles.mailboxes import Mailboxes, await_port, free_port, mailboxes

PROGRAM = shutil.which("postfix") or "/usr/sbin/postfix"


def _missing() -> str:
    if not Path(PROGRAM).exists():
        return "Postfix is not installed: apt install postfix"
    return NO_DOVECOT or ("Postfix starts only as root" if os.getuid() else "")


MISSING = _missing()

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.acme.example
mydestination =
alias_maps =
local_recipient_maps =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = acme.example
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
default_transport = error:outside mail is off
relay_transport = error:outside mail is off
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/refused
smtpd_client_connection_rate_limit = 0
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Office:
    """A mail server as a company has one."""

    port: int
    folder: Path
    boxes: Mailboxes

    def settle(self, within: float = 20) -> None:
        """Wait until every mail has reached its mailbox."""
        until = time.monotonic() + within
        while self.queued() and time.monotonic() < until:
            time.sleep(0.01)
        assert not self.queued(), (self.folder / "mail.log").read_text()[-2000:]

    def queued(self) -> int:
        """How many mails wait in the queue."""
        queue = self.folder / "queue"
        places = ("maildrop", "incoming", "active", "deferred")
        return sum(1 for place in places for f in (queue / place).rglob("*") if f.is_file())

    def refuse(self, address: str) -> None:
        """From now on there is no such mailbox."""
        with (self.folder / "refused").open("a") as file:
            file.write(f"{address} 550 5.1.1 no such mailbox\n")
        self.command("reload")

    def accept_all(self) -> None:
        """Every mailbox is there again."""
        if (self.folder / "refused").read_text():
            (self.folder / "refused").write_text("")
            self.command("reload")

    def command(self, verb: str) -> None:
        """Tell Postfix."""
        subprocess.run([PROGRAM, "-c", str(self.folder), verb], check=True, capture_output=True)


@contextmanager
def office() -> Iterator[Office]:
    """Run Postfix and Dovecot until the block ends."""
    with (
        mailboxes(lmtp=True) as boxes,
        tempfile.TemporaryDirectory(prefix="post", ignore_cleanup_errors=True) as name,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        served = Office(free_port(), folder, boxes)
        (folder / "main.cf").write_text(_MAIN.format(folder=folder, lmtp=boxes.lmtp))
        (folder / "master.cf").write_text(_MASTER.format(port=served.port))
        (folder / "refused").write_text("")
        for part in ("queue", "data"):
            (folder / part).mkdir()
        shutil.chown(folder / "data", "postfix")
        served.command("start")
        try:
            await_port(served.port, folder / "mail.log")
            yield served
        finally:
            served.command("stop")
