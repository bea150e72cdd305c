"""Events → the text of the answer, piece by piece, and once only where the server has to say it again."""

from __future__ import annotations

from .events import ContentStreaming, Event, MessageStart, Resync


class AnswerText:
    """Collects the text of one answer after the other."""

    def __init__(self) -> None:
        self._message_id: str | None = None
        self._said: list[str] = []

    def add(self, event: Event) -> str:
        """Return what the event adds to the text; where an answer has come to be another one, all of it."""
        piece = ""
        if isinstance(event, MessageStart):
            self._open(event.message_id)
        elif isinstance(event, ContentStreaming):
            piece = event.content
        elif isinstance(event, Resync):
            piece = self._not_said_yet(event.content or "")
        self._said.append(piece)
        return piece

    def _open(self, message_id: str) -> None:
        if message_id != self._message_id:
            self._message_id = message_id
            self._said.clear()

    def _not_said_yet(self, whole: str) -> str:
        said = "".join(self._said)
        if whole.startswith(said):
            return whole[len(said) :]
        self._said.clear()
        return whole
