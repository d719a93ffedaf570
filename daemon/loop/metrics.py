"""Counters for Prometheus: how turns went and what they did; never a name, never a word."""

from prometheus_client import Counter, Gauge, Histogram

from daemon.loop.turn import TurnReport

TURNS = Counter("careloop_turns_total", "Turns taken.", ["result"])
SECONDS = Histogram("careloop_turn_seconds", "Duration of a turn.")
EFFECTS = Counter("careloop_effects_total", "Effects on calendars and mailboxes.", ["outcome"])
LAST = Gauge("careloop_last_turn_timestamp_seconds", "When the last turn finished.")
PAIRS = Gauge("careloop_pairs", "Pairs that are cared for.")
PROBLEMS = Gauge("careloop_pair_problems", "Pairs with a problem.")
UNREAD = Gauge("careloop_unread_calendars", "Calendars that could not be read.")


def observe_turn(report: TurnReport, seconds: float) -> None:
    """Count one finished turn."""
    TURNS.labels(result="complete" if report.complete else "partly").inc()
    SECONDS.observe(seconds)
    LAST.set(report.at.timestamp())
    PAIRS.set(len(report.decision.histories))
    PROBLEMS.set(len(report.decision.problems))
    UNREAD.set(report.unread)
    tally = report.tally
    for outcome in ("booked", "withdrawn", "sent", "put_off", "failed", "lapsed"):
        EFFECTS.labels(outcome=outcome).inc(getattr(tally, outcome))
