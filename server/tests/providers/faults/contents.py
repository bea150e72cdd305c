"""Cases in which the protocol is kept and what it carries is odd: counts, tool calls, texts, reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fake_vendor import Answer, CalledTool, Counting, Fault, Tokens
from providers.faults.case import Case, failing
from providers.faults.expected import TEXT, Answers, Contained, Either, Expected, Fails, retried

_COUNTS: dict[str, Counting] = {
    "null": Counting(value=None),
    "word": Counting(value="many"),
    "list": Counting(value=[]),
    "list_of_numbers": Counting(value=[1, 2]),
    "object": Counting(value={}),
    "number": Counting(value=7),
    "true": Counting(value=True),
    "each_null": Counting(value=None, of_each=True),
    "each_negative": Counting(value=-5, of_each=True),
    "each_absurd": Counting(value=10**15, of_each=True),
    "each_beyond_64_bits": Counting(value=10**30, of_each=True),
    "each_word": Counting(value="12", of_each=True),
    "each_half": Counting(value=1.5, of_each=True),
    "each_true": Counting(value=True, of_each=True),
    "each_list": Counting(value=[1], of_each=True),
}
_ARGUMENTS: dict[str, str] = {
    "empty_object": "{}",
    "nested": '{"a": {"b": [1, {"c": null}]}}',
    "characters": '{"a": "\\u0000 é 晴 \\" \\\\ \\n"}',
    "emoji": '{"a": "🎉"}',
    "duplicate_names": '{"a": 1, "a": 2}',
    "big_numbers": '{"a": 123456789012345678, "b": 1e300}',
    "spaces": '  { "a" : 1 }  ',
    "deep": '{"a":' * 50 + "1" + "}" * 50,
    "long": '{"a": "' + "x" * 200_000 + '"}',
}
_TEXTS: dict[str, str] = {
    "empty": "",
    "space": " ",
    "newlines": "\n\r\n\r one\n\ntwo ",
    "data_lines": "data: [DONE]\n\nevent: error\n\ndata: {}\n\n",
    "separators": "one\u2028two\u2029three\x85four\x0bfive\x0csix\x1cseven",
    "emoji": "👩‍👩‍👧‍👦 🎉 é e\u0301",
    "right_to_left": "שלום \u202e hello",
    "markup": "<script>alert(1)</script> </s> <|im_end|>",
    "quotes": '"\\" \\u0041 {} []',
    "long_word": "x" * 500_000,
    "many_words": "word " * 2_000,
}


def _counts() -> Iterator[Case]:
    for name, counting in _COUNTS.items():
        answer = Answer(
            text=TEXT, usage=Tokens(prompt=12, completion=9, cached=2, reasoning=1), fault=counting
        )
        expected = Answers()
        yield Case(
            id=f"usage_{name}",
            answer=answer,
            streamed=expected,
            plain=expected,
            on={"openai_chat": Answers(has_usage=False)},
        )
    missing = Answers(has_usage=False)
    yield Case(id="usage_missing", answer=failing(Fault.USAGE_MISSING), streamed=missing, plain=missing)
    whole = Answer(text=TEXT, usage=Tokens(prompt=12, completion=9, cached=12, cache_write=0, reasoning=9))
    counted = Answers(has_usage=True)
    yield Case(id="usage_all_cached", answer=whole, streamed=counted, plain=counted)
    none = Answer(text=TEXT, usage=Tokens())
    yield Case(id="usage_zero", answer=none, streamed=Answers(), plain=Answers())


def _called(*calls: CalledTool) -> Answers:
    return Answers(text="", reason="tool_calls", calls=tuple((call.name, call.arguments) for call in calls))


def _calls(name: str, calls: tuple[CalledTool, ...], expected: Expected) -> Case:
    answer = Answer(tool_calls=calls)
    return Case(id=name, answer=answer, streamed=expected, plain=expected)


def _tool_calls() -> Iterator[Case]:
    for name, arguments in _ARGUMENTS.items():
        call = CalledTool("look_up", arguments, "call_a")
        yield _calls(f"arguments_{name}", (call,), _called(call))
    for name, fault in {"invalid": Fault.INVALID_ARGUMENTS, "cut": Fault.TRUNCATED_ARGUMENTS}.items():
        text = "{city: Paris" if name == "invalid" else '{"city": "Par'
        expected = Answers(text="", reason="tool_calls", calls=(("look_up", text),))
        answer = Answer(fault=fault, text="")
        yield Case(id=f"arguments_{name}", answer=answer, streamed=expected, plain=expected)
    many = tuple(CalledTool("look_up", f'{{"n": {number}}}', f"call_{number}") for number in range(200))
    yield _calls("many_calls", many, _called(*many))
    same = (CalledTool("first", id="call_same"), CalledTool("second", id="call_same"))
    yield _calls("calls_with_one_id", same, _called(*same))
    unknown = CalledTool("no_such_tool", '{"a": 1}', "call_a")
    yield _calls("unknown_tool", (unknown,), _called(unknown))
    odd = CalledTool("näme with spaces/../and \n lines", "{}", "call_a")
    yield _calls("odd_name", (odd,), _called(odd))
    long_id = CalledTool("look_up", "{}", "call_" + "x" * 10_000)
    yield _calls("long_id", (long_id,), _called(long_id))
    nameless = Answer(text="", tool_calls=(CalledTool("", '{"a": 1}', "call_a"),))
    lost = Fails(kinds=("malformed",))
    yield Case(id="nameless_call", answer=nameless, streamed=lost, plain=lost)
    crowd = Answer(text="", tool_calls=tuple(CalledTool("x", id=f"call_{number}") for number in range(600)))
    yield Case(id="too_many_calls", answer=crowd, streamed=lost, plain=lost)
    interleaved = Answer(
        text="",
        tool_calls=(CalledTool("first", id="call_a"), CalledTool("second", id="call_b")),
        fault=Fault.OUT_OF_ORDER_INDEX,
    )
    backwards = Answers(text="", reason="tool_calls", calls=(("second", "{}"), ("first", "{}")))
    yield Case(
        id="calls_out_of_order",
        answer=interleaved,
        streamed=Contained(),
        plain=None,
        on={"openai_chat": backwards},
    )


def _texts() -> Iterator[Case]:
    for name, text in _TEXTS.items():
        expected = Answers(text=text)
        yield Case(id=f"text_{name}", answer=Answer(text=text), streamed=expected, plain=expected)
    nul = Answer(text="one \0 two")
    clean = Answers(text="one \ufffd two")
    yield Case(id="text_nul", answer=nul, streamed=clean, plain=clean)
    # A line of a stream is bounded (more widely where pictures come in one), a plain answer only as a whole.
    endless = Answer(text="x" * 2_000_000)
    whole = Answers(text="x" * 2_000_000)
    yield Case(
        id="text_endless_word",
        answer=endless,
        streamed=Either(answers=whole, fails=retried("malformed")),
        plain=whole,
        on={"openai_chat": retried("malformed")},
    )
    thought = Answer(text="", reasoning="Let me think.")
    yield Case(id="thought_alone", answer=thought, streamed=Answers(text=""), plain=Answers(text=""))


def _reasons() -> Iterator[Case]:
    reasons = {"length": "length", "content_filter": "content_filter", "tool_calls": "stop", "stop": "stop"}
    for reported, reason in reasons.items():
        answer = Answer(text=TEXT, finish_reason=reported)
        expected = Answers(reason=reason)
        yield Case(id=f"reason_{reported}", answer=answer, streamed=expected, plain=expected)
    calls = (CalledTool("look_up", "{}", "call_a"),)
    stopped = Answer(text="", tool_calls=calls, finish_reason="stop")
    yield Case(id="reason_stop_with_calls", answer=stopped, streamed=_called(*calls), plain=_called(*calls))
    odd: dict[str, Any] = {"unknown": "because", "empty": "", "long": "x" * 10_000}
    for name, reported in odd.items():
        answer = Answer(text=TEXT, finish_reason=reported)
        chat = Answers()
        yield Case(
            id=f"reason_{name}",
            answer=answer,
            streamed=Contained(),
            plain=Contained(),
            on={"openai_chat": chat},
        )
    refusal = Answer(text="", refusal="I would rather not.")
    yield Case(id="refusal", answer=refusal, streamed=Contained(), plain=Contained())
    for fault in (Fault.EMPTY_CHOICES, Fault.NULL_CONTENT):
        nothing = Answers(text="") if fault is Fault.NULL_CONTENT else retried("malformed")
        yield Case(
            id=fault,
            answer=failing(fault),
            streamed=Either(answers=Answers(text=""), fails=retried("malformed", "truncated")),
            plain=Either(answers=Answers(text=""), fails=retried("malformed", "truncated")),
            on={"openai_chat": nothing},
        )


CASES: tuple[Case, ...] = (*_counts(), *_tool_calls(), *_texts(), *_reasons())
