"""Where the writer lives, comes from and works, what they speak, and the numbers under which they are found. Rules in English."""

# ruff: noqa: E501 - a rule stands on one line, so that the table can be read down its columns
from __future__ import annotations

from .rules import Rule, pattern
from .values import TASTE, WHOLE

_PLACES_REFUSED = frozenset([
    "a", "an", "my", "your", "his", "her", "another", "different", "now", "then", "there",
])  # fmt: skip
_SINCE_WORDS = r"(?: back)?(?: from [\w' ]{1,40}?)?"

LANGUAGES = frozenset([
    "english", "german", "french", "spanish", "italian", "portuguese", "dutch", "swedish", "norwegian",
    "danish", "finnish", "icelandic", "polish", "czech", "slovak", "hungarian", "romanian", "bulgarian",
    "greek", "turkish", "russian", "ukrainian", "serbian", "croatian", "bosnian", "slovenian", "albanian",
    "estonian", "latvian", "lithuanian", "arabic", "hebrew", "persian", "farsi", "urdu", "hindi", "bengali",
    "punjabi", "tamil", "telugu", "marathi", "gujarati", "chinese", "mandarin", "cantonese", "japanese",
    "korean", "vietnamese", "thai", "indonesian", "malay", "tagalog", "swahili", "amharic", "irish",
    "welsh", "catalan", "basque", "galician", "latin", "esperanto",
])  # fmt: skip
_PROFESSIONS = frozenset([
    "teacher", "nurse", "doctor", "surgeon", "dentist", "vet", "veterinarian", "pharmacist", "therapist",
    "psychologist", "engineer", "developer", "programmer", "designer", "architect", "lawyer", "attorney",
    "accountant", "analyst", "consultant", "scientist", "researcher", "physicist", "chemist", "biologist",
    "mathematician", "statistician", "economist", "journalist", "editor", "writer", "author", "novelist",
    "poet", "translator", "photographer", "artist", "painter", "musician", "actor", "actress", "chef",
    "cook", "baker", "waiter", "waitress", "barista", "bartender", "plumber", "electrician", "carpenter",
    "mechanic", "builder", "farmer", "gardener", "florist", "driver", "pilot", "firefighter", "paramedic",
    "policeman", "soldier", "sailor", "librarian", "student", "professor", "lecturer", "tutor", "manager",
    "ceo", "cto", "cfo", "founder", "entrepreneur", "freelancer", "salesman", "realtor", "secretary",
    "receptionist", "cashier", "janitor", "butcher", "tailor", "hairdresser", "barber", "electrician",
    "administrator", "recruiter", "banker", "trader", "auditor", "midwife", "physiotherapist", "paralegal",
    "judge", "politician", "priest",
])  # fmt: skip
_DETAILS = (
    r"(?P<k>phone(?: number)?|mobile number|telephone number|cell|(?:home |postal |street )?address"
    r"|zip(?: code)?|postcode|time\s?zone|username|website|blog|license plate|licence plate|car|bike|shoe size|height"
    r"|weight|blood type|hometown|nationality|native language|mother tongue|first language|religion|star sign"
    r"|zodiac sign|job title|phone model|laptop|employer|middle name|last name|surname|maiden name|school|university"
    r"|major|commute|dream job|deadline|budget|gym|office|doctor|dentist|bank|church|studio|workshop|garden|allotment)"
)
_OVER = r"(?:don'?t|do not|no longer|never) SURE"


def _profession(value: str) -> str | None:
    return value if value.split()[-1] in _PROFESSIONS else None


def _email(value: str) -> str | None:
    return value if 0 < value.find("@") < len(value) - 1 else None


LIVES = (
    Rule(pattern=pattern(rf"(?:i|we) SURE(?:{_OVER})(?:live|reside) in (?P<v>.+)"), slot="lives_in", shape="named", is_over=True),
    Rule(pattern=pattern(r"(?:i'?m|i am|we're|we are) (?:no longer|not) (?:living|based|staying) in (?P<v>.+)"), slot="lives_in", shape="named", is_over=True),
    Rule(pattern=pattern(r"(?:i|we) (?:used to live|lived) in (?P<v>.+)"), slot="lives_in", shape="named", is_over=True),
    Rule(pattern=pattern(r"(?:(?:i|we) SURE|(?:i|we)'ve SURE|i have SURE)(?:moved out of|moved away from) (?P<v>.+?)(?: for good)?\Z"), slot="lives_in", shape="named", is_over=True, words_max=3, refused=frozenset(["my", "the", "a", "work", "school", "home"])),
    Rule(pattern=pattern(r"(?:i|we) SURE(?:live|reside) in (?P<v>.+)"), slot="lives_in", shape="named", is_dated=True, refused=_PLACES_REFUSED),
    Rule(pattern=pattern(r"(?:i|we)(?:'ve| have) (?:lived|been living) in (?P<v>.+)"), slot="lives_in", shape="named", is_dated=True, refused=_PLACES_REFUSED),
    Rule(pattern=pattern(r"(?:i'?m|i am|we're|we are) SURE(?:living|based) in (?P<v>.+)"), slot="lives_in", shape="named", is_dated=True, refused=_PLACES_REFUSED),
    Rule(pattern=pattern(rf"(?:i|we)(?:'ve| have)? SURE(?:moved|relocated){_SINCE_WORDS} to (?P<v>.+)"), slot="lives_in", shape="named", is_dated=True, refused=_PLACES_REFUSED),
    Rule(pattern=pattern(r"(?:IM SURE|i come )(?:originally )?from (?P<v>.+)"), slot="from", shape="named", refused=_PLACES_REFUSED),
    Rule(pattern=pattern(r"i (?:was born and raised|grew up) in (?P<v>.+)"), slot="grew_up_in", shape="named", refused=_PLACES_REFUSED),
    Rule(pattern=pattern(r"i was born in (?P<v>\D+)"), slot="born_in", shape="named", refused=_PLACES_REFUSED),
    Rule(pattern=pattern(rf"i SURE(?:{_OVER})work (?:at|for) (?P<v>.+)"), slot="works_at", shape="named", is_over=True),
    Rule(pattern=pattern(r"i(?:'ve| have)? SURE(?:quit|left|lost|resigned from) (?:my )?(?:old )?job(?: (?:at|with) (?P<v>.+))?"), slot="works_at", shape="named", is_over=True),
    Rule(pattern=pattern(r"i(?:'ve| have)? SURE(?:quit|resigned from) (?P<v>(?-i:[A-Z]).+)"), slot="works_at", shape="named", is_over=True),
    Rule(pattern=pattern(r"i (?:was|got|have been|'ve been) SURE(?:laid off|fired|let go)(?: (?:by|from) (?P<v>.+))?"), slot="works_at", shape="named", is_over=True),
    Rule(pattern=pattern(r"i (?:used to work|worked) (?:at|for) (?P<v>.+)"), slot="works_at", shape="named", is_over=True),
    Rule(pattern=pattern(r"(?:i|i'm|i am|i've been|i have been) SURE(?:work|working|employed) (?:at|for|by) (?P<v>.+)"), slot="works_at", shape="named", is_dated=True, refused=_PLACES_REFUSED),
    Rule(pattern=pattern(r"i(?:'ve| have)? SURE(?:joined|started (?:working )?(?:at|for)|started a new job at|got a(?: new)? job (?:at|with)) (?P<v>.+)"), slot="works_at", shape="named", is_dated=True, refused=_PLACES_REFUSED),
    Rule(pattern=pattern(r"(?:i|i'm|i am) SURE(?:work|working) as (?:an?|the) (?P<v>.+)"), slot="works_as", is_dated=True),
    Rule(pattern=pattern(r"(?:i|i'm|i am) (?:no longer (?:an? )?|not (?:an? )?)(?:work as (?:an? )?|working as (?:an? )?)(?P<v>.+)"), slot="works_as", is_over=True),
    Rule(pattern=pattern(r"(?:IM SURE|i(?:'ve)? (?:became|become) |my (?:job|profession|occupation) is )(?:an? )(?P<v>.+)"), slot="works_as", reads=_profession),
    Rule(pattern=pattern(r"(?:IM SURE|i(?: just| recently)? )(?P<v>retired)\Z"), slot="works_as"),
    Rule(pattern=pattern(r"(?:i|i'm|i am) SURE(?:study|studying|major in|majoring in) (?P<v>.+)"), slot="studies", words_max=3, refused=frozenset(["for", "at", "hard", "every", "a", "an", "the"])),
    Rule(pattern=pattern(r"i SURE(?:NOT) speak (?P<v>.+)"), slot="speaks:{v}", value="no", shape="list", tail=TASTE, allowed=LANGUAGES),
    Rule(pattern=pattern(r"i SURE(?:can )?speak (?:fluent |some |a little |native )?(?P<v>.+)"), slot="speaks:{v}", value="yes", shape="list", tail=TASTE, allowed=LANGUAGES),
    Rule(pattern=pattern(r"(?:i'?m|i am|i've been) SURE(?:learning|studying) (?P<v>.+)"), slot="learns:{v}", value="yes", shape="list", tail=TASTE, allowed=LANGUAGES),
    Rule(pattern=pattern(r"my (?:current |new |old )?e-?mail(?: address)? (?:isn't|is not|is no longer) (?P<v>.+)"), slot="email", reads=_email, is_over=True),
    Rule(pattern=pattern(r"my (?:new |current )?e-?mail(?: address)?(?: BE|'s)(?: now)? (?P<v>.+)"), slot="email", reads=_email, tail=WHOLE),
    Rule(pattern=pattern(rf"my (?:current )?{_DETAILS} (?:isn't|is not|is no longer) (?P<v>.+)"), slot="{k}", words_max=8, is_over=True),
    Rule(pattern=pattern(rf"my (?:new |current )?{_DETAILS}(?: BE|'s)(?: now)? (?P<v>.+)"), slot="{k}", words_max=8, tail=WHOLE, refused=frozenset(["broken", "down", "slow", "late", "closed", "open", "in", "not", "full", "awful", "great", "good", "bad", "terrible", "too", "so", "very", "amazing", "fine", "okay"])),
)  # fmt: skip
