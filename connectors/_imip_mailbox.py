"""The mailbox that receives answers: read further each turn, in bounded pieces, and tidied up.

Each daemon reads the folder of arrivals and the folder of processed mail with a mark of its own
(UIDVALIDITY and UID), so that it also learns what another daemon has moved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from connectors._imap import Box, Post
from connectors._imip_journal import Journal
from connectors._imip_notes import Note
from connectors._imip_sort import Rules, Sort, Sorted, sort
from daemon.core.domain import Email, Uid

_PIECE_MESSAGES = 50
_PIECE_BYTES = 4 * 2**20
_LOG = structlog.get_logger("mailbox")
_KEPT = frozenset({Sort.PERSON})
"""What stays where it arrived."""


@dataclass(slots=True)
class _Piece:
    """Some messages of a folder and what they said."""

    last: int
    notes: list[tuple[Uid, Note]] = field(default_factory=list)
    bounced: list[tuple[Email, str]] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def take(self, uid: int, found: Sorted) -> None:
        """Note what one message is."""
        self.notes += found.notes
        self.bounced += found.bounced
        if found.sort is Sort.REFUSED:
            self.refused.append(uid)
        elif found.sort not in _KEPT:
            self.done.append(uid)


class Mailbox:
    """The folders of `[imap]`, read into a journal."""

    def __init__(self, post: Post, journal: Journal, rules: Rules) -> None:
        self._post, self._journal, self._rules = post, journal, rules
        self._made = False

    def read(self) -> int:
        """Read what is new and tell how many messages are left for the next time.

        Raises `Trouble` and `CredentialsRefused`."""
        settings = self._post.imap
        with self._post.opened() as box:
            if not self._made:
                for folder in filter(None, (settings.processed, settings.quarantine)):
                    box.make(folder)
                self._made = True
            before = self._read(box, settings.processed, tidy=False) if settings.processed else 0
            return before + self._read(box, settings.folder, tidy=True)

    def _read(self, box: Box, folder: str, *, tidy: bool) -> int:
        validity = box.select(folder)
        known, last = self._journal.read_so_far(folder)
        uids = box.after(last if known == validity else 0)
        some = uids[: self._post.imap.most_messages]
        sizes = box.sizes(some)
        for piece in _pieces(some, sizes):
            read = self._sorted(box, piece, sizes, loud=tidy)
            self._journal.note(folder, (validity, read.last), read.notes, read.bounced)
            if tidy:
                self._tidy(box, read)
        return len(uids) - len(some)

    def _sorted(
        self, box: Box, uids: Sequence[int], sizes: dict[int, int], *, loud: bool
    ) -> _Piece:
        largest = self._post.imap.largest_kib * 1024
        piece = _Piece(uids[-1])
        contents = box.contents([uid for uid in uids if sizes.get(uid, 0) <= largest], largest)
        for uid in uids:
            if sizes.get(uid, 0) > largest:
                found = Sorted(Sort.REFUSED, f"it is larger than {largest // 1024} KiB")
            elif uid in contents:
                found = sort(contents[uid], self._rules)
            else:
                continue  # another daemon, or a person, has moved it
            piece.take(uid, found)
            if loud:
                say = _LOG.warning if found.sort is Sort.REFUSED else _LOG.info
                say("mail.read", uid=uid, sort=found.sort.value, why=found.why or None)
        return piece

    def _tidy(self, box: Box, read: _Piece) -> None:
        settings = self._post.imap
        if settings.processed:
            box.move(read.done, settings.processed)
        if settings.quarantine:
            box.move(read.refused, settings.quarantine)


def _pieces(uids: Sequence[int], sizes: dict[int, int]) -> Iterator[Sequence[int]]:
    """Messages in pieces of bounded number and weight."""
    piece: list[int] = []
    weight = 0
    for uid in uids:
        size = sizes.get(uid, 0)
        if piece and (len(piece) >= _PIECE_MESSAGES or weight + size > _PIECE_BYTES):
            yield piece
            piece, weight = [], 0
        piece.append(uid)
        weight += size
    if piece:
        yield piece
