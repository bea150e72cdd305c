"""What the outside hands the verbs: the store, and the ports to models and to addresses that tenants name."""

from __future__ import annotations

from msgspec import Struct

from .domain.ports import ChatModels, Outside
from .store.blobs import Blobs
from .store.database import Database
from .store.sealing import Sealer


class Limits(Struct, frozen=True, kw_only=True):
    """The bounds of a run that the operator may set."""

    history_messages_max: int = 60
    history_tokens_max: int = 24_000
    retry_base_seconds: float = 0.5
    first_token_budget_seconds: float = 60.0


class Adapters(Struct, frozen=True, kw_only=True):
    """One process's connections to the world, made by bootstrap and closed by it."""

    database: Database
    blobs: Blobs
    models: ChatModels
    outside: Outside
    sealer: Sealer
    limits: Limits = Limits()
