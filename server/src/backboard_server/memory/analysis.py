"""What a text is found by: its words as the terms of a lexical index, in any script, by rules alone. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

from .calendar import MONTHS, WEEKDAYS

CHARACTERS_MAX = 100_000  # of a text: what comes after is not indexed
TERMS_MAX = 4_000  # different ones of a text
TERM_CHARACTERS_MAX = 64
DATED = "#dated"  # the term of texts that say when something was; no word is spelled like it

_CHUNK_CHARACTERS_MAX = 512
_PREFIX_CHARACTERS = 5  # of Russian and Hindi; 4 does as well on XQuAD, 6 worse, whole words far worse
_CACHED_MAX = 16_384

# Scripts that put no space between words, and Hangul, whose words end in particles: taken two by two.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
)
# Marks belong to their letter, though \w ends a word at them. The Indic blocks are whole but for full stops.
_MARKS = (
    "\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0963\u0966-\u0dff\u0f71-\u0fbc\u200c\u200d"
)
_WORD = rf"(?:[^\W_{_UNSPACED}]++[{_MARKS}]*+)++"
_JOINT = r"(?:['\u2019_.@:-]|,(?=\d\d\d(?!\d)))"
_CHUNK = re.compile(rf"[{_UNSPACED}]+|{_WORD}(?:{_JOINT}{_WORD}){{0,8}}")
_ASCII_CHUNK = re.compile(rf"[A-Za-z0-9]++(?:{_JOINT}[A-Za-z0-9]++){{0,8}}")
_STARTS_UNSPACED = re.compile(f"[{_UNSPACED}]")

_CLITIC = re.compile(r"['\u2019](?:s|t|d|ll|m|re|ve)$", re.IGNORECASE)
_JOINTS = re.compile(r"['\u2019_.@:,-]")
_SOFT_JOINTS = re.compile(r"['\u2019_,-]")  # "e-mail" is "email", user_id is userId
_FIGURES = re.compile(r"\d+(?:[.,:]\d+)+")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_DAY = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_HAS_HUMPS = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]{2}")
_ARABIC_ARTICLE = re.compile("^و?(?:ال|بال|كال|فال|لل)(?=...)")  # as Larkey's light10 stemmer takes it off
_VOWELS = frozenset("aeiouy")
_VERBAL = re.compile("(?:(?<!e)ed|ing)(?:ly)?$")
_DERIVED = re.compile("(?<=....)(?:at)?ion$")

# What people leave out as they type, or write in two ways: "é" is "e", and "ё" likewise.
_FOLDED: dict[int, str | None] = {
    **dict.fromkeys([0xAD, *range(0x300, 0x370), *range(0x483, 0x488), *range(0x591, 0x5C8)]),
    **dict.fromkeys([*range(0x610, 0x61B), 0x640, *range(0x64B, 0x660), 0x670, *range(0x6D6, 0x6EE)]),
    **dict.fromkeys([0x93C, 0x200C, 0x200D]),
    **{0x901: "\u0902", 0x629: "\u0647", 0x649: "\u064a"},
}


def analyse(text: str) -> dict[str, int]:
    """Return the terms that a text is indexed under, with how often each occurs; their sum is its length.

    English words are cut to their stems, those of inflected languages to prefixes, and where no spaces are
    written, characters are taken in pairs. There are never more than TERMS_MAX.
    """
    chunks = chunks_of(text)
    is_foreign = not _FOREIGN.isdisjoint(chunks) and not is_english(chunks)
    terms: dict[str, int] = {}
    for chunk in chunks:
        for term in terms_of(chunk, is_foreign):
            terms[term] = terms.get(term, 0) + 1
        if len(terms) >= TERMS_MAX:
            return dict([*terms.items()][:TERMS_MAX])
    if not _DATES.isdisjoint(terms):
        terms[DATED] = 1
    return terms


def chunks_of(text: str) -> list[str]:
    """Return the words of a text in their order, as they are written; what is joined to one stays one."""
    if text.isascii():
        return _ASCII_CHUNK.findall(text, 0, CHARACTERS_MAX)
    return _CHUNK.findall(unicodedata.normalize("NFKC", text[:CHARACTERS_MAX]), 0, CHARACTERS_MAX)


def is_english(chunks: list[str]) -> bool:
    """Return whether words are surely English; Latin words of other languages get prefixes beside stems."""
    return not _ENGLISH.isdisjoint(chunks)


def terms_of(chunk: str, is_foreign: bool = False) -> tuple[str, ...]:
    """Return the terms of one of the `chunks_of` a text; none where it says nothing by itself."""
    if chunk[0] >= "\u0e00" and _STARTS_UNSPACED.match(chunk):
        return tuple(map("".join, pairwise(chunk))) or (chunk,)
    return _terms_of(chunk[:_CHUNK_CHARACTERS_MAX], is_foreign)


@lru_cache(_CACHED_MAX)  # most words of a text are frequent ones: four times as fast
def _terms_of(chunk: str, is_foreign: bool) -> tuple[str, ...]:
    chunk = _CLITIC.sub("", chunk)
    if day := _DAY.fullmatch(chunk):
        return day[0].replace("-", ""), day[1], *_word(MONTHS[int(day[2]) - 1], False), day[3].lstrip("0")
    if _FIGURES.fullmatch(chunk):
        return (chunk.replace(",", "")[:TERM_CHARACTERS_MAX],)
    parts = _parts_of(chunk)
    if len(parts) == 1:
        return _word(chunk, is_foreign)
    if all(len(part) == 1 for part in parts):  # U.S.A
        return _word("".join(parts), False)
    whole = _SOFT_JOINTS.sub("", _folded(chunk)).strip(".:@")[:TERM_CHARACTERS_MAX]
    return *(term for part in parts for term in _word(part, is_foreign)), *([whole] if whole else [])


def _parts_of(chunk: str) -> list[str]:
    parts = _JOINTS.split(chunk)
    if not _HAS_HUMPS.search(chunk):
        return parts
    return [hump for part in parts for hump in (_HUMP.findall(part) if part.isascii() else [part])]


def _word(word: str, is_foreign: bool) -> tuple[str, ...]:
    word = _folded(word)[:TERM_CHARACTERS_MAX]
    if not word or word in _STOPPED:
        return ()
    if word.isdecimal():
        return ("".join(str(unicodedata.decimal(digit)) for digit in word),)
    if not word.isascii():
        return (_ARABIC_ARTICLE.sub("", word)[:_PREFIX_CHARACTERS],)
    if is_foreign and len(word) > _PREFIX_CHARACTERS:
        return _stem(word), word[:_PREFIX_CHARACTERS] + "*"  # which no stem is
    return (_stem(word),)


def _folded(word: str) -> str:
    word = word.casefold()
    if word.isascii():
        return word
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", word).translate(_FOLDED))


def _stem(word: str) -> str:
    """Return what the forms of an English word have in common: lighter than Porter's, as good on LoCoMo."""
    word = _ORDINAL.sub(r"\1", _BASES.get(word, word))
    if len(word) <= 3:
        return word
    word = _singular(word)
    root = _VERBAL.sub("", word)
    if len(root) > (1 if root[:1] in _VOWELS else 2) and not _VOWELS.isdisjoint(root):
        word = root
    if len(word) > 5:
        word = word.removesuffix("ly")
    word = _DERIVED.sub("", word)
    if len(word) > 3:
        word = word.removesuffix("e")
    if word[-1] == word[-2] and word[-1] not in "lsz":
        word = word[:-1]
    return word[:-1] + "i" if word[-1] == "y" else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1] if word[-1] == "s" and word[-2] not in "sui" else word


def _words(listed: str) -> frozenset[str]:
    return frozenset(map(_folded, listed.split()))


# Of other languages only what spells no English word: "die" and "hat" mean something here.
_FOREIGN = _words("""
    und der das dem des ist nicht ein eine einen einer auf von zu ich wir sich wird haben
    le la les du et est une dans que qui pas je nous vous avec el los las una del y por es se en de
""")
# As they are written, and in no other language.
_ENGLISH = frozenset(
    [
        "The",
        "What",
        "When",
        "Where",
        "Who",
        "How",
        "Did",
        "the",
        "of",
        "and",
        "you",
        "did",
        "what",
        "with",
        "that",
    ]
)
_STOPPED = _FOREIGN | _words("""
    a about again all also am an and any are as at be because been being but by can could did do does doing
    done for from get gets getting got gotten had has have having he her here hers herself him himself his
    how i if in into is it its itself just let me more most my myself of on or our ours ourselves out over
    she should so some such than that the their theirs them themselves then there these they this those
    through to too up us very was we were what when where which while who whom whose why will with would you
    your yours yourself im ive ain aren couldn didn doesn don hadn hasn haven isn shouldn wasn weren won
    wouldn dont didnt
    и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по ее мне было вот от меня
    о из ему когда даже ну если или быть был него до вас уже для мы их чем была без где кто это какой какая
    какие сколько при
    के का की में है हैं और से को पर इस एक यह कि ने जो कर लिए तो ही या हो था थे थी भी वह गया किया क्या कौन कब
    कहाँ किस किसने कितने कितनी जा रहे रहा
""")  # noqa: RUF001 - Russian, not mistaken Latin

# What no rule of English finds: the forms of a word on a line, its base first.
_IRREGULAR = """
    be|become became becoming|begin began begun|bite bit bitten|blow blew blown|break broke broken
    bring brought|build built|buy bought|catch caught|child children|choose chose chosen|come came
    deal dealt|draw drew drawn|drink drank drunk|drive drove driven|eat ate eaten|fall fell fallen|feel felt
    fight fought|find found|fly flew flown|foot feet|forget forgot forgotten|freeze froze frozen
    give gave given|go goes going went gone|good better best|grow grew grown|hear heard|hide hid hidden
    hold held|keep kept|know knew known|lead led|learn learnt|leave left|lend lent|life lives|lose lost
    make made|man men|mean meant|meet met|mouse mice|pay paid|person people|ride rode ridden|ring rang rung
    rise rose risen|run ran|say said|see saw seen|seek sought|sell sold|send sent|shake shook shaken
    shoot shot|show shown|sing sang sung|sit sat|sleep slept|speak spoke spoken|spend spent|stand stood
    steal stole stolen|swear swore sworn|swim swam swum|take took taken|teach taught|tear tore torn
    tell told|think thought|throw threw thrown|tooth teeth|understand understood|use used using
    wake woke woken
    wear wore worn|wife wives|win won|woman women|write wrote written
"""
_BASES = {form: forms[0] for forms in map(str.split, re.split(r"[|\n]", _IRREGULAR)) for form in forms[1:]}

_DATE_WORDS = """
    weekend day week month year ago yesterday today
    tonight tomorrow gestern heute morgen demain ayer вчера сегодня завтра कल आज
    昨天 今天 明天 昨日 今日 明日 去年 今年 明年
"""
# A question for a time is answered by a text that has one of these; "may" is more often a verb.
_DATES = frozenset(
    term
    for chunk in [*_DATE_WORDS.split(), *WEEKDAYS, *MONTHS, *map(str, range(1900, 2100))]
    for term in terms_of(chunk)
    if chunk != "may"
)
