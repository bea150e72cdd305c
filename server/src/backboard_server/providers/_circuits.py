"""Circuit breakers: who failed too often is left alone for ten seconds, and then asked once, on trial.

One for each provider, model and credential of this process. The policy is that of the reliability page: open
when at least half of at least ten calls within thirty seconds failed.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager

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
    """The recent calls of one kind, and until when no more are made; zero is a closed circuit."""

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

    @contextmanager
    def watch(self, key: Hashable) -> Generator[None]:
        """Watch one call, which is made inside `with`.

        Raises Failure (circuit_open) where none is to be made now. A call whose caller goes away says
        nothing.
        """
        circuit = self._of(key)
        is_trial = self._admit(circuit)
        try:
            yield
        except Failure as failure:
            if failure.kind in _COUNTED:
                self._note(circuit, is_good=False, is_trial=is_trial)
            raise
        else:
            self._note(circuit, is_good=True, is_trial=is_trial)
        finally:
            if is_trial:
                circuit.is_on_trial = False

    def _admit(self, circuit: _Circuit) -> bool:
        """Return whether the call is on trial; raises Failure where it is not to be made."""
        if not circuit.open_until:
            return False
        left = circuit.open_until - self._clock()
        if left > 0 or circuit.is_on_trial:
            wait = max(left, 1.0)
            raise Failure("circuit_open", f"for another {wait:.0f} s", retry_after_seconds=wait)
        circuit.is_on_trial = True
        return True

    def _note(self, circuit: _Circuit, *, is_good: bool, is_trial: bool) -> None:
        """Note how a call went. While a circuit is open, its trials alone decide."""
        if not self._open_seconds or (circuit.open_until and not is_trial):
            return
        now = self._clock()
        if is_trial and is_good:
            circuit.calls.clear()
            circuit.open_until = 0.0
        circuit.calls.append((now, is_good))
        if not is_good and (is_trial or _fails_too_often(circuit, now)):
            circuit.open_until = now + self._open_seconds

    def _of(self, key: Hashable) -> _Circuit:
        circuit = self._circuits.get(key)
        if circuit is None:
            if len(self._circuits) >= CIRCUITS_MAX:
                self._circuits.popitem(last=False)
            circuit = self._circuits[key] = _Circuit()
        else:
            self._circuits.move_to_end(key)
        return circuit


def _fails_too_often(circuit: _Circuit, now: float) -> bool:
    recent = [is_good for at, is_good in circuit.calls if at > now - WINDOW_SECONDS]
    return len(recent) >= CALLS_MIN and recent.count(False) >= FAILED_SHARE * len(recent)
