"""Whatever happens in whatever order: done at most once, one holder at a time, nothing vanishes."""

import atexit
import shutil
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from daemon.core.domain import Email, Key, Letter, LetterKind, Uid
from daemon.core.ports import Ambiguous, Done, Permanent, Temporary
from daemon.store import outbox
from daemon.store.database import Database, open_database
from daemon.store.outbox import Action, Claim, Effect, State
from tests.factories import NOW
from tests.store.conftest import LEASE, a_put

WORKERS = [f"machine{n}/1/1:boot:1:1" for n in range(3)]
PUTS = [a_put(number, sequence) for number in range(2) for sequence in range(2)]
CANCELS = [Effect(Key(f"cancel:{n}"), Action.CANCEL, a_put(n).uid, 1) for n in range(2)]
EVENTS = PUTS + CANCELS
LETTERS = [
    Effect(letter.key, Action.LETTER, letter.uid, letter.revision, letter.to, b"sealed")
    for letter in (
        Letter(NOW, LetterKind.PREP, Email("eva@acme.example"), Uid("u@careloop"), revision)
        for revision in range(2)
    )
]
OPEN = {State.OWED, State.DOUBTFUL, State.CLAIMED, State.HELD}


@cache
def an_empty_store() -> Path:
    """Founded once: the migrations would be most of the time."""
    folder = Path(tempfile.mkdtemp(prefix="careloop-test-"))
    atexit.register(shutil.rmtree, folder)
    open_database("sqlite:///state.db", folder).close()
    return folder / "state.db"


class Outbox(RuleBasedStateMachine):
    """Three workers on one store and a world that remembers what was done to it.

    A worker does what it has claimed unless it finds it done already; it may do so long after its
    lease ended, die at any point, or hear nothing of what it did.
    """

    @initialize()
    def found(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="careloop-test-")
        shutil.copy(an_empty_store(), self.folder.name)
        self.database: Database = open_database("sqlite:///state.db", Path(self.folder.name))
        self.now = NOW
        self.known: set[Key] = set()
        self.claims: list[Claim] = []
        self.over: list[Claim] = []
        self.silent: list[Claim] = []
        self.world: dict[Key, int] = {}
        self.settled: dict[Key, State] = {}

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @rule(effects=st.lists(st.sampled_from(EVENTS), max_size=4))
    def owe(self, effects: list[Effect]) -> None:
        with self.database.writing() as conn:
            outbox.owe(conn, effects, self.now)
        self.known |= {effect.key for effect in effects}

    @rule(worker=st.sampled_from(WORKERS), action=st.sampled_from(Action))
    def claim(self, worker: str, action: Action) -> None:
        with self.database.writing() as conn:
            claims = outbox.claim(conn, action, worker, self.now, LEASE, 2)
        self.remember(claims)

    @rule(worker=st.sampled_from(WORKERS), letter=st.sampled_from(LETTERS))
    def claim_letter(self, worker: str, letter: Effect) -> None:
        with self.database.writing() as conn:
            taken = outbox.claim_letters(conn, [letter], worker, self.now, LEASE)
        self.known.add(letter.key)
        self.remember(taken)

    def remember(self, claims: list[Claim]) -> None:
        """What is handed out is open, in nobody's living hands, and sent twice to nobody."""
        for claim in claims:
            key = claim.effect.key
            assert key not in self.settled
            assert all(
                old.effect.key != key or self.now >= old.lease_until or old in self.over
                for old in self.claims
            )
            assert claim.doubtful or key not in self.world
        self.claims += claims

    @rule(data=st.data(), outcome=st.sampled_from(["done", "lost", "busy", "no", "dead", "hold"]))
    def act(self, data: st.DataObject, outcome: str) -> None:
        """Carry out one claim; look first where that is asked for."""
        mine = [claim for claim in self.claims if claim not in (*self.over, *self.silent)]
        if not mine:
            return
        claim = data.draw(st.sampled_from(mine))
        key, late = claim.effect.key, self.now >= claim.lease_until
        found = claim.doubtful and key in self.world
        if not late and not found and outcome in ("done", "lost", "dead"):
            self.world[key] = self.world.get(key, 0) + 1
        if outcome == "dead":
            self.silent.append(claim)
            return
        self.over.append(claim)
        self.record(claim, outcome if not found else "done", late=late)

    def record(self, claim: Claim, outcome: str, *, late: bool) -> None:
        key = claim.effect.key
        results = {
            "done": Done("id"),
            "lost": Ambiguous("lost"),
            "busy": Temporary("busy"),
            "no": Permanent("no"),
        }
        if late and outcome == "done" and key not in self.world:
            outcome = "lost"
        with self.database.writing() as conn:
            if outcome == "hold":
                outbox.hold(conn, claim, "perhaps", self.now)
            elif outbox.settle(conn, claim, results[outcome], self.now):
                self.expect(key, outcome)

    def expect(self, key: Key, outcome: str) -> None:
        assert key not in self.settled
        if outcome in ("done", "no"):
            self.settled[key] = State.DONE if outcome == "done" else State.FAILED

    @rule(key=st.sampled_from([x.key for x in (*EVENTS, *LETTERS)]))
    def release(self, key: Key) -> None:
        """An operator looks for himself: what is in the world is not let go again."""
        if key in self.world:
            return
        with self.database.writing() as conn:
            outbox.release(conn, key, self.now)

    @rule(minutes=st.sampled_from([1, 5, 90]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(key=st.sampled_from([x.key for x in (*EVENTS, *LETTERS)]))
    def lapse(self, key: Key) -> None:
        with self.database.writing() as conn:
            lapsed = outbox.lapse(conn, key, "overtaken", self.now)
        assert not (lapsed and key in self.settled)
        if lapsed:
            self.settled[key] = State.LAPSED

    @rule()
    def reopen(self) -> None:
        self.database.close()
        self.database = open_database("sqlite:///state.db", Path(self.folder.name))

    @invariant()
    def each_effect_happened_at_most_once(self) -> None:
        assert all(times == 1 for times in self.world.values())

    @invariant()
    def nothing_owed_disappears_and_nothing_settled_changes(self) -> None:
        with self.database.reading() as conn:
            states = {x.key: x.state for x in outbox.entries(conn, list(State))}
            pending = {effect.key for effect in outbox.pending(conn)}
        assert set(states) == self.known
        assert pending == {key for key, state in states.items() if state in OPEN}
        for key, state in self.settled.items():
            assert states[key] is state

    @invariant()
    def one_event_is_in_one_pair_of_hands(self) -> None:
        with self.database.reading() as conn:
            entries = outbox.entries(conn, [State.CLAIMED])
        uids = [x.uid for x in entries if x.action is not Action.LETTER]
        assert len(uids) == len(set(uids))


TestOutbox = Outbox.TestCase
TestOutbox.settings = profile(max_examples=50, stateful_step_count=30, deadline=None)
