"""What stands against a pair, as a reason for the store and as words for the operator."""

from collections.abc import Mapping
from datetime import date

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
    unread = _unread(world, history)
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
    held = sorted(m.day for m in history.meetings if m.state is State.HELD)
    newest = cadence.last_held(history, world.now)
    if newest is None or len(held) < 2:
        return None
    gap = (held[-1] - held[-2]).days
    if world.cadence.min_days <= gap <= world.cadence.max_days:
        return None
    because = newest.reason.because
    if because is Because.DUE and not newest.late:
        because = Because.LEAVE
    facts = {"days": str(gap), "because": because, "day": newest.day.isoformat()}
    if newest.evidence is Evidence.INFERRED:
        facts["inferred"] = "yes"
    if newest.late:
        facts["late"] = "yes"
    return Reason(Because.OUTSIDE_WINDOW, facts)


_WHY = {
    Because.DUE: "no earlier time suited both",
    Because.CONFLICT: "another appointment came in the way",
    Because.LEAVE: "one of the two is on leave or has a public holiday",
    Because.DECLINED: "the time booked before was declined",
    Because.DELETED: "the event booked before was deleted",
    Because.MOVED_BY_PERSON: "one of the two moved the event",
    Because.WISH: "one of the two asked for that time",
    Because.NOT_HELD: "the talk before did not happen",
    Because.AGREED_LATER: "the two came to an agreement later",
    Because.MET_ANOTHER_DAY: "the talk before was held on another day",
    Because.PAUSED: "the pair paused",
    Because.RETURNED: "one of the two was away for long",
    Because.NEW_MANAGER: "the manager changed",
}


def why(meeting: Meeting) -> str:
    """Say in a few words why a meeting stands where it stands."""
    because = meeting.reason.because
    if because is Because.DUE:
        return "late: no time within the window suited both" if meeting.late else "due"
    return f"{'late' if meeting.late else 'moved'}: {_WHY.get(because, because.value)}"


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
    said = "Not booked: a calendar could not be read, and unknown is never free."
    return f"{said} {facts.get('why', '')}"


def _no_slot_words(reason: Reason) -> str:
    facts = reason.facts
    rule = facts.get("rule")
    tail = f" Nothing is left after the rule '{rule}'." if rule else ""
    return (
        f"No time between {facts.get('from')} and {facts.get('to')} suits both.{tail} "
        "`careloop explain EMAIL` shows what would free one."
    )


def _outside_words(reason: Reason) -> str:
    facts = reason.facts
    why = _WHY.get(Because(facts.get("because", Because.DUE)), facts.get("because", ""))
    if "days" in facts:
        between = "the last talk and the next" if facts.get("ahead") else "the last two talks"
        said = f"{facts['days']} days between {between}: {why}."
        return said + (" Nobody has confirmed the last one." if facts.get("inferred") else "")
    day, last = facts.get("day", ""), facts.get("to", "")
    if day > last:
        return f"Booked on {day}, after {last}, the last day of its window: {why}."
    return f"Booked on {day}, before {facts.get('from')}, the first day of its window: {why}."


def _until(day: date | None) -> str:
    return "resumed" if day in (None, date.max) else day.isoformat()


def _name(address: str, people: Mapping[Email, Person]) -> str:
    person = people.get(Email(address))
    return person.name if person else address or "one of the two"
