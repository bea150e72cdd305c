"""A fake model vendor: a real HTTP server that answers from a script, in the protocol of each vendor.

    async with FakeVendor() as vendor:
        vendor.script(Answer(text="Hello."), Answer(fault=Fault.TRUNCATED_RESET))
        ...  # point a client at vendor.base_url (OpenAI), or at vendor.root_url (the others)
        assert vendor.requests[0].body["model"] == "gpt-4o"

Out of process: `python -m fake_vendor --port 0` prints its address as one line of JSON.
"""

from .script import (
    Answer,
    CalledTool,
    Change,
    Counting,
    Crumbs,
    ErrorEvent,
    Fault,
    Instead,
    Preface,
    Status,
    Stop,
    Tokens,
)
from .server import FakeVendor, Recorded

__all__ = [
    "Answer",
    "CalledTool",
    "Change",
    "Counting",
    "Crumbs",
    "ErrorEvent",
    "FakeVendor",
    "Fault",
    "Instead",
    "Preface",
    "Recorded",
    "Status",
    "Stop",
    "Tokens",
]
