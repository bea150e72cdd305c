"""What the writer likes and does not, cannot and will not eat, has, and does again and again. Rules in English."""

# ruff: noqa: E501 - a rule stands on one line, so that the table can be read down its columns
from __future__ import annotations

from .rules import Rule, pattern
from .values import TASTE, WHOLE

_LIKE = r"(?:like|love|enjoy|adore)"
_HATE = r"(?:hate|dislike|detest|loathe|despise|can'?t stand|cannot stand|can'?t bear)"
_DIETS = frozenset([
    "vegetarian", "vegan", "pescatarian", "flexitarian", "keto", "paleo", "kosher", "halal",
    "gluten-free", "gluten-intolerant", "lactose-intolerant", "dairy-free", "carnivore", "celiac",
    "coeliac", "diabetic", "lactose intolerant", "gluten intolerant", "gluten free", "dairy free",
])  # fmt: skip
_NOT_LIKED = frozenset([
    "how", "when", "what", "that", "to", "your", "you", "the", "these", "those", "it", "this", "about",
    "being", "and", "or", "so",
])  # fmt: skip
_MAY_BE_THE = (
    r"(?:the (?=(?:sea|mountains|beach|ocean|outdoors|rain|snow|cold|heat|countryside|beatles|colou?r (?!and|or|of|in)\w+"
    r"|(?:smell|sound|taste) of)\b))?"
)
_OFTEN = (
    r"(?:every|each|once a|twice a|on) (?:(?:other )?(?:day|week|month|morning|evening|night|weekend|year)s?"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)"
)
_DOES = (
    r"(?:go|swim|run|play|practi[sc]e|train|cycle|ride|walk|drive|take|eat|cook|meet|visit|call|watch|read|write|teach"
    r"|work out|do|have|attend|volunteer|commute|climb|hike|dance|sing)"
)
_PLACES = r"(?:gym|office|doctor|dentist|bank|church|studio|school|university|workshop|garden|allotment|climbing hall|pool)"


def _taste(words: str, value: str) -> Rule:
    """Return a rule of liking: what is liked makes the slot, and whether it is the answer."""
    return Rule(
        pattern=pattern(words + " " + _MAY_BE_THE + "(?P<v>.+)"),
        slot="likes:{v}",
        kind="preference",
        value=value,
        shape="list",
        tail=TASTE,
        words_max=5,
        refused=_NOT_LIKED,
    )


TASTES = (
    Rule(pattern=pattern(r"my (?:new |current |all-time |absolute )?favou?rite (?!(?:part|one|thing|bit|way|option|answer|idea|line|moment|example|scene)\b)(?P<k>[\w ]{2,30}?)(?: is not| isn't| is no longer) (?P<v>.+)"), slot="favourite:{k}", kind="preference", tail=TASTE, is_over=True),
    Rule(pattern=pattern(r"my (?:new |current |all-time |absolute )?favou?rite (?!(?:part|one|thing|bit|way|option|answer|idea|line|moment|example|scene)\b)(?P<k>[\w ]{2,30}?)(?: BE|'s)(?: now)? (?P<v>.+)"), slot="favourite:{k}", kind="preference", tail=TASTE, words_max=6),
    Rule(pattern=pattern(r"(?P<v>[\w'-]+(?: [\w'-]+){0,3}) is (?:now )?my (?:new |current |all-time |absolute )?favou?rite (?!(?:part|one|thing|bit|way|option|answer|idea|line|moment|example|scene)\b)(?P<k>[\w ]{2,30})\Z"), slot="favourite:{k}", kind="preference", refused=frozenset(["what", "which", "who", "this", "that", "it"])),
    _taste(rf"i SURE(?:NOT|no longer) (?:{_LIKE}|care for)(?: eating| drinking)?", "no"),
    _taste(r"i(?:'ve| have)? SURE(?:stopped (?:liking|loving|enjoying)|gone off|went off|grew tired of|grown tired of)", "no"),
    _taste(rf"i SURE{_HATE}(?: eating| drinking)?", "no"),
    _taste(rf"i SURE{_LIKE}(?: eating| drinking)?(?! to be\b)", "yes"),
    _taste(r"IM SURE(?:not|no longer) (?:a (?:big |huge )?fan of|fond of|into)", "no"),
    _taste(r"IM SURE(?:an? (?:big |huge |great )?fan of|fond of|into)", "yes"),
    Rule(pattern=pattern(r"i SURE(?:)prefer (?P<v>[\w' -]{2,40}?) (?:to|over) (?P<k>[\w' -]{2,40})\Z"), slot="prefers:{pair}", kind="preference"),
    Rule(pattern=pattern(r"i SURE(?:)prefer (?!to\b)(?P<v>.+)"), slot="likes:{v}", kind="preference", value="yes", tail=TASTE, words_max=4, refused=_NOT_LIKED),
    Rule(pattern=pattern(r"IM SURE(?:not|no longer) allergic to (?P<v>.+)"), slot="allergy:{v}", value="no", shape="list", tail=TASTE),
    Rule(pattern=pattern(r"IM SURE(?:(?:severely|very|highly|extremely|deathly) )?allergic to (?P<v>.+)"), slot="allergy:{v}", value="yes", shape="list", tail=TASTE),
    Rule(pattern=pattern(r"i have an? (?:(?:severe|bad|serious|mild) )?(?P<k>[\w-]+(?: [\w-]+)?) allergy"), slot="allergy:{k}", value="yes", tail=TASTE),
    Rule(pattern=pattern(r"IM SURE(?:not|no longer)(?: an?)? (?P<v>.+)"), slot="diet", tail=TASTE, words_max=2, allowed=_DIETS, kind="preference", is_over=True),
    Rule(pattern=pattern(r"i (?:stopped being|gave up being|quit being)(?: an?)? (?P<v>.+)"), slot="diet", tail=TASTE, words_max=2, allowed=_DIETS, kind="preference", is_over=True),
    Rule(pattern=pattern(r"(?:IM SURE|i(?:'ve| have)? SURE(?:became|become|went|gone|turned|eat|follow an?) )(?:strictly )?(?:a )?(?P<v>.+)"), slot="diet", tail=TASTE, words_max=2, allowed=_DIETS, kind="preference"),
    Rule(pattern=pattern(r"(?:i SURE(?:NOT|no longer|never|can'?t|cannot) eat|i(?:'ve| have)? SURE(?:stopped eating|gave up eating)) (?P<v>.+)"), slot="eats:{v}", value="no", kind="preference", shape="list", tail=TASTE, words_max=3, refused=frozenset(["much", "enough", "out", "breakfast", "lunch", "dinner", "at", "after", "before", "well"])),
    Rule(pattern=pattern(r"i SURE(?:NOT|no longer|never) drink (?P<v>.+)"), slot="drinks:{v}", value="no", kind="preference", shape="list", tail=TASTE, words_max=3, refused=frozenset(["much", "enough", "at", "after", "before"])),
    Rule(pattern=pattern(r"i SURE(?:eat|drink) (?P<v>.+?) again\Z"), slot="eats:{v}", value="yes", kind="preference", shape="list", words_max=3),
    Rule(pattern=pattern(r"i (?:don't|do not|no longer) have (?:an?|any|my) (?P<k>dog|cat|car|bike|horse|tv|television)s?ANY_MORE"), slot="has:{k}", value="no", tail=TASTE),
    Rule(pattern=pattern(r"i sold my (?P<k>dog|cat|car|bike|horse|house|boat|motorbike)\b"), slot="has:{k}", value="no", tail=TASTE),
    Rule(pattern=pattern(r"(?:i have|i've got|i own|i(?: just| recently)? bought|i(?: just| recently)? got) an? (?:new )?(?P<k>dog|cat|car|bike|horse|house|boat|motorbike)\b"), slot="has:{k}", value="yes", tail=TASTE),
    Rule(pattern=pattern(rf"my (?:favou?rite )?(?P<k>{_PLACES})(?: BE|'s)(?: now)? (?P<v>(?:near|in|at|on|next to|close to|opposite|behind|across from|around) .+)"), slot="my:{k}", words_max=12, tail=WHOLE),
)  # fmt: skip

HABIT = pattern(rf"(?:i|we) (?:usually |always |often )?{_DOES} .{{0,120}}?\b{_OFTEN}\b.{{0,60}}\Z")
