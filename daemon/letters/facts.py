"""What one letter says: Facts, and the small words it is made of. Frozen, never able to act."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from daemon.core.domain import Action, Letter, Meeting, Person, Reason


@dataclass(frozen=True, slots=True)
class Point:
    """Something of the checklist to look at."""

    title: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Shared:
    """Something the employee chose to show the manager."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything one letter says. `now` becomes its Date; `link` is the reader's own page."""

    letter: Letter
    to: Person
    employee: Person
    manager: Person | None = None
    meeting: Meeting | None = None
    """The meeting it is about; only overdue, helper and sign_in go without."""
    now: datetime
    link: str = ""
    page: str = ""
    """The reader's page with all talks and actions; empty: the link itself."""
    revision: int = 0
    points: tuple[Point, ...] = ()
    """prep, nudge: what to look at; seven are shown, the rest is counted."""
    shared: tuple[Shared, ...] = ()
    """brief: what the employee leads on."""
    actions: tuple[Action, ...] = ()
    agreed: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    """summary: statements that lack somebody's tick; nobody has said that they differ."""
    lacking: tuple[int, int] = (0, 0)
    """brief, record, summary: shared statements without the reader's tick, and without the other's;
    how many, never which."""
    resources: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    """summary of a later revision: what changed since the one before."""
    next_meeting: Meeting | None = None
    recorded: bool = True
    """False: nobody recorded the talk, and the summary says so."""
    asked: bool = False
    """record, and summary of what nobody recorded: the manager asks the employee to record."""
    inferred: bool = False
    """True: nobody said that it took place; it is assumed, and the summary says so."""
    reason: Reason | None = None
    """moved, overdue: why."""
    moved_from: datetime | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    """overdue: links by `ask` (once more), `help` (bring someone in) and `pause`."""
    helper_name: str = ""
    questions: tuple[str, ...] = ()
    """helper: what the employee asks."""
    note: str = ""
    """helper: a personal line of the employee."""
