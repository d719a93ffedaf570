"""How much of a provider we may use at once: places, a rate, and pauses it asks for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

Clock = Callable[[], float]


class Crowded(Exception):
    """No place came free in time."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"no place free for another {wait:.0f} s")
        self.wait = wait
        """Seconds after which another try makes sense."""


class Allowance:
    """So many things a minute, taken in advance and never waited for."""

    def __init__(self, per_minute: float, burst: float = 1, clock: Clock = time.monotonic) -> None:
        self._per_second = per_minute / 60
        self._burst = max(1.0, burst)
        self._left = self._burst
        self._clock = clock
        self._seen = clock()
        self._lock = threading.Lock()

    def take(self, wanted: int = 1) -> int:
        """Take up to `wanted` and tell how many were granted."""
        with self._lock:
            self._refill()
            granted = min(wanted, int(self._left))
            self._left -= granted
            return granted

    def wait(self) -> float:
        """Tell in how many seconds the next one can be taken; 0: now."""
        with self._lock:
            self._refill()
            return max(0.0, (1 - self._left) / self._per_second)

    def _refill(self) -> None:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._seen) * self._per_second)
        self._seen = now


class Limiter:
    """Shared by all calls to one provider (or one mailbox): at most `in_flight` at once, at most
    `per_minute` starts, and nobody before a pause the provider asked for is over."""

    def __init__(
        self,
        in_flight: int = 4,
        per_minute: float | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._free = in_flight
        self._rate = Allowance(per_minute, per_minute / 6, clock) if per_minute else None
        self._paused_until = 0.0
        self._clock = clock
        self._changed = threading.Condition()

    @contextmanager
    def place(self, patience: float) -> Iterator[None]:
        """Hold a place for one call; wait for it at most `patience` seconds.

        Raises `Crowded` at once when it is already known that the wait is longer.
        """
        self._enter(patience)
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify()

    def pause(self, seconds: float) -> None:
        """Let nobody start for so long; a longer pause that is already on stays."""
        with self._changed:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _enter(self, patience: float) -> None:
        until = self._clock() + patience
        with self._changed:
            while (wait := self._obstacle()) != 0:
                left = until - self._clock()
                if left <= 0 or (wait is not None and wait > left):
                    raise Crowded(wait or 1)
                self._changed.wait(left if wait is None else wait)
            self._free -= 1

    def _obstacle(self) -> float | None:
        """Seconds to wait; 0: go (the rate is then spent); None: until somebody leaves."""
        pause = self._paused_until - self._clock()
        if pause > 0:
            return pause
        if self._free < 1:
            return None
        return self._rate.wait() if self._rate and not self._rate.take() else 0


def retry_after(stated: str | None, now: datetime) -> float | None:
    """Read a Retry-After header in seconds from `now` (RFC 9110 section 10.2.3); None: it says
    nothing we understand. A date that has passed is 0."""
    text = (stated or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        return max(0.0, (_aware(parsedate_to_datetime(text)) - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
