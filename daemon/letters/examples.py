"""An invented pair, in every language: facts for previews, checks, tests and the gallery."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from daemon.core.domain import (
    Action,
    Because,
    Kind,
    Letter,
    LetterKind,
    Meeting,
    Owner,
    Pair,
    Person,
    Reason,
    ResourceKind,
    email,
    uid_of,
)
from daemon.letters.facts import Facts, Point, Shared

NOW = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
LINK = "https://careloop.example/p/3kq9wZ"
WORDS = Path(__file__).parents[1] / "templates" / "examples.toml"
Texts = Mapping[str, str]


def examples(kind: LetterKind, language: str) -> Facts:
    """One letter of an invented pair, whole, with the reader's content in `language`."""
    words = _words()
    said = words.get(language.partition("-")[0], words["en"])
    employee, manager = _people(language)
    to = manager if kind is LetterKind.BRIEF else employee
    if kind is LetterKind.HELPER:
        to = Person(email("noor@example.org"), "Noor Haddad", zone=employee.zone, language=language)
    meeting = _meeting(employee, manager)
    facts = Facts(
        letter=Letter(NOW, kind, to.email, meeting.uid),
        to=to,
        employee=employee,
        manager=manager,
        meeting=meeting,
        now=NOW,
        link=LINK,
    )
    return _content(facts, kind, said)


@lru_cache(maxsize=1)
def _words() -> Mapping[str, Texts]:
    return tomllib.loads(WORDS.read_text("utf-8"))


def _people(language: str) -> tuple[Person, Person]:
    berlin, lisbon = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Lisbon")
    boss = email("ben.okafor@example.org")
    return (
        Person(email("ana.lima@example.org"), "Ana Lima", boss, berlin, language=language),
        Person(boss, "Ben Okafor", None, lisbon, language=language),
    )


def _meeting(employee: Person, manager: Person) -> Meeting:
    pair = Pair(employee.email, manager.email)
    start = datetime(2026, 12, 3, 9, 0, tzinfo=UTC)
    return Meeting(
        uid=uid_of(pair, 3, 0),
        pair=pair,
        number=3,
        generation=0,
        kind=Kind.FOLLOW_UP,
        start=start,
        end=start + timedelta(minutes=20),
        zone=employee.zone.key,
    )


def _content(facts: Facts, kind: LetterKind, said: Texts) -> Facts:
    mine, yours, hers = _actions(said)
    match kind:
        case LetterKind.PREP:
            points = tuple(Point(said[f"point{n}"], said[f"hint{n}"]) for n in (1, 2, 3))
            return replace(facts, points=points, actions=(mine, yours))
        case LetterKind.NUDGE:
            return replace(facts, points=(Point(said["point1"]), Point(said["point2"])))
        case LetterKind.BRIEF:
            shared = (
                Shared(said["point2"], said["shared1"]),
                Shared(said["point3"], said["shared2"]),
            )
            return replace(facts, shared=shared, actions=(yours,))
        case LetterKind.RECORD:
            return replace(facts, now=NOW + timedelta(days=3, hours=3))
        case LetterKind.SUMMARY:
            return _summary(facts, said, (mine, yours, hers))
        case LetterKind.MOVED:
            return replace(
                facts,
                moved_from=datetime(2026, 12, 2, 13, 30, tzinfo=UTC),
                reason=Reason(Because.LEAVE),
            )
        case LetterKind.OVERDUE:
            ways = {name: f"{LINK}/{name}" for name in ("ask", "help", "pause")}
            return replace(facts, choices=ways, reason=Reason(Because.NO_SLOT))
        case LetterKind.HELPER:
            asked = (said["question1"], said["question2"])
            return replace(
                facts, manager=None, helper_name="Noor Haddad", questions=asked, note=said["note"]
            )
        case LetterKind.SIGN_IN:
            return replace(facts, manager=None, meeting=None)


def _summary(facts: Facts, said: Texts, actions: tuple[Action, ...]) -> Facts:
    assert facts.meeting is not None
    later = timedelta(days=35)
    return replace(
        facts,
        now=NOW + timedelta(days=3, hours=4),
        actions=actions,
        agreed=(said["agreed"],),
        differing=(said["differing"],),
        resources=(said["resource"],),
        next_meeting=replace(
            facts.meeting,
            number=4,
            start=facts.meeting.start + later,
            end=facts.meeting.end + later,
        ),
    )


def _actions(said: Texts) -> tuple[Action, Action, Action]:
    return (
        Action(
            "a1",
            said["mine"],
            Owner.EMPLOYEE,
            date(2026, 12, 18),
            ResourceKind.TRAINING,
            said["resource"],
        ),
        Action("a2", said["yours"], Owner.MANAGER, date(2026, 11, 27), ResourceKind.NOTHING),
        Action(
            "a3",
            said["hers"],
            Owner.SPHERE,
            date(2027, 1, 8),
            ResourceKind.NOTHING,
            helper_name="Noor Haddad",
            helper_email=email("noor@example.org"),
        ),
    )
