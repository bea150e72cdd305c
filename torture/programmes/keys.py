"""Keys: POSTs with an Idempotency-Key whose answers are lost, and which come many times at once.

Each key makes one thing, and whoever asks with it is given the same answer to the byte.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from torture.rig.audit import Audit, audited
from torture.rig.proxy import LOSE_ANSWER, LOSE_REQUEST, Proxy
from torture.rig.sayings import Question
from torture.rig.stage import Figures, Outcome, Stage
from torture.rig.wire import Answer, Broken, Caller

KEYS = 20_000
_AT_ONCE = 32
_DUPLICATES = 10
_ANSWERS_LOST = 0.16
_REQUESTS_LOST = 0.04
_WITH_DUPLICATES = 0.1
_WITH_ANOTHER_BODY = 0.02
_PATIENCE_SECONDS = 60.0
_CONFLICT = 409

Kind = Literal["saved message", "answered message", "assistant", "thread"]
_KINDS: dict[Kind, int] = {"saved message": 30, "answered message": 25, "assistant": 25, "thread": 20}

# What there is of each kind, by what makes it unique.
_THINGS: dict[Kind, str] = {
    "saved message": "SELECT content AS thing, count(*) FROM messages WHERE run_id IS NULL GROUP BY content",
    "answered message": """
        SELECT content AS thing, count(*) FROM messages
        WHERE run_id IS NOT NULL AND role = 'user' GROUP BY content
    """,
    "assistant": "SELECT name AS thing, count(*) FROM assistants WHERE NOT is_default GROUP BY name",
    "thread": """
        SELECT metadata ->> 'thing' AS thing, count(*) FROM threads
        WHERE metadata ? 'thing' GROUP BY metadata ->> 'thing'
    """,
}


class _Post(Struct, frozen=True):
    """A request that makes one thing, which `thing` makes unique."""

    kind: Kind
    key: str
    thing: str
    path: str
    body: dict[str, Any]


async def run(stage: Stage) -> Outcome:
    """Send each request until it is answered; there are as many things as keys in the end."""
    count = stage.terms.count(KEYS, least=100)
    async with Proxy(stage.server.port) as proxy:
        direct = await stage.caller("keys")
        home = (await direct.ask("POST", "/assistants", {"name": "home"})).json()["assistant_id"]
        posts = _posts(stage.terms.chance("keys"), count, home)
        posting = _Posting(Caller(proxy.port, direct.key), stage.terms.chance("losses"))
        started = time.monotonic()
        await asyncio.gather(*(posting.work_off(iter_) for iter_ in _dealt(posts, _AT_ONCE)))
        seconds = time.monotonic() - started
        lost = proxy.cuts
    async with audited(stage.server.folder) as audit:
        posting.flaws += await _wrong_things(audit, posts) + await audit.flaws()
    figures: Figures = {
        "keys": count,
        "requests": posting.counts["requests"],
        "lost": lost,
        "a second": round(posting.counts["requests"] / seconds),
        "kinds": dict(Counter(post.kind for post in posts)),
        "counts": dict(posting.counts),
    }
    return Outcome(figures, posting.flaws + stage.vendor.refusals)


def _posts(chance: random.Random, count: int, home: str) -> list[_Post]:
    kinds = chance.choices(list(_KINDS), list(_KINDS.values()), k=count)
    return [_post(kind, f"q-key-{place}", home) for place, kind in enumerate(kinds)]


def _post(kind: Kind, key: str, home: str) -> _Post:
    match kind:
        case "saved message":
            thing = Question(nonce=key).text
            return _Post(kind, key, thing, "/threads/messages", {"content": thing, "send_to_llm": "false"})
        case "answered message":
            thing = Question(nonce=key, words=8).text
            return _Post(kind, key, thing, "/threads/messages", {"content": thing})
        case "assistant":
            return _Post(kind, key, key, "/assistants", {"name": key})
        case "thread":
            return _Post(kind, key, key, f"/assistants/{home}/threads", {"metadata": {"thing": key}})


def _dealt(posts: list[_Post], hands: int) -> list[Iterator[_Post]]:
    return [iter(posts[place::hands]) for place in range(hands)]


class _Posting:
    """Sends requests through a line that loses some; `counts` and `flaws` are of all of them."""

    def __init__(self, caller: Caller, chance: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self.flaws: list[str] = []
        self._caller = caller
        self._chance = chance

    async def work_off(self, posts: Iterator[_Post]) -> None:
        """Send one after the other, some of them many times at once, and some again with another body."""
        for post in posts:
            times = _DUPLICATES if self._chance.random() < _WITH_DUPLICATES else 1
            answers = await asyncio.gather(*(self._until_answered(post) for _ in range(times)))
            answers.append(await self._until_answered(post))  # and once more, when all is over
            self._compare(post, answers)
            if self._chance.random() < _WITH_ANOTHER_BODY:
                await self._send_another_body(post)

    async def _until_answered(self, post: _Post) -> Answer:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self.counts["requests"] += 1
            try:
                return await self._caller.ask(
                    "POST", post.path, post.body, idempotency_key=post.key, x_cut=self._cut()
                )
            except Broken:
                self.counts["sent again"] += 1
        return Answer(0, b"it was never answered")

    def _cut(self) -> str:
        drawn = self._chance.random()
        if drawn < _ANSWERS_LOST:
            return str(LOSE_ANSWER)
        return str(LOSE_REQUEST) if drawn < _ANSWERS_LOST + _REQUESTS_LOST else str(2**31)

    def _compare(self, post: _Post, answers: list[Answer]) -> None:
        self.counts["answers"] += len(answers)
        first = answers[0]
        if first.status != 200:
            self.flaws.append(f"{post.kind} {post.key}: {first.status} {first.body[:300]!r}")
        for other in answers[1:]:
            if (other.status, other.body) != (first.status, first.body):
                self.flaws.append(f"{post.kind} {post.key}: {first.body[:600]!r} and {other.body[:600]!r}")

    async def _send_another_body(self, post: _Post) -> None:
        answer = await self._until_answered(
            _Post(post.kind, post.key, post.thing, post.path, post.body | {"description": "another"})
        )
        self.counts["other bodies"] += 1
        if answer.status != _CONFLICT:
            self.flaws.append(
                f"{post.kind} {post.key} with another body: {answer.status} {answer.body[:300]!r}"
            )


async def _wrong_things(audit: Audit, posts: list[_Post]) -> list[str]:
    """Return what there is not exactly once, and what there is without a key."""
    flaws: list[str] = []
    for kind, query in _THINGS.items():
        there = {row["thing"]: row["count"] for row in await audit.of_tenant("keys", query)}
        wanted = {post.thing for post in posts if post.kind == kind}
        flaws += [f"{kind} {thing} was acknowledged and is lost" for thing in wanted - there.keys()]
        extra = there.keys() - wanted - {"home"}
        flaws += [f"{kind} {thing} is there and has no key" for thing in extra]
        flaws += [f"{kind} {thing} is there {times} times" for thing, times in there.items() if times > 1]
    return flaws
