"""Letters through Graph: a draft first, then sent, so that a lost answer is settled by looking.

A letter goes as MIME, which keeps our headers; it is known again by its Message-ID, which is fixed
with the letter. A draft that an interrupted attempt left behind is sent, never written twice.
"""

import base64
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from connectors._graph_events import path
from connectors._graph_parts import Outcome, Part, Said
from connectors._graph_session import Graph
from connectors._graph_words import code_of, meaning
from connectors._http import NoAnswer
from connectors._limits import Allowance
from daemon.core.domain import Email, Key, Mail
from daemon.core.ports import Ambiguous, Done, Permanent, Result, Temporary, Trouble

_BAD_MIME = "ErrorMimeContentInvalidBase64String"
_HEAVY = 100_000
"""Bytes for which a letter takes one more place: Graph takes four megabytes a batch."""
_UNSURE = Ambiguous("Microsoft lost the answer, and the letter is neither a draft nor sent")
_DRAFT_LOST = Temporary("Microsoft lost the answer to a draft; nothing was sent")


class GraphMailer:
    """The port `Mailer` over Graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._allowances: dict[Email, Allowance] = {}
        self._mime_in_batches = True
        self._lock = threading.Lock()

    def send(self, mails: Sequence[Mail]) -> Mapping[Key, Result]:
        """Try each once, as many a minute as a mailbox may send; the others wait."""
        results: dict[Key, Result] = {}
        for sender, letters in _by_sender(mails).items():
            now = self._allowance(sender).take(len(letters))
            late = enumerate(letters[now:], 1)
            results |= {mail.key: self._later(sender, place) for place, mail in late}
            try:
                results |= self._send(sender, letters[:now])
            except Trouble as trouble:
                if not any(isinstance(result, Done | Ambiguous) for result in results.values()):
                    raise
                failed = Temporary(trouble.reason, trouble.retry_after)
                results |= {mail.key: failed for mail in letters[:now]}
        return results

    def sent(self, mails: Sequence[Mail]) -> Mapping[Key, bool | None]:
        """Tell whether each was sent before; without the right to read mail nobody can."""
        if self.graph.settings.mail == "send":
            return {mail.key: None for mail in mails}
        came = self._batch([_look_up(mail) for mail in mails], "look for letters")
        return {mail.key: _was_sent(said) for mail, said in zip(mails, came, strict=True)}

    def _send(self, sender: Email, mails: Sequence[Mail]) -> dict[Key, Result]:
        direct = self.graph.settings.mail == "send"
        return (self._direct if direct else self._by_draft)(sender, mails)

    def _direct(self, sender: Email, mails: Sequence[Mail]) -> dict[Key, Result]:
        parts = [_mime(sender, "sendMail", mail) for mail in mails]
        came = self._batch_mime(parts, "send")
        return {mail.key: _result(sender, said) for mail, said in zip(mails, came, strict=True)}

    def _by_draft(self, sender: Email, mails: Sequence[Mail]) -> dict[Key, Result]:
        """Write drafts, and see in the same breath which ones an earlier attempt left behind."""
        if not mails:
            return {}
        parts = [_drafts(sender), *(_mime(sender, "messages", mail) for mail in mails)]
        seen, *written = self._batch_mime(parts, "draft")
        left = self._left(sender, seen)
        if not isinstance(left, dict):
            return {mail.key: left for mail in mails}
        if any(isinstance(said, Ambiguous) for said in written):
            left = self._all_drafts(sender, _drafts(sender).url) | left
        results: dict[Key, Result] = {}
        ready: dict[Key, str] = {}
        for mail, said in zip(mails, written, strict=True):
            if draft := left.get(mail.message_id) or _draft_id(said):
                ready[mail.key] = draft
            else:
                results[mail.key] = _unwritten(sender, said)
        self._clear(sender, {_draft_id(said) for said in written} - {"", *ready.values()})
        return results | self._post([mail for mail in mails if mail.key in ready], ready)

    def _left(self, sender: Email, seen: Outcome) -> dict[str, str] | Temporary | Permanent:
        """The drafts that stand in the sender's mailbox, Message-ID to id; or why nobody knows."""
        if not isinstance(seen, Said):
            return Temporary(seen.reason)
        if not seen.ok or not isinstance(seen.body, Mapping):
            return meaning(seen.status, seen.body, sender)
        more = str(seen.body.get("@odata.nextLink") or "")
        return _named(seen.body) | (self._all_drafts(sender, more) if more else {})

    def _all_drafts(self, sender: Email, url: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for page in self.graph.pages(url, f"drafts of {sender}"):
            found |= _named(page)
        return found

    def _clear(self, sender: Email, drafts: Collection[str]) -> None:
        """Throw away drafts that were written beside one that stood already."""
        self._batch([_throw(sender, draft) for draft in sorted(drafts)], "clear drafts")

    def _post(
        self, mails: Sequence[Mail], drafts: Mapping[Key, str], tries: int = 2
    ) -> dict[Key, Result]:
        """Send the drafts; where the answer was lost, look, and send a draft that still stands."""
        parts = [_send(mail.sender, drafts[mail.key]) for mail in mails]
        came = list(zip(mails, self._batch(parts, "send"), strict=True))
        results = {m.key: _result(m.sender, s, drafts[m.key]) for m, s in came if not _doubt(s)}
        unsure = [mail for mail, said in came if _doubt(said)]
        seen = self._seen(unsure)
        standing: dict[Key, str] = {}
        for mail, said in zip(unsure, seen, strict=True):
            results[mail.key] = _settled(said)
            if draft := _standing(said):
                standing[mail.key] = draft
        again = [mail for mail in unsure if mail.key in standing]
        return results | (self._post(again, standing, tries - 1) if again and tries > 1 else {})

    def _seen(self, unsure: Sequence[Mail]) -> list[Outcome]:
        """Look for letters in doubt; what cannot be looked for stays in doubt."""
        try:
            return self._batch([_look_up(mail) for mail in unsure], "look after doubt")
        except Trouble as trouble:
            return [Ambiguous(trouble.reason)] * len(unsure)

    def _batch_mime(self, parts: Sequence[Part], what: str) -> list[Outcome]:
        """Make calls whose body is MIME; one by one where a batch does not carry it."""
        came = self._batch(parts, what) if self._mime_in_batches else [_UNREAD] * len(parts)
        if any(_unread(said) for said in came):
            self._mime_in_batches = False
        return [
            self._alone(part, what) if _unread(said) else said
            for part, said in zip(parts, came, strict=True)
        ]

    def _alone(self, part: Part, what: str) -> Outcome:
        try:
            return self.graph.ask(part, what)
        except NoAnswer as nothing:
            return nothing.result

    def _batch(self, parts: Sequence[Part], what: str) -> list[Outcome]:
        return self.graph.batch(parts, what) if parts else []

    def _allowance(self, sender: Email) -> Allowance:
        rate = self.graph.settings.messages_per_minute
        with self._lock:
            return self._allowances.setdefault(sender, Allowance(rate, rate))

    def _later(self, sender: Email, place: int) -> Temporary:
        """Put a letter off to the moment at which it is its turn."""
        rate = self.graph.settings.messages_per_minute
        wait = timedelta(seconds=self._allowance(sender).wait() + (place - 1) * 60 / rate)
        return Temporary(f"{sender} sends {rate} letters a minute and no more", wait)


_UNREAD = Said(400, {"error": {"code": _BAD_MIME}})


def _by_sender(mails: Iterable[Mail]) -> dict[Email, list[Mail]]:
    groups: dict[Email, list[Mail]] = defaultdict(list)
    for mail in mails:
        groups[mail.sender].append(mail)
    return groups


def _mime(sender: Email, to: str, mail: Mail) -> Part:
    """A letter as Graph takes MIME: all of it in base64 (Graph, send MIME content)."""
    body = base64.b64encode(mail.content).decode()
    weight = 1 + len(body) // _HEAVY
    return Part("POST", path(sender, to), body, sender, repeatable=False, weight=weight)


def _drafts(sender: Email) -> Part:
    url = path(sender, "mailFolders/drafts/messages?$select=id,internetMessageId&$top=500")
    return Part("GET", url, mailbox=sender)


def _named(page: Mapping[str, Any]) -> dict[str, str]:
    listed = [one for one in page.get("value") or [] if isinstance(one, Mapping)]
    return {str(one.get("internetMessageId")): str(one.get("id")) for one in listed}


def _throw(sender: Email, draft: str) -> Part:
    return Part("DELETE", path(sender, f"messages/{quote(draft, safe='')}"), mailbox=sender)


def _send(sender: Email, draft: str) -> Part:
    url = path(sender, f"messages/{quote(draft, safe='')}/send")
    return Part("POST", url, mailbox=sender, repeatable=False)


def _look_up(mail: Mail) -> Part:
    named = quote("internetMessageId eq '" + mail.message_id.replace("'", "''") + "'")
    url = path(mail.sender, f"messages?$filter={named}&$select=id,isDraft&$top=5")
    return Part("GET", url, mailbox=mail.sender)


def _listed(said: Outcome) -> list[Mapping[str, Any]] | None:
    """The messages of an answer; None where it is none."""
    if not isinstance(said, Said) or not said.ok or not isinstance(said.body, Mapping):
        return None
    return [one for one in said.body.get("value") or [] if isinstance(one, Mapping)]


def _was_sent(said: Outcome) -> bool | None:
    found = _listed(said)
    return None if found is None else any(not one.get("isDraft") for one in found)


def _settled(said: Outcome) -> Result:
    """What a look says of a letter whose sending is in doubt."""
    found = _listed(said)
    if found is None:
        return Ambiguous("Microsoft lost the answer, and could not be asked again")
    gone = [str(one.get("id")) for one in found if not one.get("isDraft")]
    if gone:
        return Done(gone[0])
    return Temporary("the letter is still a draft") if found else _UNSURE


def _standing(said: Outcome) -> str:
    """The draft that may be sent; empty where there is none, or a copy has gone out."""
    found = _listed(said) or []
    gone = any(not one.get("isDraft") for one in found)
    return "" if gone or not found else str(found[0].get("id"))


def _doubt(said: Outcome) -> bool:
    """Tell whether a draft may have been sent: no answer, or the draft is no longer there."""
    return isinstance(said, Ambiguous) or (isinstance(said, Said) and said.status == 404)


def _unread(said: Outcome) -> bool:
    return isinstance(said, Said) and code_of(said.body) == _BAD_MIME


def _draft_id(said: Outcome) -> str:
    if isinstance(said, Said) and said.ok and isinstance(said.body, Mapping):
        return str(said.body.get("id") or "")
    return ""


def _unwritten(sender: Email, said: Outcome) -> Result:
    return _DRAFT_LOST if isinstance(said, Ambiguous) else _result(sender, said)


def _result(sender: Email, said: Outcome, made: str = "") -> Result:
    if not isinstance(said, Said):
        return said
    return Done(made) if said.ok else meaning(said.status, said.body, sender)
