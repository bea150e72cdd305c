"""Tool calls in pieces: which piece belongs to which call, when hosts number them each in their own way."""

from __future__ import annotations

from collections.abc import Iterator

from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import ToolCallDelta
from backboard_server.providers._failures import Failure

from .chunks import CallPiece

CALLS_MAX = 512


class _Call:
    """A call in the making; it is open once its name is known, and its arguments wait until then."""

    __slots__ = ("index", "is_open", "vendor_id", "waiting")

    def __init__(self, index: int) -> None:
        self.index = index
        self.is_open = False
        self.vendor_id = ""
        self.waiting = ""


class Calls:
    """The calls of one answer, numbered from zero in the order in which they begin."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_vendor_index: dict[int, _Call] = {}
        self._ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, piece: CallPiece) -> Iterator[ToolCallDelta]:
        """Yield what a streamed piece adds; the first delta of a call has its id and name."""
        return self._continue(self._call_of(piece), piece)

    def add(self, piece: CallPiece) -> Iterator[ToolCallDelta]:
        """Yield a call of a plain answer: there, each is whole."""
        return self._continue(self._begin(), piece)

    def check(self) -> None:
        """Raise Failure (malformed) for a call that never got a name."""
        if not all(call.is_open for call in self._calls):
            raise Failure("malformed", "a tool call without a name")

    def _call_of(self, piece: CallPiece) -> _Call:
        call = self._known(piece)
        if call is None:
            call = self._begin()
            if piece.index is not None:
                self._by_vendor_index[piece.index] = call
        return call

    def _known(self, piece: CallPiece) -> _Call | None:
        if piece.index is not None:
            call = self._by_vendor_index.get(piece.index)
        else:
            call = self._calls[-1] if self._calls else None
        if call is None or not call.is_open:
            return call
        # Hosts that give every call the same index, or none, mark a further call by its own id and name.
        is_another = bool(piece.id and piece.id != call.vendor_id and piece.function and piece.function.name)
        return None if is_another else call

    def _begin(self) -> _Call:
        if len(self._calls) >= CALLS_MAX:
            raise Failure("malformed", f"more than {CALLS_MAX} tool calls in one answer")
        call = _Call(len(self._calls))
        self._calls.append(call)
        return call

    def _continue(self, call: _Call, piece: CallPiece) -> Iterator[ToolCallDelta]:
        call.vendor_id = call.vendor_id or piece.id or ""
        name = piece.function.name if piece.function else None
        arguments = (piece.function.arguments if piece.function else None) or ""
        if call.is_open:
            if arguments:
                yield ToolCallDelta(call.index, arguments)
        elif name:
            call.is_open = True
            yield ToolCallDelta(call.index, call.waiting + arguments, self._unique_id(call), name)
        else:
            call.waiting += arguments

    def _unique_id(self, call: _Call) -> str:
        """Return the vendor's id, or one of ours where it is missing or was given to another call as well."""
        unique = call.vendor_id
        if not unique or unique in self._ids:
            unique = f"call_{new_id().hex}"
        self._ids.add(unique)
        return unique
