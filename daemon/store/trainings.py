"""Training needs by topic: counted without names, so that the people team can plan for many."""

import hmac
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, delete, func, insert, select

from daemon.core.domain import Pair
from daemon.store.schema_conversation import training_topics
from daemon.store.vault import Vault

SMALLEST = 5
"""Fewer people than that are not shown for a topic."""

YEAR = timedelta(days=365)
"""How long a need counts unless it is recorded again."""


def keep(
    conn: Connection, vault: Vault, pair: Pair, topics: Collection[str], now: datetime
) -> None:
    """Replace what counts for a pair; whose it is stands there under a name only the service's
    secret can make."""
    name = token(vault, pair)
    conn.execute(delete(training_topics).where(training_topics.c.token == name))
    for topic in sorted(topics):
        conn.execute(insert(training_topics).values(token=name, topic=topic, at=now))


def counts(conn: Connection, now: datetime) -> Mapping[str, int]:
    """How many people need training in a topic, most first; topics of fewer than five are left
    out."""
    rows = (
        select(training_topics.c.topic, func.count().label("people"))
        .where(training_topics.c.at > now - YEAR)
        .group_by(training_topics.c.topic)
        .having(func.count() >= SMALLEST)
    )
    found = sorted(conn.execute(rows), key=lambda row: (-row.people, row.topic))
    return {row.topic: row.people for row in found}


def forget_old(conn: Connection, now: datetime) -> None:
    """Drop needs that count no longer."""
    conn.execute(delete(training_topics).where(training_topics.c.at <= now - YEAR))


def token(vault: Vault, pair: Pair) -> str:
    """A name for the employee that cannot be worked out without the service's secret."""
    key = vault.derived("training topics")
    return hmac.new(key, pair.employee.encode(), sha256).hexdigest()
