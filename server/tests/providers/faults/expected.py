"""What may come of a fault, and the check that it did: an error of its kind, or a complete answer."""

from __future__ import annotations

import json

import pytest
from msgspec import Struct

from backboard_server.domain.errors import Upstream, UpstreamKind
from backboard_server.providers.table import WireName
from backboard_server.runs.draft import Draft

TEXT = "Grüße an die schöne weite Welt"
TOKENS_MAX = 1_000_000_000


class Outcome(Struct, frozen=True):
    """How a run ended: what was said, perhaps an error, the attempts, and how many the vendor saw of them."""

    draft: Draft
    error: Upstream | None
    attempts: int
    seen: int


class Fails(Struct, frozen=True, kw_only=True):
    """The run fails.

    `said` is the text that was kept, None where it does not matter which; `attempts` follow from it and from
    whether the kind is worth another: None is three of them while nothing was said, and one otherwise.
    """

    kinds: tuple[UpstreamKind, ...]
    status: int | None = None
    retry_after_seconds: float | None = None
    is_retryable: bool = True
    attempts: int | None = None
    said: str | None = None

    def check(self, outcome: Outcome) -> None:
        """Fail the test if this did not happen."""
        error = outcome.error
        assert error is not None, f"answered {outcome.draft.content[:80]!r}"
        wait = self.retry_after_seconds
        assert error.kind in self.kinds, error.message
        assert error.status == self.status
        assert error.retry_after_seconds == (None if wait is None else pytest.approx(wait, abs=120))
        assert error.is_retryable == self.is_retryable
        assert self.said is None or outcome.draft.content == self.said
        assert TEXT.startswith(outcome.draft.content)
        assert outcome.draft.finish is None
        is_repeated = self.is_retryable and outcome.draft.is_empty
        assert outcome.attempts == (self.attempts or (3 if is_repeated else 1))


class Answers(Struct, frozen=True, kw_only=True):
    """The run succeeds at the first attempt; `has_usage` is None where it does not matter."""

    text: str = TEXT
    reason: str = "stop"
    calls: tuple[tuple[str, str], ...] = ()
    has_usage: bool | None = None

    def check(self, outcome: Outcome) -> None:
        """Fail the test if this did not happen."""
        draft = outcome.draft
        assert outcome.error is None, outcome.error
        assert draft.finish is not None
        is_same = draft.content == self.text  # not in the assertion, which would print megabytes
        assert is_same, f"answered {draft.content[:80]!r}"
        assert draft.finish.reason == self.reason
        called = [(call.name, _read(call.arguments)) for call in draft.tool_calls]
        are_same = called == [(name, _read(arguments)) for name, arguments in self.calls]
        assert are_same, f"called {str(called)[:200]}"
        assert len({call.id for call in draft.tool_calls}) == len(self.calls)
        assert self.has_usage is None or (draft.usage is not None) is self.has_usage
        _check_usage(draft)
        assert outcome.attempts == 1


class Contained(Struct, frozen=True, kw_only=True):
    """The protocol leaves open what this means: an answer with an end, or an error that says it is none."""

    def check(self, outcome: Outcome) -> None:
        """Fail the test if this did not happen."""
        if outcome.error is None:
            assert outcome.draft.finish is not None
            _check_usage(outcome.draft)
        else:
            assert outcome.error.kind in {"malformed", "truncated", "failed"}
            assert outcome.draft.finish is None


class Either(Struct, frozen=True, kw_only=True):
    """One thing where the vendor fails, the other where the cut spared what matters."""

    answers: Answers
    fails: Fails

    def check(self, outcome: Outcome) -> None:
        """Fail the test if this did not happen."""
        (self.answers if outcome.error is None else self.fails).check(outcome)


Expected = Fails | Answers | Contained | Either


def retried(*kinds: UpstreamKind, status: int | None = None, wait: float | None = None) -> Fails:
    """Nothing was said, and it was tried three times."""
    return Fails(kinds=kinds, status=status, retry_after_seconds=wait, attempts=3, said="")


def final(*kinds: UpstreamKind, status: int | None = None, wait: float | None = None) -> Fails:
    """Another attempt would not help, and none was made."""
    return Fails(
        kinds=kinds, status=status, retry_after_seconds=wait, is_retryable=False, attempts=1, said=""
    )


def too_long_a_wait(kind: UpstreamKind, status: int, wait: float) -> Fails:
    """Another attempt would help, and not within the budget."""
    return Fails(kinds=(kind,), status=status, retry_after_seconds=wait, attempts=1, said="")


# A limit without a time to wait: Bedrock never gives one, and may be asked again in a second all the same.
UNPROMISED: dict[WireName, Expected] = {"bedrock": too_long_a_wait("rate_limited", 429, 1.0)}


def broken_off(*kinds: UpstreamKind, said: str | None = None, status: int | None = None) -> Fails:
    """Something was said and is kept, so there was no other attempt."""
    return Fails(kinds=kinds, status=status, attempts=1, said=said)


def _read(arguments: str) -> object:
    """Read arguments as JSON, as some protocols carry them as an object; text that is none stays text."""
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _check_usage(draft: Draft) -> None:
    usage = draft.usage
    if usage is not None:
        counts = (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens, usage.reasoning_tokens)
        assert all(0 <= count <= TOKENS_MAX for count in counts)
