"""Facts as a template sees them: plain dictionaries, texts and numbers, nothing that can act."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from daemon.core.domain import Action, Evidence, Interval, Kind, LetterKind, Owner, Person, Progress
from daemon.letters.facts import Facts
from daemon.letters.language import Language
from daemon.letters.names import clean, first_name, plain
from daemon.letters.tasks import owner_name

POINTS_SHOWN = 7
WITHOUT_MEETING = {LetterKind.OVERDUE, LetterKind.HELPER, LetterKind.SIGN_IN}
WITHOUT_MANAGER = {LetterKind.HELPER, LetterKind.SIGN_IN}
FULL_PREPARATION_MINUTES = 30
SHORT_PREPARATION_MINUTES = 5

Context = Mapping[str, Any]


def context(facts: Facts, language: Language, organization: str, clip: int) -> Context:
    """Everything a template may name; texts of people are cut to `clip` characters.
    Raises ValueError when the letter lacks its meeting or manager."""
    _whole(facts)
    return {
        "letter": str(facts.letter.kind),
        "language": language.tag,
        "organization": clean(organization),
        "link": _url(facts.link),
        "page": _url(facts.page or facts.link),
        "met": _attested(facts),
        "revision": facts.revision,
        "recorded": facts.recorded,
        "asked": facts.asked,
        "inferred": facts.inferred,
        "note": _clipped(facts.note, clip),
        "helper_name": clean(facts.helper_name),
        "choices": {name: _url(link) for name, link in facts.choices.items()},
        **_people(facts),
        **_times(facts, language),
        **_lists(facts, clip),
        **_actions(facts, language, clip),
    }


def own_first(facts: Facts) -> tuple[Action, ...]:
    """The open actions: the reader's own first, then by day."""
    still = (action for action in facts.actions if action.progress is Progress.OPEN)
    return tuple(sorted(still, key=lambda action: (not _mine(facts, action), action.due)))


def _attested(facts: Facts) -> bool:
    """Whether somebody has said that the two met."""
    meeting = facts.meeting
    return meeting is not None and meeting.evidence not in (None, Evidence.INFERRED)


def _whole(facts: Facts) -> None:
    kind = facts.letter.kind
    if facts.meeting is None and kind not in WITHOUT_MEETING:
        raise ValueError(f"a {kind} letter needs its meeting")
    if facts.manager is None and kind not in WITHOUT_MANAGER:
        raise ValueError(f"a {kind} letter needs the manager")


def _people(facts: Facts) -> Context:
    leads = facts.to.email == facts.employee.email
    return {
        "reader": {**_named(facts.to), "leads": leads},
        "employee": _named(facts.employee),
        "manager": _named(facts.manager),
        "other": _named(facts.manager if leads else facts.employee),
    }


def _named(person: Person | None) -> Context:
    name = clean(person.name) if person else ""
    return {"name": name, "first": first_name(name)}


def _times(facts: Facts, language: Language) -> Context:
    meeting, zone, now = facts.meeting, facts.to.zone, facts.now
    was = None
    if meeting and facts.moved_from:
        was = Interval(facts.moved_from, facts.moved_from + (meeting.end - meeting.start))
    following = facts.next_meeting
    return {
        "kind": str(meeting.kind) if meeting else "",
        "preparation_minutes": FULL_PREPARATION_MINUTES
        if meeting and meeting.kind is Kind.FIRST
        else SHORT_PREPARATION_MINUTES,
        "when": language.when(meeting.when, zone, now) if meeting else None,
        "was": language.when(was, zone, now) if was else None,
        "next": language.when(following.when, zone, now) if following else None,
        "because": str(facts.reason.because) if facts.reason else "",
        "reason": dict(facts.reason.facts) if facts.reason else {},
        "held_day": language.day(meeting.day, now.astimezone(zone).date()) if meeting else "",
        "held_short_day": language.short_day(meeting.day) if meeting else "",
    }


def _lists(facts: Facts, clip: int) -> Context:
    def cut(texts: Iterable[str]) -> list[str]:
        return [_clipped(text, clip) for text in texts]

    shown = facts.points[:POINTS_SHOWN]
    return {
        "points": [{"title": clean(p.title), "hint": _clipped(p.hint, clip)} for p in shown],
        "more_points": len(facts.points) - len(shown),
        "shared": [{"title": clean(s.title), "text": _clipped(s.text, clip)} for s in facts.shared],
        "agreed": cut(facts.agreed),
        "differing": cut(facts.differing),
        "waiting": cut(facts.waiting),
        "lacking": dict(zip(("mine", "other"), facts.lacking, strict=True)),
        "resources": cut(facts.resources),
        "changes": cut(facts.changes),
        "questions": cut(facts.questions),
    }


def _actions(facts: Facts, language: Language, clip: int) -> Context:
    today = facts.now.astimezone(facts.to.zone).date()
    still = [(action, _action(facts, action, language, today, clip)) for action in own_first(facts)]
    done = [action for action in facts.actions if action.progress is Progress.DONE]
    return {
        "actions": [row for _, row in still],
        "own": [row for action, row in still if _mine(facts, action)],
        "others": [row for action, row in still if not _mine(facts, action)],
        "promised": [row for action, row in still if action.owner is Owner.MANAGER],
        "done": [_action(facts, action, language, today, clip) for action in done],
    }


def _action(
    facts: Facts, action: Action, language: Language, today: date, clip: int
) -> Mapping[str, str | bool]:
    return {
        "what": _clipped(action.what, clip),
        "who": clean(owner_name(facts, action)),
        "mine": _mine(facts, action),
        "due": language.short_day(action.due),
        "overdue": action.due < today,
        "needs": str(action.needs),
        "resource": _clipped(action.resource, clip),
    }


def _mine(facts: Facts, action: Action) -> bool:
    owners = {Owner.EMPLOYEE: facts.employee.email, Owner.SPHERE: action.helper_email}
    if facts.manager:
        owners[Owner.MANAGER] = facts.manager.email
    return owners.get(action.owner) == facts.to.email


def _clipped(text: str, most: int) -> str:
    shown = plain(text)
    return shown if len(shown) <= most else shown[: most - 1].rstrip() + "…"


def _url(link: str) -> str:
    """Only links a browser opens; nothing else becomes a button."""
    return link if link.startswith(("https://", "http://")) else ""
