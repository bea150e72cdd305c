from __future__ import annotations

import pytest

from fake_vendor import Crumbs, Preface
from fake_vendor.deliveries import delivered
from fake_vendor.steps import Cut, Hang, Pause, Step


def test_crumbs_are_sent_one_by_one() -> None:
    steps = delivered(Crumbs(size=2), iter((b"12345", Pause(1))))

    assert list(steps) == [b"12", Pause(0), b"34", Pause(0), b"5", Pause(0), Pause(1)]


@pytest.mark.parametrize(
    ("preface", "then"),
    [
        (Preface(raw=b"hello", then="answer"), b"answer"),
        (Preface(raw=b"hello"), Cut()),
        (Preface(raw=b"hello", then="hang"), Hang()),
    ],
)
def test_a_preface_comes_first_and_perhaps_alone(preface: Preface, then: Step) -> None:
    assert list(delivered(preface, iter((b"answer",)))) == [b"hello", then]


def test_a_healthy_response_is_delivered_as_it_is() -> None:
    assert list(delivered(None, iter((b"answer",)))) == [b"answer"]
