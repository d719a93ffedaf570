"""Small things templates ask for: empty lines of a form, months, the words of the audit."""

from datetime import date

from babel.dates import format_date
from flask import g

from daemon.core.agreement import Resource, Statement
from daemon.core.domain import Action, Owner, ResourceKind
from daemon.letters.language import Language


def month(language: Language, day: date) -> str:
    """A month, short."""
    return format_date(day, "LLL", locale=language.locale)


def blank_statement(id_: str) -> Statement:
    """A line for another statement."""
    return Statement(id_, "", "")


def blank_action(id_: str, due: date) -> Action:
    """A line for another action."""
    return Action(id_, "", Owner.EMPLOYEE, due, ResourceKind.NOTHING)


def blank_resource(id_: str, who: str, by: date) -> Resource:
    """A line for another resource; unless they say otherwise the manager provides it in time."""
    return Resource(id_, ResourceKind.PEOPLE, "", who, by)


def _(words: str) -> str:
    """Mark words for the catalogue."""
    return words


DEEDS = {
    "saw": _("looked at"),
    "shared": _("chose what to share"),
    "attested": _("said whether you met"),
    "asked to record": _("asked you to record"),
    "recorded": _("saved"),
    "proposed": _("proposed words"),
    "changed": _("changed"),
    "moved": _("moved"),
    "paused": _("paused"),
    "resumed": _("went on with"),
    "again": _("asked for a new time"),
    "asked": _("asked for help"),
    "took back": _("took a request back"),
    "handed in": _("handed in"),
    "handed over": _("chose what a new manager sees"),
    "exported": _("took a copy"),
    "erased": _("erased"),
    "accepted": _("accepted"),
    "declined": _("declined"),
    "done": _("finished"),
    "answered": _("answered"),
}

THINGS = {
    "record": _("the record"),
    "revisions": _("the saved versions"),
    "shared items": _("what you shared"),
    "paper": _("a file you shared"),
    "preparation": _("preparation"),
    "meeting": _("the talk"),
    "expectations": _("expectations"),
    "promises": _("own promises"),
    "actions": _("actions"),
    "helper": _("a helper"),
    "request": _("your request"),
    "history": _("history"),
    "role": _("your role, to the people team"),
    "everything": _("everything"),
    "html": "HTML",
    "json": "JSON",
    "ics": "ICS",
}


OPERATOR = "operator"
"""Who acts at the command line has no address."""
SOMEBODY = {OPERATOR: _("the operator of careloop")}


def who(person: str) -> str:
    """Who it was: an address, or words for whoever has none."""
    return str(g.words.gettext(SOMEBODY[person])) if person in SOMEBODY else person


def deed(code: str) -> str:
    """What somebody did, in the reader's words."""
    return str(g.words.gettext(DEEDS.get(code, code)))


def thing(code: str) -> str:
    """With what."""
    return str(g.words.gettext(THINGS.get(code, code)))
