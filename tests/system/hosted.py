"""A company whose calendars stand on a real CalDAV server, and what an observer finds there."""

import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from dulwich import porcelain

from tests.doubles.dav_servers import PASSWORD, SERVICE, Radicale, Xandikos
from tests.system.company import Company
from tests.system.invariants import Books, Event
from tests.system.playing import opened, turn

Server = Radicale | Xandikos


class Hosted:
    """A company on a server. Its folder `calendars/` is only what an observer copies from there."""

    def __init__(self, company: Company, server: Server, *, service: bool = False) -> None:
        self.company, self.server = company, server
        self.books = Books(company)
        for who in company.people:
            server.welcome(user_of(who), who)
            _seed(server, user_of(who), company.root / "calendars" / who / "export.ics")
        (company.root / "password").write_text(PASSWORD)
        (company.root / "password").chmod(0o600)
        lines = (f"{who} {user_of(who)} file:password\n" for who in company.people)
        (company.root / "accounts.txt").write_text("".join(lines))
        with (company.root / "config.toml").open("a", encoding="utf-8") as file:
            file.write(_section(server, service))

    def play(self, start: datetime, first: int, days: int) -> None:
        """Take one turn a day from day `first` on, as one process, and look after each."""
        app = opened(self.company)
        try:
            for day in range(first, first + days):
                now = start + timedelta(days=day)
                turn(app, now)
                self.observe()
                self.books.look(now)
        finally:
            app.calendar.close()  # type: ignore[attr-defined]
            app.database.close()

    def observe(self) -> None:
        """Copy every event of careloop's that stands on the server to where the books look."""
        for who in self.company.people:
            folder = self.company.root / "calendars" / who
            for file in folder.glob("[!e]*.ics"):
                file.unlink()
            for place in self.files(who):
                text = re.sub(r"\r?\n", "\r\n", place.read_bytes().decode())
                if "@careloop" in text and "STATUS:CANCELLED" not in text:
                    (folder / f"0{place.name}").write_bytes(text.encode())

    def files(self, who: str) -> list[Path]:
        """The resources of a person's calendar on the server's disk."""
        folder = calendar_folder(self.server, user_of(who))
        return [file for file in folder.glob("*.ics") if not file.name.startswith("seed")]

    def inbox(self, who: str) -> list[str]:
        """The scheduling messages a person received, unfolded (Xandikos)."""
        folder = self.server.root / "data" / user_of(who) / "inbox"
        return [re.sub(r"\r?\n ", "", file.read_text()) for file in folder.glob("*.ics")]

    def invited_twice(self) -> list[tuple[str, str, str]]:
        """Whoever got the same revision of a meeting more than once."""
        got: Counter[tuple[str, str, str]] = Counter()
        for who in self.company.people:
            for text in self.inbox(who):
                if "METHOD:REQUEST" in text:
                    uid = re.findall(r"^UID:(\S+)", text, re.MULTILINE)[0]
                    start = re.findall(r"^DTSTART[^:]*:(\S+)", text, re.MULTILINE)[0]
                    got[who, uid, start] += 1
        assert got, "nobody was invited at all: the check is blind"
        return [key for key, times in got.items() if times > 1]

    # --- what people do, with their own program ---------------------------------------------

    def drag(self, who: str, event: Event, start: datetime) -> None:
        """Move an event in one's own calendar."""
        end = start + (event.end - event.start)
        self.company.chosen[event.uid] = start
        self._rewrite(
            who,
            event,
            (r"DTSTART[^\r\n]*", f"DTSTART:{start:%Y%m%dT%H%M%SZ}"),
            (r"DTEND[^\r\n]*", f"DTEND:{end:%Y%m%dT%H%M%SZ}"),
        )

    def decline(self, who: str, event: Event) -> None:
        """Answer no."""
        line = rf"ATTENDEE[^\r\n]*mailto:{re.escape(who)}"
        self._rewrite(who, event, (line, f"ATTENDEE;PARTSTAT=DECLINED:mailto:{who}"))

    def delete(self, who: str, event: Event) -> None:
        """Delete an event."""
        answer = self.server.as_user(user_of(who), "DELETE", self._path(who, event))
        answer.raise_for_status()

    def _rewrite(self, who: str, event: Event, *changes: tuple[str, str]) -> None:
        path, user = self._path(who, event), user_of(who)
        text = re.sub(r"\r?\n[ \t]", "", self.server.as_user(user, "GET", path).text)
        for pattern, line in changes:
            text = re.sub(pattern, line, text, count=1)
        kind = {"Content-Type": "text/calendar"}
        answer = self.server.as_user(user, "PUT", path, data=text.encode(), headers=kind)
        answer.raise_for_status()

    def _path(self, who: str, event: Event) -> str:
        (found,) = [file for file in self.files(who) if event.uid in _unfolded(file)]
        return self.server.calendar(user_of(who)) + quote(found.name)


def user_of(who: str) -> str:
    """The user name behind an address."""
    return who.partition("@")[0]


def calendar_folder(server: Server, user: str) -> Path:
    """Where a calendar stands on the server's disk."""
    if isinstance(server, Radicale):
        return server.folder(user)
    return server.root / "data" / user / "calendars" / "calendar"


def _seed(server: Server, user: str, export: Path) -> None:
    """Put a person's appointments onto the server's disk, a resource each."""
    folder = calendar_folder(server, user)
    names = []
    text = export.read_text(encoding="utf-8")
    for number, event in enumerate(re.findall(r"BEGIN:VEVENT.*?END:VEVENT\s", text, re.DOTALL)):
        name = f"seed-{number}.ics"
        (folder / name).write_text(
            f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//t//EN\n{event}END:VCALENDAR\n"
        )
        names.append(str(folder / name))
    if isinstance(server, Xandikos):
        porcelain.add(str(folder), names)
        porcelain.commit(str(folder), b"Seed", author=b"a <a@b>", committer=b"a <a@b>")


def _section(server: Server, service: bool) -> str:
    lines = ["[calendar]", 'kind = "caldav"', "[caldav]", f'url = "{server.url}"']
    if isinstance(server.verify, str):
        lines.append(f'ca_file = "{server.verify}"')
    if service:
        lines += [f'user = "{SERVICE}"', 'password = "file:password"']
        lines.append(f'user_url = "{server.url}/{{user}}/"')
    else:
        lines.append('credentials = "accounts.txt"')
    return "\n".join(lines) + "\n"


def _unfolded(file: Path) -> str:
    return re.sub(r"\r?\n ", "", file.read_text())
