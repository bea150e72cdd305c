"""Holds every tracked file to the house rules that no linter knows, and counts the lines of each ring.

`python tools/tidy.py` exits with 1 and one sentence per finding; the rules are those of STYLE.md.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 6

# fmt: off
BANNED_WORDS = frozenset([
    "util", "helper", "common", "misc", "core", "base", "manager", "service",
    "handler", "processor", "wrapper", "data", "info", "new", "old", "v2",
])
# fmt: on
NAMES_OF_THE_CONTRACT = frozenset(["AttachmentInfo"])  # programs in use import them by these names
WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*")

IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore|pyright:\s*ignore)\b(?P<rest>.*)")
RULE_AND_REASON = re.compile(r"(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|\[[\w-]+(?:,\s*[\w-]+)*\])[\s#-]*\w.{7,}")
BANNER = re.compile(r"^\s*(?:#|--|//)\s*[-=#*~_]{4,}", re.MULTILINE)
POSTPONED = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b")  # bracketed, so as not to find this very line
MACHINE_PATH = re.compile(r"(?<![\w.}])/(?:work|root|home/\w+|Users/\w+)/\w")
# Known by its shape, as no host of one is named here either: an index's path, or a registry by its name.
INDEX_HOST = re.compile(r"https?://(?:[\w.-]+(?::\d+)?/(?:[\w-]+/)*simple\b|registry\.[\w.-]+)")

Function = ast.FunctionDef | ast.AsyncFunctionDef
# What makes a function decide or wait: without any of these it states one thing.
Turn = (
    ast.If
    | ast.IfExp
    | ast.For
    | ast.AsyncFor
    | ast.While
    | ast.Try
    | ast.With
    | ast.AsyncWith
    | ast.Match
    | ast.comprehension
    | ast.Await
    | ast.Yield
    | ast.YieldFrom
)

# Where a source tree keeps its tests: a/b.py below the first is tested by a/test_b.py below the second.
TEST_TREES = {
    PurePosixPath("server/src/backboard_server"): PurePosixPath("server/tests"),
    PurePosixPath("sdk/src/backboard"): PurePosixPath("sdk/tests"),
    PurePosixPath("tools"): PurePosixPath("tools/tests"),
}

VERBS = ("runs", "tools", "memory", "documents", "voice", "media", "models", "webhooks")
ADAPTERS = ("adapters", "providers", "parsers", "store")


class Finding(NamedTuple):
    """One breach of one rule: where, and what to do about it."""

    path: PurePosixPath
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence}"


class Source(NamedTuple):
    """A tracked text file, its path relative to the repository; `tree` is None where it is not Python."""

    path: PurePosixPath
    text: str
    tree: ast.Module | None

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return self.text.count("\n")

    @property
    def is_generated(self) -> bool:
        """Whether a tool wrote it: its template is held to the rules, not the copy."""
        return "_sync" in self.path.parts

    @property
    def is_test(self) -> bool:
        """Whether it belongs to the tests."""
        return "tests" in self.path.parts


def main() -> int:
    """Print the findings and the lines of each ring; the exit code says if there are findings."""
    root = Path(__file__).parent.parent
    sources = read(root, _tracked(root))
    findings = find(sources)
    for finding in findings:
        print(finding)
    lines = count_lines(sources)
    print("Lines:", ", ".join(f"{ring} {count:,}" for ring, count in lines.items()))
    return 1 if findings else 0


def _tracked(root: Path) -> list[PurePosixPath]:
    """What git tracks or would: ignored files are nobody's concern."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git as found
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return [PurePosixPath(path) for path in listing.stdout.split("\0") if path]


def read(root: Path, paths: Iterable[PurePosixPath]) -> list[Source]:
    """The text files among `paths`, parsed where they are Python; deleted and binary ones are left out.

    Raises SyntaxError for Python that does not parse.
    """
    sources: list[Source] = []
    for path in sorted(set(paths)):
        try:
            text = (root / path).read_text()
        except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError):
            continue
        tree = ast.parse(text, filename=str(path)) if path.suffix == ".py" else None
        sources.append(Source(path, text, tree))
    return sources


def find(sources: list[Source]) -> list[Finding]:
    """Every breach in `sources`, ordered by file."""
    findings = list(_files_without_namesake_test(sources))
    for source in sources:
        findings += _forbidden_text(source)
        if source.path.suffix in {".py", ".sql"} and not source.is_generated:
            findings += _banned_file_name(source)
            findings += _overlong_file(source)
            findings += _file_without_opening_sentence(source)
        if source.tree is not None and not source.is_generated:
            findings += _unexplained_ignores(source)
            findings += _banned_class_names(source, source.tree)
            findings += _outsized_functions(source, source.tree)
    return sorted(findings)


def _forbidden_text(source: Source) -> Iterator[Finding]:
    rules = [
        (MACHINE_PATH, "names a folder of one machine: use a relative path."),
        (INDEX_HOST, "names a package index: leave the choice to the machine's configuration."),
    ]
    if source.path.suffix != ".md":
        rules.append((POSTPONED, "postpones work: do it now, or open an issue and delete the note."))
        rules.append((BANNER, "is a banner: delete it, or split the file by meaning."))
    for pattern, sentence in rules:
        for found in pattern.finditer(source.text):
            line = source.text.count("\n", 0, found.start()) + 1
            yield Finding(source.path, line, f"`{found.group().strip()}` {sentence}")


def _banned_file_name(source: Source) -> Iterator[Finding]:
    for part in (*source.path.parts[:-1], source.path.stem):
        for word in _banned_words(part):
            yield Finding(source.path, 1, f"`{part}` holds the banned word `{word}`: say what it is about.")


def _banned_words(name: str) -> list[str]:
    words = [word.lower() for word in WORD.findall(name)]
    return [word for word in words if word in BANNED_WORDS or word.removesuffix("s") in BANNED_WORDS]


def _overlong_file(source: Source) -> Iterator[Finding]:
    if source.lines > FILE_LINES_MAX:
        sentence = f"{source.lines} lines exceed {FILE_LINES_MAX}: split the file by meaning."
        yield Finding(source.path, FILE_LINES_MAX + 1, sentence)


def _file_without_opening_sentence(source: Source) -> Iterator[Finding]:
    if source.is_test or not source.text.strip():
        return
    if source.tree is None:
        opening = source.text.removeprefix("--") if source.text.startswith("--") else ""
    else:
        opening = ast.get_docstring(source.tree) or ""
    first_line = opening.strip().partition("\n")[0].strip()
    if not first_line.endswith((".", "!", "?")) or " " not in first_line:
        yield Finding(source.path, 1, "The file does not open with one sentence: say there why it exists.")


def _unexplained_ignores(source: Source) -> Iterator[Finding]:
    if not IGNORE.search(source.text):
        return
    for token in tokenize.generate_tokens(StringIO(source.text).readline):
        found = IGNORE.search(token.string) if token.type == tokenize.COMMENT else None
        if found and not RULE_AND_REASON.match(found["rest"]):
            sentence = "An ignore hides its rule or its reason: write `# noqa: X1 - why this is right`."
            yield Finding(source.path, token.start[0], sentence)


def _banned_class_names(source: Source, tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name not in NAMES_OF_THE_CONTRACT:
            for word in _banned_words(node.name):
                sentence = f"Class `{node.name}` holds the banned word `{word}`: say what it is."
                yield Finding(source.path, node.lineno, sentence)


def _outsized_functions(source: Source, tree: ast.Module) -> Iterator[Finding]:
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    methods = {child for node in classes for child in node.body}
    for node in ast.walk(tree):
        if not isinstance(node, Function):
            continue
        lines = _length(node)
        if lines > FUNCTION_LINES_MAX:
            sentence = (
                f"`{node.name}` has {lines} lines, more than {FUNCTION_LINES_MAX}: let it call its parts."
            )
            yield Finding(source.path, node.lineno, sentence)
        parameters = _parameter_count(node, is_method=node in methods)
        if parameters > PARAMETERS_MAX and not _may_take_many(source, node):
            sentence = f"`{node.name}` takes {parameters} parameters, more than {PARAMETERS_MAX}: group them."
            yield Finding(source.path, node.lineno, sentence)


def _length(node: Function) -> int:
    """The lines of a function without its decorators and its docstring."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        docstring = node.body[0]
        lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return lines


def _parameter_count(node: Function, *, is_method: bool) -> int:
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    stars = [star for star in (arguments.vararg, arguments.kwarg) if star is not None]
    is_bound = is_method and bool(named) and named[0].arg in {"self", "cls"}
    return len(named) + len(stars) - is_bound


def _may_take_many(source: Source, node: Function) -> bool:
    """Public SDK methods and commands list what callers may say: their width is their documentation."""
    if source.path.is_relative_to("sdk/src/backboard"):
        return not node.name.startswith("_") or node.name == "__init__"
    is_command_line = "cli" in (*source.path.parts, source.path.stem)
    return is_command_line and any("command" in ast.unparse(mark) for mark in node.decorator_list)


def _files_without_namesake_test(sources: list[Source]) -> Iterator[Finding]:
    paths = {source.path for source in sources}
    for source in sources:
        if source.tree is None or source.is_generated or source.is_test or not _decides(source.tree):
            continue
        for tree, tests in TEST_TREES.items():
            if source.path.is_relative_to(tree):
                wanted = _namesake(tests, source.path.relative_to(tree))
                if wanted not in paths:
                    sentence = (
                        f"No test is named after this file: write {wanted}, or delete what nothing needs."
                    )
                    yield Finding(source.path, 1, sentence)


def _namesake(tests: PurePosixPath, path: PurePosixPath) -> PurePosixPath:
    """Where the test of `path` is looked for: private folders and leading underscores leave no trace."""
    folders = [part for part in path.parts[:-1] if not part.startswith("_")]
    return tests.joinpath(*folders, f"test_{path.stem.strip('_')}.py")


def _decides(tree: ast.Module) -> bool:
    """Whether a file holds behaviour: declarations and one-line derivations need no test of their own."""
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    return any(isinstance(part, Turn) for function in functions for part in ast.walk(function))


def count_lines(sources: list[Source]) -> dict[str, int]:
    """Lines of Python and SQL by ring, largest first."""
    counts: Counter[str] = Counter()
    for source in sources:
        if source.path.suffix in {".py", ".sql"}:
            counts[_ring(source)] += source.lines
    return dict(counts.most_common())


def _ring(source: Source) -> str:
    if source.is_test:
        return "tests"
    if source.is_generated:
        return "sdk (generated)"
    server = PurePosixPath("server/src/backboard_server")
    if not source.path.is_relative_to(server):
        return source.path.parts[0]
    part = PurePosixPath(source.path.relative_to(server).parts[0]).stem
    if part == "domain":
        return "nouns"
    if part == "api":
        return "edge"
    return "verbs" if part in VERBS else "adapters" if part in ADAPTERS else "entry"


if __name__ == "__main__":
    sys.exit(main())
