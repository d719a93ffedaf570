"""People with calendars on a real CalDAV server, and the connector over them."""

import re
import shutil
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import fromstring

import icalendar

from connectors.caldav import Caldav
from daemon.config.caldav import Caldav as Section
from daemon.config.model import CalendarSection, Config, Organization
from daemon.core.domain import Email, Interval, Reply, Uid
from tests.connectors.contract import PEOPLE, Seen
from tests.doubles.dav_servers import PASSWORD, SERVICE, Radicale, Xandikos

D = "{DAV:}"


class World:
    """Three people on a server. Each acts with their own program and password."""

    def __init__(
        self, server: Radicale | Xandikos, root: Path, *, service: bool = False, number: int = 0
    ) -> None:
        self.server, self.root, self.service = server, root, service
        self.users = {one.email: one.email.partition("@")[0] + f"{number or ''}" for one in PEOPLE}
        for address, user in self.users.items():
            server.welcome(user, address)
        (root / "password").write_text(PASSWORD)
        (root / "password").chmod(0o600)
        lines = (f"{who} {user} file:password\n" for who, user in self.users.items())
        (root / "people.txt").write_text("# address user secret\n" + "".join(lines))
        self._number = 0
        self._opened: list[Caldav] = []
        self.calendar = self.reopen()

    def section(self, **more: object) -> Section:
        """The section [caldav] of this world."""
        server = self.server
        said: dict[str, object] = {"url": server.url}
        if isinstance(server.verify, str):
            said["ca_file"] = Path(server.verify)
        if self.service:
            pattern = f"{server.url}/{{user}}/"
            said |= {"user": SERVICE, "password": "file:password", "user_url": pattern}
        else:
            said["credentials"] = Path("people.txt")
        return Section.model_validate({**said, **more})

    def config(self, **more: object) -> Config:
        return Config(
            root=self.root,
            organization=Organization(name="Acme"),
            calendar=CalendarSection(kind="caldav"),
            caldav=self.section(**more),
        )

    def reopen(self, **more: object) -> Caldav:
        self._opened.append(Caldav(self.config(**more), sleep=lambda _: None))
        return self._opened[-1]

    def close(self) -> None:
        for each in self._opened:
            each.close()
        if isinstance(self.server, Xandikos):
            for user in self.users.values():
                self.server.users.add(user)
            self.server.write_users()
            for user in self.users.values():
                self.server.name(user, f"{user}@nowhere.invalid")

    # --- what people do ---------------------------------------------------------------------

    def add(self, person: Email, when: Interval, summary: str = "Dentist") -> None:
        self._number += 1
        self.put(person, f"own-{self._number}", _event(f"own-{self._number}", when, summary))

    def put(self, person: Email, name: str, event: str) -> None:
        """Put an event of these lines into the person's calendar."""
        user = self.users[person]
        text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n{event}END:VCALENDAR\r\n"
        path = f"{self.server.calendar(user)}{name}.ics"
        self._write(user, path, text).raise_for_status()

    def move(self, person: Email, uid: Uid, to: Interval) -> None:
        self.rewrite(
            person,
            uid,
            (r"DTSTART[^\r\n]*", f"DTSTART:{_stamp(to.start)}"),
            (r"DTEND[^\r\n]*", f"DTEND:{_stamp(to.end)}"),
        )

    def delete(self, person: Email, uid: Uid) -> None:
        path = self.place(person, uid)
        self.server.as_user(self.users[person], "DELETE", path).raise_for_status()

    def answer(self, person: Email, uid: Uid, reply: Reply) -> None:
        mine = rf"ATTENDEE[^\r\n]*mailto:{re.escape(person)}"
        self.rewrite(person, uid, (mine, f"ATTENDEE;PARTSTAT={reply}:mailto:{person}"))

    def rewrite(self, person: Email, uid: Uid, *changes: tuple[str, str]) -> None:
        path = self.place(person, uid)
        text = re.sub(r"\r?\n[ \t]", "", self.contents(person)[path])
        for pattern, line in changes:
            text = re.sub(pattern, line, text, count=1)
        self._write(self.users[person], path, text).raise_for_status()

    def _write(self, user: str, path: str, text: str):
        kind = {"Content-Type": "text/calendar"}
        return self.server.as_user(user, "PUT", path, data=text.encode(), headers=kind)

    def spoil(self, person: Email) -> None:
        user = self.users[person]
        if self.service:
            assert isinstance(self.server, Radicale)
            shutil.rmtree(self.server.folder(user))
        else:
            self.server.shut_out(user)

    # --- what people see --------------------------------------------------------------------

    def contents(self, person: Email) -> dict[str, str]:
        """Everything in the person's calendar, by path."""
        user = self.users[person]
        ask = {"Depth": "1", "Content-Type": "application/xml"}
        body = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
        folder = self.server.calendar(user)
        answer = self.server.as_user(user, "PROPFIND", folder, data=body, headers=ask)
        hrefs = [each.text or "" for each in fromstring(answer.content).iter(f"{D}href")]
        paths = [unquote(href) for href in hrefs if href.rstrip("/") != folder.rstrip("/")]
        return {path: self.server.as_user(user, "GET", path).text for path in sorted(paths)}

    def place(self, person: Email, uid: Uid) -> str:
        """Where an event stands in the person's calendar."""
        (found,) = [path for path, text in self.contents(person).items() if uid in text]
        return found

    def sees(self, person: Email) -> list[Seen]:
        texts = self.contents(person).values()
        return [seen for text in texts for seen in _seen(text)]


def _seen(text: str) -> list[Seen]:
    """What another program shows; what is called off it strikes out."""
    events = icalendar.Calendar.from_ical(text).events
    return [_shown(event) for event in events if event.get("STATUS") != "CANCELLED"]


def _shown(event: icalendar.Event) -> Seen:
    invited = event.get("ATTENDEE", [])
    return Seen(
        str(event["UID"]),
        event.DTSTART,
        event.DTEND,
        str(event.get("SUMMARY", "")),
        str(event.get("ORGANIZER", "")).removeprefix("mailto:"),
        frozenset(each.removeprefix("mailto:") for each in invited),
        int(event.get("SEQUENCE", 0)),
    )


def _event(uid: str, when: Interval, summary: str) -> str:
    return (
        f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{_stamp(when.start)}\r\n"
        f"DTEND:{_stamp(when.end)}\r\nSUMMARY:{summary}\r\nEND:VEVENT\r\n"
    )


def _stamp(moment) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"
