"""Forty pairs with nothing but mailboxes for ninety days: Postfix, Dovecot, feeds, answers as
Outlook, Gmail and Apple Mail write them; the same invariants as everywhere."""

import logging
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import structlog
from pytest_httpserver import HTTPServer

from tests.doubles.postfix import MISSING, office
from tests.system.test_mail_only import START, a_company, play

PAIRS = 40
DAYS = 90


def run() -> None:
    """Print what was held and sent, the faults found, and the time a day takes."""
    if MISSING:
        print(f"skipped: {MISSING}")
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("werkzeug").disabled = True
    with tempfile.TemporaryDirectory() as name, office() as served, HTTPServer() as web:
        made = a_company(Path(name), served, web, pairs=PAIRS, days=DAYS)
        began = time.perf_counter()
        books = play(made, DAYS)
        seconds = time.perf_counter() - began
    books.check_times()
    books.check_rhythm()
    books.check_letters(settled_before=START + timedelta(days=DAYS - 4))
    twice = sum(count > 1 for ids in made.ids.values() for count in ids.values())
    shown = sum(len(program.shown) for program in made.programs.values())
    print(
        f"{PAIRS} pairs, {DAYS} days: {len(books.held)} meetings held, {len(books.posts)} letters"
    )
    print(f"{shown} invitations and withdrawals, sent twice: {twice}; people: {dict(made.said)}")
    print(f"{seconds / DAYS:.2f} s a day; faults: {len(books.faults)}")
    for fault in books.faults:
        print(f"  {fault}")
