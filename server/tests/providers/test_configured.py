"""Providers by configuration: what is taken, what it becomes, and how what cannot be is refused."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backboard_server.domain.errors import Invalid
from backboard_server.providers.configured import FILE, PROVIDERS_MAX, configured_rows, describe
from backboard_server.providers.table import Row, find_row

URL = "http://10.0.0.5:8000/v1"


def _rows(providers: object, folder: Path = Path("/nonexistent")) -> tuple[Row, ...]:
    return configured_rows(None, folder, msgspec.json.encode(providers).decode())


def _row(**entry: Any) -> Row:
    (row,) = _rows({"mycorp": {"base_url": URL} | entry})
    return row


def _known(name: str) -> Row:
    row = find_row(name)
    assert row is not None
    return row


def _refusal(providers: object) -> str:
    with pytest.raises(Invalid) as caught:
        _rows(providers)
    return caught.value.message


def test_without_configuration_there_are_no_rows(tmp_path: Path) -> None:
    assert configured_rows(None, tmp_path, None) == ()
    assert configured_rows(None, tmp_path, "{}") == ()


def test_an_address_alone_is_a_provider_without_a_key() -> None:
    assert _row(base_url=f"{URL}/") == Row(
        id="mycorp",
        label="mycorp",
        base_url=URL,
        base_url_variable="MYCORP_BASE_URL",
        needs_key=False,
        is_at_hand=True,
    )


def test_every_field_finds_its_place() -> None:
    row = _row(
        key_variable="MYCORP_API_KEY",
        wire="anthropic",
        dialect="strict",
        default_model="claude-at-home",
        label="My corp",
        aliases=["corp", "my.corp"],
    )

    assert (row.key_variables, row.needs_key) == (("MYCORP_API_KEY",), True)
    assert (row.wire, row.dialect, row.default_model) == ("anthropic", "strict", "claude-at-home")
    assert (row.label, row.aliases) == ("My corp", ("corp", "my.corp"))


def test_the_file_of_the_data_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f'[providers.mycorp]\nbase_url = "{URL}"\nlabel = "Größe"\n')

    assert configured_rows(None, tmp_path, None) == (_row(label="Größe"),)


def test_another_file_is_read_in_its_place(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("this is not read")
    (tmp_path / "mine.toml").write_text(f'[providers.mycorp]\nbase_url = "{URL}"\n')
    (tmp_path / "link.toml").symlink_to(tmp_path / "mine.toml")

    for name in ("mine.toml", "link.toml"):
        assert configured_rows(tmp_path / name, tmp_path, None) == (_row(),)


def test_the_variable_goes_before_the_file_provider_by_provider(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        f'[providers.mycorp]\nbase_url = "{URL}"\nlabel = "in the file"\n'
        f'[providers.other]\nbase_url = "{URL}"\n'
    )
    variable = f'{{"mycorp": {{"base_url": "{URL}"}}}}'

    rows = configured_rows(None, tmp_path, variable)

    assert [(row.id, row.label) for row in rows] == [("mycorp", "mycorp"), ("other", "other")]


def test_a_provider_of_the_table_is_changed_where_something_is_said_and_stays_the_rest() -> None:
    (changed,) = _rows({"openai": {"base_url": "https://gate.example/v1", "aliases": ["gate"]}})

    assert changed == replace(
        _known("openai"), base_url="https://gate.example/v1", aliases=("gate",), is_at_hand=True
    )


@pytest.mark.parametrize(
    ("name", "entry", "changes"),
    [
        ("openai", {"wire": "openai_chat"}, {"has_responses": False}),
        ("openai", {"key_variable": "CORP_KEY"}, {"key_variables": ("CORP_KEY",)}),
        ("openai", {"key_variable": ""}, {"key_variables": (), "needs_key": False}),
        ("vllm", {"key_variable": "CORP_KEY"}, {"key_variables": ("CORP_KEY",), "needs_key": True}),
        ("ollama", {"default_model": "qwen3"}, {"default_model": "qwen3"}),
        ("anthropic", {"label": "Claude"}, {"label": "Claude"}),
        ("moonshotai", {"default_model": "kimi-k2.5"}, {"default_model": "kimi-k2.5"}),
        ("amazon-bedrock", {"key_variable": "K"}, {"key_variables": ("K",), "credential_variables": ()}),
    ],
)
def test_one_field_changes_one_thing(name: str, entry: dict[str, Any], changes: dict[str, Any]) -> None:
    assert _rows({name: entry}) == (replace(_known(name), **changes),)


def test_a_further_bedrock_is_the_same_account_at_another_address() -> None:
    row = _row(wire="bedrock", base_url="https://vpce.example")

    assert (row.id, row.base_url, row.aliases) == ("mycorp", "https://vpce.example", ())
    assert row.credential_variables == _known("amazon-bedrock").credential_variables
    assert row.needs_key


REFUSED: dict[str, tuple[object, str]] = {
    "no address": ({"mycorp": {}}, "BACKBOARD_PROVIDERS, provider mycorp: base_url is missing."),
    "a key": ({"mycorp": {"base_url": URL, "api_key": "sk-canary"}}, "provider mycorp: api_key is not taken"),
    "a key of ours": ({"openai": {"api_key": "sk-canary"}}, "provider openai: api_key is not taken"),
    "a key as variable": (
        {"mycorp": {"base_url": URL, "key_variable": "sk-canary"}},
        "key_variable is the name of a variable",
    ),
    "an unknown field": (
        {"mycorp": {"base_url": URL, "colour": "red"}},
        "provider mycorp: Object contains unknown field `colour`. Its fields are base_url, key_variable,",
    ),
    "a wrong type": (
        {"mycorp": {"base_url": 8000}},
        "provider mycorp: Expected `str | null`, got `int` - at `$.base_url`",
    ),
    "an unknown wire": (
        {"mycorp": {"base_url": URL, "wire": "smoke"}},
        "Invalid enum value 'smoke' - at `$.wire`",
    ),
    "an unknown dialect": ({"mycorp": {"base_url": URL, "dialect": "bavarian"}}, "at `$.dialect`"),
    "no object": ({"mycorp": URL}, "provider mycorp: Expected `object`, got `str`"),
    "no object at all": ([], "BACKBOARD_PROVIDERS: providers are an object by id"),
    "a blank label": ({"mycorp": {"base_url": URL, "label": " "}}, "label is one line"),
    "a label of lines": ({"mycorp": {"base_url": URL, "label": "a\nb"}}, "label is one line"),
    "an endless model": (
        {"mycorp": {"base_url": URL, "default_model": "x" * 501}},
        "default_model is one line",
    ),
    "capitals": ({"MyCorp": {"base_url": URL}}, "'MyCorp' cannot be a name"),
    "a slash": ({"my/corp": {"base_url": URL}}, "'my/corp' cannot be a name"),
    "no name": ({"": {"base_url": URL}}, "'' cannot be a name"),
    "a long name": ({"x" * 65: {"base_url": URL}}, "cannot be a name"),
    "our own name": ({"local": {"base_url": URL}}, "'local' cannot be a name"),
    "an alias of ours": ({"claude": {"base_url": URL}}, "this is another name of anthropic"),
    "an alias that is ours": (
        {"mycorp": {"base_url": URL, "aliases": ["claude"]}},
        "The alias claude of provider mycorp is already a name of anthropic.",
    ),
    "an alias that is local": (
        {"mycorp": {"base_url": URL, "aliases": ["local"]}},
        "'local' cannot be a name",
    ),
    "an alias twice": (
        {"one": {"base_url": URL, "aliases": ["x"]}, "two": {"base_url": URL, "aliases": ["x"]}},
        "The alias x of provider two is already a name of one.",
    ),
    "an alias of the other's id": (
        {"one": {"base_url": URL, "aliases": ["two"]}, "two": {"base_url": URL}},
        "is already a name of one",
    ),
    "too many": ({f"p{n}": {"base_url": URL} for n in range(PROVIDERS_MAX + 1)}, "200 is the most"),
}


@pytest.mark.parametrize(("providers", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused_with_its_place_its_provider_and_its_field(
    providers: object, sentence: str
) -> None:
    message = _refusal(providers)

    assert sentence in message
    assert "canary" not in message


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "10.0.0.5:8000",
        "ftp://host/v1",
        "http://",
        "http:///v1",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://[::1/v1",
        "http://host/v1?key=canary",
        "http://host/v1#canary",
        "http://me:canary@host/v1",
        "http://canary@host/v1",
        "http://host/ v1",
        "http://host/\x00",
        "http://host/$",
        "http://${host/v1",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_shown(base_url: str) -> None:
    message = _refusal({"mycorp": {"base_url": base_url}})

    assert "provider mycorp: base_url " in message
    assert "canary" not in message


@pytest.mark.parametrize(
    "base_url",
    ["https://host", "http://[::1]:8000/v1", "https://${REGION}.host:${PORT}/v1", "http://häuser.example/v1"],
)
def test_an_address_may_have_variables_ports_and_any_letters(base_url: str) -> None:
    assert _row(base_url=base_url).base_url == base_url


@pytest.mark.parametrize("variable", ["{", "nonsense", "[" * 100_000, "\ud800", '"text"', "null", "[]"])
def test_a_variable_that_holds_something_else_is_refused(tmp_path: Path, variable: str) -> None:
    with pytest.raises(Invalid, match="BACKBOARD_PROVIDERS"):
        configured_rows(None, tmp_path, variable)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[providers.mycorp]\nbase_url = oops", r"is no TOML: Invalid value \(at line 2, column 12\)"),
        (b"\xff\xfe", "is no TOML"),
        (b"providers = 1", "providers are an object by id"),
        (b"[provider.mycorp]", "provider is not known"),
        (b'api_key = "sk-canary"', "api_key is not known"),
        (b"[providers.mycorp]\nbase_url = 1", "provider mycorp: Expected .str"),
        (b"[providers.mycorp]\nbase_url = 2026-01-01", "provider mycorp: Expected .str"),
        (b"a = " + b"[" * 50_000, "is no TOML"),
        (b"#" * 1_000_001, "longer than 1,000,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(Invalid, match=sentence) as caught:
        configured_rows(None, tmp_path, None)

    assert str(tmp_path / FILE) in caught.value.message
    assert "canary" not in caught.value.message


def test_a_file_that_is_named_and_not_there_is_missed(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"BACKBOARD_CONFIG names .*there is no such file"):
        configured_rows(tmp_path / "mine.toml", tmp_path, None)


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()

    with pytest.raises(Invalid, match="cannot be read"):
        configured_rows(None, tmp_path, None)


def test_in_the_data_folder_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("")
    (tmp_path / FILE).symlink_to(tmp_path / "mine.toml")

    with pytest.raises(Invalid, match="cannot be read"):
        configured_rows(None, tmp_path, None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another account")
def test_in_the_data_folder_a_file_of_another_account_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f'[providers.openai]\nbase_url = "{URL}"\n')
    os.chown(tmp_path / FILE, 65534, 65534)

    with pytest.raises(Invalid, match="belongs to another account"):
        configured_rows(None, tmp_path, None)
    assert configured_rows(tmp_path / FILE, tmp_path, None)


def test_a_row_is_described_without_its_key() -> None:
    row = _row(key_variable="MYCORP_API_KEY")

    told = describe(row, {"MYCORP_API_KEY": "sk-canary"})

    assert told == f"{URL} speaks openai_chat, with the key in MYCORP_API_KEY."
    assert describe(_row(), {}) == f"{URL} speaks openai_chat, without a key."
    with pytest.raises(Invalid, match="set MYCORP_API_KEY"):
        describe(row, {})


VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.text() | st.lists(st.text(), max_size=2)
ENTRIES = st.dictionaries(
    st.sampled_from(["base_url", "key_variable", "wire", "dialect", "label", "aliases", "api_key", "x"]),
    VALUES,
)


@given(
    st.dictionaries(st.text() | st.sampled_from(["openai", "mycorp", "claude"]), ENTRIES | VALUES, max_size=3)
)
def test_anything_is_rows_or_a_sentence(providers: dict[str, Any]) -> None:
    with suppress(Invalid):
        assert [row.id for row in _rows(providers)] == list(providers)
