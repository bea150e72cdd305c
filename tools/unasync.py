"""Make the SDK's sync client out of the async one, so that the two cannot drift apart.

python tools/unasync.py            write sdk/src/backboard/_sync
python tools/unasync.py --check    fail where what is committed is not what would be written
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

SDK = Path(__file__).resolve().parents[1] / "sdk"
NOTICE = "# Made from _async by tools/unasync.py: change it there, then run `make generate`.\n"

# Over code and docstrings alike, in this order.
SUBSTITUTIONS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\(async\)", "(sync)"),
        (r"\bBackboardClient\b", "SyncBackboardClient"),
        (r"\bAsyncMessageStream\b", "MessageStream"),
        (r"\bAsyncToolbox\b", "Toolbox"),
        (r"\bAsyncClient\b", "Client"),
        (r"\bAsyncGenerator\[(\w+), None\]", r"Generator[\1, None, None]"),
        (r"\bAsyncGenerator\b", "Generator"),
        (r"\bAsyncIterator\b", "Iterator"),
        (r"\b__a(enter|exit|iter|next)__\b", r"__\1__"),
        (r"\ba(close|read|iter_bytes)\b", r"\1"),
        (r"\basyncio\b", "time"),
        (r"\basync (def|for|with)\b", r"\1"),
        (r"\bawait ", ""),
    )
)


def main(arguments: list[str], package: Path = SDK / "src" / "backboard") -> int:
    """Write the sync client, or with `--check` compare; return the exit status."""
    target = package / "_sync"
    wanted = generate(package / "_async")
    found = {path.name: path.read_text("utf-8") for path in target.glob("*.py")}
    stale = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if "--check" in arguments:
        for name in stale:
            print(
                f"{target.name}/{name} is not what _async makes: run `make generate` and commit the result."
            )
        return 1 if stale else 0
    target.mkdir(exist_ok=True)
    for name in stale:
        if name in wanted:
            (target / name).write_text(wanted[name], "utf-8")
        else:
            (target / name).unlink()
    return 0


def generate(source: Path) -> dict[str, str]:
    """Return the sync twin of each file in `source`, by file name, formatted."""
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(source.glob("*.py")):
            (Path(folder) / path.name).write_text(NOTICE + convert(path.read_text("utf-8")), "utf-8")
        _tidy(folder)
        return {path.name: path.read_text("utf-8") for path in Path(folder).glob("*.py")}


def convert(text: str) -> str:
    """Return async source as sync source; the formatting is left as it falls."""
    for pattern, replacement in SUBSTITUTIONS:
        text = pattern.sub(replacement, text)
    return text


def _tidy(folder: str) -> None:
    """Sort the imports and wrap the lines anew: both depend on the words that were exchanged."""
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--quiet", "--no-cache", "--config", str(SDK / "ruff.toml"), folder]
    subprocess.run([*ruff, "check", "--select", "I", "--fix", *settings], check=True)  # noqa: S603 - our own tool on our own files
    subprocess.run([*ruff, "format", *settings], check=True)  # noqa: S603 - likewise, our own


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
