"""Hosts: where a provider is, which key it is shown, and what nobody else is ever shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backboard_server.domain.errors import Invalid
from backboard_server.domain.keys import Secret
from backboard_server.providers._hosts import Host, is_configured, resolve
from backboard_server.providers.table import Row, find_row

AWS = {
    "AWS_ACCESS_KEY_ID": "AKIA-id",
    "AWS_SECRET_ACCESS_KEY": "aws-secret",
    "AWS_SESSION_TOKEN": "aws-session",
    "AWS_REGION": "eu-central-1",
}


def _row(name: str) -> Row:
    row = find_row(name)
    assert row is not None
    return row


def test_a_host_has_the_rows_address_unless_the_environment_names_another() -> None:
    ours = resolve(_row("openai"), {"OPENAI_API_KEY": "k"})
    theirs = resolve(_row("openai"), {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://localhost:9/v1/"})

    assert ours.base_url == "https://api.openai.com/v1"
    assert theirs.base_url == "http://localhost:9/v1"


@pytest.mark.parametrize("key", ["", "  "])
def test_a_missing_key_is_refused_with_its_variable_and_the_ways_out(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        resolve(_row("openai"), {"OPENAI_API_KEY": key})

    assert caught.value.error_code == "provider_not_configured"
    assert caught.value.message == (
        "openai needs more to be called: set OPENAI_API_KEY and restart, or use "
        'llm_provider="local", which needs none. '
        "A tenant may also give its own with PUT /provider-keys/openai."
    )


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"GEMINI_API_KEY": "first", "GOOGLE_API_KEY": "second"}, "first"),
        ({"GEMINI_API_KEY": " ", "GOOGLE_API_KEY": " second "}, "second"),
        ({"GOOGLE_GENERATIVE_AI_API_KEY": "third"}, "third"),
    ],
)
def test_of_several_variables_the_first_that_is_set_is_the_key(environment: dict[str, str], key: str) -> None:
    assert resolve(_row("google"), environment).key == key
    assert is_configured(_row("google"), environment)


def test_credentials_stand_for_a_key_if_the_required_ones_are_there() -> None:
    row = _row("amazon-bedrock")
    host = resolve(row, AWS)

    assert (host.key, host.has_key, host.has_credentials) == ("", False, True)
    assert host.settings == AWS
    assert host.base_url == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert host.key_place == "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    assert is_configured(row, AWS)


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_half_of_the_credentials_are_none(missing: str) -> None:
    environment = AWS | {missing: ""}

    assert not is_configured(_row("amazon-bedrock"), environment)
    with pytest.raises(Invalid, match="set AWS_BEARER_TOKEN_BEDROCK"):
        resolve(_row("amazon-bedrock"), environment)


def test_credentials_without_a_session_and_a_region_are_enough() -> None:
    required = {name: AWS[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}

    assert resolve(_row("bedrock"), required).settings == required | {"AWS_REGION": "us-east-1"}


def test_a_tenants_key_goes_before_all_that_the_server_has() -> None:
    environment = AWS | {"AWS_BEARER_TOKEN_BEDROCK": "the server's"}

    host = resolve(_row("bedrock"), environment, Secret("the tenant's"))

    assert (host.key, host.is_tenants_key, host.has_credentials) == ("the tenant's", True, False)
    assert host.settings == {"AWS_REGION": "eu-central-1"}
    assert host.key_place == "your own key for amazon-bedrock"


def test_a_tenants_key_is_enough_where_the_server_has_none_and_where_none_is_needed() -> None:
    assert resolve(_row("openai"), {}, Secret("own")).key == "own"
    assert resolve(_row("ollama"), {}, Secret("own")).key == "own"


def test_a_host_without_a_variable_for_its_key_is_sent_none() -> None:
    assert not resolve(_row("ollama"), {"OLLAMA_API_KEY": "of ollama.com"}).has_key


def test_an_address_with_a_variable_in_it_is_completed_or_refused() -> None:
    row = _row("cloudflare-workers-ai")

    host = resolve(row, {"CLOUDFLARE_API_KEY": "k", "CLOUDFLARE_ACCOUNT_ID": " me "})

    assert host.base_url == "https://api.cloudflare.com/client/v4/accounts/me/ai/v1"
    for environment in ({}, {"CLOUDFLARE_ACCOUNT_ID": " "}):
        with pytest.raises(Invalid, match="set CLOUDFLARE_ACCOUNT_ID"):
            resolve(row, {"CLOUDFLARE_API_KEY": "k"} | environment)


def test_an_address_of_the_environment_may_hold_variables_as_well() -> None:
    environment = {
        "OPENAI_API_KEY": "k",
        "OPENAI_BASE_URL": "https://${GATEWAY}/v1",
        "GATEWAY": "gate.example",
    }

    assert resolve(_row("openai"), environment).base_url == "https://gate.example/v1"


@pytest.mark.parametrize("base_url", ["https://host/$", "https://host/${", "https://host/$1"])
def test_a_dollar_that_begins_no_variable_is_refused(base_url: str) -> None:
    with pytest.raises(Invalid, match="see to OPENAI_BASE_URL"):
        resolve(_row("openai"), {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": base_url})


def test_a_host_without_a_default_address_must_be_given_one() -> None:
    with pytest.raises(Invalid, match="set VLLM_BASE_URL"):
        resolve(_row("vllm"), {})

    assert resolve(_row("vllm"), {"VLLM_BASE_URL": "http://gpu:8001/v1"}).base_url == "http://gpu:8001/v1"


def test_the_key_is_in_no_representation() -> None:
    host = resolve(_row("openai"), {"OPENAI_API_KEY": "sk-secret"})

    assert "sk-secret" not in f"{host!r} {host!s} {[host]}"
    assert host.scrub("your key sk-secret is wrong") == "your key … is wrong"


def test_every_credential_is_scrubbed() -> None:
    host = resolve(_row("bedrock"), AWS)

    assert host.scrub("AKIA-id aws-secret aws-session us-east-1") == "… … … us-east-1"


def test_a_password_in_an_address_is_shown_to_nobody() -> None:
    environment = {"OPENAI_API_KEY": "k-1", "OPENAI_BASE_URL": "http://me:hush@gate.example:8443/@me/v1"}
    host = resolve(_row("openai"), environment)

    assert host.base_url == "http://me:hush@gate.example:8443/@me/v1"
    assert host.shown_url == "http://gate.example:8443/@me/v1"
    assert "hush" not in repr(host) + host.scrub("http://me:hush@gate.example/")


@given(base_url=st.text() | st.from_regex(r"https?://[^/]*@[^/]*/.*"))
def test_no_address_is_so_odd_that_it_cannot_be_shown(base_url: str) -> None:
    host = Host(_row("openai"), base_url, "key")

    assert "key" not in host.scrub("key")
    assert isinstance(host.shown_url, str)


SECRETS = st.text("ab", min_size=1, max_size=4)


@given(key=SECRETS, credential=SECRETS, around=st.text("xyz…"))
def test_no_part_of_a_secret_is_left_even_if_one_holds_another(
    key: str, credential: str, around: str
) -> None:
    host = Host(_row("bedrock"), "https://host", key, {"AWS_SECRET_ACCESS_KEY": credential})

    scrubbed = host.scrub(f"{around}{key}{around}{credential}{around}" if around else key)

    assert not set(scrubbed) & set("ab")


def test_configured_is_what_has_its_key_or_where_it_needs_none_its_address() -> None:
    assert is_configured(_row("openai"), {"OPENAI_API_KEY": "k"})
    assert not is_configured(_row("openai"), {"OPENAI_BASE_URL": "http://localhost:9"})
    assert is_configured(_row("ollama"), {"OLLAMA_BASE_URL": "http://gpu:11434/v1"})
    assert not is_configured(_row("ollama"), {})


def test_a_host_without_a_key_is_configured_where_the_operator_named_it() -> None:
    own = Row(
        id="own", label="Own", base_url="http://gpu/v1", base_url_variable="OWN_BASE_URL", needs_key=False
    )

    assert not is_configured(own, {})
    assert is_configured(replace(own, is_at_hand=True), {})


@pytest.mark.parametrize(
    ("environment", "base_url"),
    [
        ({"AZURE_RESOURCE_NAME": "mine"}, "https://mine.openai.azure.com/openai/v1"),
        ({"AZURE_OPENAI_ENDPOINT": "https://mine.example/"}, "https://mine.example/openai/v1"),
        ({"AZURE_OPENAI_ENDPOINT": "https://mine.example/openai/v1/"}, "https://mine.example/openai/v1"),
        (
            {"AZURE_OPENAI_ENDPOINT": "https://mine.example", "AZURE_OPENAI_BASE_URL": "http://gate/v1"},
            "http://gate/v1",
        ),
    ],
)
def test_azure_is_found_by_its_resource_or_by_either_address(
    environment: dict[str, str], base_url: str
) -> None:
    assert resolve(_row("azure"), {"AZURE_OPENAI_API_KEY": "k", **environment}).base_url == base_url


def test_azure_without_any_of_them_is_not_configured() -> None:
    with pytest.raises(Invalid, match="AZURE_RESOURCE_NAME"):
        _ = resolve(_row("azure"), {"AZURE_OPENAI_API_KEY": "k"})


@pytest.mark.parametrize(
    ("name", "key", "header"),
    [
        ("openai", "k", {"Authorization": "Bearer k"}),
        ("azure", "k", {"api-key": "k"}),
        ("ollama", "", {}),
    ],
)
def test_a_key_is_shown_in_the_header_of_its_host(name: str, key: str, header: dict[str, str]) -> None:
    assert Host(_row(name), "http://localhost:9", key).authorization() == header


@pytest.mark.parametrize(
    ("provider", "key", "variable"),
    [
        ("google", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
        ("amazon-bedrock", "AWS_BEARER_TOKEN_BEDROCK", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
    ],
)
def test_the_vendors_own_variables_for_an_address_are_heeded(provider: str, key: str, variable: str) -> None:
    environment = {key: "k", variable: "http://gate.example/"}

    assert resolve(_row(provider), environment).base_url == "http://gate.example"
