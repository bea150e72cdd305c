from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from backboard._uploads import are_repeatable, opened, uploads_of


def test_a_field_may_hold_none_one_or_many_files() -> None:
    assert uploads_of("files", None) == ()
    assert uploads_of("files", "a.txt") == (("files", "a.txt"),)
    assert uploads_of("files", ("a.txt", b"A")) == (("files", ("a.txt", b"A")),)
    assert uploads_of("files", ["a.txt", Path("b.txt")]) == (("files", "a.txt"), ("files", Path("b.txt")))


@pytest.mark.parametrize("kind", [str, Path])
def test_what_is_given_by_path_is_opened_and_closed(tmp_path: Path, kind: type[Any]) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"A")

    with opened([("file", kind(path))]) as ((field, (name, content)),):
        assert (field, name, content.read()) == ("file", "a.txt", b"A")

    assert content.closed


def test_an_open_file_gives_its_name_and_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"A")

    with path.open("rb") as file:
        with opened([("file", file)]) as uploads:
            assert uploads == [("file", ("a.txt", file))]
        assert not file.closed


def test_bytes_come_with_a_name_and_perhaps_a_media_type() -> None:
    with opened([("a", ("a.bin", b"A")), ("b", ("b.md", b"B", "text/markdown"))]) as uploads:
        assert uploads == [("a", ("a.bin", b"A")), ("b", ("b.md", b"B", "text/markdown"))]


def test_a_file_that_cannot_be_rewound_is_read_so_that_it_can_be_sent_again() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(b"piped")

    with os.fdopen(reading, "rb") as pipe, opened([("file", ("p.txt", pipe))]) as uploads:
        assert uploads == [("file", ("p.txt", b"piped"))]


def test_a_missing_file_is_an_error_of_the_operating_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), opened([("file", tmp_path / "none.txt")]):
        pass


@pytest.mark.parametrize(
    ("file", "said"), [(io.BytesIO(b"A"), "has no name"), (b"A", r"\(filename, bytes\)")]
)
def test_what_has_no_name_is_refused_with_what_to_give(file: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said), opened([("file", file)]):
        pass


def test_paths_and_bytes_can_be_sent_again_when_the_call_is_over_and_open_files_cannot() -> None:
    assert are_repeatable([])
    assert are_repeatable([("a", "a.txt"), ("b", Path("b.txt")), ("c", ("c.txt", b"C", "text/plain"))])
    assert not are_repeatable([("a", "a.txt"), ("b", ("b.txt", io.BytesIO(b"B")))])
    assert not are_repeatable([("a", io.BytesIO(b"A"))])
