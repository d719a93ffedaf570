"""A mailbox over IMAP (RFC 3501): opened for a moment, on a leash, read in bounded pieces."""

import imaplib
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from connectors._leash import Leash
from connectors._mail_account import Account
from daemon.config.imap import Imap
from daemon.config.model import Config
from daemon.core.ports import CredentialsRefused, Trouble

CALL = 120.0
"""Seconds a mailbox may stay open."""
_AT_ONCE = 100
_FETCHED = re.compile(rb"UID (\d+)")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class Post:
    """The mailbox of `[imap]`."""

    def __init__(self, config: Config, call: float = CALL) -> None:
        if config.imap is None:
            raise Trouble("there is no section [imap]: add it with host, user and password")
        self.imap: Imap = config.imap
        self.account = Account("imap", config.imap, config.imap.at, config.root)
        self._call = call

    @contextmanager
    def opened(self) -> "Iterator[Box]":
        """Sign in, hand out the box, sign out. Raises `Trouble` and `CredentialsRefused`."""
        with Leash(self._call) as leash:
            wire = self._connected(leash)
            try:
                yield Box(wire, self.account)
            except (imaplib.IMAP4.error, OSError, ValueError) as error:
                raise self.account.trouble(f"the mailbox could not be read ({error})") from None
            finally:
                _leave(wire)

    def _connected(self, leash: Leash) -> imaplib.IMAP4:
        with self._told("it does not answer as an IMAP server"):
            wire = _Wire(self.account, leash)
            wire.sock.settimeout(leash.within(self.imap.timeout_seconds))
        try:
            with self._told("it did not let us in"):
                self._prepare(wire)
        except BaseException:
            _leave(wire)
            raise
        return wire

    def _prepare(self, wire: imaplib.IMAP4) -> None:
        if self.imap.tls == "starttls":
            if "STARTTLS" not in wire.capabilities:
                raise self.account.trouble('it offers no STARTTLS; write [imap] tls = "tls"')
            with self.account.told("TLS could not begin"):
                wire.starttls(self.account.context())
        if self.imap.user:
            self._sign_in(wire)

    def _sign_in(self, wire: imaplib.IMAP4) -> None:
        user, password = self.imap.user, self.account.password()
        try:
            if "AUTH=PLAIN" in wire.capabilities:
                wire.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
            else:
                wire.login(user, password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            why = f"signing in as {user} was refused ({error}); mend [imap] user, password"
            raise CredentialsRefused(f"{self.account.name}: {why}") from None

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (imaplib.IMAP4.error, OSError, ValueError) as error:
            raise self.account.trouble(f"{what} ({error})") from None


class _Wire(imaplib.IMAP4):
    """imaplib over a connection of our own."""

    def __init__(self, account: Account, leash: Leash) -> None:
        self._account, self._leash = account, leash
        super().__init__(account.server.host.strip("[]"), account.port)

    def _create_socket(self, timeout: float | None) -> socket.socket:  # noqa: ARG002 - our own
        return self._account.connected(self._leash)


def _leave(wire: imaplib.IMAP4) -> None:
    try:
        wire.logout()
    except (imaplib.IMAP4.error, OSError, ValueError):
        wire.shutdown()


class Box:
    """One folder at a time, messages by UID. Whatever goes wrong ends in `Trouble` (`opened`)."""

    def __init__(self, wire: imaplib.IMAP4, account: Account) -> None:
        self._wire, self._account = wire, account
        said = _good(wire.capability(), "capability")  # it may offer more after signing in
        self._offers = frozenset(b" ".join(x for x in said if x).decode().upper().split())

    def select(self, folder: str) -> int:
        """Open a folder and tell its UIDVALIDITY."""
        _good(self._wire.select(_quoted(folder)), f"folder {folder}")
        (validity,) = self._wire.response("UIDVALIDITY")[1]
        return int(validity or 0)

    def make(self, folder: str) -> None:
        """Make a folder that is not there yet."""
        if self._wire.select(_quoted(folder))[0] != "OK":
            _good(self._wire.create(_quoted(folder)), f"folder {folder} cannot be made")
            self._wire.subscribe(_quoted(folder))

    def after(self, uid: int) -> list[int]:
        """The messages beyond a UID, oldest first."""
        found = self._search("UID", f"{uid + 1}:*")
        return sorted(each for each in found if each > uid)

    def holds(self, message_id: str) -> bool:
        """Tell whether a message with this Message-ID lies in the folder."""
        return bool(self._search("HEADER", "Message-ID", _quoted(message_id.strip("<>"))))

    def _search(self, *terms: str) -> list[int]:
        data = _good(self._wire.uid("SEARCH", *terms), "search")
        return [int(each) for each in b" ".join(x for x in data if x).split()]

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """How many bytes each message has; one that is gone is missing."""
        found: dict[int, int] = {}
        for line in self._fetched(uids, "(RFC822.SIZE)"):
            text = line[0] if isinstance(line, tuple) else line
            uid, size = _FETCHED.search(text), _SIZE.search(text)
            if uid and size:
                found[int(uid[1])] = int(size[1])
        return found

    def contents(self, uids: Sequence[int], largest: int) -> dict[int, bytes]:
        """The bytes of each message, at most `largest`, unread mail staying unread."""
        found: dict[int, bytes] = {}
        content = b""
        for part in self._fetched(uids, f"(BODY.PEEK[]<0.{largest}>)"):
            said, content = part if isinstance(part, tuple) else (part, content)
            if uid := _FETCHED.search(said):  # before the content or after it
                found[int(uid[1])] = content
        return found

    def _fetched(self, uids: Sequence[int], what: str) -> Iterator[Any]:
        for start in range(0, len(uids), _AT_ONCE):
            some = ",".join(map(str, uids[start : start + _AT_ONCE]))
            yield from (x for x in _good(self._wire.uid("FETCH", some, what), "fetch") if x)

    def move(self, uids: Iterable[int], folder: str) -> None:
        """Move messages; those another daemon has moved already are fine (RFC 6851)."""
        wanted = ",".join(map(str, uids))
        if not wanted:
            return
        if "MOVE" in self._offers:
            self._wire.uid("MOVE", wanted, _quoted(folder))
            return
        if self._wire.uid("COPY", wanted, _quoted(folder))[0] == "OK":
            self._wire.uid("STORE", wanted, "+FLAGS.SILENT", r"(\Deleted)")
            if "UIDPLUS" in self._offers:
                self._wire.uid("EXPUNGE", wanted)


def _good(answer: tuple[str, list[Any]], what: str) -> list[Any]:
    kind, data = answer
    if kind != "OK":
        said = b" ".join(x for x in data if isinstance(x, bytes)).decode("ascii", "replace")
        raise imaplib.IMAP4.error(f"{what}: {said[:200]}")
    return data


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
