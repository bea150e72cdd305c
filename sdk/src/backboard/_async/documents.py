"""The methods of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from backboard._answers import parse, parse_dict, parse_list
from backboard._requests import Id, Request, path
from backboard._uploads import uploads_of
from backboard.models.documents import Document, DocumentDeleted

if TYPE_CHECKING:
    from backboard._options import Timeout
    from backboard._uploads import UploadFile

    from .transport import Transport


class DocumentMethods:
    """Give documents to assistants and threads, follow them, and take them away."""

    _transport: Transport

    async def upload_document_to_assistant(
        self,
        assistant_id: Id,
        file_path: UploadFile,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
    ) -> Document:
        """Give a document to all threads of an assistant: a path, an open file, or (filename, bytes)."""
        target = path("assistants", assistant_id, "documents")
        request = Request("POST", target, uploads=uploads_of("file", file_path))
        return parse(Document, await self._transport.fetch(request.under(idempotency_key), timeout))

    async def upload_document_to_thread(
        self,
        thread_id: Id,
        file_path: UploadFile,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
    ) -> Document:
        """Give a document to one thread: a path, an open file, or (filename, bytes)."""
        request = Request(
            "POST", path("threads", thread_id, "documents"), uploads=uploads_of("file", file_path)
        )
        return parse(Document, await self._transport.fetch(request.under(idempotency_key), timeout))

    async def list_assistant_documents(self, assistant_id: Id, *, timeout: Timeout = None) -> list[Document]:
        """Return the documents of an assistant, without those of its threads."""
        request = Request("GET", path("assistants", assistant_id, "documents"))
        return parse_list(Document, await self._transport.fetch(request, timeout))

    async def list_thread_documents(self, thread_id: Id, *, timeout: Timeout = None) -> list[Document]:
        """Return the documents of a thread."""
        request = Request("GET", path("threads", thread_id, "documents"))
        return parse_list(Document, await self._transport.fetch(request, timeout))

    async def get_document_status(self, document_id: Id, *, timeout: Timeout = None) -> Document:
        """Return how far a document has come; it can be searched once its status is `indexed`."""
        request = Request("GET", path("documents", document_id, "status"))
        return parse(Document, await self._transport.fetch(request, timeout))

    async def delete_document(self, document_id: Id, *, timeout: Timeout = None) -> DocumentDeleted:
        """Delete a document, whichever assistant, thread or message it belongs to."""
        request = Request("DELETE", path("documents", document_id))
        return cast("DocumentDeleted", parse_dict(await self._transport.fetch(request, timeout)))
