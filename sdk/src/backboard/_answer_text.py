"""Events → the text of the answer, piece by piece, and once only where the server has to say it again."""

from __future__ import annotations

from .events import ContentStreaming, Event, Resync, RunContinuing


class AnswerText:
    """Collects what is said since a run began or went on, which is what a Resync has in whole."""

    def __init__(self) -> None:
        self._said: list[str] = []

    def add(self, event: Event) -> str:
        """Return what the event adds to the text; where that has come to be another one, all of it."""
        piece = ""
        if isinstance(event, RunContinuing):
            self._said.clear()
        elif isinstance(event, ContentStreaming):
            piece = event.content
        elif isinstance(event, Resync):
            piece = self._not_said_yet(event.content or "")
        self._said.append(piece)
        return piece

    def _not_said_yet(self, whole: str) -> str:
        said = "".join(self._said)
        if whole.startswith(said):
            return whole[len(said) :]
        self._said.clear()
        return whole
