"""Whether the service lives and is ready, and its metrics; nothing about people."""

from collections.abc import Iterable

from flask import abort, make_response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from werkzeug.wrappers import Response

from daemon.store.trouble import StoreTrouble
from daemon.web.site import Door, Route, Visit

LOOPBACK = ("127.0.0.1", "::1")


def routes() -> Iterable[Route]:
    """For machines."""
    yield Route("/healthz", alive, Door.ANYONE)
    yield Route("/readyz", ready, Door.ANYONE)
    yield Route("/metrics", metrics, Door.ANYONE)


def alive(_visit: Visit) -> Response:
    """The process answers."""
    return _plain("ok")


def ready(visit: Visit) -> Response:
    """The store can be read."""
    try:
        with visit.app.database.reading() as conn:
            conn.execute(text("SELECT 1"))
    except StoreTrouble:
        answer = _plain("the store cannot be read")
        answer.status_code = 503
        return answer
    return _plain("ok")


def metrics(visit: Visit) -> Response:
    """Counters for Prometheus, to this machine only and never through a proxy."""
    direct = request.remote_addr in LOOPBACK and "X-Forwarded-For" not in request.headers
    if not direct or not visit.app.config.service.metrics:
        abort(404)
    answer = make_response(generate_latest())
    answer.headers["Content-Type"] = CONTENT_TYPE_LATEST
    return answer


def _plain(words: str) -> Response:
    answer = make_response(f"{words}\n")
    answer.mimetype = "text/plain"
    return answer
