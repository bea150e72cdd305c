from __future__ import annotations

from fake_vendor import Answer, Fault
from fake_vendor.bends import bent


def test_a_bend_changes_what_its_fault_is_about() -> None:
    assert len(bent(Answer(fault=Fault.MANY_CALLS)).tool_calls) == 200
    assert len({call.id for call in bent(Answer(fault=Fault.DUPLICATE_CALL_IDS)).tool_calls}) == 1
    assert len(bent(Answer(fault=Fault.HUGE_ARGUMENTS)).tool_calls[0].arguments) > 5 * 1024 * 1024
    usage = bent(Answer(fault=Fault.USAGE_NEGATIVE)).usage
    assert usage is not None
    assert usage.prompt < 0


def test_a_healthy_answer_stays_as_it_is() -> None:
    answer = Answer(text="Hello.")

    assert bent(answer) is answer
