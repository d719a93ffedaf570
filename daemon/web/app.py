"""The pages as one Flask application: routes, doors, headers, limits, the same 404 for all."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask, abort, g, request
from flask_limiter import Limiter
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from daemon.store.conversations import plain
from daemon.web import (
    entry,
    export,
    health,
    helper,
    manager,
    my_page,
    overview,
    prepare,
    talk,
)
from daemon.web.show import blank_action, blank_resource, blank_statement, deed, month, thing, who
from daemon.web.site import Route, Visit, admit
from daemon.web.words import translations
from daemon.wiring import App

TEMPLATES = Path(__file__).parents[1] / "templates"
MEMORY = "memory://"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

ROOMS = (entry, prepare, talk, manager, my_page, export, helper, overview, health)


def all_routes() -> Iterable[Route]:
    """Every page and act there is, with the door it stands behind."""
    for room in ROOMS:
        yield from room.routes()


def create_app(app: App, limits: str | None = MEMORY) -> Flask:
    """Put the pages together. `limits`: where the rate limiter counts (a `limits` storage URI);
    None: it does not. A limiter that cannot count lets nobody in."""
    flask = Flask("careloop", static_folder=str(TEMPLATES / "web" / "static"))
    flask.config.update(
        SECRET_KEY=app.vault.derived("forms"),
        SESSION_COOKIE_NAME="careloop_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=app.config.web.url.startswith("https:"),
        WTF_CSRF_TIME_LIMIT=int(timedelta(hours=12).total_seconds()),
        WTF_CSRF_SSL_STRICT=False,  # it wants a Referer, and our pages send none
        MAX_CONTENT_LENGTH=6 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        MAX_FORM_PARTS=3000,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
    )
    _templates(flask, app)
    CSRFProtect(flask)
    limiter = Limiter(
        address,
        app=flask,
        default_limits=["600 per minute"],
        storage_uri=limits or MEMORY,
        enabled=limits is not None,
        swallow_errors=False,
    )
    flask.extensions["careloop_limiter"] = limiter  # views know it only weakly
    flask.extensions["careloop_figures"] = overview.Counted()
    for route in all_routes():
        _register(flask, app, route, limiter)
    flask.after_request(_private)
    flask.register_error_handler(HTTPException, _refusal(app))
    return flask


def _register(flask: Flask, app: App, route: Route, limiter: Limiter) -> None:
    def answer(**words: str) -> Any:
        visit = admit(app, route.door, words)
        if visit is None:
            abort(404)
        return route.view(visit, **words)

    name = f"{'+'.join(route.methods)} {route.path}"
    answer.__name__ = answer.__qualname__ = name  # the limiter knows views by their names
    view: Callable[..., Any] = answer
    if route.limit:
        view = _limited(limiter, route, view)
    methods = list(route.methods)
    flask.add_url_rule(route.path, name, view, methods=methods, provide_automatic_options=False)


def _limited(limiter: Limiter, route: Route, view: Callable[..., Any]) -> Callable[..., Any]:
    """Count refusals per address, and all of them together (ten times as many)."""
    limit = route.limit
    count, _, span = limit.partition(" ")

    def refused(answer: Response) -> bool:
        return route.every or answer.status_code >= 400

    together = limiter.shared_limit(
        f"{int(count) * 10} {span}", scope=limit, key_func=lambda: "all", deduct_when=refused
    )
    return limiter.limit(limit, deduct_when=refused)(together(view))


def _templates(flask: Flask, app: App) -> None:
    own = app.config.service.templates
    folders = [*([app.config.at(own)] if own else []), TEMPLATES]
    flask.jinja_loader = ChoiceLoader([FileSystemLoader(folder / "web") for folder in folders])
    environment = flask.jinja_env
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(_one, _many, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        plain=plain,
        month=month,
        blank_statement=blank_statement,
        blank_action=blank_action,
        blank_resource=blank_resource,
        deed=deed,
        thing=thing,
        who=who,
    )


def address() -> str:
    """Whom to count: the peer, or whom a proxy on this machine speaks for (what it added last)."""
    peer = request.remote_addr or ""
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return told if told and peer in health.LOOPBACK else peer


def _one(words: str) -> str:
    return str(g.words.gettext(words))


def _many(one: str, many: str, count: int) -> str:
    return str(g.words.ngettext(one, many, count))


def _private(answer: Response) -> Response:
    """Nothing is kept, framed, indexed or told to others."""
    answer.headers.update(HEADERS)
    if not request.path.startswith("/static/"):
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _refusal(app: App) -> Callable[[HTTPException], tuple[str, int]]:
    def page(error: HTTPException) -> tuple[str, int]:
        visit = admit(app, entry.ANYONE, {})
        assert isinstance(visit, Visit)
        g.words = translations(visit.language.tag)
        code = 404 if error.code == 405 else error.code
        known = code if code in (400, 404, 413, 429) else 500
        return visit.page("refusal.html", code=known), known or 500

    return page
