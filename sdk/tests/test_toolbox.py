import asyncio
import contextvars
import json
import logging
import threading
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Iterator, List, Optional, Union

import pytest

from backboard import Event, ToolCall, ToolOutput
from backboard._toolbox import AsyncToolbox, Toolbox

Call = Callable[..., Awaitable[Any]]


@dataclass
class Weather:
    city: str
    degrees: float


def get_weather(city: str, days: int = 1) -> Weather:
    return Weather(city, days / 2)


def add(a: int, b: Optional[int] = None) -> Union[int, str]:
    return a + (b or 0)


def shout(text: str) -> str:
    return text.upper()


def fail() -> None:
    raise LookupError("no station is near")


def next_of(items: List[int]) -> int:
    return next(iter(items))


def call_of(name: str, arguments: str = "{}", call_id: str = "c") -> ToolCall:
    return ToolCall.model_validate({"id": call_id, "function": {"name": name, "arguments": arguments}})


@pytest.fixture(params=["async", "sync"])
def call(request: pytest.FixtureRequest) -> Call:
    """Calls tools of some functions by either kind of toolbox; returns the text of their outputs."""

    async def call(functions: Any, *calls: ToolCall) -> Any:
        outputs: list[ToolOutput] = (
            await AsyncToolbox(functions, None).call(calls)
            if request.param == "async"
            else Toolbox(functions, None).call(calls)
        )
        return [output.output for output in outputs]

    return call


async def test_arguments_are_given_as_the_hints_say_and_results_are_text(call: Call) -> None:
    outputs = await call(
        [get_weather, add, shout],
        call_of("get_weather", '{"city": "Malmö", "days": "3"}'),
        call_of("add", '{"a": 1, "b": 2}'),
        call_of("shout", '{"text": "é"}'),
    )

    assert outputs == ['{"city":"Malmö","degrees":1.5}', "3", "É"]


async def test_a_function_without_parameters_may_be_called_with_nothing(call: Call) -> None:
    def now() -> Any:
        return None

    assert await call([now], call_of("now", "")) == ["null"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"a": "many"}', "a: Input should be a valid integer"),
        ('{"b": 1}', "a: Missing required argument"),
        ('{"a": 1, "c": 2}', "c: Unexpected keyword argument"),
        ('{"a": ', "Invalid JSON"),
        ("null", "Arguments must be"),
    ],
)
async def test_arguments_that_do_not_fit_are_told_to_the_model(call: Call, arguments: str, said: str) -> None:
    (output,) = await call([add], call_of("add", arguments))

    assert said in json.loads(output)["error"]


async def test_what_a_function_raises_is_told_to_the_model_and_logged(
    call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "backboard"):
        outputs = await call([fail, shout], call_of("fail"), call_of("shout", '{"text": "a"}'))

    assert outputs == ['{"error": "LookupError: no station is near"}', "A"]
    assert "The tool fail failed" in caplog.text
    assert "LookupError" in caplog.text


async def test_a_function_that_finds_nothing_next_fails_like_any_other(call: Call) -> None:
    (output,) = await call([next_of], call_of("next_of", '{"items": []}'))

    assert "StopIteration" in json.loads(output)["error"]


async def test_a_result_without_a_json_form_is_a_failure(call: Call) -> None:
    def make() -> object:
        return object()

    (output,) = await call([make], call_of("make"))

    assert "serialize" in json.loads(output)["error"]


async def test_a_tool_that_there_is_not_is_told_with_those_that_there_are(call: Call) -> None:
    outputs = await call([add, shout], call_of("subtract"))

    assert json.loads(outputs[0]) == {"error": "There is no tool subtract; there is: add, shout."}
    assert "none" in (await call([], call_of("subtract")))[0]


async def test_outputs_stand_under_the_calls_that_they_answer() -> None:
    calls = [call_of("shout", '{"text": "a"}', "c1"), call_of("shout", '{"text": "b"}', "c2")]

    outputs = await AsyncToolbox([shout], None).call(calls)

    assert [(output.tool_call_id, output.output) for output in outputs] == [("c1", "A"), ("c2", "B")]
    assert Toolbox([shout], None).call(calls) == outputs


async def test_calls_of_one_round_run_together() -> None:
    both_are_here = threading.Barrier(2, timeout=30)
    is_here = asyncio.Event()

    def meet() -> bool:
        return both_are_here.wait() >= 0

    async def come() -> None:
        is_here.set()

    async def wait() -> bool:
        return await asyncio.wait_for(is_here.wait(), 30)

    calls = [call_of(name) for name in ("meet", "wait", "meet", "come")]
    outputs = await AsyncToolbox([meet, come, wait], None).call(calls)

    assert [output.output for output in outputs] == ["true", "true", "true", "null"]


async def test_a_function_in_a_thread_sees_the_variables_of_its_caller() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")
    user.set("ada")

    def who() -> str:
        return user.get()

    assert (await AsyncToolbox([who], None).call([call_of("who")]))[0].output == "ada"


async def test_a_listener_of_either_kind_is_told() -> None:
    told: list[str] = []

    def listen(event: Event) -> None:
        told.append(f"plain {event.type}")

    async def listen_async(event: Event) -> None:
        told.append(f"async {event.type}")

    event = Event({"type": "run_ended"})
    await AsyncToolbox([], listen).tell(event)
    await AsyncToolbox([], listen_async).tell(event)
    Toolbox([], listen).tell(event)

    assert told == ["plain run_ended", "async run_ended", "plain run_ended"]


def test_what_is_async_is_refused_where_nothing_can_await_it() -> None:
    async def later(event: Event) -> None: ...

    class Later:
        async def __call__(self, event: Event) -> None: ...

    with pytest.raises(TypeError, match="is async"):
        Toolbox([later], None)
    with pytest.raises(TypeError, match="is async"):
        Toolbox([], later)
    with pytest.raises(TypeError, match="is async"):
        Toolbox([], Later())


def test_two_functions_of_one_name_are_refused() -> None:
    def others() -> Iterator[Callable[[str], str]]:
        def shout(text: str) -> str:
            return text

        yield shout

    with pytest.raises(ValueError, match="called shout"):
        Toolbox([shout, *others()], None)
