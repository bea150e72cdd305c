"""Environments of other libraries, apart from ours: made at first use and when their requirements change."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

_BENCHMARKS = Path(__file__).parents[1]
_ENVIRONMENTS = _BENCHMARKS.parent / ".benchmarks"
_STAMP = "installed.txt"


def python_of(requirements: str) -> Path:
    """Return the Python that has what a file of benchmarks/ names, installed as pip is configured here."""
    wanted = (_BENCHMARKS / requirements).read_bytes()
    folder = _ENVIRONMENTS / Path(requirements).stem
    python, stamp = folder / "bin" / "python", folder / _STAMP
    if stamp.exists() and stamp.read_bytes() == wanted:
        return python
    print(f"Installing {requirements} into {folder.name} …", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "venv", folder)
    _run(python, "-m", "pip", "install", "--quiet", "--requirement", _BENCHMARKS / requirements)
    stamp.write_bytes(wanted)
    return python


def versions(*requirements: str) -> dict[str, str]:
    """Return what such files name, by name."""
    lines = [line for name in requirements for line in (_BENCHMARKS / name).read_text().splitlines()]
    return dict(line.split("==") for line in lines if "==" in line)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603 - our own words and files
