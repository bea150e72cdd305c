"""Bends: the faults in which a healthy transport carries odd contents: the scripted answer, changed."""

from __future__ import annotations

from msgspec.structs import replace

from .script import Answer, CalledTool, Fault, Tokens

_HUGE_ARGUMENTS_BYTES = 5 * 1024 * 1024
_MANY_CALLS = 200

_TOKENS: dict[Fault, Tokens] = {
    Fault.USAGE_NEGATIVE: Tokens(-5, -1),
    Fault.USAGE_ABSURD: Tokens(10**15, 10**15),
}

_CALLS: dict[Fault, tuple[CalledTool, ...]] = {
    Fault.OUT_OF_ORDER_INDEX: (CalledTool("first"), CalledTool("second")),
    Fault.INVALID_ARGUMENTS: (CalledTool("look_up", "{city: Paris"),),
    Fault.TRUNCATED_ARGUMENTS: (CalledTool("look_up", '{"city": "Par'),),
    Fault.UNKNOWN_TOOL: (CalledTool("no_such_tool", '{"a": 1}'),),
    Fault.NAMELESS_CALL: (CalledTool("", '{"a": 1}'),),
    Fault.DUPLICATE_CALL_IDS: (CalledTool("first", id="call_same"), CalledTool("second", id="call_same")),
    Fault.MANY_CALLS: tuple(CalledTool("look_up", f'{{"n": {number}}}') for number in range(_MANY_CALLS)),
}


def bent(answer: Answer) -> Answer:
    """Return the answer as its fault bends it; one without such a fault comes back as it is."""
    fault = answer.fault
    if not isinstance(fault, Fault):
        return answer
    if fault in _TOKENS:
        return replace(answer, usage=_TOKENS[fault])
    if fault in _CALLS:
        return replace(answer, tool_calls=_CALLS[fault])
    if fault is Fault.HUGE_ARGUMENTS:
        arguments = '{"city": "' + "x" * _HUGE_ARGUMENTS_BYTES + '"}'
        return replace(answer, tool_calls=(CalledTool("look_up", arguments),))
    return answer
