"""What stands against a pair, as a reason for the store and as words for the operator."""

from collections.abc import Mapping
from datetime import date, timedelta

from daemon.core import cadence
from daemon.core.domain import (
    Because,
    Email,
    Evidence,
    History,
    Kind,
    Meeting,
    NoSlot,
    Person,
    Reason,
    Slot,
    State,
)
from daemon.core.gaps import Gap, gaps
from daemon.core.rules import Rule
from daemon.loop.world import World


def problem_of(
    world: World,
    history: History,
    answer: Slot | NoSlot | None,
    clash: Reason | None,
    *,
    broken: bool = False,
) -> Reason | None:
    """Name what is out of order with this pair, the gravest first; None: all is well."""
    if broken:
        return Reason(Because.INTERNAL)
    employee, _ = world.pair(history.pair)
    if cadence.paused(history, employee, world.now):
        return Reason(Because.PAUSED, {"until": _until(history.paused_until)})
    if isinstance(answer, NoSlot):
        return _no_slot(world, answer)
    last_try = cadence.fallen(history)
    stands = cadence.booked(history, world.now)
    if stands is None:
        return _nothing(world, history, last_try)
    if stands.uid in world.refused:
        return Reason(Because.REFUSED_BY_CALENDAR, {"why": world.refused[stands.uid]})
    unread = _unread(world, history) or _illegible(world, history)
    if unread is not None:
        return unread
    if clash is not None and not isinstance(answer, Slot):
        return Reason(clash.because, {**clash.facts, "kept": stands.start.isoformat()})
    return _odd_time(world, history, stands) or _odd_gap(world, history)


def _nothing(world: World, history: History, last_try: Meeting | None) -> Reason | None:
    if last_try is not None and last_try.moves > world.cadence.max_moves:
        return Reason(Because.TOO_MANY_MOVES, {"times": str(last_try.moves)})
    employee, manager = world.pair(history.pair)
    _, window = cadence.window(history, employee, manager, world.cadence, world.now)
    return Reason(Because.AWAY, {"from": window.earliest.isoformat()})


def _unread(world: World, history: History) -> Reason | None:
    """A talk stands, and nobody can see whether something came in its way or became of it."""
    both = (history.pair.employee, history.pair.manager)
    blind = [who for who in both if who in world.unread]
    if not blind:
        return None
    why = "; ".join(dict.fromkeys(world.unread[who] for who in blind))
    return Reason(Because.UNKNOWN_CALENDAR, {"who": ", ".join(blind), "why": why, "booked": "yes"})


def _illegible(world: World, history: History) -> Reason | None:
    """A talk stands at a time nobody can read: what a person made of it is not known."""
    for meeting in history.meetings:
        told = world.illegible.get(meeting.uid)
        if told is not None:
            facts = {"who": told.who or "", "why": told.reason, "event": meeting.start.isoformat()}
            return Reason(Because.UNKNOWN_CALENDAR, facts)
    return None


def _no_slot(world: World, answer: NoSlot) -> Reason:
    window = answer.due.window
    if answer.unknown:
        said = (world.unknown.get(who, f"{who}: not read") for who in answer.unknown)
        why = "; ".join(dict.fromkeys(said))
        return Reason(Because.UNKNOWN_CALENDAR, {"who": ", ".join(answer.unknown), "why": why})
    facts = {"from": window.earliest.isoformat(), "to": window.late_until.isoformat()}
    emptied = next((rule for rule, count in answer.left if not count), "")
    return Reason(Because.NO_SLOT, {**facts, "rule": emptied})


def _odd_time(world: World, history: History, stands: Meeting) -> Reason | None:
    employee, manager = world.pair(history.pair)
    _, window = cadence.window(history, employee, manager, world.cadence, world.now)
    if window.earliest <= stands.day <= window.latest:
        return _long_gap(world, history, stands)
    facts = {
        "day": stands.day.isoformat(),
        "from": window.earliest.isoformat(),
        "to": window.latest.isoformat(),
        "because": stands.reason.because,
        "late": "yes" if stands.late else "",
    }
    return Reason(Because.OUTSIDE_WINDOW, facts)


def _long_gap(world: World, history: History, stands: Meeting) -> Reason | None:
    """A long leave stopped the clock: the next talk is in its window, and yet far from the last."""
    base = cadence.last_held(history, world.now)
    if base is None or stands.kind is not Kind.FOLLOW_UP:
        return None
    gap = (stands.day - base.day).days
    if gap <= world.cadence.max_days:
        return None
    facts = {"days": str(gap), "because": Because.LEAVE, "day": stands.day.isoformat()}
    return Reason(Because.OUTSIDE_WINDOW, {**facts, "ahead": "yes"})


def _odd_gap(world: World, history: History) -> Reason | None:
    """The last two talks lie too near or too far apart; said until the next one is held."""
    held = [m for m in history.meetings if m.state is State.HELD]
    found = list(gaps([(m.day, m.kind) for m in held], world.cadence.min_days))
    if not found or cadence.last_held(history, world.now) is None:
        return None
    gap = found[-1]
    if world.cadence.min_days <= gap.days <= world.cadence.max_days:
        return None
    ended = (m for m in held if m.day == gap.day and m.kind is not Kind.ALIGNMENT)
    newest = max(ended, key=lambda m: m.start)
    because = _why_gap(world, history, gap, newest)
    facts = {"days": str(gap.days), "because": because or "", "day": gap.day.isoformat()}
    if newest.evidence is Evidence.INFERRED:
        facts["inferred"] = "yes"
    if newest.late:
        facts["late"] = "yes"
    return Reason(Because.OUTSIDE_WINDOW, facts)


def _why_gap(world: World, history: History, gap: Gap, newest: Meeting) -> Because | None:
    """Why two talks lie as they do, as far as it is known; no reason is better than a wrong one."""
    if newest.reason.because is not Because.DUE or newest.late:
        return newest.reason.because
    if gap.kind is Kind.FIRST:
        return Because.RETURNED
    long = timedelta(days=world.cadence.long_leave_days)
    leaves = (leave for person in world.pair(history.pair) for leave in person.leave)
    if any(x.last - x.first >= long and gap.since < x.last and x.first < gap.day for x in leaves):
        return Because.LEAVE
    moved = any(m.held_on not in (None, m.planned_on) for m in history.meetings)
    return Because.MET_ANOTHER_DAY if moved else None


_WHY = {
    Because.DUE: "no earlier time suited both",
    Because.CONFLICT: "another appointment came in the way",
    Because.LEAVE: "one of the two is on leave or has a public holiday",
    Because.HOURS: "the working hours or the zone of one of the two changed",
    Because.DECLINED: "the time booked before was declined",
    Because.DELETED: "the event booked before was deleted",
    Because.MOVED_BY_PERSON: "one of the two moved the event",
    Because.WISH: "one of the two asked for that time",
    Because.NOT_HELD: "the talk before did not happen",
    Because.AGREED_LATER: "the two came to an agreement later",
    Because.MET_ANOTHER_DAY: "a talk was held on another day than it was booked for",
    Because.MET_BEFORE: "the two met before the time that was booked",
    Because.PAUSED: "the pair paused",
    Because.RETURNED: "one of the two was away for long",
    Because.NEW_MANAGER: "the manager changed",
    Because.LEFT: "one of the two left",
    Because.NO_SLOT: "no time suited both",
    Because.UNKNOWN_CALENDAR: "a calendar could not be read",
    Because.TOO_MANY_MOVES: "it had been declined or deleted too often",
    Because.OUTSIDE_WINDOW: "its window had closed",
    Because.NOTICE: "the time before was too near",
    Because.SERVICE_STOPPED: "careloop was not running",
    Because.AWAY: "one of the two was away for long",
    Because.REFUSED_BY_CALENDAR: "the calendar refused the event booked before",
    Because.INTERNAL: "an internal error put it off",
}
"""Why a talk is when it is; after "late: " or "moved: ", or behind a colon."""

_NONE_LEFT = {
    Rule.WINDOW: "The window has no day left.",
    Rule.NOTICE: "Every time left is too near.",
    Rule.REFUSED: "One of the two refused every time left.",
    Rule.HOURS: "The working hours of the two have nothing in common.",
    Rule.START_DATE: "One of the two has not started yet.",
    Rule.HOLIDAY: "Every day left is a public holiday.",
    Rule.LEAVE: "One of the two is on leave on every day left.",
    Rule.CONFLICT: "Their appointments leave no time that is free for both.",
    Rule.MEETING: "Other talks take every time that is free for both.",
    Rule.BUFFER: "Every free time lies too close to another appointment.",
    Rule.LIMIT: "The manager has enough talks on every day left.",
}
"""What a rule says that leaves nothing."""


def why(meeting: Meeting) -> str:
    """Say in a few words why a meeting stands where it stands."""
    because = meeting.reason.because
    if because is Because.DUE:
        return "late: no time within the window suited both" if meeting.late else "due"
    return f"{'late' if meeting.late else 'moved'}: {_WHY[because]}"


def words(reason: Reason, people: Mapping[Email, Person]) -> str:
    """Say a problem in one English sentence for the operator."""
    facts = reason.facts
    who = _name(facts.get("who", ""), people)
    simple = {
        Because.INTERNAL: "An internal error stopped this pair; the log has its traceback. "
        "The others go on.",
        Because.PAUSED: f"Paused until {facts.get('until', 'resumed')}.",
        Because.TOO_MANY_MOVES: f"Declined or deleted {facts.get('times', '')} times; the employee "
        "has been asked what they want. `careloop resume EMAIL` starts the search again.",
        Because.AWAY: f"The next talk may start from {facts.get('from', '')} only; "
        "it is booked when that day is near.",
        Because.UNKNOWN_CALENDAR: _unread_words(facts, people),
        Because.REFUSED_BY_CALENDAR: f"The calendar refused the event: {facts.get('why', '')}",
        Because.LEAVE: f"Booked on a day on which {who} is away; it is too near, or no other "
        "time suits both.",
        Because.HOURS: f"Booked outside the working hours of {who}; it is too near, or no other "
        "time suits both.",
        Because.CONFLICT: f"Another appointment of {who} overlaps; it is too near, or no other "
        "time suits both.",
    }
    if reason.because in simple:
        return simple[reason.because]
    if reason.because is Because.NO_SLOT:
        return _no_slot_words(reason)
    return _outside_words(reason)


def _unread_words(facts: Mapping[str, str], people: Mapping[Email, Person]) -> str:
    if facts.get("booked"):
        whose = " and ".join(_name(who, people) for who in facts["who"].split(", "))
        said = f"The calendar of {whose} could not be read: clashes and changes there are not seen,"
        return f"{said} the booked talk stays. {facts['why']}"
    if facts.get("event"):
        whose = _name(facts["who"], people)
        said = f"The booked talk cannot be read in the calendar of {whose}: its time there is not"
        cure = "Set its time there again, or delete it there: then another time is found."
        return f"{said} known, careloop keeps to the one it had. {cure} {facts['why']}"
    said = "Not booked: a calendar could not be read, and unknown is never free."
    return f"{said} {facts.get('why', '')}"


def _no_slot_words(reason: Reason) -> str:
    facts = reason.facts
    rule = facts.get("rule")
    tail = f" {_NONE_LEFT[Rule(rule)]}" if rule else ""
    return (
        f"No time between {facts.get('from')} and {facts.get('to')} suits both.{tail} "
        "`careloop explain EMAIL` shows what would free one."
    )


def _outside_words(reason: Reason) -> str:
    facts = reason.facts
    because = facts.get("because", Because.DUE)
    why = f": {_WHY[Because(because)]}" if because else ""
    if "days" in facts:
        between = "the last talk and the next" if facts.get("ahead") else "the last two talks"
        said = f"{facts['days']} days between {between}{why}."
        return said + (" Nobody has confirmed the last one." if facts.get("inferred") else "")
    day, last = facts.get("day", ""), facts.get("to", "")
    if day > last:
        return f"Booked on {day}, after {last}, the last day of its window{why}."
    return f"Booked on {day}, before {facts.get('from')}, the first day of its window{why}."


def _until(day: date | None) -> str:
    return "resumed" if day in (None, date.max) else day.isoformat()


def _name(address: str, people: Mapping[Email, Person]) -> str:
    person = people.get(Email(address))
    return person.name if person else address or "one of the two"
