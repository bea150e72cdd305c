from __future__ import annotations

from fake_vendor import Fault
from fake_vendor.refusals import refusal_of


def test_a_401_repeats_the_credential_as_vendors_do() -> None:
    refusal = refusal_of(Fault.UNAUTHORIZED, "Bearer sk-secret")

    assert refusal is not None
    assert refusal.startswith(b"HTTP/1.1 401 ")
    assert b"sk-secret" in refusal


def test_a_rate_limit_says_when_to_come_back_in_the_way_of_its_fault() -> None:
    assert b"Retry-After: 7\r\n" in (refusal_of(Fault.RATE_LIMITED_SECONDS, "") or b"")
    assert b"retry-after-ms: 1500\r\n" in (refusal_of(Fault.RATE_LIMITED_MILLISECONDS, "") or b"")
    assert b"etry-" not in (refusal_of(Fault.RATE_LIMITED, "") or b"")


def test_a_fault_with_status_200_is_no_refusal() -> None:
    assert refusal_of(Fault.HTML, "") is None
    assert refusal_of(None, "") is None
