"""The table: every row can be found, reached and spoken to."""

from __future__ import annotations

from string import Template
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from backboard_server.providers import catalogue
from backboard_server.providers.local import PROVIDER
from backboard_server.providers.table import (
    OUR_ROWS,
    Dialect,
    Row,
    WireName,
    find_row,
    is_known_unspoken,
    list_rows,
    own_address,
    wire_of,
)
from backboard_server.providers.wires import WIRES

ROWS = [pytest.param(row, id=row.id) for row in list_rows()]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_can_be_reached_spoken_to_and_found(row: Row) -> None:
    address = urlsplit(Template(row.base_url).safe_substitute())

    assert row.wire in WIRES
    assert row.label
    assert find_row(row.id) is row
    assert all(find_row(alias) is row for alias in row.aliases)
    assert not row.base_url or (address.scheme in {"http", "https"} and bool(address.netloc))
    assert not row.base_url.endswith(("/", "/chat/completions"))


@pytest.mark.parametrize("row", ROWS)
def test_a_row_sends_its_key_in_the_clear_to_this_machine_only(row: Row) -> None:
    address = urlsplit(row.base_url)

    assert row.key_variable or not row.needs_key
    assert address.scheme != "http" or address.hostname in {"127.0.0.1", "localhost"}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_variables_that_an_environment_can_hold(row: Row) -> None:
    for variable in (*row.key_variables, *row.credential_variables, *row.settings, row.base_url_variable):
        assert variable.replace("_", "").isalnum()
        assert variable == variable.upper()


def test_names_are_unique_and_in_lower_case() -> None:
    names = [name for row in list_rows() for name in (row.id, *row.aliases)]

    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)
    assert PROVIDER not in names


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in OUR_ROWS if row.default_model])
def test_a_default_model_exists_where_the_catalogue_knows_the_provider(row: Row) -> None:
    assert row.id not in catalogue.providers() or (row.id, row.default_model) in catalogue.models()


def test_the_catalogue_adds_every_compatible_host() -> None:
    row = find_row("moonshotai")

    assert row is not None
    assert (row.base_url, row.key_variable) == ("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY")
    assert row.base_url_variable == "MOONSHOTAI_BASE_URL"
    assert len(list_rows()) > 100


@pytest.mark.parametrize(
    ("name", "base_url", "key"),
    [
        ("v0", "https://api.v0.dev/v1", "V0_API_KEY"),
        ("venice", "https://api.venice.ai/api/v1", "VENICE_API_KEY"),
        ("aihubmix", "https://aihubmix.com/v1", "AIHUBMIX_API_KEY"),
    ],
)
def test_a_host_with_a_library_of_its_own_is_reached_as_its_vendor_documents(
    name: str, base_url: str, key: str
) -> None:
    row = find_row(name)

    assert row is not None
    assert (row.base_url, row.key_variable, row.wire) == (base_url, key, "openai_chat")


def test_a_variable_that_belongs_to_the_address_is_not_the_key() -> None:
    row = find_row("cloudflare-workers-ai")

    assert row is not None
    assert row.key_variable == "CLOUDFLARE_API_KEY"


def test_what_is_real_but_not_spoken_is_known() -> None:
    assert is_known_unspoken("gitlab")
    assert not any(is_known_unspoken(name) for name in ("openai", "claude", "gemini", "bedrock"))
    assert not is_known_unspoken("no-such-provider")


@pytest.mark.parametrize(
    ("provider", "model", "wire"),
    [
        ("openai", "gpt-4o", "openai_chat"),
        ("openai", "gpt-5", "openai_responses"),
        ("openai", "a model of tomorrow", "openai_chat"),
        ("openai", "gpt-7-of-tomorrow", "openai_responses"),
        ("azure", "gpt-5", "openai_responses"),
        ("openrouter", "openai/gpt-5", "openai_chat"),
        ("anthropic", "claude-sonnet-4-6", "anthropic"),
        ("google", "gemini-2.5-flash", "gemini"),
        ("amazon-bedrock", "whatever", "bedrock"),
        ("groq", "openai/gpt-oss-120b", "openai_chat"),
        ("opencode", "claude-3-5-haiku", "anthropic"),  # as the catalogue says of this model
        ("opencode", "gemini-3-pro", "gemini"),
        ("opencode", "gpt-5", "openai_responses"),
        ("azure", "claude-opus-4-5", "anthropic"),
        ("azure", "kimi-k2.6", "openai_chat"),
        ("perplexity-agent", "openai/gpt-5.4", "openai_responses"),
        ("vivgrid", "deepseek-v4-pro", "openai_chat"),
    ],
)
def test_a_model_is_spoken_to_over_the_wire_that_suits_it(provider: str, model: str, wire: WireName) -> None:
    row = find_row(provider)

    assert row is not None
    assert wire_of(row, model) == wire


def test_the_variables_of_one_provider_are_no_others() -> None:
    owners: dict[str, set[str]] = {}
    for row in OUR_ROWS:
        for variable in (*row.key_variables, *row.credential_variables, row.base_url_variable):
            owners.setdefault(variable, set()).add(row.id)

    assert {variable: ids for variable, ids in owners.items() if len(ids) > 1} == {}


def test_the_first_variable_of_a_key_is_the_one_to_set() -> None:
    google, ollama = find_row("google"), find_row("ollama")

    assert google is not None
    assert ollama is not None
    assert (google.key_variable, ollama.key_variable) == ("GEMINI_API_KEY", "")


def test_a_models_own_address_is_one_to_show_a_key_to() -> None:
    rows = {row.id: row for row in list_rows()}
    addresses = {
        own_address(rows[provider], model) for provider, model in catalogue.models() if provider in rows
    }

    assert len(addresses) > 2
    assert all(address.startswith("https://") for address in addresses if address)


def test_a_host_that_an_operator_described_anew_has_none_of_the_catalogues_overrides() -> None:
    row = find_row("opencode")
    assert row is not None

    assert wire_of(replace(row, base_url="http://gate/v1"), "claude-3-5-haiku") == "openai_chat"
    assert own_address(replace(row, wire="anthropic"), "gpt-5") is None


@pytest.mark.parametrize(
    ("name", "dialect"),
    [("moonshotai-cn", "moonshot"), ("zhipuai", "zai"), ("zai-coding-plan", "zai"), ("nebius", "common")],
)
def test_hosts_of_one_vendor_share_its_customs(name: str, dialect: Dialect) -> None:
    row = find_row(name)

    assert row is not None
    assert row.dialect == dialect
