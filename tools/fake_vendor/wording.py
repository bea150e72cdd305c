"""What an answer says, whatever the dialect: its text, its counts, and the pieces they are streamed in."""

from __future__ import annotations

from itertools import pairwise

from .script import Answer, CalledTool, Tokens
from .terms import Asked

_ARGUMENTS_PIECE_CHARACTERS = 16_384


def text_of(answer: Answer, asked: Asked) -> str | None:
    """Return the scripted text or an echo of the last user message, at least a character a chunk.

    None is an answer of tool calls alone.
    """
    text = answer.text
    if text is None:
        if answer.tool_calls:
            return None
        text = f"You said: {asked.last_user_text}"
    return text.ljust(answer.chunks, ".") if text else text


def tokens_of(answer: Answer, asked: Asked) -> Tokens:
    """Return the scripted usage, or words counted."""
    return answer.usage or Tokens(asked.words, len((text_of(answer, asked) or "").split()))


def call_id(index: int, call: CalledTool) -> str:
    """Return the scripted id of a tool call, or one that says which it is."""
    return call.id or f"call_{index}"


def text_pieces(answer: Answer, asked: Asked) -> list[str]:
    """Return the text in as many pieces as scripted."""
    return pieces(text_of(answer, asked) or "", answer.chunks)


def pieces(text: str, count: int = 0) -> list[str]:
    """Cut a text into `count` pieces, or one a word with its space."""
    if not text:
        return []
    if not count:
        words = text.split(" ")
        return [words[0], *(f" {word}" for word in words[1:])]
    size, longer = divmod(len(text), count)
    cuts = [index * size + min(index, longer) for index in range(count + 1)]
    return [text[start:end] for start, end in pairwise(cuts)]


def argument_pieces(arguments: str, count: int = 0) -> list[str]:
    """Cut the arguments of a tool call into `count` pieces; into two or more, as they are long, without."""
    if count:
        return pieces(arguments, min(count, len(arguments)))
    size = min(_ARGUMENTS_PIECE_CHARACTERS, max(1, len(arguments) // 2))
    return [arguments[at : at + size] for at in range(0, len(arguments), size)]
