"""The answer while it is being written."""

from __future__ import annotations

from backboard_server.domain import events
from backboard_server.domain.events import Event, RunIds, ToolCallView, ToolFunction
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    ModelChoice,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from backboard_server.runs.draft import Draft, Said, views

IDS = RunIds("thread", "assistant", "run")
CHOICE = ModelChoice("openai", "gpt-x")
WHERE = {"thread_id": "thread", "assistant_id": "assistant", "run_id": "run"}


def write(*deltas: Delta) -> tuple[Draft, list[Event]]:
    draft = Draft(IDS, CHOICE)
    return draft, [event for delta in deltas for event in draft.add(delta)]


def call_start(call_id: str, name: str) -> Event:
    return events.ToolCallStart(**WHERE, tool_call_id=call_id, name=name)


def call_ready(call_id: str, name: str, arguments: str) -> Event:
    view = ToolCallView(id=call_id, function=ToolFunction(name, arguments))
    return events.ToolCallReady(**WHERE, tool_call=view)


def test_a_draft_begins_empty() -> None:
    draft = Draft(IDS, CHOICE)

    assert draft.is_empty
    assert (draft.content, draft.reasoning, draft.tool_calls, draft.usage) == ("", "", (), None)


def test_text_comes_out_piece_by_piece_and_the_end_adds_nothing() -> None:
    draft, said = write(TextDelta("Hel"), TextDelta("lo"), Finish("stop", Usage(3, 2)))

    assert said == [
        events.ContentStreaming(**WHERE, content="Hel"),
        events.ContentStreaming(**WHERE, content="lo"),
    ]
    assert draft.content == "Hello"
    assert draft.usage == Usage(3, 2)
    assert not draft.is_empty


def test_reasoning_accumulates_exactly_and_ends_before_the_text() -> None:
    draft, said = write(
        ReasoningDelta("Let me "),
        ReasoningDelta("think"),
        ReasoningDelta(" …\n"),
        TextDelta("Yes"),
        Finish("stop"),
    )

    assert said == [
        events.ReasoningStreaming(**WHERE, content="Let me ", accumulated_reasoning="Let me "),
        events.ReasoningStreaming(**WHERE, content="think", accumulated_reasoning="Let me think"),
        events.ReasoningStreaming(**WHERE, content=" …\n", accumulated_reasoning="Let me think …\n"),
        events.ReasoningEnded(**WHERE),
        events.ContentStreaming(**WHERE, content="Yes"),
    ]
    assert draft.reasoning == "Let me think …\n"
    assert draft.content == "Yes"


def test_reasoning_ends_once_where_no_text_follows() -> None:
    draft, said = write(ReasoningDelta("Hm"), Finish("stop"))

    assert [type(event) for event in said] == [events.ReasoningStreaming, events.ReasoningEnded]
    assert not draft.is_empty


def test_reasoning_that_resumes_after_text_ends_again() -> None:
    _, said = write(ReasoningDelta("a"), TextDelta("b"), ReasoningDelta("c"), TextDelta("d"), Finish("stop"))

    assert [type(event) for event in said] == [
        events.ReasoningStreaming,
        events.ReasoningEnded,
        events.ContentStreaming,
        events.ReasoningStreaming,
        events.ReasoningEnded,
        events.ContentStreaming,
    ]
    assert isinstance(said[3], events.ReasoningStreaming)
    assert said[3].accumulated_reasoning == "ac"


def test_a_tool_call_in_pieces_starts_at_once_and_is_ready_once_it_is_checked() -> None:
    draft, said = write(
        ReasoningDelta("Look it up"),
        ToolCallDelta(0, '{"wh', id="call_1", name="look"),
        ToolCallDelta(0, 'ere": '),
        ToolCallDelta(0, '"here"}'),
        Finish("tool_calls"),
    )

    assert said[1:] == [
        events.ReasoningEnded(**WHERE),
        call_start("call_1", "look"),
    ]
    assert [*draft.ready(draft.tool_calls)] == [call_ready("call_1", "look", '{"where": "here"}')]
    assert draft.tool_calls == (ToolCall("call_1", "look", '{"where": "here"}'),)
    assert not draft.is_empty


def test_parallel_tool_calls_keep_the_order_in_which_the_model_numbered_them() -> None:
    draft, said = write(
        TextDelta("One moment"),
        ToolCallDelta(1, '{"b"', id="call_b", name="second"),
        ToolCallDelta(0, '{"a"', id="call_a", name="first"),
        ToolCallDelta(1, ": 2}"),
        ToolCallDelta(0, ": 1}"),
        Finish("tool_calls"),
    )

    assert said == [
        events.ContentStreaming(**WHERE, content="One moment"),
        call_start("call_b", "second"),
        call_start("call_a", "first"),
    ]
    assert [*draft.ready(draft.tool_calls)] == [
        call_ready("call_a", "first", '{"a": 1}'),
        call_ready("call_b", "second", '{"b": 2}'),
    ]
    assert [call.id for call in draft.tool_calls] == ["call_a", "call_b"]


def test_a_tool_call_without_arguments_has_an_empty_object() -> None:
    draft, _ = write(ToolCallDelta(0, id="call_1", name="now"), Finish("tool_calls"))

    assert draft.tool_calls == (ToolCall("call_1", "now", "{}"),)


def test_nul_which_cannot_be_stored_is_replaced_everywhere() -> None:
    draft, said = write(
        ReasoningDelta("a\0b"),
        TextDelta("c\0d"),
        ToolCallDelta(0, '"\0"', id="call\0", name="lo\0k"),
        Finish("tool_calls"),
    )

    assert draft.reasoning == "a\ufffdb"
    assert draft.content == "c\ufffdd"
    assert draft.tool_calls == (ToolCall("call\ufffd", "lo\ufffdk", '"\ufffd"'),)
    assert said[0] == events.ReasoningStreaming(**WHERE, content="a\ufffdb", accumulated_reasoning="a\ufffdb")
    assert said[2] == events.ContentStreaming(**WHERE, content="c\ufffdd")


def test_what_was_said_is_there_although_no_end_came() -> None:
    draft, _ = write(TextDelta("Half an ans"), ToolCallDelta(0, '{"x', id="call_1", name="look"))

    assert draft.content == "Half an ans"
    assert draft.finish is None
    assert draft.tool_calls[0].arguments == '{"x'


def test_views_are_tool_calls_in_the_shape_that_clients_know() -> None:
    assert views((ToolCall("call_1", "look", "{}"),)) == [
        ToolCallView(id="call_1", type="function", function=ToolFunction("look", "{}"))
    ]


def test_text_that_is_held_is_said_only_when_it_is_released() -> None:
    draft = Draft(IDS, CHOICE, is_held=True)
    before = [event for delta in (ReasoningDelta("Hm"), TextDelta("{}")) for event in draft.add(delta)]

    after = [*draft.release("[]")]

    assert not any(isinstance(event, events.ContentStreaming) for event in before)
    assert after == [events.ContentStreaming(**WHERE, content="[]")]
    assert draft.content == "[]"


def test_what_is_held_back_was_not_told() -> None:
    draft = Draft(IDS, CHOICE, is_held=True, before=Said("First. "))
    for delta in (ReasoningDelta("Hm"), TextDelta('{"a": 1}')):
        for _ in draft.add(delta):
            continue

    assert (draft.said, draft.told) == (Said('First. {"a": 1}', "Hm"), Said("First. ", "Hm"))
    assert [*draft.release('{"a": 1}')]
    assert draft.told == draft.said


def test_a_second_round_replaces_the_text_and_adds_to_what_was_used() -> None:
    draft = Draft(IDS, CHOICE, is_held=True)
    for delta in (TextDelta("no"), Finish("stop", Usage(3, 2, cost_usd=0.5))):
        list(draft.add(delta))
    draft.start_over()
    for delta in (TextDelta("yes"), Finish("stop", Usage(10, 1, cost_usd=0.25))):
        list(draft.add(delta))

    assert draft.content == "yes"
    assert draft.usage == Usage(13, 3, cost_usd=0.75)


def test_thoughts_that_are_hidden_are_not_said_and_still_counted() -> None:
    draft = Draft(IDS, CHOICE, hides_reasoning=True)

    said = list(draft.add(ReasoningDelta("four" * 10)))

    assert (said, draft.reasoning, draft.estimated_tokens) == ([], "", 10)


def test_what_the_first_round_used_stays_counted_when_the_second_fails() -> None:
    draft = Draft(IDS, CHOICE, is_held=True)
    for delta in (TextDelta("four" * 10), Finish("stop", Usage(3, 2))):
        list(draft.add(delta))
    draft.start_over()

    assert draft.usage == Usage(3, 2)
    assert draft.estimated_tokens == 0


def test_the_running_estimate_counts_all_that_was_written() -> None:
    draft, _ = write(ReasoningDelta("x" * 40), TextDelta("y" * 40), ToolCallDelta(0, "z" * 40, "id", "name"))

    assert draft.estimated_tokens == 30


def test_calls_are_what_they_were_checked_to_be() -> None:
    draft, _ = write(ToolCallDelta(0, "{'at': 1", id="call_1", name="look"), Finish("tool_calls"))
    mended = ToolCall("call_1", "look", '{"at":1}')

    assert [*draft.ready((mended,))] == [call_ready("call_1", "look", '{"at":1}')]
    assert draft.tool_calls == (mended,)


def test_calls_that_are_asked_for_again_are_forgotten_and_what_was_said_stays() -> None:
    draft, _ = write(
        TextDelta("One moment"), ToolCallDelta(0, "{", id="call_1", name="look"), Finish("tool_calls")
    )

    draft.ask_again()

    assert (draft.content, draft.tool_calls, draft.finish) == ("One moment", (), None)


def test_a_later_step_adds_to_what_was_said_and_thought_before() -> None:
    draft = Draft(IDS, CHOICE, before=Said("First. ", "Hm. "))

    (thought,) = draft.add(ReasoningDelta("Ah."))
    for _ in draft.add(TextDelta("Second.")):
        continue

    assert isinstance(thought, events.ReasoningStreaming)
    assert thought.accumulated_reasoning == "Hm. Ah."
    assert draft.said == Said("First. Second.", "Hm. Ah.")
    assert draft.content == "Second."
