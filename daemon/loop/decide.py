"""Decide: from what was seen to what shall be. Pure; one poisoned pair never stops the others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from daemon.core import cadence, followup, planner
from daemon.core.days import today
from daemon.core.domain import (
    Because,
    Due,
    Email,
    History,
    Kind,
    Meeting,
    NoSlot,
    Pair,
    Person,
    Reason,
    Slot,
    State,
    Uid,
)
from daemon.core.owed import MOST
from daemon.core.wishing import wishes
from daemon.loop.asking import Followed, ask, closed, take_over
from daemon.loop.problems import problem_of
from daemon.loop.world import Decision, World

log = structlog.get_logger()

Answers = dict[tuple[Pair, Kind], Slot | NoSlot]


MOST_MOVES = MOST - 1
"""How often one event is moved: the letters about it are that many, and the one before."""

REFUSED = (Because.DECLINED, Because.DELETED, Because.TOO_MANY_MOVES)
"""Why an event fell whose next try is the same talk at another time."""


def key_of(asked: Due) -> tuple[Pair, Kind]:
    """What a pair asked for has one answer a turn."""
    return asked.pair, asked.kind


def decide(world: World) -> Decision:
    """Work out what has to change: pairs, meetings, times, problems."""
    wanted = wanted_pairs(world.people.values())
    ended = {pair: _why_ended(world, pair) for pair in world.histories if pair not in wanted}
    begun = tuple(sorted(pair for pair in wanted if pair not in world.histories))
    active = {pair: world.histories.get(pair) or beginning(world, pair) for pair in sorted(wanted)}
    taken = {pair: _guarded(take_over, world, history) for pair, history in active.items()}
    standing = _by_person(taken.values())
    followed = {pair: _guarded(ask, world, f, standing) for pair, f in taken.items()}
    followed, answers = _place(world, followed)
    withdrawn = {pair: closed(world, world.histories[pair], why) for pair, why in ended.items()}
    after = {**{pair: f.history for pair, f in followed.items()}, **withdrawn}
    meetings = tuple(_changed(world.histories, after))
    return Decision(
        begun=begun,
        ended=ended,
        meetings=meetings,
        before=_before(world.histories, meetings),
        histories=after,
        answers=answers,
        problems=_problems(world, followed, answers),
        gaps=_gaps(world, followed, answers),
    )


def wanted_pairs(people: Iterable[Person]) -> frozenset[Pair]:
    """Name the pairs a roster asks for: everybody with a manager who is on it too."""
    known = {person.email: person for person in people}
    return frozenset(
        Pair(person.email, person.manager)
        for person in known.values()
        if person.manager in known and person.manager != person.email and person.manager
    )


def beginning(world: World, pair: Pair) -> History:
    """A pair that begins; one that was there before goes on with its numbers."""
    since = today(world.now, world.people[pair.employee].zone)
    fresh = History(pair=pair, since=since, spent=world.spent.get(pair, 0))
    before = world.ended.get(pair, fresh)
    return replace(before, since=since, ended=None, paused_until=None, restart_from=None)


def _why_ended(world: World, pair: Pair) -> Reason:
    stays = pair.employee in world.people
    return Reason(Because.NEW_MANAGER if stays else Because.LEFT)


def _guarded(step: Callable[..., Followed], world: World, subject: Any, *others: Any) -> Followed:
    """Take one step with one pair; a bug there is logged, put off, and stops nobody else."""
    history = subject.history if isinstance(subject, Followed) else subject
    if isinstance(subject, Followed) and subject.broken:
        return subject
    try:
        return step(world, subject, *others)
    except Exception:
        log.exception("pair.failed", employee=history.pair.employee, manager=history.pair.manager)
        return Followed(history, broken=True)


def _by_person(followed: Iterable[Followed]) -> dict[Email, list[Meeting]]:
    found: dict[Email, list[Meeting]] = {}
    for meeting in (m for f in followed for m in f.history.meetings if m.state is State.BOOKED):
        for who in (meeting.pair.employee, meeting.pair.manager):
            found.setdefault(who, []).append(meeting)
    return found


def _place(world: World, followed: Mapping[Pair, Followed]) -> tuple[dict[Pair, Followed], Answers]:
    """Find times for all cycle meetings together, then for all alignment meetings; what a pair
    would rather have is tried before what it can do with."""
    answers: Answers = {}
    done = dict(followed)
    for track in ("cycle", "alignment"):
        asked = {pair: due for pair, f in done.items() if (due := getattr(f, track)) is not None}
        steps = {pair: _steps(world, done[pair], due) for pair, due in asked.items()}
        while steps:
            placed = [
                m for f in done.values() for m in f.history.meetings if m.state is State.BOOKED
            ]
            first = [one[0] for one in steps.values()]
            found = planner.place(
                first, world.people, world.busy, placed, world.cadence, world.closed, world.now
            )
            steps = {p: steps[p][1:] for p, x in found.items() if steps[p][1:] and _poor(x)}
            for pair, answer in found.items():
                if pair not in steps:
                    answers[key_of(answer.due)] = answer
                    history = _settled(world, done[pair].history, answer, asked[pair])
                    done[pair] = replace(done[pair], history=history)
    return done, answers


def _steps(world: World, f: Followed, asked: Due) -> tuple[Due, ...]:
    employee, _ = world.pair(asked.pair)
    answer = f.wished.get(asked.replaces.uid) if asked.replaces else None
    proposed = answer.proposed if answer else None
    return wishes(asked, employee, world.cadence, world.closed, world.now, proposed)


def _poor(answer: Slot | NoSlot) -> bool:
    """What comes late, or not at all, fulfils no wish."""
    return isinstance(answer, NoSlot) or answer.late


def _settled(world: World, history: History, answer: Slot | NoSlot, asked: Due) -> History:
    """The history with the answer in it; `asked` is the plain thing that was due."""
    if isinstance(answer, Slot):
        changed = booked(world, history, replace(answer, due=asked))
    elif asked.replaces is not None and asked.reason.because is Because.DECLINED:
        changed = (followup.withdraw(asked.replaces, asked.reason),)
    else:
        return history
    uids = {meeting.uid for meeting in changed}
    others = tuple(m for m in history.meetings if m.uid not in uids)
    return replace(history, meetings=(*others, *changed))


def booked(world: World, history: History, slot: Slot) -> tuple[Meeting, ...]:
    """The meeting at its time, and the event it takes the place of, if that one falls. An event
    that moved so often that nobody could be told any more gives way to a new one."""
    employee, asked = world.people[history.pair.employee], slot.due
    old = asked.replaces
    if old is None:
        fallen = cadence.fallen(history, alignment=asked.kind is Kind.ALIGNMENT)
        fresh = followup.book(slot, employee, world.now)
        refused = fallen is not None and fallen.reason.because in REFUSED
        return (_instead_of(fallen, fresh, world.now) if fallen and refused else fresh,)
    if old.sequence < MOST_MOVES:
        moved = followup.book(slot, employee, world.now)
        return (replace(moved, zone=employee.zone.key),)
    anew = replace(asked, generation=old.generation + 1, replaces=None)
    fresh = followup.book(replace(slot, due=anew), employee, world.now)
    return followup.withdraw(old, asked.reason), _instead_of(old, fresh, world.now)


def _instead_of(before: Meeting, fresh: Meeting, now: datetime) -> Meeting:
    """A new event in the place of one that fell: who knew the old time is told of the new one."""
    fresh = replace(fresh, moves=before.moves)
    if before.start <= now:
        return fresh
    return replace(fresh, moved_from=before.start, moved_at=now)


def _changed(old: Mapping[Pair, History], new: Mapping[Pair, History]) -> Iterable[Meeting]:
    for pair, history in new.items():
        known = {m.uid: m for m in old[pair].meetings} if pair in old else {}
        yield from (m for m in history.meetings if known.get(m.uid) != m)


def _before(old: Mapping[Pair, History], changed: Sequence[Meeting]) -> dict[Uid, Meeting]:
    uids = {m.uid for m in changed}
    return {m.uid: m for h in old.values() for m in h.meetings if m.uid in uids}


def _problems(
    world: World,
    followed: Mapping[Pair, Followed],
    answers: Mapping[tuple[Pair, Kind], Slot | NoSlot],
) -> dict[Pair, Reason]:
    found: dict[Pair, Reason] = {}
    for pair, f in followed.items():
        asked = f.cycle or f.alignment
        problem = problem_of(
            world,
            f.history,
            answers.get(key_of(asked)) if asked else None,
            f.clash,
            broken=f.broken,
        )
        if problem is not None:
            found[pair] = problem
    return found


def _gaps(
    world: World,
    followed: Mapping[Pair, Followed],
    answers: Mapping[tuple[Pair, Kind], Slot | NoSlot],
) -> dict[Pair, Due]:
    """Pairs whose employee has to be asked, with the meeting that could not be had."""
    gaps: dict[Pair, Due] = {}
    for pair, f in followed.items():
        answer = answers.get(key_of(f.cycle)) if f.cycle is not None else None
        if f.cycle is not None and isinstance(answer, NoSlot):
            employee = world.people[pair.employee]
            if f.cycle.replaces is None and _passed(f.cycle, employee, world):
                why = Because.UNKNOWN_CALENDAR if answer.unknown else Because.NO_SLOT
                gaps[pair] = replace(f.cycle, reason=Reason(why))
        elif (asked := _out_of_tries(world, f.history)) is not None:
            gaps[pair] = asked
    return gaps


def _passed(asked: Due, employee: Person, world: World) -> bool:
    return today(world.now, employee.zone) > asked.window.latest


def _out_of_tries(world: World, history: History) -> Due | None:
    last_try = cadence.fallen(history)
    if last_try is None or last_try.moves <= world.cadence.max_moves:
        return None
    if last_try.kind is Kind.ALIGNMENT or cadence.booked(history, world.now) is not None:
        return None
    employee, manager = world.pair(history.pair)
    fresh = replace(
        history,
        meetings=tuple(
            followup.ask_again(m) if m.uid == last_try.uid else m for m in history.meetings
        ),
    )
    asked = cadence.due(fresh, employee, manager, world.cadence, world.now)
    why = Reason(Because.TOO_MANY_MOVES, {"times": str(last_try.moves)})
    return replace(asked, reason=why) if asked else None
