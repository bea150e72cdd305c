"""Each house rule finds the breach it is for, and nothing in code that keeps it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

import tidy

SERVER = "server/src/backboard_server"
SDK = "sdk/src/backboard"


def test_a_file_that_keeps_every_rule_has_no_findings(tmp_path: Path) -> None:
    files = {
        f"{SERVER}/store/threads.py": '"""Threads in Postgres."""\n\ndef find(a):\n    return a or 1\n',
        "server/tests/store/test_threads.py": "def test_nothing():\n    pass\n",
    }

    assert _sentences(tmp_path, files) == []


def test_a_file_longer_than_the_limit_is_found(tmp_path: Path) -> None:
    files = {
        f"{SERVER}/a.py": '"""Says why."""\n' + "x = 1\n" * 400,
        f"{SERVER}/store/routines/b.sql": "-- Says why.\n" + "SELECT 1;\n" * 399,
    }

    assert _sentences(tmp_path, files) == ["401 lines exceed 400: split the file by meaning."]


def test_a_function_longer_than_the_limit_is_found(tmp_path: Path) -> None:
    files = {f"{SERVER}/a.py": '"""Says why."""\n\ndef long():\n' + "    x = 1\n" * 60}

    assert _sentences(tmp_path, files) == ["`long` has 61 lines, more than 60: let it call its parts."]


def test_the_docstring_of_a_function_is_not_counted_among_its_lines(tmp_path: Path) -> None:
    docstring = '    """Much to say.' + "\n" * 30 + '    """\n'
    files = {f"{SERVER}/a.py": '"""Says why."""\n\ndef long():\n' + docstring + "    x = 1\n" * 59}

    assert _sentences(tmp_path, files) == []


@pytest.mark.parametrize(
    "signature",
    [
        "def wide(a, b, c, d, e, f, g): ...",
        "def wide(a, b, /, c, *d, e, f, **g): ...",
        "async def wide(self, b, c, d, e, f, g): ...",
        "class Turn:\n    def wide(self, a, b, c, d, e, f, g): ...",
    ],
)
def test_a_function_of_seven_parameters_is_found(tmp_path: Path, signature: str) -> None:
    files = {f"{SERVER}/a.py": f'"""Says why."""\n\n{signature}\n'}

    assert _sentences(tmp_path, files) == ["`wide` takes 7 parameters, more than 6: group them."]


@pytest.mark.parametrize(
    ("path", "definition"),
    [
        (f"{SERVER}/a.py", "class Turn:\n    def wide(self, a, b, c, d, e, f): ..."),
        (f"{SERVER}/a.py", "class Turn:\n    @classmethod\n    def wide(cls, a, b, c, d, e, f): ..."),
        (f"{SDK}/_async/threads.py", "class Threads:\n    def add(self, a, b, c, d, e, f, g): ..."),
        (f"{SERVER}/cli.py", "@app.command()\ndef serve(a, b, c, d, e, f, g): ..."),
    ],
)
def test_bound_parameters_public_sdk_methods_and_commands_are_not_too_wide(
    tmp_path: Path, path: str, definition: str
) -> None:
    files = {path: f'"""Says why."""\n\n{definition}\n'}

    assert _sentences(tmp_path, files) == []


@pytest.mark.parametrize(
    ("path", "definition"),
    [
        (f"{SDK}/_async/threads.py", "class Threads:\n    def _add(self, a, b, c, d, e, f, g): ..."),
        (f"{SERVER}/cli.py", "def serve(a, b, c, d, e, f, g): ..."),
    ],
)
def test_what_no_caller_sees_is_held_to_the_limit_of_parameters(
    tmp_path: Path, path: str, definition: str
) -> None:
    files = {path: f'"""Says why."""\n\n{definition}\n'}

    assert len(_sentences(tmp_path, files)) == 1


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (f"{SERVER}/utils.py", "utils"),
        (f"{SERVER}/store/run_manager.py", "manager"),
        (f"{SERVER}/core/threads.py", "core"),
        ("server/tests/test_client_v2.py", "v2"),
    ],
)
def test_a_banned_word_in_the_name_of_a_file_or_folder_is_found(tmp_path: Path, path: str, word: str) -> None:
    [sentence] = _sentences(tmp_path, {path: '"""Says why."""\n'})

    assert sentence.endswith(f"holds the banned word `{word}`: say what it is about.")


@pytest.mark.parametrize("name", ["RunManager", "_Base", "HTTPHandler", "OldThreads", "ThreadV2", "DataInfo"])
def test_a_banned_word_in_the_name_of_a_class_is_found(tmp_path: Path, name: str) -> None:
    files = {f"{SERVER}/a.py": f'"""Says why."""\n\nclass {name}: ...\n'}

    assert any(
        f"Class `{name}` holds the banned word" in sentence for sentence in _sentences(tmp_path, files)
    )


def test_a_name_that_the_contract_fixes_is_allowed(tmp_path: Path) -> None:
    files = {f"{SDK}/models/messages.py": '"""Says why."""\n\nclass AttachmentInfo: ...\n'}

    assert _sentences(tmp_path, files) == []


@pytest.mark.parametrize("name", ["Database", "Renewal", "Baseline", "Threshold", "APIScore", "Information"])
def test_a_longer_word_that_contains_a_banned_one_is_allowed(tmp_path: Path, name: str) -> None:
    files = {f"{SERVER}/{name.lower()}.py": f'"""Says why."""\n\nclass {name}: ...\n'}

    assert _sentences(tmp_path, files) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{SERVER}/a.py", "x = 1\n"),
        (f"{SERVER}/a.py", '"""\nSays why\nin two lines.\n"""\n'),
        (f"{SERVER}/a.py", '"""Threads."""\n'),
        (f"{SERVER}/store/routines/a.sql", "CREATE TABLE a ();\n"),
    ],
)
def test_a_source_file_that_does_not_open_with_a_sentence_is_found(
    tmp_path: Path, path: str, text: str
) -> None:
    assert _sentences(tmp_path, {path: text}) == [
        "The file does not open with one sentence: say there why it exists."
    ]


@pytest.mark.parametrize(
    ("source", "test"),
    [
        (f"{SERVER}/store/threads.py", "server/tests/store/test_threads.py"),
        (f"{SERVER}/providers/_http.py", "server/tests/providers/test_http.py"),
        (f"{SERVER}/parsers/__init__.py", "server/tests/parsers/test_init.py"),
        (f"{SDK}/_async/threads.py", "sdk/tests/test_threads.py"),
        ("tools/unasync.py", "tools/tests/test_unasync.py"),
    ],
)
def test_a_file_that_decides_something_needs_the_test_of_its_name(
    tmp_path: Path, source: str, test: str
) -> None:
    text = '"""Says why."""\n\ndef pick(a):\n    if a:\n        return 1\n    return 2\n'

    without = _sentences(tmp_path / "without", {source: text})
    with_test = _sentences(tmp_path / "with", {source: text, test: ""})

    assert without == [f"No test is named after this file: write {test}, or delete what nothing needs."]
    assert with_test == []


@pytest.mark.parametrize(
    "function",
    [
        "def act(a):\n    return [b for b in a]",
        "def act(a):\n    return 1 if a else 2",
        "def act(a):\n    while a: a.pop()",
        "def act(a):\n    with a: a.pop()",
        "async def act(a):\n    return await a",
        "def act(a):\n    try: a.pop()\n    finally: a.close()",
        "def act(a):\n    match a:\n        case 1: a.pop()",
        "class Act:\n    def act(self):\n        yield 1",
    ],
)
def test_any_branch_loop_wait_or_guard_makes_a_file_need_its_test(tmp_path: Path, function: str) -> None:
    files = {f"{SERVER}/runs/act.py": f'"""Says why."""\n\n{function}\n'}

    assert len(_sentences(tmp_path, files)) == 1


def test_declarations_and_one_line_derivations_need_no_test(tmp_path: Path) -> None:
    text = '"""The nouns."""\n' + "class Thread:\n    def id(self): return self._id\n"

    assert _sentences(tmp_path, {f"{SERVER}/domain/threads.py": text}) == []


def test_generated_files_are_not_held_to_shape_or_namesake(tmp_path: Path) -> None:
    text = "def pick(a):\n    if a:\n        return 1\n" + "x = 1\n" * 400

    assert _sentences(tmp_path, {f"{SDK}/_sync/threads.py": text}) == []


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa",
        "x = 1  # noqa: S101",
        "x = 1  # noqa: S101 - ok",
        "x = 1  # type: ignore",
        "x = 1  # pyright: ignore[reportAny]",
    ],
)
def test_an_ignore_without_its_rule_and_reason_is_found(tmp_path: Path, line: str) -> None:
    [sentence] = _sentences(tmp_path, {f"{SERVER}/a.py": f'"""Says why."""\n{line}\n'})

    assert sentence.startswith("An ignore hides its rule or its reason")


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa: S101 - an INSERT that returns has a row",
        "x = 1  # noqa: S101, S105 - made up for this test",
        "x = 1  # pyright: ignore[reportAny]  # the driver has no types",
    ],
)
def test_an_ignore_with_its_rule_and_reason_is_allowed(tmp_path: Path, line: str) -> None:
    assert _sentences(tmp_path, {f"{SERVER}/a.py": f'"""Says why."""\n{line}\n'}) == []


@pytest.mark.parametrize(
    ("path", "text", "about"),
    [
        ("Makefile", "# TO" + "DO: later\n", "postpones work"),
        (f"{SERVER}/a.py", '"""Says why."""\n# -' + "-------\n", "is a banner"),
        ("README.md", "cd /wo" + "rk/main\n", "folder of one machine"),
        ("docs/start.md", "open /ho" + "me/ann/backboard\n", "folder of one machine"),
        ("Makefile", "pip install -i https:/" + "/index.invalid/simple\n", "names a package index"),
    ],
)
def test_text_that_belongs_in_no_tracked_file_is_found(
    tmp_path: Path, path: str, text: str, about: str
) -> None:
    [sentence] = _sentences(tmp_path, {path: text})

    assert about in sentence


@pytest.mark.parametrize(
    "text", ["see docs/work/plan", "https://a.invalid/work/1", "f'{root}/work/x'", "/var/lib/x"]
)
def test_paths_that_are_nobodys_machine_are_allowed(tmp_path: Path, text: str) -> None:
    assert _sentences(tmp_path, {"docs/start.md": text}) == []


def test_a_finding_names_its_file_and_line(tmp_path: Path) -> None:
    [finding] = tidy.find(_read(tmp_path, {f"{SERVER}/a.py": '"""Says why."""\n\nclass Base: ...\n'}))

    assert str(finding).startswith(f"{SERVER}/a.py:3: ")


def test_lines_are_counted_by_ring(tmp_path: Path) -> None:
    files = {
        f"{SERVER}/domain/a.py": "1\n" * 9,
        f"{SERVER}/api/a.py": "1\n" * 8,
        f"{SERVER}/runs/a.py": "1\n" * 7,
        f"{SERVER}/store/routines/a.sql": "1\n" * 6,
        f"{SERVER}/cli.py": "1\n" * 5,
        f"{SDK}/_sync/a.py": "1\n" * 4,
        f"{SDK}/a.py": "1\n" * 3,
        "server/tests/test_a.py": "1\n" * 2,
        "tools/a.py": "1\n",
        "README.md": "not counted\n",
    }

    assert tidy.count_lines(_read(tmp_path, files)) == {
        "nouns": 9,
        "edge": 8,
        "verbs": 7,
        "adapters": 6,
        "entry": 5,
        "sdk (generated)": 4,
        "sdk": 3,
        "tests": 2,
        "tools": 1,
    }


def test_deleted_and_binary_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(b"\x89PNG\xff")

    assert tidy.read(tmp_path, [PurePosixPath("image.png"), PurePosixPath("gone.py")]) == []


def _sentences(root: Path, files: dict[str, str]) -> list[str]:
    return [finding.sentence for finding in tidy.find(_read(root, files))]


def _read(root: Path, files: dict[str, str]) -> list[tidy.Source]:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return tidy.read(root, map(PurePosixPath, files))
