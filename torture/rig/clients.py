"""Clients as applications are: each has its threads, talks in them in every way, and logs what it was told.

Half of what breaks is sent again under its key, until there is an answer; the other half is left as it is.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from msgspec import Struct

from .events import Event
from .following import Beginning, Pursuit, Refused
from .insisting import FAILURES, failure_in, insist
from .ledger import Answered, Deleted, Deleting, HandedIn, Ledger, Line, Made, Naming, Opened, Sent, Stored
from .phases import Tally
from .sayings import Question, digest, output_of
from .wire import Answer, Broken, Caller

TOOL = {
    "type": "function",
    "function": {
        "name": "ask_application",
        "description": "Ask the application.",
        "parameters": {"type": "object", "properties": {"of": {"type": "string"}}, "required": ["of"]},
    },
}
_THREADS_MAX = 12
_LEFT_ALONE = 0.6  # of what broke


class Book(Struct, frozen=True):
    """What clients share: whom they are, where they write what they were told, and what is counted."""

    tenant: str
    ledger: Ledger
    tally: Tally

    def write(self, line: Line) -> None:
        """Write a line of the ledger."""
        self.ledger.write(line)


class Client:
    """One application of a tenant; everything that it does comes from `chance`."""

    def __init__(self, name: str, caller: Caller, book: Book, chance: random.Random) -> None:
        """`name` makes its questions unique."""
        self._name = name
        self._caller = caller
        self._book = book
        self._chance = chance
        self._threads: list[str] = []
        self._asked = 0

    async def act(self) -> None:
        """Do one thing, whichever."""
        acts = {
            self._converse: 30,
            self._ask_plainly: 18,
            self._ask_two_at_once: 12,
            self._use_tools: 16,
            self._save: 8,
            self._look: 6,
            self._delete: 5,
            self._make_assistant: 4,
            self._open_thread: 3,
        }
        (act,) = self._chance.choices(list(acts), list(acts.values()))
        self._book.tally.counts["operations"] += 1
        try:
            await act()
        except Broken:
            self._book.tally.counts["left as they were"] += 1
        except Refused as refused:
            self._book.tally.flaws.append(f"{act.__name__} was refused: {refused}")
        except TimeoutError:
            self._book.tally.flaws.append(f"{act.__name__} never came to an end")

    async def _converse(self) -> None:
        await self._streamed(self._question(), self._some_thread())

    async def _ask_plainly(self) -> None:
        await self._plain(self._question(), self._some_thread())

    async def _ask_two_at_once(self) -> None:
        """The second message waits for the first one's run."""
        thread_id = self._some_thread(is_new_allowed=False)
        if thread_id is None:
            return await self._converse()
        first, second = self._question(), self._question()
        told = await asyncio.gather(
            self._streamed(first, thread_id),
            self._plain(second, thread_id, is_second=True),
            return_exceptions=True,
        )
        for outcome in told:
            if isinstance(outcome, BaseException):
                raise outcome
        return None

    async def _use_tools(self) -> None:
        question = self._question(calls=("ask_application",) * self._chance.choice((1, 1, 2, 3)))
        thread_id = self._some_thread()
        ask = self._plain if self._chance.random() < 0.5 else self._streamed
        try:
            asked = await ask(question, thread_id, tools=True)
        except Broken:
            if thread_id in self._threads:
                self._threads.remove(
                    thread_id
                )  # its run may wait for outputs, and half a minute whoever follows
            raise
        if asked is None:
            return
        ids = [call["id"] for call in asked["tool_calls"]]
        body = {"tool_outputs": [{"tool_call_id": call_id, "output": output_of(call_id)} for call_id in ids]}
        path = f"/threads/{asked['thread_id']}/runs/{asked['run_id']}/submit-tool-outputs"
        handed_in = HandedIn(tenant=self._book.tenant, thread_id=asked["thread_id"], call_ids=ids)
        if self._chance.random() < 0.5:
            answer = await self._insist(path, body, None, question)
            if answer is not None:
                self._book.write(handed_in)
                self._note_answer(answer)
            return
        pursuit = self._pursuit(Beginning(path, body | {"stream": True}, self._fresh_key()), question)
        await self._followed(pursuit)
        self._book.write(handed_in)

    async def _save(self) -> None:
        thread_id, question = self._some_thread(), self._question()
        body = _body(question, thread_id) | {"send_to_llm": "false"}
        self._note_sent(question, thread_id, is_note=True)
        saved = await self._insist("/threads/messages", body, self._some_key(), question)
        if saved is not None:
            self._note_stored(saved["thread_id"], question, saved["message_id"])

    async def _look(self) -> None:
        for path in (
            "/threads",
            "/assistants",
            *(f"/threads/{thread_id}" for thread_id in self._threads[:2]),
        ):
            answer = await self._ask("GET", path)
            if answer.status not in (200, 503):
                raise Refused(answer.status, answer.body)

    async def _delete(self) -> None:
        if not self._threads:
            return
        thread_id = self._threads.pop(self._chance.randrange(len(self._threads)))
        self._book.write(Deleting(tenant=self._book.tenant, thread_id=thread_id))
        answer = await self._ask("DELETE", f"/threads/{thread_id}")
        if answer.status == 200:
            self._book.write(Deleted(tenant=self._book.tenant, thread_id=thread_id))
        elif answer.status != 503:
            raise Refused(answer.status, answer.body)

    async def _make_assistant(self) -> None:
        name = f"assistant {self._fresh_key()}"
        self._book.write(Naming(tenant=self._book.tenant, name=name))
        made = await self._insist("/assistants", {"name": name}, self._fresh_key(), None)
        if made is not None:
            line = Made(tenant=self._book.tenant, name=name, assistant_id=made["assistant_id"])
            self._book.write(line)

    async def _open_thread(self) -> None:
        name = f"assistant {self._fresh_key()}"
        self._book.write(Naming(tenant=self._book.tenant, name=name))
        made = await self._insist("/assistants", {"name": name}, self._fresh_key(), None)
        if made is None:
            return
        path = f"/assistants/{made['assistant_id']}/threads"
        opened = await self._insist(path, {}, self._fresh_key(), None)
        if opened is not None:
            self._book.write(Opened(tenant=self._book.tenant, thread_id=opened["thread_id"]))
            self._remember(opened["thread_id"])

    async def _plain(
        self, question: Question, thread_id: str | None, *, tools: bool = False, is_second: bool = False
    ) -> dict[str, Any] | None:
        """Ask and wait for the whole answer; None where nobody knows what came of it, or the run failed."""
        self._note_sent(question, thread_id)
        body = _body(question, thread_id) | ({"tools": [TOOL]} if tools else {})
        answer = await self._insist(
            "/threads/messages", body, self._some_key(), question, is_second=is_second
        )
        if answer is None:
            return None
        self._note_stored(answer["thread_id"], question)
        self._note_answer(answer)
        return answer

    async def _streamed(
        self, question: Question, thread_id: str | None, *, tools: bool = False
    ) -> dict[str, Any] | None:
        """Ask and follow the answer; return what the run waits with for tools, where it does."""
        self._note_sent(question, thread_id)
        body = _body(question, thread_id) | ({"tools": [TOOL]} if tools else {}) | {"stream": True}
        pursuit = self._pursuit(Beginning("/threads/messages", body, self._fresh_key()), question)
        try:
            end = await self._followed(pursuit)
        finally:
            if pursuit.is_acknowledged and pursuit.thread_id:
                self._note_stored(pursuit.thread_id, question)
        return end.fields if end.type == "tool_submit_required" else None

    async def _followed(self, pursuit: Pursuit) -> Event:
        collected = await pursuit.to_the_end()
        self._book.tally.flaws += collected.flaws
        end = collected.events[-1]
        if end.type in ("run_ended", "tool_submit_required"):
            status = "COMPLETED" if end.type == "run_ended" else "REQUIRES_ACTION"
            self._note_answer(end.fields | {"status": status})
        else:
            self._note_failure(end.fields.get("code"))
        return end

    def _pursuit(self, beginning: Beginning, question: Question) -> Pursuit:
        is_left_alone = self._chance.random() < _LEFT_ALONE

        async def on_break() -> None:
            if pursuit.connections == 1:
                self._book.tally.hit(question)
            if is_left_alone:
                raise Broken("it is left as it is")

        pursuit = Pursuit(self._caller, self._chance, beginning, on_break=on_break)
        return pursuit

    async def _insist(
        self, path: str, body: Any, key: str | None, question: Question | None, *, is_second: bool = False
    ) -> Any:
        """POST until there is an answer, if there is a key or it is safe; None for a run that failed.

        Outputs of tools are safe by themselves. Raises Broken where nobody knows, and Refused.
        """
        is_safe = key is not None or path.endswith("tool-outputs")
        breaks = 0

        def on_break(broken: Broken) -> None:
            nonlocal breaks
            breaks += 1
            if breaks == 1 and not broken.is_unsent:
                self._book.tally.hit(question, is_second=is_second)
            if not is_safe:
                raise broken

        answer = await insist(self._caller, path, body, key, on_break=on_break)
        if failure := failure_in(answer):
            self._note_failure(failure)
            return None
        return answer.json()

    async def _ask(self, method: str, path: str) -> Answer:
        try:
            return await self._caller.ask(method, path)
        except Broken as broken:
            if not broken.is_unsent:
                self._book.tally.hit(None)
            raise

    def _question(self, calls: tuple[str, ...] = ()) -> Question:
        chance = self._chance
        return Question(
            nonce=self._fresh_key(),
            words=chance.randint(1, 60),
            first_milliseconds=chance.choice((0, 0, 50, 200, 600)),
            pace_milliseconds=chance.choice((0, 0, 2, 10, 30)),
            calls=calls,
        )

    def _fresh_key(self) -> str:
        self._asked += 1
        return f"q-{self._name}-{self._asked}"

    def _some_key(self) -> str | None:
        return self._fresh_key() if self._chance.random() > _LEFT_ALONE else None

    def _some_thread(self, *, is_new_allowed: bool = True) -> str | None:
        if not self._threads or (is_new_allowed and self._chance.random() < 0.3):
            return None
        return self._chance.choice(self._threads)

    def _remember(self, thread_id: str) -> None:
        if thread_id not in self._threads:
            self._threads.append(thread_id)
        if len(self._threads) > _THREADS_MAX:
            self._threads.pop(0)

    def _note_sent(self, question: Question, thread_id: str | None, *, is_note: bool = False) -> None:
        self._book.write(
            Sent(tenant=self._book.tenant, content=question.text, thread_id=thread_id, is_note=is_note)
        )

    def _note_stored(self, thread_id: str, question: Question, message_id: str = "") -> None:
        self._book.write(
            Stored(
                tenant=self._book.tenant, thread_id=thread_id, message_id=message_id, content=question.text
            )
        )
        self._remember(thread_id)

    def _note_answer(self, answer: dict[str, Any]) -> None:
        self._book.write(
            Answered(
                tenant=self._book.tenant,
                thread_id=answer["thread_id"],
                run_id=answer["run_id"],
                message_id=answer["message_id"],
                status=answer["status"],
                digest=digest(answer["content"] or ""),
            )
        )

    def _note_failure(self, code: str | None) -> None:
        self._book.tally.counts[f"runs that ended with {code}"] += 1
        if code not in FAILURES:
            self._book.tally.flaws.append(f"a run ended with {code}")


def _body(question: Question, thread_id: str | None) -> dict[str, Any]:
    return {"content": question.text} | ({"thread_id": thread_id} if thread_id else {})
