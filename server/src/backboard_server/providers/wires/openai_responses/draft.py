"""An answer in the making: its items by their place in the output, and the deltas that each piece adds."""

from __future__ import annotations

from collections.abc import Iterator

from backboard_server.domain.prompts import Delta, ReasoningDelta, Sidecar, TextDelta, ToolCallDelta
from backboard_server.providers._calls import OpenedCalls
from backboard_server.providers._failures import Failure

from .events import Item
from .sidecar import GAP, Kept, sidecar_of


class _Entry:
    """An item: what is to be kept of it, how much of it was said, and which of our calls it is, if any."""

    __slots__ = ("call_index", "kept", "said")

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.said = 0
        self.call_index: int | None = None


class Draft:
    """The items of one answer. What came in pieces is not said again when it comes whole."""

    def __init__(self) -> None:
        self.was_refused = False
        self._entries: dict[int, _Entry] = {}
        self._calls = OpenedCalls()
        self._has_text = False
        self._thought_place: tuple[int, int | None] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is not a single item."""
        return not self._entries

    @property
    def has_calls(self) -> bool:
        """Whether it calls a function."""
        return len(self._calls) > 0

    def text(self, place: int, piece: str) -> tuple[Delta, ...]:
        """Return what a piece of a message adds; a further message begins a paragraph."""
        entry = self._entries.get(place) or self._begin(place, Kept("message"))
        if not piece:
            return ()
        gap = GAP if self._has_text and not entry.said else ""
        entry.said += len(piece)
        self._has_text = True
        return (TextDelta(gap + piece),)

    def refusal(self, place: int, piece: str) -> tuple[Delta, ...]:
        """Return what a piece of a refusal adds: it is a text as well."""
        self.was_refused = True
        return self.text(place, piece)

    def thought(self, place: int, part: int | None, piece: str) -> tuple[Delta, ...]:
        """Return what a piece of reasoning adds; each part of a summary is a paragraph."""
        entry = self._entries.get(place) or self._begin(place, Kept("reasoning"))
        if not piece:
            return ()
        gap = GAP if self._thought_place not in (None, (place, part)) else ""
        self._thought_place = (place, part)
        entry.said += len(piece)
        return (ReasoningDelta(gap + piece),)

    def arguments(self, place: int, piece: str) -> tuple[Delta, ...]:
        """Return what a piece of arguments adds; those of a call that has no name yet wait for the whole."""
        entry = self._entries.get(place)
        if entry is None or entry.call_index is None or not piece:
            return ()
        entry.said += len(piece)
        return (ToolCallDelta(entry.call_index, piece),)

    def open(self, place: int, item: Item) -> Iterator[Delta]:
        """Yield the beginning of a call; of other items there is nothing to say yet."""
        kept = Kept(item.type)  # pyright: ignore[reportArgumentType] - the decoder lets no other types through
        entry = self._entries.get(place) or self._begin(place, kept)
        if item.type == "function_call" and entry.call_index is None and item.name:
            delta = self._calls.open(item.call_id, item.name)
            entry.kept.call_id, entry.call_index = delta.id or "", delta.index
            yield delta

    def close(self, place: int, item: Item) -> Iterator[Delta]:
        """Yield what of a whole item was not said yet."""
        yield from self.open(place, item)
        entry = self._entries[place]
        entry.kept.id = item.id or ""
        entry.kept.phase = item.phase or ""
        entry.kept.encrypted_content = item.encrypted_content or ""
        if entry.said:
            return
        if item.type == "function_call":
            yield from self.arguments(place, item.arguments or "")
        elif item.type == "reasoning":
            for part, piece in enumerate((*(item.content or ()), *(item.summary or ()))):
                yield from self.thought(place, part, piece.text or "")
        else:
            for piece in item.content or ():
                yield from self.text(place, piece.text or "")
                if piece.refusal:
                    yield from self.refusal(place, piece.refusal)

    def check(self) -> None:
        """Raise Failure (malformed) for a call that never got a name."""
        calls = (entry for entry in self._entries.values() if entry.kept.type == "function_call")
        if any(entry.call_index is None for entry in calls):
            raise Failure("malformed", "a tool call without a name")

    def sidecar(self) -> Sidecar | None:
        """Return what is to be kept of the items, in the order in which they began."""
        for entry in self._entries.values():
            if entry.kept.type == "message":
                entry.kept.characters = entry.said
        sealed = [
            entry.kept
            for entry in self._entries.values()
            if entry.kept.type != "reasoning" or (entry.kept.id and entry.kept.encrypted_content)
        ]
        return sidecar_of(sealed)

    def _begin(self, place: int, kept: Kept) -> _Entry:
        entry = self._entries[place] = _Entry(kept)
        return entry
