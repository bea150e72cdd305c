"""When something was said: what the application says of it, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from backboard_server.domain.errors import Invalid
from backboard_server.memory.times import said_at

HALF_PAST_NINE = datetime(2026, 5, 7, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    ["2026-05-07T09:30:00Z", "2026-05-07T11:30:00+02:00", "2026-05-07T04:00:00-05:30", "2026-05-07 09:30"],
)
def test_a_time_is_in_utc_whichever_zone_it_was_given_in(given: str) -> None:
    moment = said_at({"custom_timestamp": given})

    assert moment == HALF_PAST_NINE
    assert moment is not None
    assert moment.tzinfo is UTC


def test_a_day_begins_at_its_midnight() -> None:
    assert said_at({"custom_timestamp": "2026-05-07"}) == datetime(2026, 5, 7, tzinfo=UTC)


@pytest.mark.parametrize("metadata", [None, {}, {"other": "2026-05-07"}, {"custom_timestamp": None}])
def test_where_no_time_is_given_there_is_none(metadata: dict[str, Any] | None) -> None:
    assert said_at(metadata) is None


@pytest.mark.parametrize("given", ["yesterday", "", "2026-02-30", 1_778_146_200, True, ["2026-05-07"], {}])
def test_what_is_no_time_is_refused_by_name(given: object) -> None:
    with pytest.raises(Invalid, match=r"metadata\.custom_timestamp"):
        said_at({"custom_timestamp": given})


@pytest.mark.parametrize("given", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"])
def test_a_time_that_has_no_place_in_utc_is_refused(given: str) -> None:
    with pytest.raises(Invalid, match=r"metadata\.custom_timestamp"):
        said_at({"custom_timestamp": given})
