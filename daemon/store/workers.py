"""Which process holds a claim, and whether it still lives."""

import os
import socket
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_UNKNOWN = "-"
_NAMELESS = (_UNKNOWN,) * 3


def worker_identity() -> str:
    """Name this process so that nobody is ever called the same: `host:boot:pid:start`."""
    pid = os.getpid()
    seen = _stat(pid)
    return ":".join((_host(), _boot(), str(pid), seen[1] if seen else _UNKNOWN))


def is_dead(worker: str) -> bool:
    """Tell whether that worker certainly lives no more.

    Only a process of this machine can be told dead; for another one the lease decides.
    """
    host, boot, pid, start = [*worker.split(":"), *_NAMELESS][:4]
    if host != _host() or not pid.isdigit():
        return False
    if _UNKNOWN not in (boot, _boot()) and boot != _boot():
        return True
    return not _lives(int(pid), start)


def _lives(pid: int, start: str) -> bool:
    seen = _stat(pid)
    if seen:
        over = seen[0] in "ZXx"  # killed, and nobody has fetched its exit code yet
        return not over and start in (seen[1], _UNKNOWN)
    try:
        os.kill(pid, 0)  # sends nothing; sees also those that /proc hides from us (ProtectProc=)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _stat(pid: int) -> tuple[str, str] | None:
    """State and start, in ticks since boot, of a process (proc(5), fields 3 and 22); None: not to
    be seen."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], fields[19]


@cache
def _host() -> str:
    """The machine, and on it the process numbering (containers have their own)."""
    named = socket.gethostname().replace(":", "_")
    return f"{named}/{_read('/etc/machine-id')[:8]}/{_namespace()}"


@cache
def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id")


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip() or _UNKNOWN
    except OSError:
        return _UNKNOWN


def _namespace() -> str:
    try:
        return str((_PROC / "self/ns/pid").stat().st_ino)
    except OSError:
        return _UNKNOWN
