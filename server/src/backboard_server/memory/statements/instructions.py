"""What the writer asks for once and for all: "always answer in French", "never use emojis". In English."""

from __future__ import annotations

import re

from .lives import LANGUAGES
from .rules import Draft, Drafts, Refused, Rule, pattern
from .values import folded, key_of

_VERBS = (
    r"(?:answer|reply|respond|write|speak|talk|use|give(?! up)|show|include|add|mention|ask|explain|keep"
    r"|format|translate|cite|send|suggest|recommend|make(?! (?:us|me|you)\b)|start|begin|end|sign|put|provide"
    r"|be|remind|treat|tell|avoid|assume|convert|spell|list|refer|quote|apologi[sz]e|address|offer|repeat|swear"
    r"|stick|limit|skip|leave)\b"
)
_ONCE = re.compile(
    r"\b(?:(?:this|that|the (?:following|next|above|current)) (?:\w+ )?(?:email|file|task|story"
    r"|text|time|case|letter|message"
    r"|answer|function|code|chat|conversation|one|project|document|essay|poem)|today|for now"
    r"|tonight|just once"
    r"|it|them|that)\b",
    re.I,
)
_END = re.compile(
    r"[, ]+(?:please|from now on|any\s?more|ever again|ever|again|thanks|thank you|at all times"
    r"|with me|to me)\Z",
    re.I,
)
_LANGUAGE = re.compile(
    rf"(?:answer|reply|respond|write|speak"
    rf"|talk)(?: to)?(?: me)?(?: back)?(?: only)? in (?P<v>{'|'.join(LANGUAGES)})(?: only)?\Z",
    re.I,
)
_PLEASE = (
    r"(?:please |(?:you can|you may|you should|i want you to|i'd like you to|just"
    r"|make sure (?:to|you)|be sure to|remember to) )?"
)
_ON = r"(?:from now on,? |in (?:the )?future,? |going forward,? )"
_WORDS_MAX = 16

_OVER = pattern(
    rf"{_PLEASE}(?:you (?:don't|do not|no longer) (?:need|have) to"
    rf"|no need to) (?:always )?(?P<v>{_VERBS}.*?)(?: any\s?more)?\Z"
)
_NEVER = pattern(
    rf"{_ON}?{_PLEASE}(?:never|don't ever|do not ever|you (?:should|must) never) (?P<v>{_VERBS}.*)"
)
_ALWAYS = pattern(rf"{_ON}?{_PLEASE}(?:you (?:should|must) )?always (?P<v>{_VERBS}.*)")
_NO_LONGER = (
    pattern(rf"{_ON}{_PLEASE}(?:don't|do not|never) (?P<v>{_VERBS}.*)"),
    pattern(rf"{_PLEASE}(?:don't|do not) (?P<v>{_VERBS}.*? (?:any\s?more|from now on|ever|ever again))\Z"),
    pattern(rf"{_ON}?(?:please )?(?:stop|no more) (?P<v>(?:using|adding) .*)"),
)
_FROM_NOW = (
    pattern(rf"{_ON}{_PLEASE}(?P<v>{_VERBS}.*)"),
    pattern(rf"{_PLEASE}(?P<v>{_VERBS}.*? from now on)\Z"),
    pattern(rf"you (?:can|may) (?P<v>{_VERBS}.*? again)\Z"),
)
_SIGNS = (
    (_OVER, "over"),
    (_NEVER, "no"),
    *((each, "no") for each in _NO_LONGER),
    (_ALWAYS, "yes"),
    *((each, "yes") for each in _FROM_NOW),
)

_NOT_A_NAME = frozenset([
    "back", "later", "when", "if", "at", "on", "crazy", "maybe", "a", "an", "the", "old", "tomorrow",
    "today", "again", "after", "before", "in", "for", "it", "that", "mad",
])  # fmt: skip
CALLED = (
    Rule(
        pattern=pattern(rf"{_ON}?(?:please )?(?:don't|do not|never|stop) call(?:ing)? me (?P<v>.+)"),
        slot="called",
        kind="instruction",
        shape="named",
        words_max=3,
        refused=_NOT_A_NAME,
        is_over=True,
    ),
    Rule(
        pattern=pattern(rf"{_ON}?{_PLEASE}(?:always |just |you can )?call me (?P<v>.+?)(?: from now on)?\Z"),
        slot="called",
        kind="instruction",
        shape="named",
        words_max=3,
        refused=_NOT_A_NAME,
    ),
)


def instruction_of(clause: str) -> Drafts | None:
    """Return the standing instruction that a clause gives or takes back, or None."""
    for form, sign in _SIGNS:
        if found := form.match(clause):
            return _standing(found["v"], sign)
    return None


def _standing(said: str, sign: str) -> Drafts:
    act = _without_end(said)
    if _ONCE.search(act):
        return Refused("transient")
    if len(act.split()) > _WORDS_MAX:
        return Refused("unclear")
    language = _LANGUAGE.match(act)
    is_over = sign == "over"
    if language is not None and sign != "no":
        slot, value = "answer_language", language["v"].lower()
    else:
        slot, value = f"instruction:{key_of(_plain(act))}", "yes" if is_over else sign
    return [Draft(kind="instruction", slot=slot, value=value, is_over=is_over)]


def _without_end(act: str) -> str:
    shorter = _END.sub("", act)
    return act if shorter == act else _without_end(shorter)


def _plain(act: str) -> str:
    """Return an act in its plain form, so that "stop using emojis" is about what "use emojis" is about."""
    return re.sub(r"^(?:using|adding)\b", lambda verb: verb.group()[:-3].replace("us", "use"), folded(act))
