"""What is said in a benchmark: threads with a past, and the same message sent through us and directly."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from readers.calls import MODELS

from .load import drive
from .processes import Server, Vendor

QUESTION = (
    "When is the first prototype of the weather station due, and what may its sensors cost at most? "
    "Please answer in one short sentence."
)
SIGN = b"Solstice"  # how an answer begins, and nothing else does
ANSWER = (
    f"{SIGN.decode()} is when the first prototype of the weather station is due, so there are nine weeks "
    "left; its sensors may cost 300 euros at most, and the housing another 80."
)
HISTORY_MESSAGES = 20
MESSAGES_PER_TURN = 2
TURNS_PER_THREAD = 11

_PAST_MESSAGES = HISTORY_MESSAGES - (TURNS_PER_THREAD - 1)  # at the first of those turns; 30 at the last
_SEEDING_LANES = 16


def direct_request(vendor: Vendor, *, streamed: bool = False) -> bytes:
    """Return the call that the server makes for a message in a thread of 20, made without the server."""
    past = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]
    messages = [*past * (HISTORY_MESSAGES // len(past)), {"role": "user", "content": QUESTION}]
    body: dict[str, Any] = {"model": MODELS["openai_chat"], "messages": messages}
    if streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return _post(vendor.base_url, "/chat/completions", "Authorization: Bearer sk-bench", body)


def message_request(server: Server, thread_id: str | None, *, streamed: bool = False) -> bytes:
    """Return a message to a thread, or one that starts a thread."""
    body: dict[str, Any] = {"content": QUESTION, "stream": streamed}
    path = f"/api/threads/{thread_id}/messages" if thread_id else "/api/threads/messages"
    return _post(server.base_url, path, f"X-API-Key: {server.api_key}", body)


async def seed_threads(server: Server, count: int, messages: int) -> list[str]:
    """Hold this many conversations, each of this many messages, and return the ids of their threads."""
    threads: list[str] = []
    while len(threads) < count:
        lanes = [[message_request(server, None)]] * min(_SEEDING_LANES, count - len(threads))
        begun = await drive(server.base_url, lanes)
        ids = [json.loads(answer.body)["thread_id"] for answer in begun.answers]
        turns = messages // MESSAGES_PER_TURN - 1
        await drive(server.base_url, [[message_request(server, thread_id)] * turns for thread_id in ids])
        threads += ids
    return threads


async def seed_lanes(
    server: Server, *, lanes: int, threads: int, streamed: bool = False
) -> list[list[bytes]]:
    """Return what each lane sends: eleven messages to each of its threads, with a past of 20 on average."""
    ids = await seed_threads(server, lanes * threads, _PAST_MESSAGES)
    return [
        [
            message_request(server, thread_id, streamed=streamed)
            for thread_id in ids[lane::lanes]
            for _ in range(TURNS_PER_THREAD)
        ]
        for lane in range(lanes)
    ]


def _post(base_url: str, path: str, credential: str, body: dict[str, Any]) -> bytes:
    address = urlsplit(base_url)
    content = json.dumps(body).encode()
    head = (
        f"POST {address.path.rstrip('/')}{path} HTTP/1.1",
        f"Host: {address.netloc}",
        "Accept: */*",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        credential,
    )
    return "\r\n".join((*head, "", "")).encode() + content
