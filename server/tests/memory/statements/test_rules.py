"""One rule on one clause."""

from __future__ import annotations

from backboard_server.memory.statements.rules import Draft, Refused, Rule, drafts_by, pattern
from memory.saying import SAID_AT

HAS = Rule(pattern=pattern(r"i have (?P<v>.+)"), slot="has:{v}", value="yes", shape="list", words_max=2)


def test_a_rule_that_does_not_fit_says_nothing() -> None:
    assert drafts_by(HAS, "You have tea", SAID_AT) is None


def test_a_blank_stands_for_any_number_and_every_item_is_a_draft() -> None:
    drafts = drafts_by(HAS, "I   have cups, plates", SAID_AT)

    assert drafts == [
        Draft(kind="fact", slot="has:cup", value="yes", content="I   have cups"),
        Draft(kind="fact", slot="has:plate", value="yes", content="I   have plates"),
    ]


def test_a_value_in_doubt_is_refused() -> None:
    assert drafts_by(HAS, "I have it", SAID_AT) == Refused("unclear")
    assert drafts_by(HAS, "I have far too many words", SAID_AT) == Refused("unclear")
