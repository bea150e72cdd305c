from __future__ import annotations

import msgspec
import pytest

from fake_vendor import Answer, Change, ErrorEvent, Fault, Stop
from fake_vendor.dialects import DIALECTS, ODDITIES, Dialect
from fake_vendor.dialects.openai_chat import OpenAIChat
from fake_vendor.play import exists, steps_of
from fake_vendor.script import AnyFault
from fake_vendor.steps import LAST_PIECE, Cut, Hang, Pause, Step
from fake_vendor.terms import Asked

TEXT = "one two three four five six"
OPENAI = OpenAIChat()
dialects = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


class _WithoutOddities(OpenAIChat):
    """A protocol without comments and odd contents, in which arguments are no text."""

    idle = None  # type: ignore[assignment] - the protocol allows it, the class that it is derived from not

    def odd_body(self, fault: Fault, body: object) -> None:
        return None

    def body(self, answer: Answer, asked: Asked) -> dict[str, object]:
        return {"calls": [msgspec.json.decode(call.arguments) for call in answer.tool_calls]}


def _steps(answer: Answer, *, stream: bool, dialect: Dialect = OPENAI) -> list[Step]:
    return list(steps_of(answer, Asked("m", stream=stream), dialect))


def _body(answer: Answer) -> bytes:
    return b"".join(step for step in _steps(answer, stream=True) if isinstance(step, bytes))


@dialects
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_plays_in_both_modes_and_differs_from_health_in_one(
    dialect: Dialect, fault: Fault, stream: bool
) -> None:
    if not exists(Answer(text=TEXT, fault=fault), Asked("m", stream=stream), dialect):
        pytest.skip(f"{dialect.name} cannot fail like this")
    modes = [
        mode
        for mode in (True, False)
        if exists(Answer(text=TEXT, fault=fault), Asked("m", stream=mode), dialect)
    ]
    healthy = {mode: _steps(Answer(text=TEXT), stream=mode, dialect=dialect) for mode in modes}
    faulty = {mode: _steps(Answer(text=TEXT, fault=fault), stream=mode, dialect=dialect) for mode in modes}

    assert faulty[stream]
    # Streamed without being asked for usage, an odd count shows in the plain answer alone.
    assert faulty != healthy


@pytest.mark.parametrize("fault", [*sorted(ODDITIES), Fault.COMMENTS, Fault.INVALID_ARGUMENTS])
def test_a_dialect_says_which_faults_it_cannot_have(fault: Fault) -> None:
    asked = Asked("m", stream=fault is Fault.COMMENTS)

    assert exists(Answer(fault=fault), asked, OPENAI)
    assert not exists(Answer(fault=fault), asked, _WithoutOddities())


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "fault",
    [Stop(how="end", after="tool"), Change(how="late", kind="tool"), Change(how="drop", kind="usage")],
)
def test_a_fault_of_frames_exists_where_the_answer_has_such_frames(fault: AnyFault, stream: bool) -> None:
    assert not exists(Answer(text=TEXT, fault=fault), Asked("m", stream=stream), OPENAI)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("is_first", [True, False])
def test_any_error_may_come_after_status_200_alone_or_beside_what_was_said(
    stream: bool, is_first: bool
) -> None:
    event = ErrorEvent(kind="quota", status=429, message="No money.", is_first=is_first)

    said = b"".join(
        step for step in _steps(Answer(text=TEXT, fault=event), stream=stream) if isinstance(step, bytes)
    )

    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"insufficient_quota" in said
    assert (b"two" in said) is not is_first


def test_what_marks_the_end_is_kept_apart_wherever_it_stands() -> None:
    late = Answer(text="one", fault=Change(how="late", kind="final"))
    raw = Answer(text="one", fault=Change(how="raw", kind="mark", raw=b"garbage"))

    assert b'finish_reason":"stop' in _body(late).rpartition(b"[DONE]")[2]
    assert b"garbage" in _body(raw).partition(b"[DONE]")[0]


def test_a_healthy_stream_ends_with_its_marks() -> None:
    mark, end = _steps(Answer(text=TEXT), stream=True)[-2:]

    assert isinstance(mark, bytes)
    assert b"[DONE]" in mark
    assert end == LAST_PIECE


def test_delays_stand_before_the_first_byte_and_before_every_chunk() -> None:
    answer = Answer(text="one two", first_byte_delay_seconds=0.5, chunk_delay_seconds=0.1)

    steps = _steps(answer, stream=True)

    assert steps[0] == Pause(0.5)
    assert steps.count(Pause(0.1)) == 4  # the role, two words, the finish reason


@pytest.mark.parametrize(
    ("fault", "last"),
    [
        (Fault.HANG_BETWEEN_CHUNKS, Hang()),
        (Fault.TRUNCATED, LAST_PIECE),
        (Fault.TRUNCATED_CLOSE, Cut()),
        (Fault.TRUNCATED_RESET, Cut("reset")),
        (Fault.NEVER_CLOSES, Hang()),
    ],
)
def test_a_stream_that_breaks_ends_in_the_way_of_its_fault(fault: Fault, last: Step) -> None:
    assert _steps(Answer(text=TEXT, fault=fault), stream=True)[-1] == last


def test_out_of_order_pieces_of_tool_calls_begin_with_the_last_call() -> None:
    steps = _steps(Answer(fault=Fault.OUT_OF_ORDER_INDEX), stream=True)

    names = [step for step in steps if isinstance(step, bytes) and b'"name":"' in step]

    assert b"second" in names[0]
    assert b"first" in names[1]
