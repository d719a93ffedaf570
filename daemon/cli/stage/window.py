"""The window onto the demo: its calendar and its mailbox in the browser, as they grow."""

from collections.abc import Iterable
from datetime import datetime
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from flask import Flask, Response, abort
from jinja2 import DictLoader, Environment, select_autoescape

from daemon.cli.stage.play import Play
from daemon.core.domain import Meeting, State

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #777; --accent: #2f6f4f; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem } p { margin: .3rem 0 1rem }
main { display: grid; gap: 2.5rem; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .35rem .6rem
.35rem 0; border-bottom: 1px solid var(--line); vertical-align: top } th { font-weight: 600 }
.soft { color: var(--soft) } a { color: var(--accent) } iframe { width: 100%; height: 80vh;
border: 1px solid var(--line) } progress { width: 100%; accent-color: var(--accent) }
"""

PAGES = {
    "base": """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{% if refresh %}<meta http-equiv="refresh" content="2">{% endif %}
<title>{{ title }}</title><style>{{ style }}</style></head><body>{% block body %}{% endblock %}
</body></html>""",
    "home": """{% extends "base" %}{% block body %}
<h1>Lumen, an invented company</h1>
<p class="soft">{{ now.strftime("%A, %d %B %Y") }} on the demo's clock.
{% if refresh %}This page renews itself.{% else %}The cycle is complete: every pair had its first
hour and its follow-up.{% endif %}</p>
<progress value="{{ part }}" max="1" aria-label="how much of the cycle is over"></progress>
<main><section><h2>Calendar</h2><table>
<tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th></tr>
{% for m in meetings %}<tr><td>{{ m.when }}</td><td>{{ m.who }}</td><td>{{ m.what }}</td></tr>
{% else %}<tr><td colspan="3" class="soft">nothing yet</td></tr>{% endfor %}</table></section>
<section><h2>Mailbox</h2><table>
<tr><th scope="col">To</th><th scope="col">Letter</th></tr>
{% for number, letter in letters %}<tr><td>{{ letter["To"].addresses[0].display_name }}</td>
<td><a href="letter/{{ number }}">{{ letter["Subject"] }}</a></td></tr>
{% else %}<tr><td colspan="2" class="soft">nothing yet</td></tr>{% endfor %}</table></section>
</main>{% endblock %}""",
    "letter": """{% extends "base" %}{% block body %}<p><a href="../">Back to the mailbox</a></p>
<h1>{{ title }}</h1><p class="soft">To {{ letter["To"] }}, {{ letter["Date"] }}</p>
<iframe sandbox="allow-popups allow-top-navigation-by-user-activation" title="The letter"
srcdoc="{{ html }}"></iframe>{% endblock %}""",
}

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'"


def window(play: Play) -> Flask:
    """The pages of the window; they only look."""
    words = Environment(loader=DictLoader(PAGES), autoescape=select_autoescape(default=True))
    flask = Flask("careloop-demo", static_folder=None)

    def page(name: str, **said: object) -> Response:
        text = words.get_template(name).render(style=STYLE, **said)
        return Response(text, headers={"Content-Security-Policy": POLICY})

    @flask.get("/")
    def home() -> Response:
        letters = list(enumerate(list(play.letters)))
        return page(
            "home",
            title="careloop demo",
            refresh=not play.finished,
            now=play.clock.now,
            part=play.part,
            meetings=list(_rows(play)),
            letters=reversed(letters),
        )

    @flask.get("/letter/<int:number>")
    def letter(number: int) -> Response:
        if number >= len(play.letters):
            abort(404)
        found = play.letters[number]
        return page(
            "letter", title=found["Subject"], refresh=False, letter=found, html=_html(found)
        )

    return flask


def _html(letter: EmailMessage) -> str:
    body = letter.get_body(("html",))
    text = str(body.get_content()) if body else ""
    return text.replace("<head>", '<head><base target="_top">', 1)


def _rows(play: Play) -> Iterable[dict[str, str]]:
    """Coming meetings first, then the held ones, latest first."""
    known = list(play.meetings.values())
    coming = sorted((m for m in known if m.state is State.BOOKED), key=_start)
    over = sorted((m for m in known if m.state is State.HELD), key=_start, reverse=True)
    for meeting in (*coming, *over):
        employee, manager = (
            play.persons[one].name for one in (meeting.pair.employee, meeting.pair.manager)
        )
        start = meeting.start.astimezone(ZoneInfo(meeting.zone))
        yield {
            "when": f"{start:%a %d %b, %H:%M} {start.tzname()}",
            "who": f"{employee} with {manager}",
            "what": f"{meeting.kind.value.replace('_', '-')}, {meeting.state.value}",
        }


def _start(meeting: Meeting) -> datetime:
    return meeting.start
