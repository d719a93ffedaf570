"""Each statement of the guide, lived through: turns, letters and pages of one small company."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from daemon.core.domain import Kind, State
from daemon.web.app import create_app
from tests.system import humans
from tests.system.company import found
from tests.system.invariants import Books
from tests.system.playing import opened, play, turn
from tests.system.story import DAY, EVA, HANA, HOUR, MAX, MINUTE, ROLE_LINES, START, Story, a_story


@pytest.fixture
def story(tmp_path) -> Iterator[Story]:
    with a_story(tmp_path) as told:
        yield told


def agreed(story: Story, text: str, topic: str = "") -> None:
    """The two agree on a statement in the talk that is just over."""
    page = story.record()
    words = story.new_statement(page, text)
    name = next(iter(words)).rpartition(".")[0]
    story.save(page, **words, **({f"{name}.topic": topic} if topic else {}))
    ticked(story, text)


def ticked(story: Story, text: str) -> None:
    """The manager agrees too."""
    page = story.record(MAX)
    story.save(page, **{f"{story.line(page, text)}.say": "agree"})


# --- the employee leads ---------------------------------------------------------------------


def test_the_employee_leads_and_the_manager_sees_what_was_shared(story):
    story.prepare_time()
    story.prepare(["agenda"], agenda="The night shift", direction="A secret wish")
    story.go(story.coming().start - 2 * HOUR)

    brief = story.letters("brief", MAX)[0]
    page = story.open(brief).text

    for told in (brief.text, page):
        assert "The night shift" in told
        assert "A secret wish" not in told


def test_with_a_silent_manager_the_record_completes(story):
    story.meet()
    page = story.record()

    story.save(page, **story.new_action(page, "Visit the mill"))
    story.go(story.now + HOUR)

    told = story.letters("summary")
    assert sorted(letter.to for letter in told) == sorted([EVA, MAX])
    assert all("Visit the mill" in letter.text for letter in told)


def test_with_a_silent_employee_the_manager_cannot_record_but_asks_and_a_letter_says_so(story):
    story.prepare_time()
    story.meet()
    page = story.record(MAX)

    assert "Save the record" not in page.text
    story.send(page, "/ask")
    story.days(5)

    asked, told = story.letters("record", EVA)[0], story.letters("summary")
    assert len(story.letters("record", EVA)) == 1
    assert "asks you to write" not in asked.text
    assert {x.to: "Boss asks you to write down" in x.text for x in told} == {EVA: True, MAX: False}
    assert "asks you to record" in story.open(asked).text


def test_asking_comes_within_the_four_letters(story):
    meeting = story.prepare_time()
    story.meet()
    story.send(story.record(MAX), "/ask")
    story.days(16)

    mine = [x for kind in KINDS for x in story.letters(kind, EVA, meeting.uid)]
    assert len(mine) <= 4
    assert [x.kind for x in mine].count("summary") == 1


KINDS = ("prep", "nudge", "record", "summary", "moved", "overdue")


# --- the manager supports -------------------------------------------------------------------


def test_the_manager_gets_the_invite_a_brief_and_own_actions_first_and_fills_in_nothing(story):
    meeting = story.coming()
    folder = story.company.root / "calendars" / MAX
    invited = [f for f in folder.glob("*.ics") if meeting.uid.encode() in f.read_bytes()]
    story.meet()
    page = story.record()
    story.save(page, **story.new_action(page, "Ask for an oven", owner="manager"))
    page = story.record()
    story.save(page, **story.new_action(page, "Visit the mill"))
    story.go(story.now + HOUR)

    assert len(invited) == 1
    assert len(story.letters("brief", MAX, meeting.uid)) == 1
    told = story.letters("summary", MAX)[-1].text
    assert told.index("Ask for an oven") < told.index("Visit the mill")
    assert "Your actions" in told


# --- first an hour, then twenty minutes, a month apart --------------------------------------


def test_two_hundred_pairs_each_get_one_first_hour_and_nothing_overlaps(tmp_path):
    company = found(tmp_path / "acme", pairs=200, start=START.date(), days=20, taken=(0.2, 0.3))

    books = play(company, START, 1)

    books.check_times()
    assert books.faults == []
    events = [next(iter(copies.values())) for copies in books.events.values()]
    assert sorted(event.organizer for event in events) == sorted(e for e, _ in company.pairs)
    assert {event.minutes for event in events} == {60}


def test_follow_ups_take_twenty_minutes_and_a_new_manager_an_hour_again(story):
    story.meet()
    story.go(story.now + HOUR)
    follow_up = story.coming()
    after_that = a_new_manager(story)

    assert (follow_up.kind, follow_up.end - follow_up.start) == (Kind.FOLLOW_UP, 20 * MINUTE)
    assert (after_that.kind, after_that.end - after_that.start) == (Kind.FIRST, HOUR)


def a_new_manager(story: Story):
    """Mia takes over; returns the first meeting with her."""
    folder = story.company.root / "calendars" / "mia@acme.example"
    folder.mkdir()
    person = story.company.people[EVA]
    story.company.people["mia@acme.example"] = type(person)(
        "mia@acme.example", "Mia New", "", person.zone
    )
    person.manager = "mia@acme.example"
    story.company.write_roster()
    story.go(story.now + HOUR)
    return story.coming()


def test_the_thirty_to_forty_five_days_count_from_the_day_they_met(story):
    planned = story.meet()
    story.days(3)
    page = story.open(story.letters("record", EVA)[0])
    said = (planned.day + 2 * DAY).isoformat()

    story.send(page, "/met", held="other", on=said)
    story.go(story.now + HOUR)

    held = next(m for m in story.meetings() if m.uid == planned.uid)
    assert held.held_on == planned.day + 2 * DAY
    assert 30 <= (story.coming().day - held.held_on).days <= 45


def test_saving_the_record_shows_the_next_date_and_another_time_can_be_chosen(story):
    story.meet()
    page = story.record()
    saved = story.save(page, **story.new_action(page, "Visit the mill"))
    shown = saved.text
    before = story.coming()
    offer = re.search(r'name="start" value="([^"]+)"', shown)
    assert offer is not None

    story.send(saved, "/move", start=offer[1])

    assert f'datetime="{before.start.isoformat()}"' in shown
    assert story.coming().start.isoformat() == offer[1]


def test_without_a_word_from_anybody_the_next_one_is_booked_anyway(story):
    first = story.meet()

    story.go(story.now + 2 * DAY)

    assert story.coming().start > first.end + 30 * DAY


# --- clarity --------------------------------------------------------------------------------


def test_hrs_role_is_marked_line_by_line_and_unclear_lines_come_to_the_talk(story):
    story.prepare_time()
    page = story.open(story.letters("prep", EVA)[0])
    page.open(f"{page.root}/prepare/clarity")
    shown = page.text

    story.send(page, "clarity", **{"role.mark.0": "clear", "role.mark.1": "unclear"})
    story.prepare(["role"])
    story.meet()

    assert all(line in shown for line in ROLE_LINES)
    agenda = story.record(MAX).text.partition("To talk about")[2].partition("</section>")[0]
    assert "Unclear" in agenda
    assert "Review" in agenda
    assert "Build things" not in agenda.partition("<ul>")[2]


def without_a_role_file(story: Story) -> None:
    (story.company.root / "hr" / "engineer.md").unlink()


def test_without_a_role_file_a_guided_draft_is_agreed_and_hr_gets_it_once_both_want_that(story):
    without_a_role_file(story)
    drafts = story.company.root / "hr" / "drafts"
    story.prepare_time()
    page = story.open(story.letters("prep", EVA)[0])
    page.open(f"{page.root}/prepare/clarity")
    questions = page.text.count('name="role.draft.')
    story.send(page, "clarity", **{"role.draft.0": "I keep the ovens running"})
    story.prepare(["role"])
    story.meet()
    page = story.record()
    name = story.line(page, "I keep the ovens running")
    story.save(page, **{f"{name}.say": "agree", f"{name}.to_hr": "on"})
    page = story.record(MAX)
    story.save(page, **{f"{name}.say": "agree"})
    one_wish = list(drafts.glob("*"))

    page = story.record(MAX)
    story.save(page, **{f"{name}.to_hr": "on"})

    assert questions == 5
    assert one_wish == []
    (draft,) = drafts.glob("*")
    assert "I keep the ovens running" in draft.read_text()
    assert "The people team has it" in story.record().text


def test_a_folder_that_cannot_be_written_is_said_and_tried_again(story):
    without_a_role_file(story)
    hindrance = story.company.root / "hr" / "drafts"
    hindrance.write_text("a file where the folder should be")
    story.meet()
    name = ""
    for who in (EVA, MAX):
        page = story.record(who)
        name = name or story.blank(page, "s")
        said = {"text": "I bake", "topic": "role", "say": "agree"}
        story.save(page, **{f"{name}.{key}": value for key, value in said.items()})
        name = story.line(story.record(), "I bake")
        page = story.record(who)
        story.save(page, **{f"{name}.to_hr": "on"})
    waiting = story.record().text
    hindrance.unlink()

    story.save(story.record())

    assert "could not be handed in yet" in waiting
    assert "I bake" in next(hindrance.glob("*.md")).read_text()


def test_an_edit_takes_the_other_sides_wish_to_tell_hr_back(story):
    without_a_role_file(story)
    story.meet()
    page = story.record()
    words = story.new_statement(page, "First words")
    name = next(iter(words)).rpartition(".")[0]
    story.save(page, **words, **{f"{name}.topic": "role", f"{name}.to_hr": "on"})
    page = story.record(MAX)
    name = story.line(page, "First words")

    changed = {f"{name}.text": "Other words", f"{name}.say": "agree", f"{name}.to_hr": "on"}
    story.save(page, **changed)

    assert not list((story.company.root / "hr").glob("drafts/*"))


def test_a_change_of_the_organisations_goals_asks_that_question_anew_and_only_once(story):
    story.prepare_time()
    story.prepare(purpose="My work serves fewer surprises")
    story.meet()
    config = story.app.config
    goals = config.organization.model_copy(update={"goals": ("Open a second shop",)})
    story.app.config = config.model_copy(update={"organization": goals})
    asked = []

    for _ in range(2):
        story.prepare_time()
        page = story.open(story.letters("prep", EVA)[-1])
        page.open(f"{page.root}/prepare/clarity")
        asked.append("What it rests on has changed" in page.text)
        assert "Open a second shop" in page.text
        story.send(page, "clarity")
        story.meet()

    assert asked == [True, False]
    assert "What my work serves" in story.letters("prep", EVA)[1].text
    assert "What my work serves" not in story.letters("prep", EVA)[2].text


def test_past_reviews_stay_with_the_employee_until_shared_one_by_one(story):
    story.prepare_time()
    story.prepare(feedback="The review of last year")
    story.go(story.coming().start - 2 * HOUR)
    brief = story.letters("brief", MAX)[0]
    page = story.open(brief)
    private = brief.text + page.text
    story.prepare(["feedback"])

    page.open(page.path)

    assert "The review of last year" not in private
    assert "The review of last year" in page.text


def test_expectations_stand_side_by_side_and_the_difference_comes_to_the_talk(story):
    story.prepare_time()
    story.prepare(["expectations"], expectations="Bread at seven")
    story.go(story.coming().start - 2 * HOUR)
    page = story.open(story.letters("brief", MAX)[0])

    story.send(page, "/propose", **{"beside.expectations": "Bread at six"})
    story.meet()

    agenda = story.record().text.partition("To talk about")[2].partition("</section>")[0]
    assert "Two wordings" in agenda
    assert agenda.index("Bread at seven") < agenda.index("Bread at six")


def test_what_the_employee_expects_of_the_manager_stands_in_the_managers_brief(story):
    story.prepare_time()
    story.prepare(["support"], support="Tell me early")
    story.go(story.coming().start - 2 * HOUR)

    assert "What I expect of my manager – Tell me early" in story.letters("brief", MAX)[0].text


def test_where_i_want_to_go_is_private_and_asked_again_with_age_or_another_role(story):
    story.prepare_time()
    story.prepare(direction="To sea")
    story.meet()
    asked = []

    def in_the_next_letter() -> bool:
        story.prepare_time()
        return "Where I want to go" in story.letters("prep", EVA)[-1].text

    asked.append(in_the_next_letter())
    roster = story.company.root / "people.csv"
    story.company.write_roster()
    rows = roster.read_text().splitlines()
    roster.write_text("\n".join(r.replace("engineer", "lead") if EVA in r else r for r in rows))
    story.meet()
    asked.append(in_the_next_letter())
    story.prepare(direction="To sea, still")
    story.meet()
    asked.append(in_the_next_letter())

    assert asked == [False, True, False]
    assert "To sea" not in story.open(story.letters("brief", MAX)[-1]).text


def test_a_training_need_is_a_resource_and_counted_for_hr_from_five_people_on(tmp_path):
    with a_story(tmp_path, pairs=6) as story:
        for place in range(1, 5):
            wish_for_training(story, f"worker{place}@acme.example")
        four = overview_of(story).text
        wish_for_training(story, "worker5@acme.example")
        five = overview_of(story).text

    assert "Writing" not in four
    assert "<td>5</td>" in five.partition("Writing")[2]
    assert "worker" not in five.lower()


def overview_of(story: Story):
    """Hana signs in by the letter the loop really sends."""
    page = story.open_path("/overview")
    story.send(page, "/sign-in", email=HANA)
    story.go(story.now + MINUTE)
    page = story.open(story.letters("sign_in", HANA)[-1])
    return story.send(page, page.path)


def wish_for_training(story: Story, who: str) -> None:
    """That employee's next talk is over, and they record a need for training."""
    pages = story.of(who)
    meeting = pages.coming()
    pages.go(meeting.end)
    page = pages.record(who)
    name = pages.blank(page, "r")
    wanted = {"what": "A course", "kind": "training", "topic": "Writing"}
    pages.save(page, **{f"{name}.{key}": value for key, value in wanted.items()})


def test_the_definition_of_success_leads_every_later_talk_and_summary_until_replaced(story):
    story.meet()
    agreed(story, "Anything else")
    agreed(story, "Bread at seven, seen in the log", "success_work")
    story.go(story.now + HOUR)
    first = story.letters("summary", EVA)[-1].text
    story.prepare_time()
    prepared = story.open(story.letters("prep", EVA)[-1]).text
    meeting = story.meet()
    pages = [prepared, story.record().text, story.record(MAX).text]
    story.days(5)
    silent = story.letters("summary", EVA, meeting.uid)[0].text

    assert first.index("Bread at seven") < first.index("Anything else")
    assert "Bread at seven" in silent
    for page in pages:
        assert "Bread at seven" in page.partition("What success looks like")[2][:200]


def test_success_is_not_on_top_before_both_ticked_it(story):
    story.meet()
    page = story.record()
    words = story.new_statement(page, "Bread at seven")
    name = next(iter(words)).rpartition(".")[0]
    story.save(page, **words, **{f"{name}.topic": "success_work"})
    alone = story.record(MAX).text

    ticked(story, "Bread at seven")

    assert 'id="success"' not in alone
    assert 'id="success"' in story.record(MAX).text


# --- alignment ------------------------------------------------------------------------------


def test_two_ticks_make_an_agreement_and_the_summary_has_it_word_for_word(story):
    story.meet()
    page = story.record()
    story.save(page, **story.new_statement(page, "Full shelves at seven, every day"))
    story.go(story.now + HOUR)
    before = story.letters("summary", MAX)[-1].text
    ticked(story, "Full shelves at seven, every day")
    story.go(story.now + HOUR)
    after = story.letters("summary", MAX)[-1].text

    assert "Full shelves" not in before.partition("What you agreed")[2].partition("Where you")[0]
    assert "Full shelves at seven, every day" in after.partition("What you agreed")[2]


def test_three_talks_in_a_row_while_a_tick_is_missing_and_the_clock_starts_when_they_agree(story):
    story.meet()
    page = story.record()
    story.save(page, **story.new_statement(page, "Bread at seven"))
    aligned = []

    for _ in range(3):
        before = story.now
        while Kind.ALIGNMENT not in [m.kind for m in ahead(story)]:
            story.days(1)
            assert story.now - before < 3 * DAY + 2 * DAY, "a weekend at most"
        meeting = story.coming(Kind.ALIGNMENT)
        aligned.append(meeting)
        story.go(meeting.end)
        story.save(story.record())
    ticked(story, "Bread at seven")
    story.go(story.now + HOUR)
    story.days(6)

    assert [m.end - m.start for m in aligned] == [20 * MINUTE] * 3
    assert [m.kind for m in ahead(story)] == [Kind.FOLLOW_UP]
    last = aligned[-1].day
    assert 30 <= (story.coming().day - last).days <= 45
    assert story.coming().reason.because in ("due", "agreed_later")


def test_a_talk_in_which_nobody_ticks_or_records_is_followed_by_the_follow_up_alone(story):
    story.meet()
    page = story.record()
    story.save(page, **story.new_statement(page, "Bread at seven"))
    while Kind.ALIGNMENT not in [m.kind for m in ahead(story)]:
        story.days(1)
    talk = story.coming(Kind.ALIGNMENT)
    story.go(talk.start - 2 * HOUR)
    story.go(talk.end)

    story.days(16)

    assert [m.kind for m in story.meetings()].count(Kind.ALIGNMENT) == 1
    assert [m.kind for m in ahead(story)] == [Kind.FOLLOW_UP]
    for kind, to in (("brief", MAX), ("record", EVA), ("summary", EVA), ("summary", MAX)):
        text = story.letters(kind, to, talk.uid)[0].text
        assert ("your tick" in text, "tick of Boss" in text) == (to == MAX, to == EVA)
        assert "Bread" not in text


def test_a_talk_about_a_tick_falls_when_the_tick_comes_before_it(story):
    story.meet()
    page = story.record()
    story.save(page, **story.new_statement(page, "Bread at seven"))
    while Kind.ALIGNMENT not in [m.kind for m in ahead(story)]:
        story.days(1)

    ticked(story, "Bread at seven")
    story.go(story.now + HOUR)

    assert [m.kind for m in ahead(story)] == [Kind.FOLLOW_UP]


def ahead(story: Story):
    return [m for m in story.meetings() if m.state is State.BOOKED and m.start > story.now]


def test_saying_we_differ_with_reasons_ends_the_alignment_too(story):
    story.meet()
    for who, why in ((EVA, "Too early"), (MAX, "Early enough")):
        page = story.record(who)
        name = story.blank(page, "s") if who == EVA else story.line(page, "Bread at six")
        said = {"text": "Bread at six", "say": "differ", "reason": why}
        story.save(page, **{f"{name}.{key}": value for key, value in said.items()})

    story.days(6)

    assert Kind.ALIGNMENT not in [m.kind for m in story.meetings()]
    assert "Bread at six" in story.letters("summary", EVA)[-1].text


# --- resources and actions ------------------------------------------------------------------


def test_an_action_says_what_it_needs_and_a_resource_has_a_provider_and_a_day(story):
    story.meet()
    page = story.record()
    story.save(page, **story.new_action(page, "Visit the mill", needs=""))
    no_need = page.status
    page = story.record()
    name = story.blank(page, "r")
    story.save(page, **{f"{name}.what": "An oven", f"{name}.who": "", f"{name}.by": ""})
    bare = page.status
    page = story.record()
    name = story.blank(page, "r")
    story.save(page, **{f"{name}.what": "An oven"})

    assert (no_need, bare, page.status) == (422, 422, 200)
    assert "An oven" in page.text
    assert "Boss 0" in page.text.partition("An oven")[2]


def test_an_action_is_due_at_the_next_talk_and_carried_over_until_done_or_dropped_with_why(story):
    story.meet()
    page = story.record()
    story.save(page, **story.new_action(page, "Visit the mill"))
    due_then = story.coming().day
    story.prepare_time()
    start = story.open(story.letters("prep", EVA)[-1])
    carried = start.text
    action = re.search(r'name="(progress\.[0-9a-f]+)"', carried)
    assert action is not None
    note = action[1].replace("progress", "note")

    story.send(start, "/prepare", **{action[1]: "dropped"})
    refused = start.text
    story.send(start, "/prepare", **{action[1]: "dropped", note: "The mill has closed"})
    start.open(f"{start.root}/prepare")

    assert "Visit the mill" in carried
    assert f"{due_then.day} {due_then:%B}" in carried
    assert "a few words why" in refused
    assert "Visit the mill" in refused
    assert "Visit the mill" not in start.text


def test_overdue_promises_of_the_manager_come_first_in_the_next_brief(story):
    story.prepare_time()
    story.prepare(["agenda"], agenda="The night shift")
    first = story.meet()
    for what, days in (("Later promise", 60), ("Old promise", 3)):
        page = story.record()
        due = (first.day + days * DAY).isoformat()
        story.save(page, **story.new_action(page, what, owner="manager", due=due))
    story.go(story.coming().start - 2 * HOUR)

    brief = story.letters("brief", MAX)[-1].text

    places = [brief.index(x) for x in ("Old promise", "Later promise", "The night shift")]
    assert places == sorted(places)
    assert "overdue" in brief.partition("Old promise")[2].splitlines()[0]
    assert brief.index("What you promised") < places[0]


def test_a_helper_gets_one_request_by_letter_answers_once_and_only_the_employee_reads_it(story):
    story.prepare_time()
    page = story.open(story.letters("prep", EVA)[0])
    page.open(f"{page.root}/")
    asked = {"email": "jo@else.example", "name": "Jo", "question.0": "What should I do more of?"}
    story.send(page, "/helpers", **asked)
    story.go(story.now + HOUR)
    (letter,) = story.letters("helper", "jo@else.example")

    jo = story.open(letter)
    shown = jo.text
    story.send(jo, jo.path, **{"answer.0": "Ask more often", "say": "answered"})
    again = story.open(letter)
    page.open(f"{page.root}/")
    story.go(story.coming().start - 2 * HOUR)

    assert "What should I do more of?" in shown
    assert "Ask more often" in page.text
    assert again.status == 404
    assert "Ask more often" not in story.open(story.letters("brief", MAX)[0]).text


def test_a_helpers_link_expires_by_itself(story):
    story.prepare_time()
    page = story.open(story.letters("prep", EVA)[0])
    page.open(f"{page.root}/")
    story.send(page, "/helpers", **{"email": "jo@else.example", "question.0": "What now?"})
    story.go(story.now + HOUR)
    (letter,) = story.letters("helper")

    story.clock.now += timedelta(days=22)

    assert story.open(letter).status == 404


# --- letters --------------------------------------------------------------------------------


def test_one_preparation_five_days_before_and_a_nudge_only_if_nothing_was_filled_in(tmp_path):
    nudges = {}
    for fills_in in (True, False):
        with a_story(tmp_path / str(fills_in)) as story:
            story.meet()
            meeting = story.coming()
            story.go(meeting.start - 6 * DAY)
            early = story.letters("prep", EVA, meeting.uid)
            story.prepare_time()
            if fills_in:
                story.prepare(agenda="The night shift")
            story.days(3)
            story.go(meeting.start - HOUR)
            assert early == []
            assert len(story.letters("prep", EVA, meeting.uid)) == 1
            nudges[fills_in] = len(story.letters("nudge", EVA, meeting.uid))

    assert nudges == {True: 0, False: 1}


def test_letters_before_a_talk_wait_again_when_it_moves_away(story):
    story.meet()
    meeting = story.coming()
    story.go(meeting.start - 6 * DAY)
    page = story.open(story.letters("record", EVA)[0])
    page.open(f"{page.root}/")
    story.send(page, "/snooze")
    story.go(meeting.start - 2 * HOUR)

    assert story.letters("prep", EVA, meeting.uid) == []
    assert story.letters("nudge", EVA, meeting.uid) == []
    assert story.letters("brief", MAX, meeting.uid) == []


def test_each_gets_one_summary_per_saved_version_and_the_second_says_what_changed(story):
    meeting = story.prepare_time()
    story.prepare(["agenda"], agenda="The night shift")
    story.meet()
    for what in ("Visit the mill", "Buy flour"):
        page = story.record()
        story.save(page, **story.new_action(page, what))
        for _ in range(3):
            story.go(story.now + HOUR)

    for who in (EVA, MAX):
        told = story.letters("summary", who, meeting.uid)
        assert len(told) == 2
        rest = told[1].text.replace("\r", "").partition("What changed\n")[2]
        changed = rest.partition("\n\n")[0]
        assert "Buy flour" in changed
        assert "Visit the mill" not in changed
        assert "What changed" not in told[0].text


def test_versions_beyond_the_four_letters_stay_on_the_page(story):
    meeting = story.prepare_time()
    story.meet()
    for number in range(6):
        page = story.record()
        story.save(page, **story.new_action(page, f"Step {number}"))
        story.go(story.now + HOUR)

    for who in (EVA, MAX):
        mine = [x for kind in (*KINDS, "brief") for x in story.letters(kind, who, meeting.uid)]
        assert len(mine) == 4
    page = story.record()
    assert page.open(f"{page.path}/revisions").text.count("Saved by") == 6


def test_the_managers_calendar_has_the_invite_and_declining_it_there_moves_the_talk(story):
    books = Books(story.company)
    books.look(story.now)
    before = humans.event_of(books, EVA, MAX)

    humans.decline(story.company, MAX, before)
    story.go(story.now + HOUR)
    books.look(story.now)

    after = humans.event_of(books, EVA, MAX)
    assert after.uid == before.uid
    assert after.start != before.start
    assert {x.to for x in story.letters("moved")} == {EVA, MAX}


def test_eight_hours_without_the_service_cause_no_double_and_no_stale_letter(story):
    meeting = story.prepare_time()
    story.go(meeting.start - 30 * HOUR)
    story.app.database.close()
    story.app = opened(story.company)
    story.app.clock = story.clock
    story.flask = create_app(story.app, None)

    story.clock.now = max(story.now, meeting.start - 22 * HOUR)
    for _ in range(3):
        turn(story.app, story.now)

    mine = [x for kind in (*KINDS, "brief") for x in story.letters(kind)]
    ids = [x.mail["Message-ID"] for x in mine]
    assert len(set(ids)) == len(ids)
    assert len(story.letters("prep", EVA)) == 1
    assert story.letters("record") == []


# --- a new manager --------------------------------------------------------------------------


def test_actions_move_along_to_a_new_manager_who_sees_of_the_past_what_the_employee_chose(story):
    story.prepare_time()
    story.prepare(["expectations", "support"], expectations="Bread at seven", support="Tell me")
    story.meet()
    page = story.record()
    story.save(page, **story.new_action(page, "Visit the mill"))
    a_new_manager(story)
    story.prepare_time()
    start = story.open(story.letters("prep", EVA)[-1])
    carried = start.text
    mine = start.open(f"{start.root}/")
    story.send(mine, "/handover", item="expectations")
    story.go(story.coming().start - 2 * HOUR)

    brief = story.letters("brief", "mia@acme.example")[0]

    assert "Visit the mill" in carried
    shown = brief.text + story.open(brief).text
    assert "Bread at seven" in shown
    assert "Tell me" not in shown
    assert story.open(story.letters("brief", MAX)[-1]).status == 404


# --- nothing private leaves -----------------------------------------------------------------

CANARY = "The canary sings only for Eva"


def test_what_the_employee_keeps_private_is_in_no_letter_calendar_log_metric_or_dump(story, capfd):
    for _ in range(2):
        story.prepare_time()
        said = {item: f"{CANARY} {item}" for item in ("agenda", "direction", "support", "feedback")}
        story.prepare(["expectations"], expectations="Bread at seven", **said)
        story.meet()
        record = story.record()
        story.save(record, **story.new_action(record, "Visit the mill"))
        story.go(story.now + HOUR)
    overview = overview_of(story)

    shown = [story.open(x).text for kind in ("brief", "summary") for x in story.letters(kind, MAX)]
    shown += [overview.text, overview.open("/overview/figures.csv").text]
    shown.append(story.open_path("/metrics").text)
    shown += [x.text + x.mail.as_string() for kind in EVERY for x in story.letters(kind)]
    files = [f.read_bytes() for f in story.company.root.rglob("*") if f.is_file()]

    mine = story.open(story.letters("prep", EVA)[-1])

    assert CANARY in mine.open(f"{mine.root}/export.json").text
    assert {kind for kind in EVERY if story.letters(kind)} >= {"prep", "brief", "record", "summary"}
    assert not [text for text in shown if CANARY in text]
    assert not [data for data in files if CANARY.encode() in data]
    assert CANARY not in "".join(capfd.readouterr())


EVERY = (*KINDS, "brief", "sign_in")
