"""What is sealed opens for the same tenant and provider under the same secret, and nowhere else."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path
from uuid import UUID

import pytest

from backboard_server.domain.errors import Invalid, Unavailable
from backboard_server.domain.ids import new_id
from backboard_server.store.sealing import FILE, UNREADABLE, Sealer

SECRET = "the first secret, which is long enough"
OTHER_SECRET = "another secret, which is as long as that"
TENANT = UUID("0192a3b4-0000-7000-8000-000000000001")
KEY = "sk-canary-5f1c"
PROCESSES = 3
FOLDERS = 20
DEADLINE_SECONDS = 20.0  # where one process fails, the others do not wait for it


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer([SECRET], tmp_path)


def test_what_is_sealed_opens(sealer: Sealer) -> None:
    sealed = sealer.seal(TENANT, "openai", KEY)

    assert sealer.open(TENANT, "openai", sealed).reveal() == KEY
    assert KEY.encode() not in sealed


def test_the_same_key_never_looks_the_same_twice(sealer: Sealer) -> None:
    assert sealer.seal(TENANT, "openai", KEY) != sealer.seal(TENANT, "openai", KEY)


@pytest.mark.parametrize(("tenant_id", "provider"), [(new_id(), "openai"), (TENANT, "groq")])
def test_a_row_that_was_moved_opens_nowhere(sealer: Sealer, tenant_id: UUID, provider: str) -> None:
    sealed = sealer.seal(TENANT, "openai", KEY)

    with pytest.raises(Invalid) as caught:
        sealer.open(tenant_id, provider, sealed)

    assert caught.value.error_code == UNREADABLE


def test_every_changed_or_missing_byte_is_noticed(sealer: Sealer) -> None:
    sealed = sealer.seal(TENANT, "openai", KEY)
    changed = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    shortened = [sealed[:length] for length in range(len(sealed))]

    for broken in changed + shortened:
        with pytest.raises(Invalid):
            sealer.open(TENANT, "openai", broken)


def test_another_secret_does_not_open_and_the_message_says_what_to_do(sealer: Sealer, tmp_path: Path) -> None:
    sealed = sealer.seal(TENANT, "openai", KEY)

    with pytest.raises(Invalid, match="PUT /provider-keys/openai") as caught:
        Sealer([OTHER_SECRET], tmp_path).open(TENANT, "openai", sealed)

    assert "BACKBOARD_SECRET_KEY" in caught.value.message
    assert KEY not in caught.value.message


def test_the_first_secret_seals_and_every_one_opens(sealer: Sealer, tmp_path: Path) -> None:
    before = sealer.seal(TENANT, "openai", KEY)
    rotated = Sealer([OTHER_SECRET, SECRET], tmp_path)
    after = rotated.seal(TENANT, "openai", KEY)

    assert rotated.open(TENANT, "openai", before).reveal() == KEY
    assert Sealer([OTHER_SECRET], tmp_path).open(TENANT, "openai", after).reveal() == KEY
    with pytest.raises(Invalid):
        sealer.open(TENANT, "openai", after)


def test_keys_open_one_by_one_and_one_that_does_not_spoils_no_other(sealer: Sealer) -> None:
    keys = sealer.keys_of(TENANT, {"openai": sealer.seal(TENANT, "openai", KEY), "groq": b"\x01garbage"})

    assert set(keys) == {"openai", "groq"}
    assert "groq" in keys
    assert "xai" not in keys
    assert keys["openai"].reveal() == KEY
    with pytest.raises(Invalid, match="provider groq"):
        keys["groq"]


def test_the_secret_of_a_data_folder_is_made_at_first_need_and_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    sealer = Sealer([], folder)
    assert not folder.exists()

    sealed = sealer.seal(TENANT, "openai", KEY)

    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in folder.iterdir()] == [FILE]
    assert Sealer([], folder).open(TENANT, "openai", sealed).reveal() == KEY


def test_the_file_s_text_is_a_secret_that_can_be_given_as_the_variable(tmp_path: Path) -> None:
    sealed = Sealer([], tmp_path).seal(TENANT, "openai", KEY)

    by_variable = Sealer([(tmp_path / FILE).read_text()], tmp_path / "elsewhere")

    assert by_variable.open(TENANT, "openai", sealed).reveal() == KEY


def test_processes_that_start_at_once_come_to_have_one_secret(tmp_path: Path) -> None:
    spawning = multiprocessing.get_context("spawn")
    start = spawning.Barrier(PROCESSES)
    processes = [
        spawning.Process(target=seal_in_each, args=(tmp_path, f"by {number}", start))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    sealed = sorted(tmp_path.glob("*/by *"))
    assert len(sealed) == PROCESSES * FOLDERS
    for path in sealed:
        assert Sealer([], path.parent).open(TENANT, "openai", path.read_bytes()).reveal() == KEY


def seal_in_each(folder: Path, name: str, start: Barrier) -> None:
    """Seal in one folder after the other, each of them new and at the same time as others do."""
    for number in range(FOLDERS):
        start.wait(DEADLINE_SECONDS)
        sealed = Sealer([], folder / str(number)).seal(TENANT, "openai", KEY)
        (folder / str(number) / name).write_bytes(sealed)


def test_a_write_that_was_cut_short_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / f"{FILE}.unfinished").write_text("half of")

    Sealer([], tmp_path).seal(TENANT, "openai", KEY)

    assert [entry.name for entry in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40])
def test_a_damaged_file_is_said_to_be_and_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(Unavailable, match="BACKBOARD_SECRET_KEY"):
        Sealer([], tmp_path).seal(TENANT, "openai", KEY)

    assert (tmp_path / FILE).read_bytes() == content


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("x" * 64)
    folder = tmp_path / "data"
    folder.mkdir()
    os.symlink(elsewhere, folder / FILE)

    with pytest.raises(Unavailable):
        Sealer([], folder).seal(TENANT, "openai", KEY)


def test_a_server_that_seals_nothing_does_not_wait_for_the_cipher() -> None:
    program = "import sys, backboard_server.app; print('cryptography' in sys.modules)"

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)  # noqa: S603 - this very Python

    assert printed.stdout == "False\n"
