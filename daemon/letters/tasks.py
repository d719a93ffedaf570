"""The actions of a summary as an iCalendar file: one VTODO each (RFC 5545 section 3.6.2)."""

from collections.abc import Iterable

from icalendar import Calendar, Todo, vText

from daemon.core.domain import Action, Owner
from daemon.letters.facts import Facts


def tasks(facts: Facts, actions: Iterable[Action]) -> bytes:
    """Write the actions, in the order given; those of others start with who does them."""
    calendar = Calendar()
    calendar.add("prodid", "-//careloop//actions//EN")
    calendar.add("version", "2.0")
    for action in actions:
        calendar.add_component(_todo(facts, action))
    return bytes(calendar.to_ical())


def _todo(facts: Facts, action: Action) -> Todo:
    todo = Todo()
    todo.add("uid", f"{action.id}@careloop")
    todo.add("dtstamp", facts.now.replace(microsecond=0))
    todo.add("summary", vText(_headline(facts, action)))
    todo.add("due", action.due)
    todo.add("status", "NEEDS-ACTION")
    todo.add("class", "PRIVATE")
    if action.resource:
        todo.add("description", action.resource)
    return todo


def _headline(facts: Facts, action: Action) -> str:
    doer = owner_name(facts, action)
    return action.what if doer == facts.to.name else f"{doer}: {action.what}"


def owner_name(facts: Facts, action: Action) -> str:
    """Who does it, by name."""
    match action.owner:
        case Owner.EMPLOYEE:
            return facts.employee.name
        case Owner.MANAGER:
            return facts.manager.name if facts.manager else ""
    return action.helper_name
