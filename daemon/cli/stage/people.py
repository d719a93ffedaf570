"""What the invented people do: they open the links in their letters and fill in the pages."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from random import Random
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from daemon.cli.stage.forms import Fields, Form, forms_of

WISHES = (
    "I want to lead the next release myself.",
    "My part in our goals has become clearer to me; I would like to do more of it.",
    "I need an hour a week without interruptions.",
    "Success for me this quarter: three customers who say that it got easier.",
)
DEEDS = (
    "Sit beside a customer for half a day",
    "Write down how the release works",
    "Ask the platform team for a review",
    "Hand the rota over to the team",
)
STEPS = 12
"""No preparation has more pages than that."""


@dataclass(slots=True)
class Guest:
    """Somebody with a browser: pages, cookies, and where they are."""

    client: FlaskClient
    page: str = ""
    path: str = ""

    def follow(self, link: str) -> None:
        """Open an address of a letter."""
        self._arrive(self.client.get(urlsplit(link).path, follow_redirects=True))

    def send(self, form: Form, fields: Fields) -> None:
        """Press a form's button."""
        path = form.action or self.path
        self._arrive(self.client.post(path, data=fields, follow_redirects=True))

    def form(self, wanted: Callable[[Form], bool]) -> Form | None:
        """The first form of the page that is wanted."""
        return next((form for form in forms_of(self.page) if wanted(form)), None)

    def _arrive(self, answer: TestResponse) -> None:
        if answer.status_code >= 400:
            raise RuntimeError(f"{answer.request.path} answered {answer.status}")
        self.page = answer.get_data(as_text=True)
        self.path = answer.request.path


def act(flask: Flask, letter: EmailMessage, link: str, dice: Random) -> str | None:
    """Do what a letter asks for; what was done in a few words, None: nothing."""
    kind = str(letter["X-Careloop-Letter"])
    deed = {"prep": prepare, "record": record}.get(kind)
    return deed(Guest(flask.test_client()), link, dice) if deed else None


def prepare(guest: Guest, link: str, dice: Random) -> str:
    """Go through the pages of a preparation, say a few things, share all of them."""
    guest.follow(link)
    for _ in range(STEPS):
        form = guest.form(lambda one: "prepare" in (one.action or guest.path))
        if form is None:
            break
        sharing = "/share" in (form.action or guest.path)
        guest.send(form, form.filled(**(_shared(form) if sharing else _said(form, dice))))
        if sharing:
            break
    return "prepares"


def _said(form: Form, dice: Random) -> Fields:
    texts = [name for name in form.fields if name.endswith(".text") and not form.fields[name]]
    chosen = {name: dice.choice(WISHES) for name in dice.sample(texts, min(2, len(texts)))}
    marks = {
        name: dice.choice(offered)
        for name, offered in form.offered.items()
        if ".mark." in name and offered
    }
    return {**chosen, **marks}


def _shared(form: Form) -> Fields:
    return {name: offered[0] for name, offered in form.offered.items() if name.startswith("share.")}


def record(guest: Guest, link: str, dice: Random) -> str:
    """Say that they met, agree to what stands there, and write an action down."""
    guest.follow(link)
    met = guest.form(lambda one: "held" in one.offered or ("held", "yes") in one.buttons)
    if met is not None:
        guest.send(met, met.filled(held="yes"))
    form = guest.form(lambda one: "a.ids" in one.fields)
    if form is None:
        return "says that they met"
    guest.send(form, form.filled(**_agreed(form), **_deed(form, dice)))
    return "records what they agreed"


def _agreed(form: Form) -> Fields:
    return {name: "agree" for name in form.offered if re.fullmatch(r"s\..+\.say", name)}


def _deed(form: Form, dice: Random) -> Fields:
    """One action in the first empty line; what it needs is answered too."""
    empty = [
        name.removesuffix(".what")
        for name, value in form.fields.items()
        if name.startswith("a.") and name.endswith(".what") and not value
    ]
    if not empty:
        return {}
    line = empty[0]
    return {
        f"{line}.what": dice.choice(DEEDS),
        f"{line}.owner": dice.choice(("employee", "employee", "manager")),
        f"{line}.needs": "nothing",
    }
