"""Cases in which an answer is cut anywhere, or has frames that are odd, missing or in the wrong place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from fake_vendor import Answer, Change, Fault, Stop
from fake_vendor.terms import FrameKind
from providers.faults.case import CALLS, PATIENT, SILENT_LATER, THOUGHT, Case, failing, failing_at_length
from providers.faults.expected import TEXT, Answers, Contained, Either, Expected, Fails, broken_off, retried

How = Literal["end", "close", "reset", "hang"]

_WAYS: tuple[How, ...] = ("end", "close", "reset", "hang")
_SHARES = 24
_WHOLE = Answers(reason="tool_calls", calls=(("look_up", '{"city": "Paris"}'),))
_PAYLOADS: dict[str, Any] = {
    "null": None,
    "true": True,
    "number": 7,
    "word": "x",
    "list": [],
    "object": {},
    "list_of_nulls": [None],
    "foreign": {"answer": "Hello.", "choices": "none", "type": 7, "candidates": {}, "delta": []},
}


def _lost(how: How) -> Fails:
    kind = "timeout" if how == "hang" else "truncated"
    return Fails(kinds=(kind,))


def _stop(name: str, stop: Stop, streamed: Expected | None, plain: Expected | None = None) -> Case:
    return Case(
        id=name,
        answer=failing_at_length(stop),
        streamed=streamed,
        plain=plain,
        timeouts=SILENT_LATER if stop.how == "hang" else PATIENT,
        # A finish reason is all that a client of chat completions may count on: usage and [DONE] are extras.
        on={"openai_chat": _WHOLE} if stop.after in {"final", "usage"} and stop.inside is None else {},
    )


def _stops_between_frames() -> Iterator[Case]:
    said: dict[FrameKind, str] = {"opening": "", "reasoning": "", "text": TEXT, "tool": TEXT}
    for how in _WAYS:
        lost = _lost(how)
        for after, text in said.items():
            expected = retried(*lost.kinds) if after == "opening" else broken_off(*lost.kinds, said=text)
            yield _stop(f"{how}_after_{after}", Stop(how=how, after=after), expected)
        either = Either(answers=_WHOLE, fails=broken_off(*lost.kinds, said=TEXT))
        yield _stop(f"{how}_after_final", Stop(how=how, after="final"), either)
        yield _stop(f"{how}_after_usage", Stop(how=how, after="usage"), either)
        yield _stop(f"{how}_after_mark", Stop(how=how, after="mark"), _WHOLE)


def _stops_inside_frames() -> Iterator[Case]:
    ways: tuple[How, ...] = ("end", "close", "reset")
    for how in ways:
        for inside in ("json", "character"):
            for after in ("opening", "text"):
                expected = retried("truncated") if after == "opening" else broken_off("truncated", said=TEXT)
                stop = Stop(how=how, after=after, inside=inside)
                yield _stop(f"{how}_inside_{inside}_after_{after}", stop, expected)


def _stops_anywhere() -> Iterator[Case]:
    for number in range(_SHARES):
        share = number / _SHARES
        for how in ("end", "close", "reset"):
            either = Either(answers=_WHOLE, fails=_lost(how))
            plain = retried("malformed") if how == "end" else retried("truncated")
            yield _stop(f"{how}_at_{number}_of_{_SHARES}", Stop(how=how, share=share), either, plain)
    for number in (6, 12, 18):
        either = Either(answers=_WHOLE, fails=_lost("hang"))
        stop = Stop(how="hang", share=number / _SHARES)
        yield _stop(f"hang_at_{number}_of_{_SHARES}", stop, either, retried("timeout"))


def _change(name: str, change: Change, on_chat: Expected, expected: Expected | None = None) -> Case:
    return Case(
        id=name,
        answer=failing_at_length(change),
        streamed=expected or Contained(),
        plain=None,
        on={"openai_chat": on_chat},
    )


def _frames_in_disorder() -> Iterator[Case]:
    first = TEXT.split(" ", maxsplit=1)[0]
    doubled = Answers(text=first + TEXT, reason=_WHOLE.reason, calls=_WHOLE.calls)
    wordless = Answers(text="", reason=_WHOLE.reason, calls=_WHOLE.calls)
    callless = Answers()
    kinds: tuple[FrameKind, ...] = ("opening", "reasoning", "text", "tool", "final", "usage", "mark")
    for kind in kinds:
        change = Change(how="repeat", kind=kind)
        yield _change(f"repeat_{kind}", change, doubled if kind == "text" else _WHOLE)
    without = {"text": wordless, "tool": callless}
    for kind in kinds:
        yield _change(f"drop_{kind}", Change(how="drop", kind=kind), without.get(kind, _WHOLE))
    # What comes after the end is not read, and what comes before everything else ends it.
    for kind in ("reasoning", "text", "tool"):
        yield _change(f"late_{kind}", Change(how="late", kind=kind), without.get(kind, _WHOLE))
    yield _change("late_final", Change(how="late", kind="final"), _WHOLE)
    yield _change("early_final", Change(how="early", kind="final"), Answers(text=""))
    yield _change("early_mark", Change(how="early", kind="mark"), retried("malformed", "truncated"))
    nothing = Change(how="drop")
    yield _change("drop_everything", nothing, retried("truncated"), retried("truncated", "malformed"))


def _frames_with_odd_payloads() -> Iterator[Case]:
    # An object without choices says nothing in chat completions, where usage comes in one.
    harmless = {"object"}
    for name, payload in _PAYLOADS.items():
        text = Change(how="insert", kind="text", payload=payload)
        said = broken_off("malformed", said="")
        yield _change(f"insert_{name}", text, _WHOLE if name in harmless else said)
        opening = Change(how="insert", payload=payload)
        lost = retried("malformed")
        yield _change(f"begin_with_{name}", opening, _WHOLE if name in harmless else lost)
    for name, payload in _PAYLOADS.items():
        everything = Change(how="replace", payload=payload)
        lost = retried("malformed")
        yield Case(
            id=f"nothing_but_{name}",
            answer=failing(everything),
            streamed=retried("malformed", "truncated"),
            plain=lost,
            on={"openai_chat": lost},
        )


_BETWEEN: dict[str, bytes] = {
    "comment": b": still here\n\n",
    "comment_without_space": b":\n",
    "blank_lines": b"\n\n\n\r\n\r\r",
    "ping_without_data": b"event: ping\n\n",
    "id_and_retry": b"id: 5\nretry: 10\n\n",
    "unknown_field": b"nonsense: 7\n\n",
    "line_without_colon": b"nonsense\n\n",
    "garbage_line": b"\xff\xfe\x00\n\n",
    "other_case": b"DATA: nothing\n\n",
}


def _lines_between_events() -> Iterator[Case]:
    for name, raw in _BETWEEN.items():
        for kind in (None, "text", "final"):
            yield Case(
                id=f"{name}_before_{kind or 'everything'}",
                answer=failing_at_length(Change(how="raw", kind=kind, raw=raw)),
                streamed=_WHOLE,
                plain=None,
                sse_only=True,
            )
    marked = Change(how="raw", raw=b"\xef\xbb\xbf")
    windows = Change(how="crlf")
    for name, change in {"byte_order_mark": marked, "windows_lines": windows}.items():
        yield Case(id=name, answer=failing_at_length(change), streamed=_WHOLE, plain=None, sse_only=True)
    broken = Change(how="raw", kind="text", raw=b"data: {\n\n")
    yield Case(
        id="half_json_in_a_whole_event",
        answer=failing_at_length(broken),
        streamed=Contained(),
        plain=None,
        on={"openai_chat": broken_off("malformed", said="")},
        sse_only=True,
    )


def _endings() -> Iterator[Case]:
    for fault in (Fault.NO_DONE, Fault.NEVER_CLOSES, Fault.SILENT_AFTER_FINAL, Fault.COMMENTS):
        lost = broken_off("truncated", "timeout", said=TEXT)
        is_open = fault in {Fault.NO_DONE, Fault.SILENT_AFTER_FINAL}
        expected = Either(answers=Answers(), fails=lost) if is_open else Answers()
        yield Case(
            id=fault,
            answer=failing(fault),
            streamed=expected,
            plain=Answers(),
            on={"openai_chat": Answers()},
            timeouts=SILENT_LATER if fault in {Fault.NEVER_CLOSES, Fault.SILENT_AFTER_FINAL} else PATIENT,
        )
    slow = Answer(text=TEXT, reasoning=THOUGHT, tool_calls=CALLS, chunk_delay_seconds=0.002)
    yield Case(id="slow_and_steady", answer=slow, streamed=_WHOLE, plain=_WHOLE)
    late = Answer(text=TEXT, first_byte_delay_seconds=0.02)
    yield Case(id="late_and_well", answer=late, streamed=Answers(), plain=Answers())
    again = Answers(text=TEXT)
    yield Case(
        id="two_finals",
        answer=failing(Fault.TWO_FINALS),
        streamed=Contained(),
        plain=again,
        on={"openai_chat": again},
    )


CASES: tuple[Case, ...] = (
    *_stops_between_frames(),
    *_stops_inside_frames(),
    *_stops_anywhere(),
    *_frames_in_disorder(),
    *_frames_with_odd_payloads(),
    *_lines_between_events(),
    *_endings(),
)
