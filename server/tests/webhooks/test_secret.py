"""Secrets of webhooks: long, sealed, and bound to the webhook that they are of."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from uuid import uuid4

import pytest

from backboard_server.domain.errors import Invalid
from backboard_server.store.sealing import Sealer
from backboard_server.webhooks.secret import make_secret, open_secret, seal_secret

SEALER = Sealer(["a secret that nobody would ever guess"], Path("/nowhere"))


def test_a_secret_is_as_long_as_the_scheme_asks_for_and_never_the_same() -> None:
    first, second = make_secret(), make_secret()

    assert first.startswith("whsec_")
    assert len(b64decode(first.removeprefix("whsec_"))) == 32
    assert first != second


def test_a_sealed_secret_opens_for_its_webhook_alone() -> None:
    tenant_id, webhook_id = uuid4(), uuid4()
    sealed = seal_secret(SEALER, tenant_id, webhook_id, "whsec_canary")

    assert b"canary" not in sealed
    assert open_secret(SEALER, tenant_id, webhook_id, sealed).reveal() == "whsec_canary"
    for tenant, webhook in ((tenant_id, uuid4()), (uuid4(), webhook_id)):
        with pytest.raises(Invalid, match="create it again"):
            open_secret(SEALER, tenant, webhook, sealed)
