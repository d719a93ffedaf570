"""One pair in a turn: what became of its meetings, and which times it asks for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from daemon.core import cadence, followup
from daemon.core.clash import clash
from daemon.core.domain import Because, Due, Email, History, Meeting, Person, Reason, State, Uid
from daemon.core.ports import Unknown
from daemon.loop.world import World


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


def take_over(world: World, history: History) -> Followed:
    """Adopt what people did to the events of this pair."""
    employee, _ = world.pair(history.pair)
    adopted = [_adopt(world, meeting) for meeting in history.meetings]
    history = replace(history, meetings=tuple(x.meeting for x in adopted))
    if cadence.paused(history, employee, world.now):
        return Followed(closed(world, history, Reason(Because.PAUSED)))
    history = _without_event(world, _without_need(world, history))
    wished = {x.meeting.uid: x for x in adopted if x.rebook and x.meeting.state is State.BOOKED}
    return Followed(history, wished=wished)


def _without_need(world: World, history: History) -> History:
    """Take back the talk about a missing tick when none is missing any more."""
    done = cadence.aligned(history, world.cadence, world.now)
    if done is None or done.uid in world.pending:
        return history
    gone = followup.withdraw(done, Reason(Because.AGREED_LATER))
    return replace(
        history, meetings=tuple(gone if m.uid == done.uid else m for m in history.meetings)
    )


def _without_event(world: World, history: History) -> History:
    """Give up a talk whose time has passed in nobody's calendar: the calendars refused it."""
    gone = {
        one.uid: followup.withdraw(one, Reason(Because.REFUSED_BY_CALENDAR))
        for one in history.meetings
        if one.state is State.BOOKED and one.end <= world.now and one.uid in world.refused
    }
    return replace(history, meetings=tuple(gone.get(m.uid, m) for m in history.meetings))


def closed(world: World, history: History, why: Reason) -> History:
    return replace(history, meetings=tuple(_withdrawn(world, history, why)))


def _withdrawn(world: World, history: History, why: Reason) -> Iterable[Meeting]:
    for meeting in history.meetings:
        ahead = meeting.state is State.BOOKED and meeting.start > world.now
        yield followup.withdraw(meeting, why) if ahead else meeting


def ask(world: World, f: Followed, standing: Mapping[Email, Sequence[Meeting]]) -> Followed:
    """Work out which times this pair asks for."""
    employee, manager = world.pair(f.history.pair)
    desk = Desk(world, f.history, employee, manager, standing)
    cycle, against = desk.asks(f.wished, alignment=False)
    alignment, other = desk.asks(f.wished, alignment=True)
    return replace(f, cycle=cycle, alignment=alignment, clash=against or other)


def _adopt(world: World, meeting: Meeting) -> followup.Adopted:
    seen = world.seen.get(meeting.uid)
    if meeting.state is not State.BOOKED or meeting.uid in world.refused:
        return followup.Adopted(meeting)  # what was refused cannot have been deleted or moved
    if seen is None or isinstance(seen, Unknown) or meeting.uid in world.pending:
        return followup.Adopted(followup.infer(meeting, world.now, world.cadence))
    watched = world.last_turn is not None and world.last_turn >= meeting.start
    if not seen.present and watched:
        return followup.Adopted(followup.infer(meeting, world.now, world.cadence))
    taken = followup.adopt(meeting, seen, world.now, world.cadence)
    return replace(taken, meeting=followup.infer(taken.meeting, world.now, world.cadence))


@dataclass(frozen=True, slots=True)
class Desk:
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
