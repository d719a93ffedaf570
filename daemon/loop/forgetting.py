"""Forget: what is kept no longer, dropped once a day."""

from datetime import datetime, timedelta

from daemon.store import helpers, outbox, retention, settings, trainings
from daemon.wiring import App

FORGOTTEN = "forgotten_on"
"""The setting that says on which day old things were last dropped: once a day is enough."""
LEDGER = timedelta(days=400)
"""How long the ledger of effects is kept: longer than the longest gap between two talks."""


def forget(app: App, now: datetime) -> None:
    """Drop what is kept no longer: words, helpers' old requests, the ledger of long ago."""
    with app.database.reading() as conn:
        if settings.get(conn, FORGOTTEN) == now.date().isoformat():
            return
    keep = retention.keeping(**app.config.privacy.model_dump())
    checklist = app.checklist(app.config.organization.language)
    with app.database.writing() as conn:
        helpers.forget_old(conn, now)
        trainings.forget_old(conn, now)
        retention.forget(conn, app.vault, checklist, keep, now)
        outbox.forget_before(conn, now - LEDGER)
        settings.put(conn, FORGOTTEN, now.date().isoformat())
