from __future__ import annotations

import base64
import struct
from array import array

import pytest

from backboard_server.providers._failures import Failure
from backboard_server.providers.embeddings._vectors import read_vector, unit_bytes


def _base64(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def test_both_forms_are_read_alike() -> None:
    assert list(read_vector(_base64(0.5, -1.0))) == list(read_vector([0.5, -1.0])) == [0.5, -1.0]


@pytest.mark.parametrize("encoded", ["!" + _base64(0.5), base64.b64encode(b"12345").decode(), "ÄÖ"])
def test_what_holds_no_numbers_is_malformed(encoded: str) -> None:
    with pytest.raises(Failure) as raised:
        read_vector(encoded)

    assert raised.value.kind == "malformed"


def test_a_vector_is_brought_to_length_one() -> None:
    assert struct.unpack("<2f", unit_bytes(array("f", [3.0, -4.0]))) == pytest.approx((0.6, -0.8))


def test_a_vector_of_about_length_one_stays_as_it_is_to_the_bit() -> None:
    vector = array("f", [0.60003, 0.8])

    assert struct.unpack("<2f", unit_bytes(vector)) == tuple(vector)


@pytest.mark.parametrize("numbers", [[float("nan"), 1.0], [float("inf"), 1.0], [1e39, 1.0], [0.0, 0.0], []])
def test_a_vector_that_points_nowhere_is_malformed(numbers: list[float]) -> None:
    with pytest.raises(Failure) as raised:
        unit_bytes(array("f", numbers))

    assert raised.value.kind == "malformed"
