"""The oracle: holds what the server has against the acknowledgement log. Pure.

Nothing that was acknowledged may be missing, nothing may be there that nobody sent, nothing twice, and no
answer may differ from the one that its question is due.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from backboard_server.domain.assistants import DEFAULT_NAME

from .ledger import Answered, Deleted, Deleting, HandedIn, Line, Made, Naming, Opened, Sent, Stored
from .sayings import Question, digest, output_of, question_in

Message = dict[str, Any]


class Held(Struct, frozen=True):
    """What a tenant has: the messages of each thread, and the name of each assistant, by id."""

    tenant: str
    threads: dict[str, list[Message]]
    assistants: dict[str, str]


def contradictions(lines: Sequence[Line], held: Sequence[Held]) -> list[str]:
    """Return a sentence for each thing that the server lost, invented, doubled or bent."""
    found: list[str] = []
    for tenants in held:
        own = [line for line in lines if line.tenant == tenants.tenant]
        found += _missing_threads(own, tenants)
        found += _missing_messages(own, tenants)
        found += _invented(own, tenants)
        found += _doubled(tenants)
        found += _wrong_assistants(own, tenants)
        notes = {line.content for line in own if isinstance(line, Sent) and line.is_note}
        for thread_id, messages in tenants.threads.items():
            answered = [message for message in messages if message["content"] not in notes]
            found += [f"thread {thread_id}: {flaw}" for flaw in bent(answered)]
    return found


def _missing_threads(lines: Sequence[Line], held: Held) -> Iterator[str]:
    maybe_gone = {line.thread_id for line in lines if isinstance(line, Deleting)}
    gone = {line.thread_id for line in lines if isinstance(line, Deleted)}
    for thread_id in gone & held.threads.keys():
        yield f"thread {thread_id} was deleted and is there"
    there = {line.thread_id for line in lines if isinstance(line, Opened | Stored | Answered | HandedIn)}
    for thread_id in there - maybe_gone - held.threads.keys():
        yield f"thread {thread_id} was acknowledged and is lost"


def _missing_messages(lines: Sequence[Line], held: Held) -> Iterator[str]:
    for line in lines:
        messages = held.threads.get(getattr(line, "thread_id", None) or "")
        if messages is None:
            continue
        match line:
            case Stored():
                found = [message for message in messages if message["content"] == line.content]
                if not found:
                    yield f"message {line.content!r} was acknowledged and is lost"
                elif line.message_id and found[0]["message_id"] != line.message_id:
                    yield f"message {line.content!r} has another id than it was acknowledged with"
            case Answered():
                yield from _missing_answer(line, messages)
            case HandedIn():
                known = {note(message, "tool_call_id") for message in messages}
                if lost := set(line.call_ids) - known:
                    yield f"outputs of {', '.join(sorted(lost))} were acknowledged and are lost"
            case _:
                continue


def _missing_answer(line: Answered, messages: Sequence[Message]) -> Iterator[str]:
    found = next((message for message in messages if message["message_id"] == line.message_id), None)
    if found is None:
        yield f"answer {line.message_id} was acknowledged as {line.status} and is lost"
    elif digest(found["content"] or "") != line.digest:
        yield f"answer {line.message_id} has another text than it was acknowledged with"
    elif line.status != "REQUIRES_ACTION" and found["status"] != line.status:
        yield f"answer {line.message_id} was acknowledged as {line.status} and is {found['status']}"


def _invented(lines: Sequence[Line], held: Held) -> Iterator[str]:
    sent = {line.content: line.thread_id for line in lines if isinstance(line, Sent)}
    known = {line.thread_id for line in lines if isinstance(line, Opened)}
    for thread_id, messages in held.threads.items():
        said = [message["content"] for message in messages if message["role"] == "user"]
        if not said and thread_id not in known:
            yield f"thread {thread_id} is empty and nobody opened it"
        for content in said:
            if content not in sent:
                yield f"message {content!r} is in thread {thread_id} and nobody sent it"
            elif sent[content] not in (None, thread_id):
                yield f"message {content!r} is in thread {thread_id} and was sent to {sent[content]}"


def _doubled(held: Held) -> Iterator[str]:
    said = Counter(
        message["content"]
        for messages in held.threads.values()
        for message in messages
        if message["role"] == "user"
    )
    yield from (f"message {content!r} is there {times} times" for content, times in said.items() if times > 1)
    ids = Counter(message["message_id"] for messages in held.threads.values() for message in messages)
    yield from (f"the id {each} belongs to {times} messages" for each, times in ids.items() if times > 1)


def _wrong_assistants(lines: Sequence[Line], held: Held) -> Iterator[str]:
    wanted = {line.name for line in lines if isinstance(line, Naming)}
    times = Counter(held.assistants.values())
    for name, count in times.items():
        if name not in wanted and name != DEFAULT_NAME:
            yield f"assistant {name!r} is there and nobody made it"
        if count > 1:
            yield f"assistant {name!r} is there {count} times"
    for line in lines:
        if isinstance(line, Made) and held.assistants.get(line.assistant_id) != line.name:
            yield f"assistant {line.name!r} was acknowledged and is lost"


def bent(messages: Iterable[Message]) -> Iterator[str]:
    """Yield what is wrong with a thread by itself: answers that are not due, results that are twice.

    Without its notes, which may be taken down between a question and its answer.
    """
    question: Question | None = None
    answers: dict[str, int] = defaultdict(int)
    results: Counter[str] = Counter()
    for message in messages:
        match message["role"]:
            case "user":
                question = question_in(message["content"] or "")
            case "tool":
                yield from _bent_result(message, results)
            case _ if question is None:
                yield f"answer {message['message_id']} has no question"
            case _:
                answers[question.nonce] += not note(message, "tool_calls")
                yield from _bent_answer(message, question)
    yield from (f"{nonce} has {times} last answers" for nonce, times in answers.items() if times > 1)
    yield from (f"call {call_id} has {times} results" for call_id, times in results.items() if times > 1)


def _bent_answer(message: Message, question: Question) -> Iterator[str]:
    content, status = message["content"] or "", message["status"]
    called: list[dict[str, str]] = note(message, "tool_calls") or []
    calls = [call["id"] for call in called]
    due = question.honest_answer()
    if calls and calls != question.call_ids():
        yield f"the answer to {question.nonce} calls {calls}"
    elif not calls and status == "COMPLETED" and content != due:
        yield f"the answer to {question.nonce} is {content[:80]!r} and not {due[:80]!r}"
    elif not due.startswith(content):
        yield f"the {status} answer to {question.nonce} does not begin as it should: {content[:80]!r}"


def _bent_result(message: Message, results: Counter[str]) -> Iterator[str]:
    call_id: str = note(message, "tool_call_id") or ""
    results[call_id] += 1
    if message["status"] == "COMPLETED" and message["content"] != output_of(call_id):
        yield f"the result of {call_id} is {message['content'][:80]!r}"


def note(message: Message, name: str) -> Any:
    """Return what the server has noted in the metadata of a message."""
    metadata: dict[str, Any] = message["metadata_"] or {}
    return metadata.get(name)
