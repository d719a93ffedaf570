"""As whom a person's calendar is read and written: one service account, or everybody's own."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from connectors._answers import NoAnswer
from daemon.config.caldav import Caldav
from daemon.config.secrets import Secret, SecretProblem, read
from daemon.core.domain import Email, email
from daemon.core.ports import CredentialsRefused, Permanent, Temporary, Trouble


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody a server knows."""

    user: str
    secret: Secret
    source: str
    """Where it is written down, as a message names it."""
    start: str
    """Where the search for the person's calendars begins."""
    shared: bool = False
    """It is the service's: where it fails, everything fails."""


class NoCalendar(NoAnswer):
    """A person has no calendar on the server, or nobody told us how to reach it."""

    def __init__(self, reason: str) -> None:
        super().__init__(Permanent(reason))


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    user: str
    secret: str
    url: str


class Accounts:
    """Accounts by person. The file is read again when it changes."""

    def __init__(self, settings: Caldav, root: Path) -> None:
        self._settings, self._root = settings, root
        self._seen: tuple[int, int] = (0, 0)
        self._lines: dict[Email, _Line] = {}
        self._wrong: list[int] = []

    def of(self, who: Email) -> Account:
        """Tell as whom this person's calendar is reached.

        Raises `NoCalendar` for somebody who has no line, `Trouble` where nobody has.
        """
        if self._settings.credentials is None:
            return self._service(who)
        return self._own(who, self._settings.credentials)

    def _service(self, who: Email) -> Account:
        assert self._settings.user_url
        assert self._settings.password
        named = {"user": quote(who.partition("@")[0], safe=""), "email": quote(who, safe="@")}
        start = self._settings.user_url
        for name, value in named.items():
            start = start.replace(f"{{{name}}}", value)
        try:
            secret = read(self._settings.password, self._root)
        except SecretProblem as problem:
            raise CredentialsRefused(str(problem)) from None
        return Account(self._settings.user, secret, "[caldav] password", start, shared=True)

    def _own(self, who: Email, path: Path) -> Account:
        self._refresh(self._root / path)
        line = self._lines.get(who)
        if line is None:
            wrong = f" (lines not understood: {self._wrong[:5]})" if self._wrong else ""
            raise NoCalendar(f"{path}: no line for {who}{wrong}; add: {who} USER file:PATH")
        try:
            secret = read(line.secret, self._root)
        except SecretProblem as problem:
            raise NoAnswer(Temporary(f"{path}:{line.number}: {problem}")) from None
        source = f"{path}:{line.number}"
        return Account(line.user, secret, source, line.url or self._settings.url)

    def _refresh(self, path: Path) -> None:
        try:
            found = path.stat()
            mark = (found.st_mtime_ns, found.st_size)
            if mark != self._seen:
                self._lines, self._wrong = _read(path.read_text(encoding="utf-8"))
                self._seen = mark
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            said = f"{path}: {why}; it holds a line for each person: ADDRESS USER file:PATH"
            raise Trouble(said) from None


def _read(text: str) -> tuple[dict[Email, _Line], list[int]]:
    lines: dict[Email, _Line] = {}
    wrong = []
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        if len(parts) in (3, 4) and "@" in parts[0]:
            lines[email(parts[0])] = _Line(number, parts[1], parts[2], "".join(parts[3:]))
        else:
            wrong.append(number)
    return lines, wrong
