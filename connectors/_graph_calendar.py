"""The calendars of a Microsoft 365 tenant: the employee's mailbox holds the event."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from connectors._graph_events import (
    Event,
    change,
    create,
    look_up,
    read_event,
    read_events,
    withdraw,
)
from connectors._graph_parts import Outcome, Part, Said
from connectors._graph_schedule import busy
from connectors._graph_session import Graph
from connectors._graph_words import DUPLICATE, GONE, code_of, meaning
from daemon.core.domain import (
    Availability,
    Email,
    Interval,
    Invite,
    Meeting,
    Observed,
    Person,
    Problem,
    Uid,
)
from daemon.core.ports import Ambiguous, Done, Permanent, Result, Temporary, Trouble, Unknown

_LOG = structlog.get_logger("microsoft")
_GONE = Done(found=Observed(present=False))
_NOBODYS = Uid("doctor@careloop")
_LOST = Ambiguous("Microsoft lost the answer twice, and the event is not there")
_RESTLESS = Temporary("the event changes faster than it can be read")


@dataclass(frozen=True, slots=True)
class GraphCalendar:
    """The port `Calendar` over Graph."""

    graph: Graph

    def busy(
        self, people: Collection[Person], within: Interval, ours: Collection[Meeting]
    ) -> Mapping[Email, Availability | Unknown]:
        """Tell when each is busy, our own meetings left out."""
        return busy(self.graph, people, within, ours) if people else {}

    def put(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """Create or update each event; one that was made before is found by its property."""
        results, absent = self._adopt([invite for invite in invites if not _new(invite)])
        results |= self._still_gone([invite for invite in absent if invite.before])
        missing = [invite for invite in absent if not invite.before]
        return results | self._create([invite for invite in invites if _new(invite)] + missing)

    def cancel(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """Withdraw each event; one that is not there is done."""
        found = self._find({invite.uid: invite.organizer.email for invite in invites})
        results: dict[Uid, Result] = {}
        standing: list[tuple[Invite, Event]] = []
        for invite in invites:
            came = found[invite.uid]
            results[invite.uid] = Done() if isinstance(came, list) else came
            standing += [(invite, event) for event in came] if isinstance(came, list) else []
        said = self._batch([withdraw(*each) for each in standing], "cancel")
        for (invite, _), outcome in zip(standing, said, strict=True):
            results[invite.uid] = _withdrawn(invite, outcome) or results[invite.uid]
        return results

    def look(self, meetings: Collection[Meeting]) -> Mapping[Uid, Observed | Unknown]:
        """Tell what became of each event; one that is not there is looked for twice."""
        owners = {meeting.uid: meeting.pair.employee for meeting in meetings}
        found = self._find(owners)
        absent = {uid: owner for uid, owner in owners.items() if found[uid] == []}
        found |= self._find(absent)
        return {uid: _told(came) for uid, came in found.items()}

    def doctor(self) -> Iterator[Problem]:
        """Sign in, and look for an event that is not there in the first mailbox we know of (the
        directory's): what that takes is a token, the permission, and a mailbox."""
        self.graph.sign_in()
        owner = self.graph.somebody()
        if owner is None:
            return
        (came,) = self._find({_NOBODYS: owner}).values()
        if not isinstance(came, list):
            yield Problem("[microsoft]", came.reason, "docs/microsoft.md")

    def _create(self, invites: Sequence[Invite], tries: int = 2) -> dict[Uid, Result]:
        """Create each. Where the answer was lost, look; what is not there is created once more."""
        teams = self.graph.settings.teams
        said = self._batch([create(invite, teams=teams) for invite in invites], "create")
        came = list(zip(invites, said, strict=True))
        burnt = [invite for invite, outcome in came if _duplicate(outcome)]
        lost = [invite for invite, outcome in came if isinstance(outcome, Ambiguous)]
        results = {i.uid: _created(i, o) for i, o in came if i not in burnt and i not in lost}
        try:
            return results | self._settle(burnt, lost, tries)
        except Trouble as trouble:
            later = Temporary(trouble.reason, trouble.retry_after)
            results |= {invite.uid: later for invite in burnt}
            return results | {invite.uid: Ambiguous(trouble.reason) for invite in lost}

    def _settle(
        self, burnt: Sequence[Invite], lost: Sequence[Invite], tries: int
    ) -> dict[Uid, Result]:
        """Look what became of creations that met an event of ours, or whose answer was lost."""
        results, absent = self._adopt([*burnt, *lost])
        for invite in lost:
            if isinstance(said := results.get(invite.uid), Temporary):
                results[invite.uid] = Ambiguous(said.reason)
        results |= self._still_gone([invite for invite in absent if invite in burnt])
        again = [invite for invite in absent if invite in lost]
        if again and tries > 1:
            return results | self._create(again, tries - 1)
        return results | {invite.uid: _LOST for invite in again}

    def _adopt(
        self, invites: Sequence[Invite], tries: int = 2
    ) -> tuple[dict[Uid, Result], list[Invite]]:
        """Bring events that are there up to date; return the invites whose event is not."""
        found = self._find({invite.uid: invite.organizer.email for invite in invites})
        results: dict[Uid, Result] = {}
        absent, behind = [], []
        for invite in invites:
            came = found[invite.uid]
            if not isinstance(came, list):
                results[invite.uid] = came
            elif not came:
                absent.append(invite)
            elif _behind(invite, came[0]):
                behind.append((invite, came[0]))
            else:
                results[invite.uid] = _as_found(invite, came[0])
        changed, stale = self._change(behind)
        if stale and tries > 1:
            more, gone = self._adopt(stale, tries - 1)
            return results | changed | more, absent + gone
        return results | changed | {invite.uid: _RESTLESS for invite in stale}, absent

    def _change(
        self, behind: Sequence[tuple[Invite, Event]]
    ) -> tuple[dict[Uid, Result], list[Invite]]:
        """Change events; return the invites whose event is no longer as it was read."""
        keep = self.graph.settings.teams
        said = self._batch([change(*each, keep_body=keep) for each in behind], "change")
        came = list(zip(behind, said, strict=True))
        stale = [invite for (invite, _), outcome in came if _stale(outcome)]
        results = {i.uid: _changed(i, e, o) for (i, e), o in came if i not in stale}
        return results, stale

    def _still_gone(self, invites: Sequence[Invite]) -> dict[Uid, Result]:
        """Look a second time before an absence is believed."""
        results, absent = self._adopt(invites)
        return results | {invite.uid: _GONE for invite in absent}

    def _find(self, owners: Mapping[Uid, Email]) -> dict[Uid, list[Event] | Temporary | Permanent]:
        """Look each event up in its owner's mailbox by our property."""
        said = self._batch([look_up(owner, uid) for uid, owner in owners.items()], "look up")
        return {
            uid: _events(owner, outcome)
            for (uid, owner), outcome in zip(owners.items(), said, strict=True)
        }

    def _batch(self, parts: Sequence[Part], what: str) -> list[Outcome]:
        return self.graph.batch(parts, what) if parts else []


def _new(invite: Invite) -> bool:
    """Tell whether an invite can be created without looking for its event first."""
    return invite.fresh and invite.before is None


def _behind(invite: Invite, event: Event) -> bool:
    """Tell whether the event is an earlier revision of ours that no person has moved."""
    if event.sequence is None:
        return event.when == invite.before != _time(invite)
    return event.sequence < invite.sequence and event.when in (invite.before, _time(invite))


def _as_found(invite: Invite, event: Event) -> Done:
    """An event that is ours and stands: as it should be, or where a person has put it."""
    overtaken = event.sequence is not None and event.sequence > invite.sequence
    if overtaken or event.when == _time(invite):
        return Done(event.id)
    return Done(event.id, event.observed())


def _time(invite: Invite) -> Interval:
    return Interval(invite.start, invite.end)


def _created(invite: Invite, outcome: Outcome) -> Result:
    if not isinstance(outcome, Said):
        return outcome
    if not outcome.ok:
        return meaning(outcome.status, outcome.body, invite.organizer.email)
    event = read_event(outcome.body)
    return _as_found(invite, event) if event else Done()


def _changed(invite: Invite, event: Event, outcome: Outcome) -> Result:
    if not isinstance(outcome, Said):
        return outcome
    if outcome.ok:
        return Done(event.id)
    return meaning(outcome.status, outcome.body, invite.organizer.email)


def _withdrawn(invite: Invite, outcome: Outcome) -> Result | None:
    """What stands in the way of a cancellation; None: nothing, it is gone."""
    if not isinstance(outcome, Said):
        return outcome
    if outcome.ok or _is_gone(outcome):
        return None
    return meaning(outcome.status, outcome.body, invite.organizer.email)


def _duplicate(outcome: Outcome) -> bool:
    """Tell whether the transactionId was used before: for our own event, or a deleted one."""
    return isinstance(outcome, Said) and code_of(outcome.body) == DUPLICATE


def _stale(outcome: Outcome) -> bool:
    return isinstance(outcome, Said) and (outcome.status == 412 or _is_gone(outcome))


def _is_gone(said: Said) -> bool:
    return said.status == 410 or (said.status == 404 and code_of(said.body) in GONE)


def _events(owner: Email, outcome: Outcome) -> list[Event] | Temporary | Permanent:
    if not isinstance(outcome, Said):
        return Temporary(outcome.reason) if isinstance(outcome, Ambiguous) else outcome
    if not outcome.ok:
        return meaning(outcome.status, outcome.body, owner)
    events = read_events(outcome.body)
    if len(events) > 1:
        _LOG.warning("one meeting has several events", mailbox=owner, count=len(events))
    return events


def _told(came: list[Event] | Temporary | Permanent) -> Observed | Unknown:
    if isinstance(came, list):
        return came[0].observed() if came else Observed(present=False)
    return Unknown(came.reason)
