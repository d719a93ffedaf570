"""Invitations on their way: who gets which revision, and what the results of their mails mean."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from connectors._ical_write import write
from connectors._imip_journal import Journal
from connectors._imip_mail import Sender, mail
from connectors._imip_notes import Note, Told, sequence
from connectors._smtp_words import Unsendable
from daemon.core.domain import Email, Interval, Invite, Mail, Party, Uid
from daemon.core.ports import Ambiguous, Done, Mailer, Permanent, Result, Temporary


@dataclass(slots=True)
class _Sending:
    """One invite on its way to both."""

    invite: Invite
    """Under the revision it goes out with."""
    method: str
    told: Told
    done: list[Email]
    faults: dict[Email, Result] = field(default_factory=dict)

    def next(self, role: int) -> Party | None:
        """Who is to be told in this round; None: nobody is left, or it makes no sense."""
        hopeless = self.method == "REQUEST" and any(
            isinstance(fault, Permanent) for fault in self.faults.values()
        )
        party = self.invite.attendees[role]
        return None if hopeless or party.email in self.done else party

    def result(self) -> Result:
        """What the mails came to."""
        gone = [x for x in self.faults.values() if isinstance(x, Permanent)]
        passing = [x for x in self.faults.values() if not isinstance(x, Permanent)]
        if gone and (self.method == "REQUEST" or not (self.done or passing)):
            return gone[0]
        return passing[0] if passing else Done(self.invite.uid)


class Outgoing:
    """Sends invitations and withdrawals, each to each attendee once as far as is known."""

    def __init__(self, mailer: Mailer, journal: Journal, sender: Sender, organizer: str) -> None:
        self._mailer, self._journal, self._sender = mailer, journal, sender
        self._by_service = organizer == "service"

    def send(
        self, invites: Sequence[Invite], method: str, notes: Mapping[Uid, Sequence[Note]]
    ) -> dict[Uid, Result]:
        """Send to the manager first: an employee is not invited to somebody out of reach."""
        known = self._journal.told([invite.uid for invite in invites])
        all_ = [self._begun(x, method, notes.get(x.uid, ()), known.get(x.uid)) for x in invites]
        try:
            for role in (-1, 0):
                self._round(all_, role)
            self._take_back([each for each in all_ if each.method == "REQUEST"])
        finally:
            self._keep(all_)
        return {each.invite.uid: each.result() for each in all_}

    def _begun(
        self, invite: Invite, method: str, notes: Sequence[Note], told: Told | None
    ) -> _Sending:
        digest = _digest(invite, method)
        revised = replace(invite, sequence=sequence(invite, notes, told, digest))
        done = list(told.done) if told and told.digest == digest else []
        when = Interval(invite.start, invite.end)
        fresh = Told(revised.sequence, invite.stamp, when, digest, tuple(done))
        return _Sending(self._as_organized(revised), method, fresh, done)

    def _as_organized(self, invite: Invite) -> Invite:
        if not self._by_service:
            return invite
        return replace(invite, organizer=Party(self._sender.email, self._sender.name))

    def _round(self, all_: Sequence[_Sending], role: int) -> None:
        owed = {}
        for each in all_:
            if party := each.next(role):
                try:
                    owed[self._mail(each, party)] = (each, party.email)
                except Unsendable as error:
                    each.faults[party.email] = Permanent(str(error))
        self._keep(all_)
        results = self._mailer.send(list(owed)) if owed else {}
        for letter, (each, who) in owed.items():
            fault = _fault(results.get(letter.key, Temporary("the mailer gave no answer")))
            if fault is None:
                each.done.append(who)
            else:
                each.faults[who] = fault

    def _mail(self, each: _Sending, party: Party) -> Mail:
        status = self._journal.unreachable(party.email)
        if status and each.method == "REQUEST":
            why = f"mail to {party.email} came back again and again ({status})"
            raise Unsendable(f"{why}: correct the address on the roster")
        acting = None if self._by_service else self._sender.email
        ics = write(each.invite, method=each.method, sent_by=acting)
        return mail(each.invite, ics, each.method, party, self._sender)

    def _take_back(self, all_: Iterable[_Sending]) -> None:
        """Who was invited to a meeting that cannot take place is told so at once."""
        fallen = {letter: each for each in all_ for letter in self._withdrawals(each)}
        if not fallen:
            return
        self._mailer.send(list(fallen))
        for each in fallen.values():
            each.done.clear()
            each.told = replace(each.told, sequence=each.told.sequence + 1, digest="")

    def _withdrawals(self, each: _Sending) -> Iterator[Mail]:
        if isinstance(each.result(), Permanent):
            falls = replace(each.invite, sequence=each.invite.sequence + 1)
            parties = [party for party in falls.attendees if party.email in each.done]
            for party in parties:
                yield self._mail(_Sending(falls, "CANCEL", each.told, []), party)

    def _keep(self, all_: Iterable[_Sending]) -> None:
        self._journal.tell(
            {each.invite.uid: replace(each.told, done=tuple(each.done)) for each in all_}
        )


def _fault(result: Result) -> Result | None:
    """What stands in the way; a lost answer may be asked for again, since a calendar takes the
    same revision twice as one."""
    if isinstance(result, Done):
        return None
    if isinstance(result, Ambiguous):
        return Temporary(f"{result.reason}; the same mail is sent again", timedelta(minutes=5))
    return result


def _digest(invite: Invite, method: str) -> str:
    """The content of a revision, whatever number it goes out under."""
    said = replace(invite, before=None, fresh=False)
    return hashlib.blake2b(f"{method}{said!r}".encode(), digest_size=16).hexdigest()
