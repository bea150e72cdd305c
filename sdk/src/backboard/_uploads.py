"""Files to send: a path, an open file, or bytes with a name; opened for as long as the request lasts."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Generator, Iterable, Tuple, Union, cast

FileContent = Union[bytes, IO[bytes]]
UploadFile = Union[
    str,
    "os.PathLike[str]",
    IO[bytes],
    Tuple[str, FileContent],
    Tuple[str, FileContent, str],
]
"""A path; an open binary file; (filename, content); or (filename, content, media type)."""

Upload = Tuple[str, UploadFile]
"""A form field and the file in it."""

OpenedUpload = Tuple[str, Tuple[Any, ...]]
"""A form field and its file as httpx takes it: (filename, content) or (filename, content, media type)."""


def uploads_of(field: str, files: Iterable[UploadFile] | UploadFile | None) -> tuple[Upload, ...]:
    """Return the uploads of one form field, which may be left out, hold one file or hold many."""
    if files is None:
        return ()
    if isinstance(files, list):
        return tuple((field, file) for file in files)
    return ((field, cast("UploadFile", files)),)


@contextmanager
def opened(uploads: Iterable[Upload]) -> Generator[list[OpenedUpload], None, None]:
    """Open what is given by path, and close it at the end; what the caller opened stays open.

    Raises OSError for a path that cannot be read, TypeError for what is not a file.
    """
    with ExitStack() as files:
        yield [(field, _opened(file, files)) for field, file in uploads]


def are_repeatable(uploads: Iterable[Upload]) -> bool:
    """Whether the files can be sent again when the call is over: what the caller opened is its own then."""
    return not any(_is_open_file(file) for _, file in uploads)


def _is_open_file(file: UploadFile) -> bool:
    return hasattr(file[1] if isinstance(file, tuple) else file, "read")


def _opened(file: Any, files: ExitStack) -> tuple[Any, ...]:
    if isinstance(file, (str, os.PathLike)):
        path = Path(cast("str | os.PathLike[str]", file))
        return (path.name, files.enter_context(path.open("rb")))
    if isinstance(file, tuple):
        name, content, *media_type = cast("tuple[Any, ...]", file)
        return (name, _replayable(content), *media_type)
    if hasattr(file, "read"):
        return (_name_of(file), _replayable(file))
    raise TypeError(f"{type(file).__name__} is not a file: give a path, an open file, or (filename, bytes)")


def _name_of(file: Any) -> str:
    name = getattr(file, "name", None)
    if not isinstance(name, str):
        raise TypeError("This file has no name: give (filename, file)")
    return os.path.basename(name)


def _replayable(content: Any) -> Any:
    """Return content that a second attempt can send again: httpx rewinds what can be rewound."""
    if hasattr(content, "read") and not content.seekable():
        return content.read()
    return content
