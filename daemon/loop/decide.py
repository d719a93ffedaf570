"""Decide: from what was seen to what shall be. Pure; one poisoned pair never stops the others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import structlog

from daemon.core import cadence, followup, planner
from daemon.core.clash import clash
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
from daemon.core.ports import Unknown
from daemon.loop.problems import problem_of
from daemon.loop.world import Decision, World

log = structlog.get_logger()

Answers = dict[tuple[Pair, Kind], Slot | NoSlot]


def key_of(asked: Due) -> tuple[Pair, Kind]:
    """What a pair asked for has one answer a turn."""
    return asked.pair, asked.kind


@dataclass(frozen=True, slots=True)
class Followed:
    """A pair after its calendar was taken over, and the times it asks for."""

    history: History
    cycle: Due | None = None
    alignment: Due | None = None
    clash: Reason | None = None
    """What stands against the booked meeting although it cannot be moved now."""
    broken: bool = False
    wished: Mapping[Uid, followup.Adopted] = field(default_factory=dict)
    """Meetings a person declined, which stand but need another time."""


def decide(world: World) -> Decision:
    """Work out what has to change: pairs, meetings, times, problems."""
    wanted = wanted_pairs(world.people.values())
    ended = {pair: _why_ended(world, pair) for pair in world.histories if pair not in wanted}
    begun = tuple(sorted(pair for pair in wanted if pair not in world.histories))
    active = {pair: world.histories.get(pair) or _new(world, pair) for pair in sorted(wanted)}
    taken = {pair: _guarded(_take_over, world, history) for pair, history in active.items()}
    standing = _by_person(taken.values())
    followed = {pair: _guarded(_ask, world, f, standing) for pair, f in taken.items()}
    followed, answers = _place(world, followed)
    closed = {pair: _closed(world, world.histories[pair], why) for pair, why in ended.items()}
    after = {**{pair: f.history for pair, f in followed.items()}, **closed}
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


def _new(world: World, pair: Pair) -> History:
    """A pair that begins; one that was there before goes on with its numbers."""
    since = today(world.now, world.people[pair.employee].zone)
    before = world.ended.get(pair, History(pair=pair, since=since))
    return replace(before, since=since, ended=None, paused_until=None, restart_from=None)


def _why_ended(world: World, pair: Pair) -> Reason:
    stays = pair.employee in world.people
    return Reason(Because.NEW_MANAGER if stays else Because.LEFT)


def _closed(world: World, history: History, why: Reason) -> History:
    return replace(history, meetings=tuple(_withdrawn(world, history, why)))


def _withdrawn(world: World, history: History, why: Reason) -> Iterable[Meeting]:
    for meeting in history.meetings:
        ahead = meeting.state is State.BOOKED and meeting.start > world.now
        yield followup.withdraw(meeting, why) if ahead else meeting


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


def _take_over(world: World, history: History) -> Followed:
    """Adopt what people did to the events of this pair."""
    employee, _ = world.pair(history.pair)
    adopted = [_adopt(world, meeting) for meeting in history.meetings]
    history = replace(history, meetings=tuple(x.meeting for x in adopted))
    if cadence.paused(history, employee, world.now):
        return Followed(_closed(world, history, Reason(Because.PAUSED)))
    wished = {x.meeting.uid: x for x in adopted if x.rebook and x.meeting.state is State.BOOKED}
    return Followed(history, wished=wished)


def _by_person(followed: Iterable[Followed]) -> dict[Email, list[Meeting]]:
    found: dict[Email, list[Meeting]] = {}
    for meeting in (m for f in followed for m in f.history.meetings if m.state is State.BOOKED):
        for who in (meeting.pair.employee, meeting.pair.manager):
            found.setdefault(who, []).append(meeting)
    return found


def _ask(world: World, f: Followed, standing: Mapping[Email, Sequence[Meeting]]) -> Followed:
    """Work out which times this pair asks for."""
    employee, manager = world.pair(f.history.pair)
    desk = _Desk(world, f.history, employee, manager, standing)
    cycle, against = desk.asks(f.wished, alignment=False)
    alignment, other = desk.asks(f.wished, alignment=True)
    return replace(f, cycle=cycle, alignment=alignment, clash=against or other)


def _adopt(world: World, meeting: Meeting) -> followup.Adopted:
    seen = world.seen.get(meeting.uid)
    if meeting.state is not State.BOOKED:
        return followup.Adopted(meeting)
    if seen is None or isinstance(seen, Unknown) or meeting.uid in world.pending:
        return followup.Adopted(followup.infer(meeting, world.now, world.cadence))
    watched = world.last_turn is not None and world.last_turn >= meeting.start
    if not seen.present and watched:
        return followup.Adopted(followup.infer(meeting, world.now, world.cadence))
    taken = followup.adopt(meeting, seen, world.now, world.cadence)
    return replace(taken, meeting=followup.infer(taken.meeting, world.now, world.cadence))


@dataclass(frozen=True, slots=True)
class _Desk:
    """One pair's papers while its next times are worked out."""

    world: World
    history: History
    employee: Person
    manager: Person
    standing: Mapping[Email, Sequence[Meeting]]

    def asks(
        self, wished: Mapping[Uid, followup.Adopted], *, alignment: bool
    ) -> tuple[Due | None, Reason | None]:
        """Tell which time this track asks for, and what stands against a meeting that stays."""
        world = self.world
        stands = cadence.booked(self.history, world.now, alignment=alignment)
        against = None
        if stands is not None and stands.uid in world.pending:
            return None, None
        if stands is not None and stands.uid in wished:
            return self._declined(stands, wished[stands.uid]), None
        if stands is not None:
            against = self._clash(stands)
            if against is not None and self._movable(stands) and self._read():
                return self._elsewhere(stands, against), against
        if alignment:
            asked = cadence.alignment_due(
                self.history, self.employee, world.cadence, world.closed, world.now
            )
        else:
            asked = cadence.due(self.history, self.employee, self.manager, world.cadence, world.now)
        return asked, against

    def _elsewhere(self, meeting: Meeting, why: Reason) -> Due:
        world = self.world
        return cadence.move(
            self.history,
            meeting,
            why,
            self.employee,
            self.manager,
            world.cadence,
            world.closed,
            world.now,
        )

    def _declined(self, meeting: Meeting, answer: followup.Adopted) -> Due:
        asked = self._elsewhere(meeting, answer.rebook or Reason(Because.DECLINED))
        if answer.proposed is None:
            return asked
        wall = answer.proposed.start.astimezone(self.employee.zone)
        window = replace(asked.window, preferred=wall.date())
        return replace(asked, window=window, preferred_minute=wall.hour * 60 + wall.minute)

    def _clash(self, meeting: Meeting) -> Reason | None:
        if meeting.start <= self.world.now:
            return None
        world = self.world
        return clash(meeting, world.people, world.busy, self.standing, world.closed)

    def _read(self) -> bool:
        """Whether both calendars were read, well or not: else the next look will see."""
        world, pair = self.world, self.history.pair
        return all(
            who in world.busy or who in world.unknown for who in (pair.employee, pair.manager)
        )

    def _movable(self, meeting: Meeting) -> bool:
        frozen = timedelta(hours=self.world.cadence.freeze_hours)
        return meeting.start - self.world.now >= frozen


def _place(world: World, followed: Mapping[Pair, Followed]) -> tuple[dict[Pair, Followed], Answers]:
    """Find times for all cycle meetings together, then for all alignment meetings."""
    answers: Answers = {}
    done = dict(followed)
    for track in ("cycle", "alignment"):
        asked = [due for f in done.values() if (due := getattr(f, track)) is not None]
        if not asked:
            continue
        placed = [m for f in done.values() for m in f.history.meetings if m.state is State.BOOKED]
        found = planner.place(
            asked, world.people, world.busy, placed, world.cadence, world.closed, world.now
        )
        for pair, answer in found.items():
            answers[key_of(answer.due)] = answer
            done[pair] = replace(done[pair], history=_settled(world, done[pair].history, answer))
    return done, answers


def _settled(world: World, history: History, answer: Slot | NoSlot) -> History:
    old = answer.due.replaces
    if isinstance(answer, Slot):
        meeting = followup.book(answer, world.people[history.pair.employee], world.now)
    elif old is not None and answer.due.reason.because is Because.DECLINED:
        meeting = followup.withdraw(old, answer.due.reason)
    else:
        return history
    others = tuple(m for m in history.meetings if m.uid != meeting.uid)
    return replace(history, meetings=(*others, meeting))


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
        if f.cycle is not None and isinstance(answers.get(key_of(f.cycle)), NoSlot):
            employee = world.people[pair.employee]
            if f.cycle.replaces is None and _passed(f.cycle, employee, world):
                gaps[pair] = f.cycle
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
    return cadence.due(fresh, employee, manager, world.cadence, world.now)
