"""The files that a model is shown."""

from __future__ import annotations

import io
from uuid import UUID

from backboard_server.adapters import Adapters
from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import Media, ModelChoice, Prompt, PromptMessage
from backboard_server.runs.attachments import with_files
from backboard_server.runs.context import Context, ShownFile


class Upload(io.BytesIO):
    async def read(self, size: int = -1) -> bytes:  # type: ignore[override] - an upload is read by awaiting
        return super().read(size)


async def stored(adapters: Adapters, content: bytes, tenant_id: UUID) -> str:
    return await adapters.blobs.put(tenant_id, Upload(content))


def shown(index: int, blob_key: str, filename: str = "a.png") -> ShownFile:
    return ShownFile(index=index, blob_key=blob_key, filename=filename, media_type="image/png", kind="image")


def context(*files: ShownFile) -> Context:
    look, nice = PromptMessage("user", "Look."), PromptMessage("assistant", "Nice.")
    messages = (look, nice, PromptMessage("user", ""))
    return Context(Prompt(choice=ModelChoice("openai", "gpt-x"), messages=messages), 1, 0, files)


async def test_each_file_is_shown_with_its_message(adapters: Adapters) -> None:
    first, second = [await stored(adapters, content, new_id()) for content in (b"one", b"two")]

    prompt = await with_files(adapters, context(shown(2, second), shown(0, first)))

    assert [[media.content for media in message.media] for message in prompt.messages] == [
        [b"one"],
        [],
        [b"two"],
    ]
    assert prompt.messages[0].media == (
        Media(kind="image", media_type="image/png", filename="a.png", content=b"one"),
    )


async def test_a_file_that_is_gone_is_named_and_the_run_goes_on(adapters: Adapters) -> None:
    prompt = await with_files(adapters, context(shown(2, "gone", "lost.png")))

    assert prompt.messages[2].content.strip() == "[Files attached, which cannot be read: lost.png]"
    assert prompt.messages[2].media == ()


async def test_without_files_the_prompt_is_as_it_was(adapters: Adapters) -> None:
    bare = context()

    assert await with_files(adapters, bare) is bare.prompt
