"""The books of the local Google: accounts, events, quotas; and how it says no."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


class Oops(Exception):
    """An error answer."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str = "",
        domain: str = "global",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.message = message or reason
        self.domain = domain
        self.headers = headers or {}


@dataclass
class Account:
    """A user of the Workspace."""

    address: str
    zone: str = "UTC"
    working_hours: dict[str, Any] | None = None
    hidden: bool = False
    """Their calendar is shared with nobody."""
    suspended: bool = False
    without_calendar: bool = False
    refuses_mail: bool = False
    profile: dict[str, Any] = field(default_factory=dict)
    """More of their entry in the directory."""


@dataclass
class Stored:
    """An event, shared by every calendar that holds a copy."""

    body: dict[str, Any]
    organizer: str
    copies: set[str]


class Books:
    """What the server knows."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.events: dict[tuple[str, str], Stored] = {}
        """By calendar and id; a deleted event stays, as a memory of itself."""
        self.shelves: dict[str, dict[str, Stored]] = {}
        """The same, calendar by calendar."""
        self.notices: list[tuple[str, str, str]] = []
        """To whom, what, about which event: the mails Google sends to guests."""
        self.limits: dict[str, int] = {}
        """By method: how many calls each subject still has."""
        self._spent: Counter[tuple[str, str]] = Counter()

    def open_account(self, address: str, **more: Any) -> Account:
        """Add a user."""
        account = Account(address, **more)
        self.accounts[address] = account
        return account

    def account(self, address: str) -> Account:
        """The user whose calendar or mailbox this is. Raises `Oops`."""
        account = self.accounts.get(address)
        if account is None or account.suspended:
            raise Oops(404, "notFound", "Not Found")
        return account

    def shelve(self, calendar: str, stored: Stored) -> None:
        """Put an event, or a copy of it, into a calendar."""
        name = str(stored.body["id"])
        self.events[calendar, name] = stored
        self.shelves.setdefault(calendar, {})[name] = stored

    def forget_events(self) -> None:
        """Lose every event, and the memory of it."""
        self.events.clear()
        self.shelves.clear()

    def spend(self, subject: str, method: str) -> None:
        """Count a call against the limit of its method."""
        self._spent[subject, method] += 1
        if self._spent[subject, method] > self.limits.get(method, 10**9):
            raise Oops(403, "quotaExceeded", "Calendar usage limits exceeded.", "usageLimits")
