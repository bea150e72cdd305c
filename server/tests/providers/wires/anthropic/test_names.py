from __future__ import annotations

from backboard_server.providers.wires.anthropic.names import ID_CHARACTERS_MAX, CallIds, Names


def test_a_name_that_the_vendor_takes_stays_as_it_is() -> None:
    assert Names().of("look_up-2") == "look_up-2"


def test_a_foreign_name_is_mended_the_same_way_throughout() -> None:
    names = Names()

    assert [names.of("files.read"), names.of("files.read")] == ["files_read", "files_read"]


def test_two_names_never_become_one() -> None:
    names = Names()

    assert [names.of("files.read"), names.of("files_read"), names.of("files:read")] == [
        "files_read",
        "files_read_2",
        "files_read_3",
    ]


def test_a_name_of_nothing_or_of_too_much_is_one_the_vendor_takes() -> None:
    names = Names()

    assert names.of("") == "tool"
    assert names.of("é" * 500) == "_" * 128
    assert len(names.of("ü" * 500)) == 128


def test_an_id_that_was_used_before_is_another_one_the_second_time() -> None:
    ids = CallIds()

    assert [ids.next("call|1"), ids.next("call|1"), ids.next("")] == ["call_1", "call_1_2", "call"]
    assert len(ids.next("x" * 1000)) == ID_CHARACTERS_MAX
