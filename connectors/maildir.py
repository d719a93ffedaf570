"""Letters as files in a standard Maildir: one each, named by its key, written once."""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from daemon.config.model import Config
from daemon.core.domain import Key, Mail
from daemon.core.ports import Ambiguous, Done, Mailer, Permanent, Result, Temporary, Trouble

STALE_SECONDS = 36 * 3600
"""What lies in tmp for longer was left by a writer that died (maildir(5))."""


def mailer(config: Config) -> Mailer:
    """Open the Maildir of `[mail] path`; it is made when it is not there."""
    return Maildir(config.at(config.mail.path))


class Maildir:
    """A Maildir with `tmp`, `new` and `cur`; the reader's mail program may move and flag."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def send(self, mails: Sequence[Mail]) -> Mapping[Key, Result]:
        """Deliver each exclusively under the name of its key; one that is there is done."""
        if not mails:
            return {}
        self._prepare()
        there = self._names()
        return {mail.key: self._send(mail, there) for mail in mails}

    def sent(self, mails: Sequence[Mail]) -> Mapping[Key, bool | None]:
        """Tell exactly, wherever in the Maildir the letter lies now and whatever its flags."""
        there = self._names() if mails else {}
        return {mail.key: name_of(mail.key) in there for mail in mails}

    def _prepare(self) -> None:
        try:
            for name in ("tmp", "new", "cur"):
                (self._root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            _sweep(self._root / "tmp")
        except OSError as error:
            raise Trouble(f"{self._root} is not writable: {error.strerror}; mend it") from error

    def _names(self) -> dict[str, Path]:
        """Every letter by its name without flags; `new` is read before `cur`, so that one on its
        way between them is seen."""
        try:
            return {file.name.partition(":")[0]: file for file in self._files()}
        except OSError as error:
            raise Trouble(f"{self._root} is not readable: {error.strerror}; mend it") from error

    def _files(self) -> Iterator[Path]:
        for box in (self._root, *sorted(self._root.glob(".*/"))):
            for name in ("new", "cur"):
                if (box / name).is_dir():
                    yield from (box / name).iterdir()

    def _send(self, mail: Mail, there: Mapping[str, Path]) -> Result:
        name = name_of(mail.key)
        if name in there:
            return _found(there[name], name)
        target = self._root / "new" / name
        try:
            draft = _written(self._root / "tmp", name, mail.content)
        except OSError as error:
            return Temporary(f"could not write {target}: {error.strerror}")
        return _delivered(draft, target, mail.content)


def name_of(key: Key) -> str:
    """The file name of a letter: the same for the same key, whatever stands in the key."""
    return f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.careloop"


def _found(file: Path, name: str) -> Result:
    if file.is_file() and not file.is_symlink():
        return Done(name)
    return Permanent(f"{file} is in the way and no letter: remove it")


def _written(folder: Path, name: str, content: bytes) -> Path:
    """A draft of our own, whole and on the disk."""
    handle, path = tempfile.mkstemp(prefix=f"{name}.", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(path).unlink(missing_ok=True)
        raise
    return Path(path)


def _delivered(draft: Path, target: Path, content: bytes) -> Result:
    """Give the draft its final name if nobody has it yet, then read it back."""
    try:
        os.link(draft, target)
    except FileExistsError:
        return _found(target, target.name)
    except OSError as error:
        return Temporary(f"could not deliver {target}: {error.strerror}")
    finally:
        draft.unlink(missing_ok=True)
    return _settled(target, content)


def _settled(target: Path, content: bytes) -> Result:
    try:
        _sync(target.parent)
        whole = target.read_bytes() == content
    except FileNotFoundError:  # a mail program took it to cur already
        return Done(target.name)
    except OSError as error:
        return Ambiguous(f"wrote {target} and could not read it back: {error.strerror}")
    return Done(target.name) if whole else Ambiguous(f"{target} does not hold what was written")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    oldest = time.time() - STALE_SECONDS
    for file in folder.glob("*.careloop.*"):
        with suppress(FileNotFoundError):  # another writer has just finished it
            if file.stat().st_mtime < oldest:
                file.unlink()
