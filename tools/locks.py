"""Tells whether requirements/*.lock cover what the packages declare, without asking any index.

`python tools/locks.py` exits with 1 and one sentence per gap; `make lock` closes them all.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
UNHASHED = re.compile(r"^([^\s#]+==[^\s;\\]+)(?![^\n]*\\\n\s+--hash=)", re.MULTILINE)
OURS = frozenset({"backboard-sdk", "backboard-server"})


class Lock(NamedTuple):
    """A lock and what it has to cover: whole packages and dependency groups of the workspace."""

    path: str
    packages: tuple[str, ...]
    groups: tuple[str, ...]


LOCKS = (
    Lock("requirements/bootstrap.lock", packages=(), groups=("bootstrap",)),
    Lock("requirements/run.lock", packages=("sdk", "server"), groups=("build",)),
    Lock("requirements/embedder.lock", packages=(), groups=("embedder",)),
    Lock("requirements/dev.lock", packages=(), groups=("dev",)),
)


def main() -> int:
    """Print each gap between the locks of this repository and its pyprojects; the exit code says if any."""
    gaps = list(find_gaps(Path(__file__).parent.parent))
    for gap in gaps:
        print(gap)
    return 1 if gaps else 0


def find_gaps(root: Path) -> Iterator[str]:
    """Yield one sentence for each thing that a lock of the repository at `root` lacks or must not hold."""
    for lock in LOCKS:
        text = (root / lock.path).read_text()
        pins = _pins(text)
        for requirement in _declared(root, lock):
            versions = pins.get(canonicalize_name(requirement.name), [])
            if not any(requirement.specifier.contains(version) for version in versions):
                yield f"{lock.path} does not satisfy `{requirement}`: run `make lock`."
        if "://" in text or re.search(r"^(-|\.|/)", text, re.MULTILINE):
            yield f"{lock.path} holds more than pins and hashes: run `make lock`."
        for pin in UNHASHED.findall(text):
            yield f"{lock.path} has no hash for {pin}: run `make lock`."


def _pins(text: str) -> dict[str, list[str]]:
    """The versions that a lock holds by package; more than one where it forks by platform."""
    pins: dict[str, list[str]] = {}
    for line in text.splitlines():
        if found := PIN.match(line):
            pins.setdefault(canonicalize_name(found["name"]), []).append(found["version"])
    return pins


def _declared(root: Path, lock: Lock) -> Iterator[Requirement]:
    """What the pyprojects ask of one lock, extras included; our own packages come from the checkout."""
    for package in lock.packages:
        project = tomllib.loads((root / package / "pyproject.toml").read_text())["project"]
        yield from _requirements(project["dependencies"])
        for extra in project.get("optional-dependencies", {}).values():
            yield from _requirements(extra)
    groups = tomllib.loads((root / "pyproject.toml").read_text())["dependency-groups"]
    for group in lock.groups:
        yield from _requirements(groups[group])


def _requirements(lines: object) -> Iterator[Requirement]:
    for requirement in map(Requirement, cast("list[str]", lines)):
        if requirement.name not in OURS:
            yield requirement


if __name__ == "__main__":
    sys.exit(main())
