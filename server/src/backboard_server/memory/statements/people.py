"""Who the writer is and who belongs to them: name, age, birthday, family and pets by name. Rules in English."""

# ruff: noqa: E501 - a rule stands on one line, so that the table can be read down its columns
from __future__ import annotations

from backboard_server.memory.calendar import NUMBERS

from .dates import birthday_of
from .rules import Rule, pattern
from .values import WHOLE

_PARTNERS = "wife|husband|partner|girlfriend|boyfriend|fianc[eé]e?|spouse"
_SINGLE = "mother|mom|mum|father|dad|manager|boss|therapist|roommate|landlord|best friend"
_SEVERAL = "son|daughter|child|kid|brother|sister|cousin|aunt|uncle|niece|nephew|friend|colleague|grandson|granddaughter"
_PETS = (
    "dog|cat|puppy|kitten|hamster|rabbit|parrot|horse|bird|fish|turtle|tortoise|guinea pig|snake|lizard|pet"
)
_KIND = (
    r"(?:(?:new|little|big|older|younger|elder|youngest|eldest|oldest|twin|only|golden|black|white|small) )*"
)
_NAMED = r"(?:'s name BE|s name BE| is (?:called|named)|'s (?:called|named)| goes by)"
_HAS = r"(?:I_HAVE|got|adopted|(?:i|we)(?: just| recently)? (?:got|adopted)|(?:i|we) have) SURE?(?:an?|one|my|two|another) "
_CALLED = r",? (?:(?:who is|who's|that is|that's) )?(?:called|named|by the name of) (?P<v>.+)"

_STATES = frozenset([
    "married", "single", "divorced", "engaged", "widowed", "separated", "a widow", "a widower",
])  # fmt: skip
_COUNTS = {"no": "0"} | {word: str(number) for word, number in NUMBERS.items()}


def _age(value: str) -> str | None:
    return value if value.isdecimal() and 1 <= int(value) <= 120 else None


def _count(value: str) -> str | None:
    return _COUNTS.get(value, value if value.isdecimal() and len(value) < 3 else None)


def _year(value: str) -> str | None:
    return value if len(value) == 4 and value.isdecimal() and value.startswith(("19", "20")) else None


def _relation(words: str, slot: str, value: str | None = None) -> list[Rule]:
    """Return the rules of one sort of relation, whose name follows: "my wife's name is", "I have a wife named"."""
    known = f"my {_KIND}(?P<k>{words})"
    return [
        Rule(
            pattern=pattern(known + _NAMED + " (?P<v>.+)"),
            slot=slot,
            value=value,
            kind="relation",
            shape="named",
            words_max=3,
        ),
        Rule(
            pattern=pattern(_HAS + _KIND + f"(?P<k>{words})" + _CALLED),
            slot=slot,
            value=value,
            kind="relation",
            shape="named",
            words_max=3,
        ),
    ]


PEOPLE = (
    Rule(pattern=pattern(r"my (?:full |first |real )?name(?: BE|'s) (?P<v>.+)"), slot="name", shape="named", words_max=4),
    Rule(pattern=pattern(r"I_AM (?:called|named) (?P<v>.+)"), slot="name", shape="named", words_max=3),
    Rule(pattern=pattern(r"(?:hi|hello|hey)(?: there)?[,!.]? (?:i'm|i am|this is) (?P<v>(?-i:[A-Z])\w+(?: (?-i:[A-Z])\w+)?\b(?!'))(?=\Z|,)"), slot="name", shape="named", words_max=2, refused=frozenset(["german", "french", "english", "american", "canadian", "chinese", "indian", "irish", "british", "spanish", "italian", "polish", "dutch", "russian", "turkish", "vegan", "catholic", "jewish", "muslim", "christian"])),
    Rule(pattern=pattern(r"my (?:nick)?name (?:is not|isn't|is no longer) (?P<v>.+)"), slot="name", shape="named", is_over=True),
    Rule(pattern=pattern(r"(?:I_AM|my age is) SURE(?P<v>\d{1,3})(?: years old| years of age| yo|-years-old|\s?y/?o)\b"), slot="age", reads=_age),
    Rule(pattern=pattern(r"(?:IM SURE|my age is |i(?: just)? turned |i(?: just)? turn )(?P<v>\d{1,3})\Z"), slot="age", reads=_age),
    Rule(pattern=pattern(r"my birthday(?: BE|'s) (?:on )?(?P<v>.+)"), slot="birthday", reads=birthday_of, words_max=6, tail=WHOLE),
    Rule(pattern=pattern(r"i was born (?:on )(?P<v>.+)"), slot="birthday", reads=birthday_of, words_max=6, tail=WHOLE),
    Rule(pattern=pattern(r"i was born in (?P<v>\d{4})\Z"), slot="birth_year", reads=_year),
    Rule(pattern=pattern(r"my (?:preferred )?pronouns are (?P<v>.+)"), slot="pronouns", kind="instruction", words_max=3),
    Rule(pattern=pattern(r"(?:I_AM|i(?: just| recently)? got) SURE(?:happily )?married to (?P<v>.+)"), slot="partner", kind="relation", shape="named", words_max=3),
    Rule(pattern=pattern(r"(?:I_AM|i(?: just| recently)? got) SURE(?:happily )?(?P<v>married|single|divorced|engaged|widowed|separated)(?=\Z|,| (?:now|again|since|for|and|with)\b)"), slot="marital_status", allowed=_STATES),
    Rule(pattern=pattern(r"(?:i have|i've got|we have|i'm (?:a|the) (?:mother|father|mom|mum|dad|parent) of) SURE(?P<v>no|one|two|three|four|five|six|\d{1,2}) (?:kids?|child|children)\b(?! (?:in|at|to|on)\b)"), slot="children_count", reads=_count),
    *_relation(_PARTNERS, "partner"),
    *_relation(_SINGLE, "{k}"),
    *_relation(_SEVERAL, "{k}:{v}", "yes"),
    Rule(pattern=pattern(f"my {_KIND}(?P<k>{_PETS})" + _NAMED + " (?P<v>.+)"), slot="pet:{v}", value="yes", kind="relation", shape="named", words_max=2),
    Rule(pattern=pattern(_HAS + _KIND + r"(?:\w+ )?" + f"(?P<k>{_PETS})" + _CALLED), slot="pet:{v}", value="yes", kind="relation", shape="named", words_max=2),
    Rule(pattern=pattern(f"my {_KIND}(?:{_PETS}),? (?P<v>\\w+),? (?:died|passed away|ran away)\\b"), slot="pet:{v}", value="yes", kind="relation", shape="named", is_over=True),
    Rule(pattern=pattern("my (?:wife|husband|partner|girlfriend|boyfriend|fianc[eé]e?),? (?P<v>\\w+),? (?:and i )?(?:left me|broke up|got divorced|are divorced|separated|died|passed away)\\b"), slot="partner", kind="relation", shape="named", is_over=True),
)  # fmt: skip
