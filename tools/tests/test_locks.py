"""What `make check` says when a lock and the pyprojects have drifted apart."""

from __future__ import annotations

from pathlib import Path

import pytest

import locks

HASH = " \\\n    --hash=sha256:00\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose locks cover what it declares."""
    (tmp_path / "pyproject.toml").write_text(
        '[dependency-groups]\nbootstrap = ["uv"]\nbuild = ["hatchling"]\n'
        'embedder = ["tokenizers"]\ndev = ["pyright[nodejs]>=1.1"]\n'
    )
    for package, dependency in {"sdk": "httpx>=0.27", "server": "backboard-sdk"}.items():
        (tmp_path / package).mkdir()
        (tmp_path / package / "pyproject.toml").write_text(f'[project]\ndependencies = ["{dependency}"]\n')
    (tmp_path / "requirements").mkdir()
    _write_lock(tmp_path, "bootstrap", "uv==0.13.9" + HASH)
    _write_lock(tmp_path, "run", "hatchling==1.30" + HASH + "httpx==0.28.1" + HASH)
    _write_lock(tmp_path, "embedder", "tokenizers==0.23.3" + HASH)
    _write_lock(tmp_path, "dev", "pyright==1.1.414 ; sys_platform != 'aix'" + HASH)
    return tmp_path


def test_locks_that_cover_every_declaration_have_no_gaps(root: Path) -> None:
    assert list(locks.find_gaps(root)) == []


def test_a_dependency_that_no_lock_holds_is_a_gap(root: Path) -> None:
    _write_lock(root, "run", "hatchling==1.30" + HASH)

    assert list(locks.find_gaps(root)) == [
        "requirements/run.lock does not satisfy `httpx>=0.27`: run `make lock`."
    ]


def test_every_lock_of_the_repository_is_checked() -> None:
    root = Path(locks.__file__).parent.parent

    assert {lock.path for lock in locks.LOCKS} == {
        path.relative_to(root).as_posix() for path in root.glob("requirements/*.lock")
    }


def test_what_an_extra_asks_for_is_locked_too(root: Path) -> None:
    with (root / "server" / "pyproject.toml").open("a") as file:
        file.write('[project.optional-dependencies]\nmcp = ["mcp>=2"]\n')

    assert list(locks.find_gaps(root)) == [
        "requirements/run.lock does not satisfy `mcp>=2`: run `make lock`."
    ]


def test_a_locked_version_below_the_declared_floor_is_a_gap(root: Path) -> None:
    _write_lock(root, "dev", "pyright==1.0.9" + HASH)

    assert list(locks.find_gaps(root)) == [
        "requirements/dev.lock does not satisfy `pyright[nodejs]>=1.1`: run `make lock`."
    ]


@pytest.mark.parametrize(
    "line", ["-e ./sdk\n", "uv @ https://example.invalid/uv.whl\n", "./sdk\n", "--pre\n"]
)
def test_an_address_a_path_or_an_option_in_a_lock_is_a_gap(root: Path, line: str) -> None:
    _write_lock(root, "bootstrap", "uv==0.13.9" + HASH + line)

    assert list(locks.find_gaps(root)) == [
        "requirements/bootstrap.lock holds more than pins and hashes: run `make lock`."
    ]


def test_a_pin_without_a_hash_is_a_gap(root: Path) -> None:
    _write_lock(root, "run", "hatchling==1.30\nhttpx==0.28.1" + HASH)

    assert list(locks.find_gaps(root)) == [
        "requirements/run.lock has no hash for hatchling==1.30: run `make lock`."
    ]


def _write_lock(root: Path, name: str, text: str) -> None:
    (root / "requirements" / f"{name}.lock").write_text(text)
