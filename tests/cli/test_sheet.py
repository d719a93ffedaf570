"""The page a simulation is written to."""

import re
from datetime import date

import defusedxml.ElementTree as Xml

from daemon.cli.sheet import write
from daemon.core.domain import LetterKind, Pair, email
from daemon.loop.fate import Rates
from daemon.loop.simulation import Gap, Simulation

PAIR = Pair(email("<b>eva@acme.example"), email("max@acme.example"))


def a_simulation(*gaps: Gap) -> Simulation:
    return Simulation(
        start=date(2026, 3, 2),
        days=365,
        pairs=2,
        talks=len(gaps) + 2,
        gaps=gaps,
        moves={"declined": 3},
        letters={LetterKind.PREP: 4},
        letters_per_person=9.5,
        manager_minutes_per_week={PAIR.manager: 12.5},
        crowded_days=0,
        crowd=3,
        unmet=(),
    )


def test_the_page_stands_alone_and_tells_what_was_found(tmp_path):
    good = Gap(PAIR, date(2026, 3, 2), date(2026, 4, 6), 35, "")
    bad = Gap(PAIR, date(2026, 4, 6), date(2026, 5, 31), 55, "declined")

    write(a_simulation(good, bad), Rates(), 1, tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text()
    assert "50.0 %" in page
    assert "42 % of meetings moved" in page
    assert "&lt;b&gt;eva@acme.example" in page
    assert not re.search(r"https?://|<script|<link|@import|src=", page)
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) == 5
    assert all(Xml.fromstring(chart) is not None for chart in charts)


def test_an_empty_future_is_a_page_too(tmp_path):
    write(a_simulation(), Rates(), 1, tmp_path / "page.html")

    assert "Every gap lies inside the window." in (tmp_path / "page.html").read_text()
