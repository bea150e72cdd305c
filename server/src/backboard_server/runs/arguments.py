"""The calls of an answer, made such that they can be executed, and what is wrong with the others. Pure.

Models call tools that do not exist, write arguments that are not quite JSON, and forget parameters. What can
be put right without doubt is, as it saves a round; for the rest there are sentences for the model.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from backboard_server.domain.prompts import ToolCall

from .coercion import coerced
from .mending import Mended, mended, object_in
from .prompts import REPAIR_CALLS
from .schemas import PROBLEM_CHARACTERS_MAX, PROBLEMS_MAX, find_compiled, problems_of

if TYPE_CHECKING:
    from jsonschema_rs import Validator

MENDED_CHARACTERS_MAX = 16 * 1024  # of one answer: 50 ms, and half a second for the worst of texts
FLAWS_TOLD_MAX = 20
NAME_CHARACTERS_TOLD_MAX = 64
_ID_BYTES = 12

Json = dict[str, Any]


class CallFlaw(Struct, frozen=True):
    """What is wrong with a call, as a sentence without its end. One that is fatal forbids to execute it."""

    call_id: str
    name: str
    sentence: str
    is_fatal: bool


class CheckedCalls(Struct, frozen=True):
    """The calls of an answer, one for one and in its order, and what is wrong with them.

    A call without a fatal flaw can be executed: its arguments are an object of JSON. One that was in order is
    as the model wrote it, to the letter.
    """

    calls: tuple[ToolCall, ...]
    flaws: tuple[CallFlaw, ...] = ()

    @property
    def fatal_ids(self) -> frozenset[str]:
        """The calls that cannot be executed."""
        return frozenset(flaw.call_id for flaw in self.flaws if flaw.is_fatal)


def draw_call_id() -> str:
    """Return an id for a call whose own cannot be used."""
    return f"call_{os.urandom(_ID_BYTES).hex()}"


def check_calls(
    calls: Sequence[ToolCall],
    tools: Sequence[Json],
    *,
    used_ids: Collection[str] = (),
    draw_id: Callable[[], str] = draw_call_id,
) -> CheckedCalls:
    """Hold the calls of an answer against the tools that were offered (contract A.1).

    A call of a tool that was not offered is held to nothing but JSON: applications know names that they do
    not tell, as the samples of the published client do.
    `used_ids` are those of earlier rounds of the run; a call whose id is empty or used gets one of `draw_id`.
    """
    offered = {str(function.get("name")): function for function in map(_function, tools)}
    taken = set(used_ids)
    characters_left = MENDED_CHARACTERS_MAX
    checked: list[ToolCall] = []
    flaws: list[CallFlaw] = []
    for call in calls:
        own = call if call.id and call.id not in taken else replace(call, id=draw_id())
        taken.add(own.id)
        value = object_in(own.arguments)
        found = Mended(value)
        if value is None:
            found = mended(own.arguments, characters_left)
            characters_left = max(0, characters_left - len(own.arguments))
        done, wrong = _checked(own, offered, found, is_as_written=value is not None)
        checked.append(done)
        flaws.extend(wrong)
    return CheckedCalls(tuple(checked), tuple(flaws))


def repair_request(flaws: Sequence[CallFlaw]) -> str:
    """Return the words that ask the model to make these calls again."""
    told = [f"- {flaw.name[:NAME_CHARACTERS_TOLD_MAX]}: {flaw.sentence}" for flaw in flaws[:FLAWS_TOLD_MAX]]
    if len(flaws) > FLAWS_TOLD_MAX:
        told.append(f"- and {len(flaws) - FLAWS_TOLD_MAX} more")
    return REPAIR_CALLS.format(problems="\n".join(told))


def _checked(
    call: ToolCall, offered: Mapping[str, Json], found: Mended, *, is_as_written: bool
) -> tuple[ToolCall, list[CallFlaw]]:
    """Return a call with the arguments that were found in it, and its flaws."""
    if not offered:
        return call, [_flaw(call, "there are no tools to call", is_fatal=True)]
    if found.value is None:
        return call, [_flaw(call, f"its arguments are no JSON object: {found.problem}", is_fatal=True)]
    parameters: Json = offered.get(call.name, {}).get("parameters") or {}
    validator = find_compiled(msgspec.json.encode(parameters))
    value, problems = found.value, _problems(validator, found.value)
    if problems and (better := cast("Json", coerced(value, parameters))) is not value:
        value, problems = better, _problems(validator, better)
    if not is_as_written or value is not found.value:
        call = replace(call, arguments=msgspec.json.encode(value).decode())
    missing = [name for name in _required(parameters) if name not in value][:PROBLEMS_MAX]
    flaws = [_flaw(call, f"its parameter {name} is required", is_fatal=True) for name in missing]
    told = {f'"{name}" is a required property' for name in missing}
    flaws += [_flaw(call, problem, is_fatal=False) for problem in problems if problem not in told]
    if found.is_cut:
        flaws.append(_flaw(call, "its arguments end in the middle of a text", is_fatal=False))
    return call, flaws


def _function(tool: Json) -> Json:
    return tool.get("function") or {}


def _problems(validator: Validator | None, value: Json) -> list[str]:
    try:
        return [] if validator is None or validator.is_valid(value) else list(problems_of(validator, value))
    except ValueError as error:  # what is nested too deep
        return [str(error)[:PROBLEM_CHARACTERS_MAX]]


def _required(parameters: Json) -> list[str]:
    names: object = parameters.get("required")
    given = cast("list[object]", names) if isinstance(names, list) else []
    return [name for name in given if isinstance(name, str)]


def _flaw(call: ToolCall, sentence: str, *, is_fatal: bool) -> CallFlaw:
    return CallFlaw(call.id, call.name, sentence, is_fatal)
