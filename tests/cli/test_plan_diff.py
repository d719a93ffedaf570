"""`plan --diff`: what would change against what is booked, and why."""

import json
from datetime import datetime

from tests.cli.support import Command
from tests.system.company import Company, found
from tests.system.playing import opened, turn
from tests.system.test_cycle import START, after


def changes(careloop: Command, company: Company, now: datetime):
    config = company.root / "config.toml"
    said = careloop("--config", config, "plan", "--diff", "--json", "--now", now.isoformat())
    assert said.code == 0, said.err
    return json.loads(said.out)["changes"]


def test_the_first_plan_is_all_new_and_after_the_turn_nothing_is_left(careloop, tmp_path):
    company = found(tmp_path / "acme", pairs=3, start=START.date(), days=60, taken=(0.1, 0.2))

    before = changes(careloop, company, START)
    app = opened(company)
    turn(app, START)
    app.database.close()

    assert [x["change"] for x in before] == ["book"] * 3
    assert all(x["from"] is None and x["to"] for x in before)
    assert changes(careloop, company, START) == []


def test_an_appointment_that_came_in_the_way_is_a_move_with_its_reason(careloop, tmp_path):
    company = found(tmp_path / "acme", pairs=1, start=START.date(), days=60, taken=(0.1, 0.2))
    app = opened(company)
    report = turn(app, START)
    app.database.close()
    meeting = report.decision.meetings[0]
    company.make_busy(meeting.pair.employee, meeting.start, meeting.end, "dentist")

    found_ = changes(careloop, company, after(0))

    assert [x["change"] for x in found_] == ["move"]
    assert "another appointment" in found_[0]["reason"]
    assert found_[0]["from"] != found_[0]["to"]
