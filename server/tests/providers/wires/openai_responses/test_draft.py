from __future__ import annotations

import pytest

from backboard_server.domain.prompts import ReasoningDelta, TextDelta, ToolCallDelta
from backboard_server.providers._calls import CALLS_MAX
from backboard_server.providers._failures import Failure
from backboard_server.providers.wires.openai_responses.draft import Draft
from backboard_server.providers.wires.openai_responses.events import Item, Part

CALL = Item("function_call", "fc_1", "call_1", "look_up", '{"city": "Paris"}')
THOUGHT = Item("reasoning", "rs_1", summary=[Part("One."), Part("Two.")], encrypted_content="sealed")
SAID = Item("message", "msg_1", content=[Part("Hi.")])


def test_a_whole_item_adds_what_was_not_said_yet_and_nothing_else() -> None:
    draft = Draft()

    assert draft.text(0, "Hi.") == (TextDelta("Hi."),)
    assert list(draft.close(0, SAID)) == []
    assert list(draft.close(1, CALL)) == [
        ToolCallDelta(0, "", "call_1", "look_up"),
        ToolCallDelta(0, '{"city": "Paris"}'),
    ]


def test_a_further_message_begins_a_paragraph() -> None:
    draft = Draft()

    deltas = [*draft.text(0, "Let me see."), *draft.text(2, "Hi"), *draft.text(2, ".")]

    assert deltas == [TextDelta("Let me see."), TextDelta("\n\nHi"), TextDelta(".")]


def test_each_part_of_the_reasoning_is_a_paragraph() -> None:
    draft = Draft()

    deltas = [*draft.close(0, THOUGHT), *draft.thought(1, 0, "Three"), *draft.thought(1, 0, ".")]

    said = ["One.", "\n\nTwo.", "\n\nThree", "."]
    assert deltas == [ReasoningDelta(text) for text in said]


def test_reasoning_may_come_as_it_was_thought() -> None:
    item = Item("reasoning", "rs_1", content=[Part("Hm.")], summary=[])

    assert list(Draft().close(0, item)) == [ReasoningDelta("Hm.")]


def test_a_refusal_is_a_text_and_remembered() -> None:
    draft = Draft()

    assert list(draft.close(0, Item("message", content=[Part(refusal="No.")]))) == [TextDelta("No.")]
    assert draft.was_refused


def test_nothing_said_is_nothing_to_show() -> None:
    draft = Draft()

    assert (*draft.text(0, ""), *draft.thought(1, 0, ""), *draft.arguments(2, "{}")) == ()
    assert list(draft.close(0, Item("message", content=[Part(None)]))) == []
    assert not draft.is_empty


def test_a_call_that_gets_its_name_late_waits_for_it() -> None:
    draft = Draft()

    assert list(draft.open(0, Item("function_call"))) == []
    assert draft.arguments(0, '{"city"') == ()
    with pytest.raises(Failure, match="without a name"):
        draft.check()

    assert len(list(draft.close(0, CALL))) == 2
    draft.check()


def test_ids_are_unique_and_never_empty() -> None:
    draft = Draft()
    calls = [CALL, CALL, Item("function_call", name="look_up")]

    opened = [delta for place, call in enumerate(calls) for delta in draft.open(place, call)]

    ids = [delta.id for delta in opened if isinstance(delta, ToolCallDelta)]
    assert ids[0] == "call_1"
    assert len(set(ids)) == 3
    assert all(ids)


def test_there_is_an_end_to_calls() -> None:
    draft = Draft()

    for place in range(CALLS_MAX):
        _ = list(draft.open(place, CALL))

    with pytest.raises(Failure, match="tool calls"):
        _ = list(draft.open(CALLS_MAX, CALL))


def test_the_sidecar_has_the_items_in_their_order() -> None:
    draft = Draft()
    for place, item in enumerate((THOUGHT, SAID, CALL)):
        _ = list(draft.close(place, item))

    assert draft.sidecar() == {
        "openai_responses": [
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "sealed"},
            {"type": "message", "id": "msg_1", "characters": 3},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1"},
        ]
    }


def test_reasoning_without_its_seal_is_not_kept() -> None:
    draft = Draft()
    _ = list(draft.close(0, Item("reasoning", "rs_1", summary=[])))
    _ = list(draft.close(1, SAID))

    assert draft.sidecar() is None
