"""Settings meet adapters."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest

from backboard_server.bootstrap import app_address, open_adapters, open_models, own_rows
from backboard_server.domain.errors import Invalid, Unavailable, Upstream
from backboard_server.domain.models import Model
from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage, Thinking
from backboard_server.settings import Settings
from backboard_server.store.address import APP_ROLE, Address
from backboard_server.store.database import Connection
from backboard_server.store.listed_models import replace_listed_models
from fake_vendor import Answer, FakeVendor, Fault
from waiting import wait_until


async def test_the_application_enters_its_database_as_a_role_that_owns_nothing(
    owner_address: Address, data_dir: Path
) -> None:
    async with open_adapters(Settings(data_dir=data_dir, history_messages_max=7)) as adapters:
        rows = await adapters.database.call("SELECT current_user::text, session_user::text")

    assert tuple(rows[0]) == (APP_ROLE, APP_ROLE)
    assert adapters.limits.history_messages_max == 7


def test_an_external_database_is_entered_by_its_url_in_that_role(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url="postgresql://me:secret@db.example/app")

    address = app_address(settings)

    assert address.connect_arguments()["server_settings"]["role"] == APP_ROLE
    assert address.connect_arguments()["dsn"] == settings.database_url
    assert "secret" not in repr(address)


async def test_a_database_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url="postgresql://127.0.0.1:1/app")

    with pytest.raises(Unavailable):
        async with open_adapters(settings):
            pass


async def test_the_operators_own_providers_and_breakers_are_handed_over(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        providers='{"mycorp": {"base_url": "http://10.0.0.5:8000/v1", "default_model": "llama"}}',
        provider_circuit_open_seconds=0,
    )

    models = open_models(settings)

    assert [row.id for row in own_rows(settings)] == ["mycorp"]
    assert await models.choose("mycorp", None) == ModelChoice("mycorp", "llama")
    assert "mycorp" in models.usable_providers()


async def test_what_is_wrong_with_them_keeps_the_server_from_starting(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, providers='{"mycorp": {"base_url": "10.0.0.5"}}')

    with pytest.raises(Invalid, match="provider mycorp: base_url"):
        async with open_adapters(settings):
            pass


async def test_what_providers_listed_is_known_soon_after_the_start(
    owner: Connection, settings: Settings
) -> None:
    tomorrow = Model(name="tomorrow", provider="groq", model_type="llm", context_limit=777_000)
    await replace_listed_models(owner, "groq", [tomorrow])

    async with open_adapters(settings) as adapters:

        async def is_known() -> bool:
            return adapters.models.facts(ModelChoice("groq", "tomorrow")).context_limit == 777_000

        await wait_until(is_known)

    await replace_listed_models(owner, "groq", [])


@pytest.mark.parametrize(("thinking", "silence"), [(None, "0.02 s"), (Thinking(), "0.1 s")])
async def test_the_operator_says_how_long_a_provider_may_be_silent(
    settings: Settings, vendor: FakeVendor, thinking: Thinking | None, silence: str
) -> None:
    vendor.script(Answer(fault=Fault.SILENCE))
    limits = {"provider_first_byte_timeout_seconds": 0.02, "provider_thinking_factor": 5}
    choice, said = ModelChoice("openai", "a-model-nobody-knows"), (PromptMessage("user", "Hi"),)
    prompt = Prompt(choice=choice, messages=said, thinking=thinking)

    async with aclosing(open_models(settings.model_copy(update=limits))) as models:
        with pytest.raises(Upstream, match=f"silent for {silence}"):
            await anext(models.stream(prompt, streamed=True))
