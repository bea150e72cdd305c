"""The quick part of the torture: every programme at its smallest, and the oracle that all of them trust."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest
from msgspec.structs import replace

from backboard_server.domain.ids import new_id
from torture.rig.ledger import Answered, Deleted, HandedIn, Line, Made, Naming, Sent, Stored
from torture.rig.oracle import Held, Message, contradictions
from torture.rig.sayings import Question, digest, output_of

REPOSITORY = Path(__file__).parents[3]
SECONDS_MAX = 240.0
# Those of a group play one after the other; the groups mostly wait for leases, and do so together.
GROUPS = ("kills,postgres", "cuts,cancels", "tools,keys", "zombies,idle")
QUESTION = Question(nonce="q-1", words=5, calls=("ask_application",))
OTHER = Question(nonce="q-2", words=5)
(CALL,) = QUESTION.call_ids()


async def test_the_server_keeps_its_promises_under_torture() -> None:
    played = await asyncio.gather(*(play(group) for group in GROUPS))

    assert [code for code, _ in played] == [0] * len(GROUPS), "\n".join(told for _, told in played)


async def test_a_load_of_streams_is_relayed_at_its_pace() -> None:
    code, told = await play("load")

    assert code == 0, told


async def play(names: str) -> tuple[int, str]:
    paths = [str(REPOSITORY), str(REPOSITORY / "tools"), *filter(None, sys.path)]
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(paths)}
    words = ("-m", "torture", "--seed", "1", "--scale", "0.001", "--only", names)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=REPOSITORY, env=environment, stdout=PIPE, stderr=STDOUT
    )
    async with asyncio.timeout(SECONDS_MAX):
        told, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode()


def said(role: str, content: str, status: str = "COMPLETED", **metadata: object) -> Message:
    return {
        "message_id": f"{role} {content[:8]}",
        "role": role,
        "content": content,
        "status": status,
        "metadata_": metadata or None,
    }


ASKED = said("user", QUESTION.text)
CALLING = said("assistant", "", tool_calls=[{"id": CALL}])
RESULT = said("tool", output_of(CALL), tool_call_id=CALL)
ANSWER = said("assistant", QUESTION.honest_answer())
THREAD = [ASKED, CALLING, RESULT, ANSWER]
LEDGER: list[Line] = [
    Sent(tenant="one", content=QUESTION.text),
    Stored(tenant="one", thread_id="t", message_id=ASKED["message_id"], content=QUESTION.text),
    HandedIn(tenant="one", thread_id="t", call_ids=[CALL]),
    Answered(
        tenant="one",
        thread_id="t",
        run_id="r",
        message_id=ANSWER["message_id"],
        status="COMPLETED",
        digest=digest(ANSWER["content"]),
    ),
    Naming(tenant="one", name="helpful"),
    Made(tenant="one", name="helpful", assistant_id="a"),
]
HELD = Held("one", {"t": THREAD}, {"a": "helpful"})


def test_the_oracle_has_nothing_to_say_of_a_server_that_kept_everything() -> None:
    assert contradictions(LEDGER, [HELD]) == []


def test_the_oracle_knows_that_a_note_may_come_between_a_question_and_its_answer() -> None:
    note = Sent(tenant="one", content=OTHER.text, is_note=True)
    thread = [ASKED, CALLING, RESULT, said("user", OTHER.text), ANSWER]

    assert contradictions([*LEDGER, note], [replace(HELD, threads={"t": thread})]) == []


@pytest.mark.parametrize(
    ("thread", "sentence"),
    [
        ([CALLING, RESULT, ANSWER], "was acknowledged and is lost"),
        ([ASKED, CALLING, ANSWER], f"outputs of {CALL} were acknowledged and are lost"),
        ([ASKED, CALLING, RESULT], "was acknowledged as COMPLETED and is lost"),
        ([*THREAD, said("user", OTHER.text)], "nobody sent it"),
        ([ASKED, *THREAD], "is there 2 times"),
        ([ASKED, CALLING, RESULT, RESULT, ANSWER], "has 2 results"),
        ([*THREAD, ANSWER], "has 2 last answers"),
        ([ASKED, CALLING, RESULT, ANSWER | {"content": "Something else."}], "has another text"),
        ([ASKED, CALLING, RESULT, ANSWER | {"status": "FAILED"}], "and is FAILED"),
        ([ASKED, CALLING, RESULT | {"content": "invented"}, ANSWER], f"the result of {CALL} is 'invented'"),
        ([ASKED | {"message_id": str(new_id())}, CALLING, RESULT, ANSWER], "has another id"),
    ],
)
def test_the_oracle_sees_what_is_amiss_in_a_thread(thread: list[Message], sentence: str) -> None:
    found = contradictions(LEDGER, [replace(HELD, threads={"t": thread})])

    assert any(sentence in each for each in found), found


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        (replace(HELD, threads={}), "thread t was acknowledged and is lost"),
        (replace(HELD, threads={"t": THREAD, "u": []}), "nobody opened it"),
        (replace(HELD, assistants={}), "assistant 'helpful' was acknowledged and is lost"),
        (replace(HELD, assistants={"a": "helpful", "b": "helpful"}), "is there 2 times"),
        (replace(HELD, assistants={"a": "helpful", "b": "ghost"}), "nobody made it"),
    ],
)
def test_the_oracle_sees_what_is_amiss_beside_threads(held: Held, sentence: str) -> None:
    found = contradictions(LEDGER, [held])

    assert any(sentence in each for each in found), found


def test_the_oracle_sees_a_thread_that_was_deleted_and_came_back() -> None:
    found = contradictions([*LEDGER, Deleted(tenant="one", thread_id="t")], [HELD])

    assert "thread t was deleted and is there" in found
