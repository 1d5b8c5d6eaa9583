"""The drain of a target: order in each lane, nothing lost or given up, whatever the target answers and when."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from deferred.drain import TargetDrain
from deferred.service import Drain
from deferred.verdict import Answer
from domain.clock import ManualClock
from domain.deferred import Call, QueueStatus
from domain.errors import StoreError
from simulator.hub import Queue
from store.deferred import SqliteDeferred, open_deferred
from store.keys import load_keys, make_key

NOW = 1_795_000_000.0


class Target:
    """A target as the drain sees it: answers as told, takes a key once, and remembers the order."""

    def __init__(self) -> None:
        self.answer: Callable[[Call], Answer] = lambda call: Answer(200, 0.01)
        self.seen: list[Call] = []
        self.taken: dict[str, Call] = {}

    def send(self, call: Call) -> Answer:
        self.seen.append(call)
        answer = self.answer(call)
        if answer.status == 200:
            self.taken.setdefault(call.idempotency_key, call)
        return answer


class Later:
    """An executor whose work is done when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, work: Callable[[], None], /) -> object:
        self.waiting.append(work)
        return None

    def run(self, place: int = 0) -> None:
        self.waiting.pop(place % len(self.waiting))()

    def run_all(self) -> None:
        while self.waiting:
            self.run()


class World:
    """A store, a target and the drain between them, stepped by hand."""

    def __init__(self, folder: Path, rate: float = 1_000, parallel: int = 8) -> None:
        self.clock, self.target, self.executor = ManualClock(NOW), Target(), Later()
        self.folder, self.rate, self.parallel = folder, rate, parallel
        self.ring = load_keys("dpp", "", folder / "dpp.key")
        self.store = open_deferred(folder / "queue.db", {"dpp": self.ring})
        self.put = 0
        self.start()

    def start(self) -> None:
        """A new drain process: what was under way in the one before is forgotten."""
        self.executor.waiting.clear()
        self.drain = TargetDrain(
            "dpp", self.rate, self.store, self.target, self.executor, lambda: None, self.clock.now(), self.parallel
        )

    def add(self, *keys: str) -> None:
        calls = []
        for key in keys:
            self.put += 1
            calls.append(Call("dpp", "POST", f"/{self.put}", (), key, f"i{self.put}", b"%d" % self.put))
        self.store.put(calls, self.clock.now())

    def step(self, seconds: float = 0.05) -> None:
        self.clock.advance(seconds)
        self.drain.step(self.clock.now())

    def until_empty(self, steps: int = 3_000) -> None:
        for _ in range(steps):
            self.step()
            self.executor.run_all()
            if not self.status().waiting:
                return
        raise AssertionError(f"{self.status().waiting} calls still wait")

    def status(self) -> QueueStatus:
        return self.store.status(["dpp"], self.clock.now())[0]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    with closing(world.store):
        yield world


def answers(*statuses: int | None) -> Callable[[Call], Answer]:
    """These answers one after the other, then 200."""
    left = list(statuses)
    return lambda _call: Answer(left.pop(0) if left else 200, 0.01, None, "no connection")


class TestDrain:
    def test_all_arrive_in_order(self, world: World) -> None:
        world.add(*"abab", "", "")
        world.until_empty()
        assert [call.path for call in world.target.seen if call.key == "a"] == ["/1", "/3"]
        assert len(world.target.seen) == 6
        assert world.drain.stats.delivered == world.status().delivered == 6

    def test_a_lanes_next_waits_for_the_one_before(self, world: World) -> None:
        world.add("a", "a", "b")
        for _ in range(20):
            world.step()
        assert len(world.executor.waiting) == 2
        world.executor.run_all()
        world.step()
        world.step()
        assert len(world.executor.waiting) == 1

    def test_it_keeps_to_the_rate(self, world: World) -> None:
        world.rate = 20
        world.start()
        world.add(*[""] * 200)
        sent = []
        for _ in range(500):
            world.step(0.05)
            world.executor.run_all()
            sent.append(len(world.target.seen))
        for at in range(len(sent) - 20):
            assert sent[at + 20] - sent[at] <= 20
        assert sent[-1] == 200

    def test_a_hold_stops_at_once_and_resuming_is_no_burst(self, world: World) -> None:
        world.add(*[""] * 300)
        world.store.hold("dpp", "", "ops", NOW)
        for _ in range(100):
            world.step()
        assert not world.executor.waiting
        world.store.resume("dpp")
        world.clock.advance(3_600)
        world.step()
        assert len(world.executor.waiting) <= world.parallel

    def test_a_refusal_for_good_is_set_aside_and_its_lane_goes_on(self, world: World) -> None:
        world.add("a", "a")
        world.target.answer = answers(400)
        world.until_empty()
        assert (world.status().dead, world.status().delivered) == (1, 1)
        assert [call.path for call in world.target.seen] == ["/1", "/2"]

    def test_one_call_the_target_chokes_on_does_not_stop_the_others(self, world: World) -> None:
        world.add("a", *[""] * 30, "a")
        world.target.answer = lambda call: Answer(500 if call.path == "/1" else 200, 0.01)
        for _ in range(400):
            world.step()
            world.executor.run_all()
        assert world.status().waiting == 2
        world.target.answer = answers()
        world.clock.advance(300)
        world.until_empty()

    def test_one_call_that_is_never_answered_does_not_stop_the_others_for_ever(self, world: World) -> None:
        world.add("a", *[""] * 30)
        world.target.answer = lambda call: Answer(None if call.path == "/1" else 200, 0.01, None, "no answer")
        for _ in range(4_000):
            world.step()
            world.executor.run_all()
        assert world.status().waiting == 1

    def test_a_dead_target_is_probed_by_one_call_at_a_time(self, world: World) -> None:
        world.add(*[""] * 100)
        world.target.answer = lambda _call: Answer(None, 0.01, None, "no connection")
        tried = []
        for _ in range(1_200):  # a minute
            world.step()
            tried.append(len(world.executor.waiting))
            world.executor.run_all()
        assert world.drain.is_down
        assert max(tried[20:]) == 1
        assert sum(tried[20:]) <= 8
        world.target.answer = answers()
        world.clock.advance(60)
        world.until_empty()
        assert not world.drain.is_down

    def test_retry_after_is_kept_to(self, world: World) -> None:
        world.add("")
        world.target.answer = lambda _call: Answer(503, 0.01, 120)
        for _ in range(60):
            world.step()
            world.executor.run_all()
        world.clock.advance(100)
        for _ in range(10):
            world.step()
        assert (len(world.target.seen), len(world.executor.waiting)) == (1, 0)
        world.clock.advance(20)
        world.target.answer = answers()
        world.until_empty()

    def test_what_was_under_way_at_a_kill_is_sent_again_under_its_key(self, world: World) -> None:
        world.add("a")
        for _ in range(5):
            world.step()
        world.executor.run_all()  # the target has it, and nobody noted that
        world.start()
        world.until_empty()
        assert [call.idempotency_key for call in world.target.seen] == ["i1", "i1"]
        assert len(world.target.taken) == 1

    def test_nothing_more_goes_out_while_nothing_can_be_kept(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.add("a", "a", *[""] * 50)
        for _ in range(5):
            world.step()
        world.executor.run_all()
        seen = len(world.target.seen)

        def full(*_: object) -> None:
            raise StoreError("database or disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(SqliteDeferred, "delivered", full)
            for _ in range(5):
                with pytest.raises(StoreError):
                    world.step()
        assert not world.executor.waiting
        assert len(world.target.seen) == seen
        world.until_empty()
        assert len(world.target.seen) == 52

    def test_a_call_that_cannot_be_opened_is_told_and_stays(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.add("a", "")
        world.store._database.execute("UPDATE contents SET content = zeroblob(60) WHERE number = 1")
        for _ in range(20):
            world.step()
            world.executor.run_all()
        assert world.status().waiting == 1
        assert "call 1 cannot be opened" in caplog.text
        assert not world.drain.is_down

    def test_a_fault_of_our_own_is_not_swallowed(self, world: World) -> None:
        world.add("")

        def broken(_call: Call) -> Answer:
            raise ZeroDivisionError

        world.target.answer = broken
        with pytest.raises(ZeroDivisionError):
            world.until_empty()

    def test_a_suffering_target_is_asked_less(self, world: World) -> None:
        world.rate = 100
        world.start()
        world.add(*[""] * 3_000)
        for _ in range(200):
            world.step()
            world.executor.run_all()
        fast = world.drain.rate
        world.target.answer = lambda _call: Answer(200, 1.5)
        for _ in range(200):
            world.step()
            world.executor.run_all()
        assert fast == 100
        assert world.drain.rate < 20


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]


def test_live_callers_hardly_notice_the_drain(world: World) -> None:
    """A hub that serves 250 a second, 100 of them live, and 4,000 that waited: drained at 80, or all at once."""
    world.rate, served, live = 80, Queue(0.02, 250), list[float]()
    world.start()
    world.add(*[""] * 4_000)
    world.target.answer = lambda _call: Answer(200, served.enter(world.clock.now()) or 2.0)
    next_live, normal = NOW, p95([Queue(0.02, 250).enter(number / 100) or 2.0 for number in range(1_000)])
    while world.status().waiting:
        wait = world.drain.step(world.clock.now())
        world.executor.run_all()
        world.clock.advance(min(wait, 0.01))
        while next_live <= world.clock.now():
            live.append(served.enter(next_live) or 2.0)
            next_live += 0.01
    assert len(live) / 100 < 4_000 / 80 * 1.3  # it took hardly longer than the rate allows
    assert p95(live) <= 1.5 * normal
    crowded = Queue(0.02, 250)
    for _ in range(4_000):
        crowded.enter(0.0)
    assert p95([crowded.enter(number / 100) or 2.0 for number in range(100)]) > 20 * normal


class TestService:
    def test_it_pulses_tidies_and_tells_of_a_store_that_fails_once(
        self, world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caplog.set_level("INFO")
        drain = Drain(world.store, [world.drain], world.clock, world.clock)
        drain.tick()
        assert world.store.pulsed() == NOW
        with monkeypatch.context() as broken:
            broken.setattr(SqliteDeferred, "due", lambda *_: (_ for _ in ()).throw(StoreError("disk")))
            for _ in range(5):
                world.clock.advance(drain.tick())
        assert caplog.text.count("nothing more goes out until this is mended: disk") == 1
        drain.tick()
        assert "the store works again" in caplog.text

    def test_a_target_that_stands_apart_is_told_once_and_stops_no_other(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        world = World(tmp_path)
        world.store.close()
        make_key(tmp_path / "other.key")
        for name in ("raotd.key", "other.key"):
            raotd = load_keys("raotd", "", tmp_path / name)
            world.store = open_deferred(tmp_path / "queue.db", {"dpp": world.ring, "raotd": raotd})
            if name == "raotd.key":
                world.store.close()
        world.start()
        world.add("", "")

        def stopped() -> bool:
            world.executor.run_all()
            return not world.status().waiting

        with closing(world.store):
            Drain(world.store, [world.drain], world.clock, world.clock).run(stopped)
            assert world.status().delivered == 2
        assert caplog.text.count("raotd: nothing goes out until this is mended") == 1

    def test_it_waits_for_answers_that_are_under_way_when_it_is_stopped(self, world: World) -> None:
        world.add(*[""] * 3)
        drain = Drain(world.store, [world.drain], world.clock, world.clock)
        settle = world.drain.settle
        stopped: list[bool] = []

        def answered_late(now: float) -> None:
            if stopped:
                world.executor.run_all()
            settle(now)

        def stop() -> bool:
            if world.drain.under_way == 3:
                stopped.append(True)
            return bool(stopped)

        world.drain.settle = answered_late  # type: ignore[method-assign]
        drain.run(stop)
        assert world.status().delivered == 3


class Order(RuleBasedStateMachine):
    """Calls come, answers are good and bad and come in any order, the drain is killed: order and number stay right."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.world = World(self.folder, rate=200, parallel=4)

    @rule(keys=st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=6))
    def put(self, keys: list[str]) -> None:
        self.world.add(*keys)

    @rule(number=st.integers(1, 60))
    def put_again(self, number: int) -> None:
        if number <= self.world.put:
            again = Call("dpp", "POST", "/again", (), "z", f"i{number}", b"again")
            self.world.store.put([again], self.world.clock.now())

    @rule(seconds=st.sampled_from([0.01, 0.05, 0.5, 5.0, 40.0]))
    def step(self, seconds: float) -> None:
        self.world.step(seconds)

    @precondition(lambda self: self.world.executor.waiting)
    @rule(place=st.integers(0, 9), status=st.sampled_from([200, 200, 200, None, 500, 503, 429, 409]))
    def come_back(self, place: int, status: int | None) -> None:
        self.world.target.answer = answers(status)
        self.world.executor.run(place)

    @precondition(lambda self: self.world.executor.waiting)
    @rule(place=st.integers(0, 9))
    def taken_but_not_answered(self, place: int) -> None:
        def lost(call: Call) -> Answer:
            self.world.target.taken.setdefault(call.idempotency_key, call)
            return Answer(None, 10.0, None, "no answer")

        self.world.target.answer = lost
        self.world.executor.run(place)

    @rule()
    def kill(self) -> None:
        self.world.start()

    @rule()
    def hold(self) -> None:
        self.world.store.hold("dpp", "", "ops", self.world.clock.now())

    @rule()
    def resume(self) -> None:
        self.world.store.resume("dpp")

    @invariant()
    def order_is_kept(self) -> None:
        lanes = defaultdict[str, list[int]](list)
        for call in self.world.target.taken.values():
            if call.key:
                lanes[call.key].append(int(call.path[1:]))
        for taken in lanes.values():
            assert taken == sorted(taken)

    def teardown(self) -> None:
        try:
            self.world.store.resume("dpp")
            self.world.target.answer = answers()
            self.world.clock.advance(4_000)
            self.world.start()
            # A conflict that lasted buries a call; all others arrive.
            self.world.until_empty()
            self.order_is_kept()
            status = self.world.status()
            assert status.delivered + status.dead == self.world.put
            assert len(self.world.target.taken) >= status.delivered
        finally:
            self.world.store.close()
            shutil.rmtree(self.folder)


TestOrder = Order.TestCase
TestOrder.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
