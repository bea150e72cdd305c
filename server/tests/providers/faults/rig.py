"""What a case is run with: the providers of a server that reaches the vendor, and the retry loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from msgspec import Struct

from backboard_server.adapters import Adapters, Limits
from backboard_server.domain.errors import Upstream
from backboard_server.domain.events import RunIds
from backboard_server.domain.prompts import Delta, ModelChoice, Prompt, PromptMessage
from backboard_server.providers import EgressTimeouts, Providers
from backboard_server.providers.outside import GuardedOutside
from backboard_server.providers.table import WireName
from backboard_server.runs.draft import Draft
from backboard_server.runs.generate import generate
from backboard_server.store.blobs import open_blobs
from backboard_server.store.database import Database
from backboard_server.store.sealing import Sealer
from fake_vendor import FakeVendor
from providers.faults.case import PATIENT
from providers.faults.expected import Outcome

KEY = "sk-a-key-that-must-not-be-seen"


class Partner(Struct, frozen=True):
    """The provider and the model that a wire is spoken with, and the variables that lead to the vendor."""

    provider: str
    model: str
    key_variables: tuple[str, ...]
    base_url_variable: str
    has_path: bool = False


PARTNERS: dict[WireName, Partner] = {
    "openai_chat": Partner("openai", "some-model", ("OPENAI_API_KEY",), "OPENAI_BASE_URL", has_path=True),
    "openai_responses": Partner("openai", "gpt-5", ("OPENAI_API_KEY",), "OPENAI_BASE_URL", has_path=True),
    "anthropic": Partner("anthropic", "some-model", ("ANTHROPIC_API_KEY",), "ANTHROPIC_BASE_URL"),
    "gemini": Partner("google", "some-model", ("GEMINI_API_KEY",), "GEMINI_BASE_URL"),
    "bedrock": Partner(
        "amazon-bedrock", "some-model", ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "BEDROCK_BASE_URL"
    ),
}


class CountingProviders(Providers):
    """Providers that count how often they are asked."""

    asked = 0

    def stream(self, prompt: Prompt, *, streamed: bool) -> AsyncGenerator[Delta, None]:
        """Count, and call."""
        self.asked += 1
        return super().stream(prompt, streamed=streamed)


def prompt_for(wire: WireName) -> Prompt:
    """Return a prompt of one line for the model of a wire."""
    partner = PARTNERS[wire]
    choice = ModelChoice(partner.provider, partner.model)
    return Prompt(choice=choice, messages=(PromptMessage("user", "Good morning."),))


@asynccontextmanager
async def providers_for(
    wire: WireName, vendor: FakeVendor, timeouts: EgressTimeouts = PATIENT
) -> AsyncGenerator[CountingProviders]:
    """Give the providers of a server that reaches the vendor over a wire, and close them."""
    partner = PARTNERS[wire]
    address = vendor.base_url if partner.has_path else vendor.root_url
    environment = dict.fromkeys(partner.key_variables, KEY) | {partner.base_url_variable: address}
    providers = CountingProviders(environment, timeouts)
    try:
        yield providers
    finally:
        await providers.aclose()


async def outcome_of(
    providers: CountingProviders,
    vendor: FakeVendor,
    wire: WireName,
    folder: Path,
    *,
    streamed: bool,
    budget: float,
) -> Outcome:
    """Ask the vendor through the retry loop of runs, which asks nothing of a database."""
    adapters = Adapters(
        database=Database(asyncpg.create_pool()),
        blobs=open_blobs(None, folder),
        models=providers,
        outside=GuardedOutside(None),
        sealer=Sealer((), folder),
        limits=Limits(retry_base_seconds=0.0001, first_token_budget_seconds=budget),
    )
    prompt = prompt_for(wire)
    draft, error = Draft(RunIds("thread", "assistant", "run"), prompt.choice), None
    try:
        async for _ in generate(adapters, prompt, draft, streamed=streamed):
            pass
    except Upstream as raised:
        error = raised
    # A host that lacks a path is asked at another one at once, which is not another attempt.
    paths = [request.path for request in vendor.requests]
    return Outcome(draft, error, providers.asked, seen=paths.count(paths[0]) if paths else 0)
