"""Every environment variable that the server itself reads, in one frozen class.

The keys and base URLs of providers are not here: the provider table names those, one pair for each row.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backboard_server.domain.errors import Invalid

PREFIX = "BACKBOARD_"
PORT_MAX = 65_535
WEB_PROCESSES_MAX = 64
SECRET_KEY_CHARACTERS_MIN = 32


def default_data_dir() -> Path:
    """Return where state is kept unless told otherwise: root has its place, and others their homes.

    Raises Invalid for an account without a home, such as a bare number in a container.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/backboard")
    try:
        home = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()
    except RuntimeError as error:
        raise Invalid(
            "This account has no home folder to keep data in: name a data folder with --data-dir or "
            "BACKBOARD_DATA_DIR."
        ) from error
    return home / "backboard"


class Settings(BaseSettings):
    """What the operator decides. Each field is the variable of its name with `BACKBOARD_` before it.

    Raises pydantic's ValidationError for a value that cannot be. A variable that is empty counts as unset.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    api_key: str | None = Field(
        default=None,
        min_length=1,
        repr=False,
        description="A key of the tenant `default`, valid while the variable has this value. "
        "Without it the first start makes a key and prints it once.",
    )
    secret_key: str | None = Field(
        default=None,
        repr=False,
        description="The secret that seals tenants' keys of providers: any text of 32 characters or more. "
        "Of several, separated by commas, the first seals and all open. "
        "Without it, the file `sealing.key` of the data folder.",
    )
    database_url: str | None = Field(
        default=None,
        repr=False,
        description="An external Postgres 15 or later with pgvector 0.8 or later, as `postgresql://…`. "
        "Without it the embedded one runs.",
    )
    blob_url: str | None = Field(
        default=None,
        description="Where files are kept: `s3://…`, `gs://…`, `az://…` or `file://…`. "
        "Without it, the folder `blobs` of the data folder.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="The data folder: the embedded Postgres, files, secrets. "
        "As root `/var/lib/backboard`, else `$XDG_DATA_HOME/backboard` or `~/.local/share/backboard`.",
    )
    config: Path | None = Field(
        default=None,
        description="The file with providers of your own. "
        "Without it, `backboard.toml` in the data folder, if there is one.",
    )
    providers: str | None = Field(
        default=None,
        description="Providers of your own as a JSON object by id. It goes before the file.",
    )
    host: str = Field(
        default="127.0.0.1", description="The address to listen on. `0.0.0.0` is every IPv4 address."
    )
    port: int = Field(
        default=8000, ge=0, le=PORT_MAX, description="The port to listen on; 0 takes a free one."
    )
    workers: int = Field(
        default=1, ge=1, le=WEB_PROCESSES_MAX, description="How many web processes share the port."
    )
    postgres_account: str | None = Field(
        default=None,
        description="As root: the existing system account that a new embedded Postgres runs as. "
        "Without it `postgres` where there is one, else `nobody`.",
    )
    log_format: Literal["text", "json"] = Field(default="text", description="How a line of the log looks.")
    drain_seconds: float = Field(
        default=30.0, ge=0, description="How long runs may go on when the server is told to stop."
    )
    history_messages_max: int = Field(
        default=60, ge=1, description="How many earlier messages of a thread a model is shown at most."
    )
    history_tokens_max: int = Field(
        default=24_000, ge=1, description="How many tokens of earlier messages a model is shown at most."
    )
    run_log_hours: float = Field(
        default=24.0,
        ge=0,
        description="How long the events of a run that is over can be read again, in hours.",
    )
    llm_provider: str | None = Field(
        default=None,
        description="The provider where a request names none. "
        "Without it the first that has a key, else an Ollama on this machine, else `local`.",
    )
    model_name: str | None = Field(
        default=None,
        description="The model where a request names none. Without it the provider's own default.",
    )
    provider_connect_timeout_seconds: float = Field(
        default=5.0, gt=0, description="How long a provider may take to accept a connection."
    )
    provider_first_byte_timeout_seconds: float = Field(
        default=60.0, gt=0, description="How long a provider may take to begin its answer."
    )
    provider_whole_answer_timeout_seconds: float = Field(
        default=120.0,
        gt=0,
        description="How long a provider may take for an answer that is not streamed.",
    )
    provider_between_chunks_timeout_seconds: float = Field(
        default=30.0, gt=0, description="How long a provider may fall silent in the middle of its answer."
    )
    provider_thinking_factor: float = Field(
        default=10.0,
        ge=1,
        description="How many times as long a model that thinks may be silent, as it says nothing meanwhile.",
    )
    provider_circuit_open_seconds: float = Field(
        default=10.0,
        ge=0,
        description="How long a model of a provider that failed too often is not asked; 0 asks it always.",
    )
    retry_base_seconds: float = Field(
        default=0.5,
        ge=0,
        description="The pause before a failed call of a provider is tried again; it doubles.",
    )
    egress_allow: str | None = Field(
        default=None,
        description="Hosts, IP addresses and networks, separated by commas, that tenants may name although "
        "they are private, and ask over plain http too. "
        "Without it webhooks and MCP servers are on the internet and speak https.",
    )
    body_bytes_max: int = Field(
        default=110_000_000, ge=1, description="How long the body of a request may be, in bytes."
    )

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The texts in `secret_key`, the one that seals first; none where the data folder has the secret."""
        return tuple(text.strip() for text in self.secret_key.split(",")) if self.secret_key else ()

    @field_validator("secret_key")
    @classmethod
    def _is_hard_to_guess(cls, value: str | None) -> str | None:
        if value and any(len(text.strip()) < SECRET_KEY_CHARACTERS_MIN for text in value.split(",")):
            raise ValueError(
                f"each secret has at least {SECRET_KEY_CHARACTERS_MIN} characters; commas separate several"
            )
        return value
