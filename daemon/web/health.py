"""Whether the service lives and is ready, and its metrics; nothing about people."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from flask import abort, make_response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.wrappers import Response

from daemon.store import settings
from daemon.store.trouble import StoreTrouble
from daemon.web.site import Door, Route, Visit

OLD = timedelta(minutes=15)
"""A turn leaves a note at most every five minutes."""

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
    """The store can be read, and turns are being finished."""
    try:
        with visit.app.database.reading() as conn:
            said = settings.get(conn, "last_turn")
    except StoreTrouble:
        return _not_ready("the store cannot be read")
    if not isinstance(said, dict):
        return _not_ready("no turn has been finished yet")
    age = visit.app.clock() - datetime.fromisoformat(said["at"])
    if age > max(OLD, 5 * timedelta(seconds=visit.app.config.service.every_seconds)):
        return _not_ready("no turn has been finished for a while: is the service running?")
    return _plain("ok")


def _not_ready(why: str) -> Response:
    answer = _plain(why)
    answer.status_code = 503
    return answer


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
