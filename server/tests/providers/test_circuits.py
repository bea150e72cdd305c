"""Circuit breakers, by a clock that the tests turn."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Hashable
from contextlib import suppress

import pytest

from backboard_server.domain.errors import UpstreamKind
from backboard_server.providers._circuits import (
    CALLS_MIN,
    CIRCUITS_MAX,
    OPEN_SECONDS,
    WINDOW_SECONDS,
    Circuits,
)
from backboard_server.providers._failures import Failure

KEY = ("openai", "gpt-4o", "sk-1")


class Bench:
    """Circuits with a clock to turn, and calls that go as they are told to."""

    def __init__(self, open_seconds: float = OPEN_SECONDS) -> None:
        self.seconds = 1_000.0
        self.circuits = Circuits(open_seconds, lambda: self.seconds)

    def call(self, kind: UpstreamKind | None = None, *, key: Hashable = KEY, times: int = 1) -> None:
        """Make calls that fail like `kind`, or go well."""
        for _ in range(times):
            try:
                with self.circuits.watch(key):
                    if kind:
                        raise Failure(kind, "as scripted")
            except Failure as failure:
                if failure.kind == "circuit_open":
                    raise

    def under_way(self, error: BaseException | None) -> Generator[None]:
        """Begin a call that ends, with an error or without, when it is asked to go on."""
        call = self._under_way(error)
        next(call)
        return call

    def _under_way(self, error: BaseException | None) -> Generator[None]:
        with suppress(Failure, asyncio.CancelledError), self.circuits.watch(KEY):
            yield
            if error:
                raise error

    def is_open(self, key: Hashable = KEY) -> bool:
        """Whether a call would be refused; leaves no trace, as a caller that goes away says nothing."""
        try:
            with self.circuits.watch(key):
                raise asyncio.CancelledError
        except Failure as failure:
            return failure.kind == "circuit_open"
        except asyncio.CancelledError:
            return False


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("good", "failed", "is_open"),
    [
        (0, 9, False),
        (0, 10, True),
        (5, 5, True),
        (6, 5, False),
        (9, 1, False),
        (20, 20, True),
        (21, 20, False),
    ],
)
def test_a_circuit_opens_when_half_of_ten_calls_or_more_failed(
    bench: Bench, good: int, failed: int, is_open: bool
) -> None:
    bench.call(times=good)
    bench.call("failed", times=failed)

    assert bench.is_open() is is_open


def test_calls_that_went_well_open_nothing_by_themselves(bench: Bench) -> None:
    bench.call("failed", times=9)
    bench.call()

    assert not bench.is_open()


@pytest.mark.parametrize("kind", ["unreachable", "timeout", "failed", "malformed", "truncated"])
def test_every_failure_of_the_provider_itself_counts(bench: Bench, kind: UpstreamKind) -> None:
    bench.call(kind, times=CALLS_MIN)

    assert bench.is_open()


@pytest.mark.parametrize(
    "kind",
    [
        "rejected_key",
        "rate_limited",
        "spend_limit",
        "context_length",
        "model_missing",
        "content_policy",
        "rejected_request",
    ],
)
def test_what_is_wrong_with_a_request_or_an_account_does_not_count(bench: Bench, kind: UpstreamKind) -> None:
    bench.call(kind, times=100)
    assert not bench.is_open()

    bench.call("failed", times=CALLS_MIN - 1)
    assert not bench.is_open()


def test_what_happened_before_the_window_does_not_count(bench: Bench) -> None:
    bench.call("failed", times=9)
    bench.seconds += WINDOW_SECONDS
    bench.call("failed", times=9)

    assert not bench.is_open()


def test_an_open_circuit_refuses_and_says_for_how_long(bench: Bench) -> None:
    bench.call("failed", times=CALLS_MIN)
    bench.seconds += 4

    with pytest.raises(Failure, match="for another 6 s") as caught:
        bench.call()

    assert (caught.value.kind, caught.value.retry_after_seconds) == ("circuit_open", 6.0)


def test_a_trial_that_goes_well_closes_the_circuit_and_forgets_the_failures(bench: Bench) -> None:
    bench.call("failed", times=CALLS_MIN)
    bench.seconds += OPEN_SECONDS
    bench.call()
    bench.call("failed", times=CALLS_MIN - 2)
    assert not bench.is_open()

    bench.call("failed")
    assert bench.is_open()


def test_a_trial_that_fails_opens_the_circuit_again_for_as_long(bench: Bench) -> None:
    bench.call("failed", times=CALLS_MIN)
    bench.seconds += OPEN_SECONDS
    bench.call("failed")
    bench.seconds += OPEN_SECONDS - 0.1
    assert bench.is_open()

    bench.seconds += 0.1
    bench.call()
    assert not bench.is_open()


def test_there_is_one_trial_at_a_time_however_many_ask(bench: Bench) -> None:
    bench.call("failed", times=CALLS_MIN)
    bench.seconds += OPEN_SECONDS

    with bench.circuits.watch(KEY):
        assert [bench.is_open() for _ in range(3)] == [True, True, True]

    assert not bench.is_open()


def test_those_who_are_refused_during_a_trial_are_told_to_wait_a_moment(bench: Bench) -> None:
    bench.call("failed", times=CALLS_MIN)
    bench.seconds += OPEN_SECONDS + 5

    with bench.circuits.watch(KEY), pytest.raises(Failure) as caught:
        bench.call()

    assert caught.value.retry_after_seconds == 1.0


def test_a_trial_that_is_abandoned_makes_room_for_another_and_decides_nothing(bench: Bench) -> None:
    bench.call("failed", times=CALLS_MIN)
    bench.seconds += OPEN_SECONDS

    assert not bench.is_open()  # asks and goes away
    with bench.circuits.watch(KEY):
        assert bench.is_open()


def test_a_trial_that_says_nothing_of_the_provider_makes_room_for_another(bench: Bench) -> None:
    bench.call("failed", times=CALLS_MIN)
    bench.seconds += OPEN_SECONDS
    bench.call("rate_limited")

    with bench.circuits.watch(KEY):
        assert bench.is_open()


def test_a_call_from_before_neither_ends_a_trial_nor_closes_nor_prolongs(bench: Bench) -> None:
    good = bench.under_way(None)
    failed = bench.under_way(Failure("failed", "late"))
    abandoned = bench.under_way(asyncio.CancelledError())
    bench.call("failed", times=CALLS_MIN)
    bench.seconds += OPEN_SECONDS / 2
    next(good, None)
    assert bench.is_open()  # it went well, and it is not the trial
    next(failed, None)
    bench.seconds += OPEN_SECONDS / 2

    with bench.circuits.watch(KEY):  # the late failure has prolonged nothing
        next(abandoned, None)
        assert bench.is_open()  # who went away was not the trial


@pytest.mark.parametrize(
    "other", [("groq", "gpt-4o", "sk-1"), ("openai", "gpt-5", "sk-1"), ("openai", "gpt-4o", "sk-2")]
)
def test_a_circuit_is_that_of_one_provider_model_and_credential(bench: Bench, other: Hashable) -> None:
    bench.call("failed", times=CALLS_MIN)

    assert bench.is_open()
    assert not bench.is_open(other)


def test_those_that_were_not_used_for_longest_are_forgotten_first(bench: Bench) -> None:
    bench.call("failed", key="used", times=CALLS_MIN)
    bench.call("failed", key="oldest", times=CALLS_MIN)
    for number in range(CIRCUITS_MAX - 2):
        bench.call(key=number)
    assert bench.is_open("used")

    bench.call(key="one too many")

    assert bench.is_open("used")
    assert not bench.is_open("oldest")


def test_with_zero_seconds_no_circuit_ever_opens() -> None:
    bench = Bench(open_seconds=0)
    bench.call("failed", times=100)

    with bench.circuits.watch(KEY):
        bench.call()
        assert not bench.is_open()
