"""Fitting a prompt: whatever a thread has been through, the next provider takes it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import (
    Media,
    MediaKind,
    ModelChoice,
    Prompt,
    PromptMessage,
    Thinking,
    ToolCall,
    ToolChoice,
)
from backboard_server.providers._fitting import fit, simplified

ALL: frozenset[MediaKind] = frozenset({"image", "pdf", "audio"})
NONE: frozenset[MediaKind] = frozenset()
ABLE = Facts(context_limit=8_000)
LOST = "[The output of this call is not known.]"
PICTURE = Media(kind="image", media_type="image/png", filename="a.png", content=b"png")
PAPER = Media(kind="pdf", media_type="application/pdf", filename="b.pdf", content=b"pdf")
CALL = ToolCall("call_1", "look_up", '{"city": "Paris"}')
OUTPUT = PromptMessage("tool", "In France.", tool_call_id="call_1")
ASKED = PromptMessage("user", "Where is Paris?")
CALLING = PromptMessage("assistant", "", tool_calls=(CALL,))


def _prompt(*messages: PromptMessage, **fields: Any) -> Prompt:
    return Prompt(choice=ModelChoice("here", "model"), messages=messages, **fields)


def _fit(
    *messages: PromptMessage, facts: Facts = ABLE, carried: frozenset[MediaKind] = ALL
) -> tuple[PromptMessage, ...]:
    return fit(_prompt(*messages), "here", facts, carried).messages


def test_what_fits_stays_as_it_is() -> None:
    messages = (
        PromptMessage("system", "Be brief."),
        ASKED,
        CALLING,
        OUTPUT,
        PromptMessage("assistant", "France."),
    )

    assert _fit(*messages) == messages


def test_a_lost_output_is_said_to_be() -> None:
    assert _fit(ASKED, CALLING, ASKED) == (ASKED, CALLING, replace(OUTPUT, content=LOST), ASKED)
    assert _fit(ASKED, CALLING)[-1] == replace(OUTPUT, content=LOST)


def test_an_output_without_its_call_is_left_out() -> None:
    assert _fit(OUTPUT, ASKED, OUTPUT) == (ASKED,)
    assert _fit(ASKED, CALLING, ASKED, OUTPUT) == (ASKED, CALLING, replace(OUTPUT, content=LOST), ASKED)


def test_of_two_outputs_of_one_call_the_first_is_shown() -> None:
    assert _fit(CALLING, OUTPUT, replace(OUTPUT, content="In Texas.")) == (CALLING, OUTPUT)


def test_outputs_stand_in_the_order_of_their_calls() -> None:
    both = PromptMessage("assistant", "", tool_calls=(CALL, replace(CALL, id="call_2")))
    second = replace(OUTPUT, tool_call_id="call_2")

    assert _fit(both, second, OUTPUT) == (both, OUTPUT, second)


def test_an_id_that_is_used_again_belongs_to_the_nearest_call_before() -> None:
    again = replace(OUTPUT, content="In Texas.")

    assert _fit(CALLING, OUTPUT, CALLING, again) == (CALLING, OUTPUT, CALLING, again)


def test_a_model_without_tools_reads_of_calls_and_outputs_and_gets_no_tools() -> None:
    facts = replace(ABLE, takes_tools=False)
    calling = replace(CALLING, content="I look it up.", provider="here", sidecar={"wire": 1})
    fitted = fit(_prompt(ASKED, calling, OUTPUT, tools=({"type": "function"},)), "here", facts, ALL)

    assert fitted.tools == ()
    assert fitted.messages == (
        ASKED,
        PromptMessage("assistant", 'I look it up.\n\n[Called look_up: {"city": "Paris"}]', provider="here"),
        PromptMessage("user", "[look_up returned: In France.]"),
    )


def test_thinking_is_asked_of_models_that_may_reason() -> None:
    prompt = _prompt(ASKED, thinking=Thinking(effort="low"), tools=({"type": "function"},))

    assert fit(prompt, "here", ABLE, ALL) == prompt
    assert fit(prompt, "here", replace(ABLE, may_reason=False), ALL).thinking is None


def test_a_sidecar_goes_back_to_who_wrote_it_alone() -> None:
    own = PromptMessage("assistant", "Hi", provider="here", sidecar={"wire": 1})
    foreign = replace(own, provider="there")
    nobodys = replace(own, provider=None)

    assert [message.sidecar for message in _fit(own, foreign, nobodys)] == [{"wire": 1}, None, None]


def test_a_file_is_shown_if_the_model_and_the_wire_take_it_and_named_if_not() -> None:
    message = PromptMessage("user", "See.", media=(PICTURE, PAPER))
    blind = replace(ABLE, takes=NONE)
    named = "See.\n\n[Files attached, which this model cannot see: b.pdf]"

    assert _fit(message) == (message,)
    assert _fit(message, carried=frozenset({"image"})) == (replace(message, content=named, media=(PICTURE,)),)
    assert _fit(message, facts=replace(ABLE, takes=frozenset({"image"})))[0].media == (PICTURE,)
    assert _fit(replace(message, content=""), facts=blind)[0].content == (
        "[Files attached, which this model cannot see: a.png, b.pdf]"
    )


def test_no_message_of_a_user_is_empty() -> None:
    assert [message.content for message in _fit(PromptMessage("user", ""), PromptMessage("user", " \n"))] == [
        "[A message without text.]"
    ] * 2
    assert _fit(PromptMessage("user", "", media=(PICTURE,)))[0].content == ""


def test_simplified_is_without_sidecars_and_without_earlier_files() -> None:
    earlier = PromptMessage("user", "", media=(PICTURE,))
    answer = PromptMessage("assistant", "A cat.", provider="here", sidecar={"wire": 1})
    last = PromptMessage("user", "And this?", media=(PAPER,))

    simple = simplified(_prompt(earlier, answer, last))

    assert simple is not None
    assert simple.messages == (
        PromptMessage("user", "[Files attached, which this model cannot see: a.png]"),
        replace(answer, sidecar=None),
        last,
    )
    assert simplified(simple) is None


def test_a_prompt_without_anything_to_stumble_over_cannot_be_simplified() -> None:
    assert simplified(_prompt(ASKED, CALLING, OUTPUT)) is None
    assert simplified(_prompt(PromptMessage("user", "See.", media=(PICTURE,)))) is None
    assert simplified(_prompt()) is None


PROVIDERS = st.sampled_from(["here", "there", None])
IDS = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["", " ", "text", "more text"])
MEDIA = st.lists(st.sampled_from([PICTURE, PAPER]), max_size=2).map(tuple)
CALLS = st.lists(IDS, unique=True, max_size=3).map(
    lambda ids: tuple(ToolCall(call_id, "look_up", "{}") for call_id in ids)
)
SIDECARS = st.sampled_from([None, {"wire": 1}])
MESSAGES = st.one_of(
    st.builds(PromptMessage, st.just("system"), TEXTS),
    st.builds(PromptMessage, st.just("user"), TEXTS, media=MEDIA),
    st.builds(PromptMessage, st.just("tool"), TEXTS, tool_call_id=IDS | st.none()),
    st.builds(
        PromptMessage, st.just("assistant"), TEXTS, tool_calls=CALLS, provider=PROVIDERS, sidecar=SIDECARS
    ),
)
KINDS = st.frozensets(st.sampled_from(["image", "pdf", "audio"]))


@given(st.lists(MESSAGES, max_size=12), KINDS, KINDS, st.booleans())
def test_every_history_becomes_one_that_every_provider_takes(
    history: list[PromptMessage],
    takes: frozenset[MediaKind],
    carried: frozenset[MediaKind],
    takes_tools: bool,
) -> None:
    facts = replace(ABLE, takes=takes, takes_tools=takes_tools)

    fitted = fit(_prompt(*history), "here", facts, carried)

    _check_pairs(fitted.messages)
    for message in fitted.messages:
        assert message.sidecar is None or message.provider == "here"
        assert {media.kind for media in message.media} <= takes & carried
        assert message.role != "user" or message.content.strip() or message.media
        assert takes_tools or not (message.tool_calls or message.role == "tool")
    assert fit(fitted, "here", facts, carried) == fitted


@given(st.lists(MESSAGES, max_size=12), KINDS, TEXTS, MEDIA)
def test_what_the_user_said_last_is_kept(
    history: list[PromptMessage], carried: frozenset[MediaKind], text: str, media: tuple[Media, ...]
) -> None:
    fitted = fit(_prompt(*history, PromptMessage("user", text, media=media)), "here", ABLE, carried)

    assert fitted.messages[-1].role == "user"
    assert fitted.messages[-1].content.startswith(text.strip())


@given(st.lists(MESSAGES, max_size=12))
def test_what_is_simplified_still_fits_and_cannot_be_simplified_further(history: list[PromptMessage]) -> None:
    simple = simplified(fit(_prompt(*history), "here", ABLE, ALL))

    if simple is not None:
        assert all(message.sidecar is None for message in simple.messages)
        assert sum(bool(message.media) for message in simple.messages) <= 1
        assert fit(simple, "here", ABLE, ALL) == simple
        assert simplified(simple) is None


def _check_pairs(messages: tuple[PromptMessage, ...]) -> None:
    """Fail unless behind every message stand the outputs of its calls, in their order, and no others."""
    awaited: list[str] = []
    for message in messages:
        if message.role == "tool":
            assert awaited
            assert message.tool_call_id == awaited.pop(0)
        else:
            assert awaited == []
            awaited = [call.id for call in message.tool_calls]
    assert awaited == []


def test_a_choice_of_tools_goes_no_further_than_the_tools() -> None:
    tool: dict[str, Any] = {"type": "function", "function": {"name": "look_up"}}
    asked = _prompt(ASKED, tools=(tool,), tool_choice=ToolChoice("function", "look_up"))
    other = replace(asked, tool_choice=ToolChoice("function", "unknown"))

    assert fit(asked, "here", ABLE, ALL).tool_choice == asked.tool_choice
    assert fit(asked, "here", replace(ABLE, takes_tools=False), ALL).tool_choice is None
    assert fit(other, "here", ABLE, ALL).tool_choice is None
