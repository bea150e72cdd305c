"""Circuit breakers: who failed too often is left alone for ten seconds, and then asked once, on trial.

One for each provider, model and credential of this process. The policy is that of the reliability page: open
when at least half of at least ten calls within thirty seconds failed.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

from backboard_server.domain.errors import UpstreamKind

from ._failures import Failure

WINDOW_SECONDS = 30.0
CALLS_MIN = 10
FAILED_SHARE = 0.5
OPEN_SECONDS = 10.0
CIRCUITS_MAX = 4_096
_CALLS_KEPT_MAX = 200

# Failures of the provider itself; what is wrong with a request or a key says nothing about its health.
_COUNTED: frozenset[UpstreamKind] = frozenset({"unreachable", "timeout", "failed", "malformed", "truncated"})


class _Circuit:
    """The recent calls of one kind, and until when no more are made."""

    __slots__ = ("calls", "is_on_trial", "open_until")

    def __init__(self) -> None:
        self.calls: deque[tuple[float, bool]] = deque(maxlen=_CALLS_KEPT_MAX)
        self.open_until = 0.0
        self.is_on_trial = False


class Circuits:
    """All circuits of one process; those that were not used for longest are forgotten first."""

    def __init__(
        self, open_seconds: float = OPEN_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`open_seconds` of zero never opens one; `clock` tells seconds that only grow."""
        self._open_seconds = open_seconds
        self._clock = clock
        self._circuits: OrderedDict[Hashable, _Circuit] = OrderedDict()

    def check(self, key: Hashable) -> None:
        """Raise Failure (circuit_open) where no call is to be made now; let one through when time is up."""
        circuit = self._circuits.get(key)
        if circuit is None or not circuit.open_until:
            return
        left = circuit.open_until - self._clock()
        if left > 0 or circuit.is_on_trial:
            wait = max(left, 1.0)
            raise Failure("circuit_open", f"for another {wait:.0f} s", retry_after_seconds=wait)
        circuit.is_on_trial = True

    def succeed(self, key: Hashable) -> None:
        """Note a call that went well; one on trial closes its circuit."""
        circuit = self._of(key)
        if circuit.open_until:
            circuit.calls.clear()
        circuit.open_until, circuit.is_on_trial = 0.0, False
        circuit.calls.append((self._clock(), True))

    def fail(self, key: Hashable, kind: UpstreamKind) -> None:
        """Note a call that failed; one on trial opens its circuit again."""
        circuit, now = self._of(key), self._clock()
        if kind not in _COUNTED:
            circuit.is_on_trial = False
            return
        circuit.calls.append((now, False))
        recent = [is_good for at, is_good in circuit.calls if at > now - WINDOW_SECONDS]
        failed = recent.count(False)
        if circuit.is_on_trial or (len(recent) >= CALLS_MIN and failed >= FAILED_SHARE * len(recent)):
            circuit.open_until, circuit.is_on_trial = now + self._open_seconds, False

    def abandon(self, key: Hashable) -> None:
        """Note a call whose caller went away before it ended: it says nothing."""
        circuit = self._circuits.get(key)
        if circuit is not None:
            circuit.is_on_trial = False

    def _of(self, key: Hashable) -> _Circuit:
        circuit = self._circuits.get(key)
        if circuit is None:
            if len(self._circuits) >= CIRCUITS_MAX:
                self._circuits.popitem(last=False)
            circuit = self._circuits[key] = _Circuit()
        else:
            self._circuits.move_to_end(key)
        return circuit
