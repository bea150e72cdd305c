"""The client: one connection to a Backboard server, with every method of the API on it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Mapping

from typing_extensions import Self

from backboard._options import RETRIES_DEFAULT, Timeout, resolve

from .assistants import AssistantMethods
from .documents import DocumentMethods
from .memories import MemoryMethods
from .messages import MessageMethods
from .models import ModelMethods
from .provider_keys import ProviderKeyMethods
from .runs import RunMethods
from .threads import ThreadMethods
from .tool_runner import ToolRunnerMethods
from .usage import UsageMethods
from .webhooks import WebhookMethods

if TYPE_CHECKING:
    import httpx


class BackboardClient(
    AssistantMethods,
    ThreadMethods,
    MessageMethods,
    RunMethods,
    ToolRunnerMethods,
    ModelMethods,
    MemoryMethods,
    DocumentMethods,
    ProviderKeyMethods,
    UsageMethods,
    WebhookMethods,
):
    """A client of the Backboard API. Use it as a context manager, or call `aclose` when done.

    `api_key` is read from BACKBOARD_API_KEY where it is left out, and `base_url` from BACKBOARD_BASE_URL,
    else it is that of a local server. `timeout` is in seconds and bounds each silence: 600 by default, and 5
    to connect; every method takes its own. A call that fails for now is made again, up to `max_retries`
    times: nothing happens twice by it, as all attempts of a POST carry one Idempotency-Key. A stream that
    breaks off is taken up again by itself.

    `http_client` brings connections of your own, such as through a proxy; closing them stays yours.
    `default_headers` go with every request. Raises BackboardConfigurationError where the key is missing.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout: Timeout = None,
        *,
        max_retries: int = RETRIES_DEFAULT,
        http_client: httpx.AsyncClient | None = None,
        default_headers: Mapping[str, str] | None = None,
    ) -> None:
        from .transport import Transport  # brings httpx, the slowest import of all: paid by those who connect

        options = resolve(api_key, base_url, timeout, max_retries, default_headers)
        self._transport = Transport(options, http_client)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self._transport.aclose()
