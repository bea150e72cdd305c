"""Reading an event stream in tests, strictly: what the published clients would choke on fails here."""

from __future__ import annotations

import json
from typing import Any


def events_of(body: str) -> list[dict[str, Any]]:
    """Return the events of a whole stream; their ids must count from one."""
    events: list[dict[str, Any]] = []
    assert "\r" not in body
    for block in body.split("\n\n")[:-1]:
        if block.startswith(":"):
            continue
        id_line, data_line = block.split("\n")
        assert id_line == f"id: {len(events) + 1}"
        assert data_line.startswith("data: {")
        events.append(json.loads(data_line.removeprefix("data: ")))
    assert body.endswith("\n\n")
    return events


def types_of(events: list[dict[str, Any]]) -> list[str]:
    """Return the events' types, runs of the same type as one."""
    types = [event["type"] for event in events]
    return [kind for number, kind in enumerate(types) if number == 0 or types[number - 1] != kind]


def numbered_events_of(body: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the events of a stream that begins, or goes on, anywhere in a run: each with its number."""
    assert not body or body.endswith("\n\n")
    blocks = [block.split("\n") for block in body.split("\n\n")[:-1] if not block.startswith(":")]
    return [
        (int(block[0].removeprefix("id: ")), json.loads(block[1].removeprefix("data: "))) for block in blocks
    ]
