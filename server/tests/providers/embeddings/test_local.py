"""The local embedder as it runs: the real model in its real process, and all that may happen to that."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import stat
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from backboard_server.domain.errors import Unavailable
from backboard_server.domain.ports import Embedder
from backboard_server.providers.embeddings import LocalEmbedder
from backboard_server.providers.embeddings.local import ATTEMPTS_MAX, CONNECTIONS_MAX
from backboard_server.providers.embeddings.minilm.folder import LOCK, LOG, SOCKET, EmbedderFolder
from backboard_server.providers.embeddings.minilm.frames import TEXTS_MAX, Vectors, framed, read_frame
from backboard_server.providers.embeddings.minilm.model import load_model
from backboard_server.providers.embeddings.minilm.serving import Serving
from vector_numbers import cosine, numbers_of
from waiting import wait_until

TALE = "The river rises in the hills and runs to the sea. " * 8


def _another(data_dir: Path, idle_seconds: float = 60.0) -> aclosing[LocalEmbedder]:
    return aclosing(LocalEmbedder(data_dir, idle_seconds=idle_seconds))


def _process(data_dir: Path) -> int:
    return int((data_dir / "embedder" / LOCK).read_text())


def _serving(data_dir: Path) -> int:
    """The process that listens; none yet while there is no socket."""
    lock, socket = data_dir / "embedder" / LOCK, data_dir / "embedder" / SOCKET
    return int(lock.read_text().strip() or 0) if socket.exists() else 0


def _has_ended(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


async def _has_answered(embedder: LocalEmbedder) -> bool:
    return len((await embedder.embed(["one"])).vectors) == 1


async def test_similarities_are_those_that_sentence_transformers_prints(local: LocalEmbedder) -> None:
    port: Embedder = local

    # The example of sbert.net, with the figures that it gives.
    embeddings = await port.embed(
        ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    )

    weather, sun, stadium = embeddings.vectors
    assert cosine(weather, sun) == pytest.approx(0.6660, abs=5e-5)
    assert cosine(weather, stadium) == pytest.approx(0.1046, abs=5e-5)
    assert cosine(sun, stadium) == pytest.approx(0.1411, abs=5e-5)
    assert embeddings.input_tokens == 25
    assert (port.identity, port.dimensions) == ("local/all-MiniLM-L6-v2/384", len(numbers_of(weather)))


@pytest.mark.parametrize(
    ("text", "paraphrase", "unrelated"),
    [
        ("My dog is called Rex.", "The user has a dog named Rex.", "The train leaves at nine."),
        ("I am allergic to peanuts.", "Peanuts make me ill.", "I like to play chess."),
        ("How do I reset my password?", "I forgot my login credentials.", "What is the capital of Peru?"),
    ],
)
async def test_a_paraphrase_is_closer_than_what_is_unrelated(
    local: LocalEmbedder, text: str, paraphrase: str, unrelated: str
) -> None:
    own, like, unlike = (await local.embed([text, paraphrase, unrelated])).vectors

    assert cosine(own, like) > cosine(own, unlike) + 0.2


async def test_a_text_has_the_same_vector_alone_and_in_any_company(local: LocalEmbedder) -> None:
    texts = ["one", "", "a somewhat longer text", TALE, "日本語のテキスト", "😀"]

    together = (await local.embed(texts)).vectors
    again = (await local.embed(texts)).vectors
    alone = [(await local.embed([text])).vectors[0] for text in texts]

    assert together == again
    for one, other in zip(together, alone, strict=True):
        assert numbers_of(one) == pytest.approx(numbers_of(other), abs=1e-5)
        assert math.hypot(*numbers_of(one)) == pytest.approx(1, abs=1e-5)


async def test_a_text_that_is_too_long_counts_by_its_beginning(local: LocalEmbedder) -> None:
    long = await local.embed([TALE * 10, TALE * 1_000])

    assert numbers_of(long.vectors[0]) == pytest.approx(numbers_of(long.vectors[1]), abs=1e-5)
    assert long.input_tokens == 2 * 256


async def test_more_texts_than_fit_into_a_frame_come_back_in_order(local: LocalEmbedder) -> None:
    texts = [f"number {number}" for number in range(TEXTS_MAX + 3)]

    vectors = (await local.embed(texts)).vectors

    last = (await local.embed([texts[-1]])).vectors[0]
    assert len(vectors) == len(texts)
    assert cosine(vectors[-1], last) == pytest.approx(1, abs=1e-5)


async def test_no_text_starts_no_process(local: LocalEmbedder, data_dir: Path) -> None:
    assert (await local.embed([])).vectors == ()
    assert not await asyncio.to_thread(data_dir.exists)


async def test_half_a_character_is_embedded_as_a_question_mark(local: LocalEmbedder) -> None:
    half, mark = (await local.embed(["why \ud83d", "why ?"])).vectors

    assert numbers_of(half) == pytest.approx(numbers_of(mark), abs=1e-5)


async def test_two_clients_that_start_at_once_share_one_process(data_dir: Path) -> None:
    async with _another(data_dir) as one, _another(data_dir) as other:
        answers = await asyncio.gather(
            *(client.embed([f"{number}", TALE]) for number in range(6) for client in (one, other))
        )
        process = _process(data_dir)
        await asyncio.gather(one.embed(["again"]), other.embed(["again"]))

        assert _process(data_dir) == process
        assert all(cosine(answer.vectors[1], answers[0].vectors[1]) > 0.9999 for answer in answers)


async def test_a_question_is_not_held_up_by_anothers_long_list(data_dir: Path, local: LocalEmbedder) -> None:
    await local.embed(["one"])
    async with _another(data_dir) as indexer:
        indexing = asyncio.create_task(indexer.embed([TALE] * TEXTS_MAX))
        await asyncio.wait([indexing], timeout=0.1)
        await local.embed(["What does the user drink?"])

        assert not indexing.done()
        assert len((await indexing).vectors) == TEXTS_MAX


async def test_a_client_has_a_few_connections_however_much_it_asks_at_once(
    data_dir: Path, local: LocalEmbedder
) -> None:
    made = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        with suppress(EOFError):
            while await read_frame(reader):
                writer.write(framed(Vectors((b"1234",), 1)))
        writer.close()

    folder = EmbedderFolder(data_dir)
    async with await asyncio.start_unix_server(answer, folder.socket):
        await asyncio.gather(*(local.embed(["one"]) for _ in range(3 * CONNECTIONS_MAX)))
        await local.aclose()
    folder.close()

    assert made == CONNECTIONS_MAX


async def test_the_socket_is_for_this_account_alone(data_dir: Path, local: LocalEmbedder) -> None:
    await local.embed(["one"])

    folder = data_dir / "embedder"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / SOCKET).stat().st_mode) == 0o600


async def test_a_folder_may_lie_deeper_than_a_socket_may(tmp_path: Path) -> None:
    async with _another(tmp_path / "/".join(["deep" * 10] * 5)) as embedder:
        assert await _has_answered(embedder)


async def test_a_killed_process_comes_back(data_dir: Path, local: LocalEmbedder) -> None:
    await asyncio.gather(*(local.embed(["one"]) for _ in range(4)))
    process = _process(data_dir)

    os.kill(process, signal.SIGKILL)

    assert await _has_answered(local)
    assert _process(data_dir) != process


async def test_a_request_whose_process_is_killed_is_asked_again(data_dir: Path, local: LocalEmbedder) -> None:
    await local.embed(["one"])
    asking = asyncio.create_task(local.embed([TALE] * TEXTS_MAX))
    await asyncio.wait([asking], timeout=0.1)

    os.kill(_process(data_dir), signal.SIGKILL)

    assert len((await asking).vectors) == TEXTS_MAX


async def test_a_process_that_always_ends_under_a_request_is_given_up(
    data_dir: Path, local: LocalEmbedder
) -> None:
    asking = asyncio.create_task(local.embed([TALE * 4] * TEXTS_MAX))
    ended = {0}
    while not asking.done():
        await wait_until(lambda: asking.done() or _serving(data_dir) not in ended)
        await asyncio.wait([asking], timeout=0.5)
        if not asking.done():
            ended.add(_serving(data_dir))
            os.kill(_serving(data_dir), signal.SIGKILL)

    assert len(ended - {0}) <= ATTEMPTS_MAX
    with pytest.raises(Unavailable, match=f"3 times.*{LOG}"):
        await asking


async def test_a_request_that_is_given_up_leaves_the_next_one_in_order(local: LocalEmbedder) -> None:
    await local.embed(["one"])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await local.embed([TALE] * TEXTS_MAX)

    near, far = (await local.embed(["a small cat", "a small cat"])).vectors
    assert cosine(near, far) == pytest.approx(1, abs=1e-5)


async def test_a_process_that_does_not_answer_is_waited_for_no_longer_than_said(
    data_dir: Path, local: LocalEmbedder
) -> None:
    await local.embed(["one"])
    async with aclosing(LocalEmbedder(data_dir, wait_seconds=0.3)) as impatient:
        os.kill(_process(data_dir), signal.SIGSTOP)
        try:
            with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
                await impatient.embed(["one"])
        finally:
            os.kill(_process(data_dir), signal.SIGCONT)

    assert await _has_answered(local)


async def test_the_process_ends_when_nobody_asks_and_comes_back_when_somebody_does(data_dir: Path) -> None:
    async with _another(data_dir, idle_seconds=0.3) as embedder:
        await embedder.embed(["one"])
        process = _process(data_dir)

        await wait_until(lambda: _has_ended(process))

        assert await _has_answered(embedder)


async def test_the_process_ends_when_its_last_client_is_gone(data_dir: Path) -> None:
    async with _another(data_dir, idle_seconds=600) as embedder:
        await embedder.embed(["one"])
        process = _process(data_dir)

    await wait_until(lambda: _has_ended(process))


async def test_a_process_whose_socket_was_removed_makes_way_for_another(
    data_dir: Path, local: LocalEmbedder
) -> None:
    await local.embed(["one"])
    process = _process(data_dir)

    (data_dir / "embedder" / SOCKET).unlink()
    await wait_until(lambda: _has_ended(process))

    assert await _has_answered(local)


async def test_a_python_that_does_not_start_is_told_with_the_place_of_its_words(
    data_dir: Path, local: LocalEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")

    with pytest.raises(Unavailable, match=r"does not start\. See .*embedder\.log"):
        await local.embed(["one"])

    assert (data_dir / "embedder" / LOG).read_text()


async def test_other_weights_are_refused_and_named(
    data_dir: Path, tmp_path: Path, local: LocalEmbedder
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    (tmp_path / "tokenizer.json").write_bytes(b"{}")
    folder = EmbedderFolder(data_dir)
    serving = asyncio.create_task(Serving(lambda: load_model(tmp_path)).run(folder.socket))
    try:
        with pytest.raises(
            Unavailable, match=r"cannot be loaded: .* SHA-256 is \w{64} and not \w{64}\. Install"
        ):
            await local.embed(["one"])
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        folder.close()
