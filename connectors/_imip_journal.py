"""What the mailbox told and what was sent, in one file that may be deleted: the mailbox's folders
are then read again, and what is sent again is byte for byte the same."""

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from connectors._cache import Cache
from connectors._imip_notes import Note, Told, as_json, as_note, as_told, told_as_json
from daemon.core.domain import Email, Uid
from daemon.core.ports import Trouble

_MOST_NOTES = 50
"""Of one event."""
BOUNCES = 2
"""So many reports make an address one that cannot be reached ..."""
_BOUNCED_SECONDS = 7 * 86_400
"""... for so long; then it is tried again."""


class Journal:
    """Notes by event, the last revision sent by event, how far each folder is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cache = Cache(path)

    def notes(self, uids: Collection[Uid]) -> dict[Uid, list[Note]]:
        """What is noted of each event."""
        names = {f"notes:{uid}": uid for uid in uids}
        found = {names[name]: list(map(as_note, kept)) for name, kept in self._cache.load(names)}
        return {uid: found.get(uid, []) for uid in uids}

    def told(self, uids: Collection[Uid]) -> dict[Uid, Told]:
        """The last revision sent of each event."""
        names = {f"told:{uid}": uid for uid in uids}
        return {names[name]: as_told(kept) for name, kept in self._cache.load(names)}

    def tell(self, told: Mapping[Uid, Told]) -> None:
        """Keep what was sent."""
        self._cache.save({f"told:{uid}": told_as_json(each) for uid, each in told.items()})

    def read_so_far(self, folder: str) -> tuple[int, int]:
        """UIDVALIDITY and last UID of a folder as far as it is noted."""
        for _, (validity, uid) in self._cache.load([f"folder:{folder}"]):
            return int(validity), int(uid)
        return 0, 0

    def note(
        self,
        folder: str,
        place: tuple[int, int],
        notes: Sequence[tuple[Uid, Note]],
        bounced: Sequence[tuple[Email, str]],
    ) -> None:
        """Keep what a stretch of a folder said, and how far it reached.

        Raises `Trouble` where nothing can be kept: then nothing may be moved away."""
        known = self.notes({uid for uid, _ in notes})
        for uid, note in notes:
            if note not in known[uid]:
                known[uid].append(note)
        records: dict[str, object] = {
            f"notes:{uid}": [as_json(note) for note in some[-_MOST_NOTES:]]
            for uid, some in known.items()
        }
        self._cache.save(records | self._counted(bounced) | {f"folder:{folder}": list(place)})
        if self.read_so_far(folder) != place:
            raise Trouble(f"{self._path} cannot be written: chown it to the service")

    def _counted(self, bounced: Sequence[tuple[Email, str]]) -> dict[str, object]:
        records: dict[str, object] = {}
        for who, status in bounced:
            last = records.get(f"bounced:{who}") or self._bounces(who)
            assert isinstance(last, list)
            records[f"bounced:{who}"] = [last[0] + 1, status, time.time()]
        return records

    def _bounces(self, who: Email) -> list[object]:
        for _, kept in self._cache.load([f"bounced:{who}"]):
            count, status, at = kept
            if time.time() - float(at) < _BOUNCED_SECONDS:
                return [count, status, at]
        return [0, "", 0.0]

    def unreachable(self, who: Email) -> str:
        """The status of an address that came back too often of late; empty where it did not."""
        count, status, _ = self._bounces(who)
        return str(status) if isinstance(count, int) and count >= BOUNCES else ""
