"""The drain's decisions: pacing, what an answer means, when a target is asked, how fast, what the gateway lets in."""

from __future__ import annotations

import math
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deferred import circuit, pacing, tempo
from deferred.admission import Address, RefusedError, address_of, bearer_of, headers_of, key_of, length_of
from deferred.circuit import Circuit
from deferred.pacing import Pace
from deferred.verdict import (
    BROKE,
    CONFLICT_ATTEMPTS,
    LONGEST_PAUSE,
    LONGEST_RETRY_AFTER,
    Answer,
    judge,
    parse_retry_after,
    pause_of,
)

NOW = 1_795_000_000.0


class TestPacing:
    @given(
        rate=st.floats(0.1, 5_000), waits=st.lists(st.floats(0, 3) | st.floats(0, 0.01), min_size=1, max_size=300),
        wanted=st.lists(st.integers(0, 500), min_size=1, max_size=20),
    )  # fmt: skip
    def test_never_more_than_the_rate_in_any_second(self, rate: float, waits: list[float], wanted: list[int]) -> None:
        now, pace, sent = 0.0, Pace(0.0), list[tuple[float, int]]()
        for number, wait in enumerate(waits):
            now += wait
            pace = pacing.refilled(pace, rate, now)
            calls = min(wanted[number % len(wanted)], math.floor(pace.tokens))
            pace = pacing.take(pace, calls)
            sent.append((now, calls))
        for begin, _ in sent:
            within = sum(calls for at, calls in sent if begin <= at < begin + 1)
            assert within <= math.ceil(rate) + 1e-6

    @given(rate=st.floats(0.1, 5_000))
    def test_what_waits_goes_out_at_the_rate(self, rate: float) -> None:
        now, pace, sent = 0.0, Pace(0.0), 0
        while sent < 200:
            now += pacing.wait_for_one(pace, rate) + 1e-9
            pace = pacing.refilled(pace, rate, now)
            calls = math.floor(pace.tokens + 1e-6)
            pace, sent = pacing.take(pace, calls), sent + calls
        assert 200 / now >= 0.9 * rate or now < 1

    def test_a_night_fills_no_more_than_a_moment(self) -> None:
        pace = pacing.refilled(Pace(0.0), 100, 36_000)
        assert pace.tokens == pacing.burst(100) == 5
        assert pacing.burst(3) == 1

    def test_a_clock_that_goes_back_gives_nothing(self) -> None:
        assert pacing.refilled(Pace(100.0, 0.5), 10, 50).tokens == 0.5


class TestVerdict:
    @pytest.mark.parametrize(
        ("status", "outcome", "trouble"),
        [(200, "delivered", ""), (202, "delivered", ""), (204, "delivered", ""), (301, "later", "busy"),
         (400, "dead", ""), (401, "dead", ""), (404, "dead", ""), (408, "later", "busy"), (409, "later", ""),
         (410, "dead", ""), (425, "later", "busy"), (429, "later", "busy"), (500, "later", "busy"),
         (503, "later", "busy"), (599, "later", "busy"), (101, "later", "busy")],
    )  # fmt: skip
    def test_each_status(self, status: int, outcome: str, trouble: str) -> None:
        verdict = judge(Answer(status, 0.1), 0)
        assert (verdict.outcome, verdict.trouble) == (outcome, trouble)
        assert str(status) in verdict.reason

    def test_a_conflict_that_lasts_is_dead(self) -> None:
        outcomes = [judge(Answer(409, 0.1), attempts).outcome for attempts in range(CONFLICT_ATTEMPTS + 1)]
        assert outcomes == ["later"] * CONFLICT_ATTEMPTS + ["dead"]

    def test_no_answer(self) -> None:
        verdict = judge(Answer(None, 0.1, None, "no connection"), 3)
        assert (verdict.outcome, verdict.trouble, verdict.reason) == ("later", "down", "no connection")
        assert judge(Answer(None, 0.1, None, BROKE), 3).trouble == "busy"

    def test_pauses_grow_and_are_bounded(self) -> None:
        pauses = [pause_of(attempts, None) for attempts in range(1, 2_000)]
        assert pauses[:4] == [1, 2, 4, 8]
        assert pauses == sorted(pauses)
        assert pauses[-1] == LONGEST_PAUSE
        assert pause_of(1, 60) == 60
        assert pause_of(1, 1e9) == LONGEST_RETRY_AFTER

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [(None, None), ("7", 7), (" 7 ", 7), ("", None), ("-1", None), ("soon", None), ("٣", None), ("9" * 40, None),
         ("Wed, 18 Nov 2026 09:06:50 GMT", 10), ("Wed, 18 Nov 2020 09:06:50 GMT", 0)],
    )  # fmt: skip
    def test_retry_after(self, text: str | None, seconds: float | None) -> None:
        assert parse_retry_after(text, 1_794_992_800.0) == seconds


class TestCircuit:
    def test_a_target_that_cannot_be_reached_is_asked_ever_less_often(self) -> None:
        state, now, pauses = Circuit(), NOW, []
        for _ in range(9):
            state = circuit.after(state, "down", now, None)
            assert state.is_open
            assert not state.may_probe(now)
            pauses.append(state.until - now)
            now = state.until
            assert state.may_probe(now)
        assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        assert circuit.after(state, "", now, None) == Circuit()

    def test_one_troubled_answer_is_not_the_target(self) -> None:
        state = Circuit()
        for _ in range(circuit.STRIKES - 1):
            state = circuit.after(state, "busy", NOW, None)
            assert not state.is_open
        assert circuit.after(state, "", NOW, None) == Circuit()
        assert circuit.after(state, "busy", NOW, None).is_open

    def test_those_that_were_under_way_do_not_make_it_longer(self) -> None:
        state = circuit.after(Circuit(), "down", NOW, None)
        for _ in range(20):
            state = circuit.after(state, "down", NOW + 0.1, None)
        assert (state.pauses, state.until) == (1, NOW + 0.5)
        assert circuit.after(state, "busy", NOW + 0.1, 60).until == NOW + 60.1

    def test_retry_after_is_kept_to(self) -> None:
        state = Circuit(strikes=2)
        assert circuit.after(state, "busy", NOW, 120).until == NOW + 120
        assert circuit.after(state, "busy", NOW, 1e9).until == NOW + LONGEST_RETRY_AFTER

    def test_a_call_the_target_chokes_on_is_not_its_only_probe(self) -> None:
        state, now = Circuit(), NOW
        for attempts in range(1, 13):
            state = circuit.after(state, "down", now, None)
            again = circuit.retry_at(state, pause_of(attempts, None), now)
            now = max(state.until, again)
        assert again > state.until
        assert circuit.retry_at(Circuit(), 300, NOW) == NOW + 300


class TestTempo:
    def run(self, state: tempo.Tempo, now: float, seconds: float, trouble: str = "") -> tuple[tempo.Tempo, str]:
        for _ in range(40):
            state = tempo.answered(state, seconds, "busy" if trouble else "")
        return tempo.judged(state, now)

    def test_it_begins_gently_and_rises_to_the_rate(self) -> None:
        state, rates = tempo.begin(100, NOW), []
        for second in range(1, 10):
            state, _ = self.run(state, NOW + second, 0.02)
            rates.append(state.rate)
        assert rates == [37.5, 50, 62.5, 75, 87.5, 100, 100, 100, 100]

    def test_it_falls_while_answers_are_slow_and_never_to_nothing(self) -> None:
        state, _ = self.run(tempo.begin(100, NOW), NOW + 1, 0.02)
        reasons = []
        for second in range(2, 30):
            state, reason = self.run(state, NOW + second, 0.4)
            reasons.append(reason)
        assert state.rate == 100 * tempo.LEAST_SHARE
        assert set(reasons) == {"slow answers"}
        for second in range(30, 60):
            state, _ = self.run(state, NOW + second, 0.02)
        assert state.rate == 100

    def test_it_falls_at_trouble(self) -> None:
        state, _ = self.run(tempo.begin(100, NOW), NOW + 1, 0.02)
        fallen, reason = self.run(state, NOW + 2, 0.001, "busy")
        assert (fallen.rate, reason) == (state.rate * tempo.FALL, "troubled answers")
        risen, _ = self.run(fallen, NOW + 3, 0.02)
        assert risen.rate > fallen.rate

    def test_it_is_judged_once_a_second(self) -> None:
        state, _ = self.run(tempo.begin(100, NOW), NOW + 1, 0.02)
        assert self.run(state, NOW + 1.5, 0.02)[0].rate == state.rate

    def test_without_an_answer_nothing_is_concluded(self) -> None:
        state, reason = tempo.judged(tempo.begin(100, NOW), NOW + 60)
        assert (state.rate, state.judged, reason) == (25, NOW + 60, "")

    def test_after_a_pause_it_begins_again_and_knows_what_is_usual(self) -> None:
        state, _ = self.run(tempo.begin(100, NOW), NOW + 1, 0.02)
        again = tempo.begin_again(state, NOW + 500)
        assert (again.rate, again.usual) == (25, state.usual)


class TestAdmission:
    @pytest.mark.parametrize(
        ("raw", "target", "path"),
        [("/defer/dpp/a/b", "dpp", "/a/b"), ("/defer/dpp", "dpp", "/"), ("/defer/dpp/", "dpp", "/"),
         ("/defer/dpp?x=1", "dpp", "/?x=1"), ("/defer/dpp/a%2Fb?q=%20", "dpp", "/a%2Fb?q=%20"),
         ("http://gate/defer/dpp/a?b", "dpp", "/a?b"), ("/defer/dpp//x", "dpp", "//x"),
         ("/defer/dpp/a..b", "dpp", "/a..b")],
    )  # fmt: skip
    def test_addresses(self, raw: str, target: str, path: str) -> None:
        assert address_of(raw) == Address(target, path)

    @pytest.mark.parametrize("raw", ["/", "/receipts/x", "/deferred/dpp/x", "/x/defer/dpp"])
    def test_other_addresses(self, raw: str) -> None:
        assert address_of(raw) is None

    @pytest.mark.parametrize(
        "path",
        ["../x", "a/../../x", "%2e%2e/x", "a/%2E%2E%2Fx", "a/./b", "..\\x", "%0d%0ax", "a b", "é", "x" * 9_000],
    )
    def test_a_path_that_leads_elsewhere_is_refused_without_being_repeated(self, path: str) -> None:
        with pytest.raises(RefusedError) as caught:
            address_of(f"/defer/dpp/{path}")
        assert caught.value.status is HTTPStatus.BAD_REQUEST
        assert path not in caught.value.reason

    def test_only_some_headers_are_handed_on(self) -> None:
        environ = {
            "REQUEST_METHOD": "POST", "CONTENT_TYPE": "text/xml", "CONTENT_LENGTH": "3", "HTTP_ACCEPT": "*/*",
            "HTTP_SOAPACTION": '"urn:x"', "HTTP_X_REQUEST_ID": "7", "HTTP_X_FORWARDED_FOR": "10.0.0.1",
            "HTTP_X_REAL_IP": "10.0.0.1", "HTTP_AUTHORIZATION": "Bearer ours", "HTTP_COOKIE": "a=b",
            "HTTP_CONNECTION": "close", "HTTP_TRANSFER_ENCODING": "chunked", "HTTP_HOST": "gate", "HTTP_TE": "x",
            "HTTP_TARGET_AUTHORIZATION": "Basic theirs", "HTTP_ACCEPT_ENCODING": "gzip", "HTTP_UPGRADE": "h2c",
        }  # fmt: skip
        assert dict(headers_of(environ)) == {
            "Content-Type": "text/xml", "Accept": "*/*", "Soapaction": '"urn:x"', "X-Request-Id": "7",
            "Authorization": "Basic theirs",
        }  # fmt: skip

    def test_keys(self) -> None:
        assert key_of({"HTTP_ORDERING_KEY": "a b"}, "Ordering-Key") == "a b"
        assert key_of({}, "Idempotency-Key") == ""
        for bad in ("x" * 256, " x", "é", "a\x00"):
            with pytest.raises(RefusedError):
                key_of({"HTTP_IDEMPOTENCY_KEY": bad}, "Idempotency-Key")

    @pytest.mark.parametrize("value", ["", "Basic x", "Bearer", "Bearer  "])
    def test_no_token(self, value: str) -> None:
        with pytest.raises(RefusedError) as caught:
            bearer_of({"HTTP_AUTHORIZATION": value})
        assert caught.value.headers == {"WWW-Authenticate": "Bearer"}

    def test_lengths(self) -> None:
        assert length_of({}, 10) == 0
        assert length_of({"CONTENT_LENGTH": "10"}, 10) == 10
        assert length_of({"HTTP_TRANSFER_ENCODING": "chunked"}, 10) is None
        for text, status in (("11", 413), ("9" * 99, 413), ("-1", 400), ("1e3", 400)):
            with pytest.raises(RefusedError) as caught:
                length_of({"CONTENT_LENGTH": text}, 10)
            assert caught.value.status == status
