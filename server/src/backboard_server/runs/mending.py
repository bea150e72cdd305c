"""JSON objects out of text that a model wrote not quite as JSON. Pure, and bounded in what it takes."""

from __future__ import annotations

import json
import re
from typing import Any, SupportsIndex, cast

import msgspec
from msgspec import Struct

from .formats import unfenced

_NESTED_MAX = 2  # an object as text within text; models nest them once
_READS_PER_CHARACTER_MAX = 8  # honest texts need about four
_CHARACTERS_PER_READ = 16  # of a part: copying costs less than reading one by one

_ESCAPED = re.compile(r"\\.", re.DOTALL)
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_ANY = msgspec.json.Decoder()

Json = dict[str, Any]


class Mended(Struct, frozen=True):
    """An object, or the reason why there is none. `is_cut` says that its text ended within a string."""

    value: Json | None
    problem: str = ""
    is_cut: bool = False


def object_in(text: str) -> Json | None:
    """Return the object that a text is, or None where it is not quite one."""
    try:
        return _OBJECT.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def mended(text: str, characters_max: int) -> Mended:
    """Return the object that a text means: no text, in a code block, text within text, or broken JSON.

    Broken JSON is mended up to `characters_max` characters, as that takes long.
    """
    for _ in range(_NESTED_MAX):
        text = unfenced(text)
        if text in ("", "null"):
            return Mended({})
        try:
            decoded: object = _ANY.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            return _out_of_broken(text, str(error), characters_max)
        if isinstance(decoded, dict):
            return Mended(cast("Json", decoded))
        if not isinstance(decoded, str):
            break
        text = decoded
    return Mended(None, "they are JSON, and not an object")


def _out_of_broken(text: str, problem: str, characters_max: int) -> Mended:
    if "{" not in text:
        return Mended(None, problem)
    if len(text) > characters_max:
        return Mended(None, f"{problem}; and they are too long to be mended")
    import json_repair

    try:
        value: object = json_repair.loads(_Metered.of(text), skip_json_loads=True)
        # Encoded by the standard library, which takes the texts that count, and decoded by ours, which takes
        # neither endless numbers nor halves of surrogates.
        found = object_in(json.dumps(value, ensure_ascii=False))
    except (_TooManyReads, ValueError, RecursionError):
        found = None
    is_cut = _ESCAPED.sub("", text).count('"') % 2 == 1
    return Mended(None, problem) if found is None else Mended(found, is_cut=is_cut)


class _TooManyReads(Exception):
    """The library would go on for seconds or minutes."""


class _Metered(str):
    """A text that counts how often it is read: of some texts, the library reads each part again and again."""

    reads_left: int

    @classmethod
    def of(cls, text: str, reads_left: int | None = None) -> _Metered:
        """Return a text that may be read so often, by default in proportion to its length."""
        metered = cls(text)
        metered.reads_left = _READS_PER_CHARACTER_MAX * len(text) if reads_left is None else reads_left
        return metered

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        """Return a character or a part, which goes on counting."""
        part = super().__getitem__(key)
        self.reads_left -= 1 + len(part) // _CHARACTERS_PER_READ
        if self.reads_left < 0:
            raise _TooManyReads
        return _Metered.of(part, self.reads_left) if isinstance(key, slice) else part
