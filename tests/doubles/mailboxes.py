"""A real Dovecot on loopback with a configuration of its own: any user, one password, Maildirs."""

import getpass
import grp
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "mailbox-secret"
PROGRAM = shutil.which("dovecot") or "/usr/sbin/dovecot"
MISSING = "" if Path(PROGRAM).exists() else "Dovecot is not installed: apt install dovecot-imapd"
UID, GID = (65534, 65534) if os.getuid() == 0 else (os.getuid(), os.getgid())
"""Whose the mailboxes are: Dovecot serves none of root's."""

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap {more}
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
first_valid_uid = {uid}
first_valid_gid = {gid}
{users}
auth_username_format = %Ln
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/boxes/%Ln allow_all_users=yes
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""
_WITH_LMTP = """
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@acme.example
}}
"""


@dataclass(frozen=True)
class Mailboxes:
    """Everybody's mailbox by the part before the `@`."""

    folder: Path
    port: int
    lmtp: int = 0
    """Where mail comes in; 0: only by `deliver`."""

    def deliver(self, who: str, content: bytes) -> None:
        """Put a mail into somebody's mailbox, as a delivery agent would."""
        box = self._box(who)
        for place in (box.parent, box, *(box / name for name in ("tmp", "new", "cur"))):
            place.mkdir(exist_ok=True)
            os.chown(place, UID, GID)
        name = f"{time.time_ns()}.d{os.urandom(4).hex()}.double"
        (box / "tmp" / name).write_bytes(content)
        os.chown(box / "tmp" / name, UID, GID)
        (box / "tmp" / name).rename(box / "new" / name)

    def mails(self, who: str, folder: str = "") -> list[bytes]:
        """What lies in somebody's mailbox (`folder`: in one of its folders), oldest first."""
        box = self._box(who) / (f".{folder}" if folder else "")
        files = [file for part in ("new", "cur") for file in (box / part).glob("*")]
        return [file.read_bytes() for file in sorted(files, key=lambda file: file.name)]

    def collect(self, who: str) -> list[bytes]:
        """Take everything out of somebody's mailbox, oldest first."""
        files = [file for part in ("new", "cur") for file in (self._box(who) / part).glob("*")]
        found = [(file.stat().st_mtime_ns, file.name, file.read_bytes()) for file in files]
        for file in files:
            file.unlink()
        return [content for _, _, content in sorted(found)]

    def forget(self, who: str) -> None:
        """Empty somebody's mailbox, folders and all."""
        shutil.rmtree(self._box(who).parent, ignore_errors=True)

    def _box(self, who: str) -> Path:
        return self.folder / "boxes" / who.partition("@")[0].lower() / "Maildir"


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def mailboxes(*, lmtp: bool = False) -> Iterator[Mailboxes]:
    """Run Dovecot in a folder of its own, on a short path others may enter."""
    with tempfile.TemporaryDirectory(prefix="mail", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        with _running(Path(name), lmtp=lmtp) as served:
            yield served


@contextmanager
def _running(folder: Path, *, lmtp: bool) -> Iterator[Mailboxes]:
    served = Mailboxes(folder, free_port(), free_port() if lmtp else 0)
    for name in ("run", "state", "boxes"):
        (folder / name).mkdir()
    os.chown(folder / "boxes", UID, GID)
    text = (_CONFIGURATION + (_WITH_LMTP if lmtp else "")).format(
        folder=folder,
        more="lmtp" if lmtp else "",
        users="" if os.getuid() == 0 else _one_user(),
        uid=UID,
        gid=GID,
        password=PASSWORD,
        imap=served.port,
        lmtp=served.lmtp,
    )
    (folder / "dovecot.conf").write_text(text)
    process = subprocess.Popen([PROGRAM, "-F", "-c", str(folder / "dovecot.conf")])
    try:
        await_port(served.port, folder / "log")
        yield served
    finally:
        process.terminate()
        process.wait(timeout=20)


def _one_user() -> str:
    """Everything as whoever runs the tests: only root can change users."""
    user, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    return (
        f"default_internal_user = {user}\n"
        f"default_internal_group = {group}\n"
        f"default_login_user = {user}"
    )


def await_port(port: int, log: Path) -> None:
    """Wait until a server answers on loopback. Fails with its log after ten seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(log.read_text() if log.exists() else f"nothing listens on {port}")
