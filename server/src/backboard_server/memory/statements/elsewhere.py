"""The plainest statements in German, French, Spanish and Chinese: name, home, likes and work."""

# ruff: noqa: RUF001 - the marks of Chinese, and of typesetters, are meant
from __future__ import annotations

from .rules import Rule, pattern
from .values import TASTE

_UNSAID = frozenset([
    "es", "das", "dies", "dich", "sie", "ihn", "dass", "wenn", "ça", "cela", "que", "quand", "te", "eso",
    "esto", "cuando", "mucho", "你", "他", "她", "它", "这", "那", "这个", "那个",
])  # fmt: skip


def _likes(words: str, value: str) -> Rule:
    return Rule(
        pattern=pattern(words),
        slot="likes:{v}",
        kind="preference",
        value=value,
        shape="list",
        tail=TASTE,
        words_max=3,
        refused=_UNSAID,
    )


def _named(words: str, slot: str, *, is_over: bool = False) -> Rule:
    return Rule(pattern=pattern(words), slot=slot, shape="named", words_max=3, is_over=is_over)


def _working(words: str) -> Rule:
    return Rule(pattern=pattern(words), slot="works_as", words_max=3)


_GERMAN = (
    _named(r"(?:ich heiße|ich heisse|mein name ist) (?P<v>.+)", "name"),
    _named(r"(?:nenn|nenne) mich (?:bitte )?(?P<v>.+)", "called"),
    _named(r"ich (?:wohne|lebe) nicht mehr in (?P<v>.+)", "lives_in", is_over=True),
    _named(
        r"ich (?:wohne|lebe) (?:jetzt |seit kurzem "
        r"|derzeit )?in (?P<v>[^\s,]+(?: (?-i:[A-ZÄÖÜ])[^\s,]+)?)(?: und .*)?\Z",
        "lives_in",
    ),
    _named(r"ich bin (?:gerade |jetzt )?nach (?P<v>[^\s,]+) (?:gezogen|umgezogen)\Z", "lives_in"),
    _working(r"ich arbeite als (?P<v>[^\s,]+)\Z"),
    _named(r"ich arbeite bei (?P<v>.+)", "works_at"),
    _likes(r"ich (?:mag|liebe) (?!.* nicht)(?:kein(?:e|en)? )(?P<v>.+)", "no"),
    _likes(r"ich (?:mag|liebe) (?P<v>.+?) (?:nicht|nicht mehr|gar nicht)\Z", "no"),
    _likes(r"ich hasse (?P<v>.+)", "no"),
    _likes(r"ich (?:mag|liebe) (?!.*\bnicht\b)(?P<v>.+)", "yes"),
)
_FRENCH = (
    _named(r"(?:je m'appelle|mon nom est|mon prénom est) (?P<v>.+)", "name"),
    _named(r"(?:appelle-moi|appelez-moi) (?P<v>.+)", "called"),
    _named(r"(?:je n'habite plus|je ne vis plus) (?:à|au|aux|en) (?P<v>.+)", "lives_in", is_over=True),
    _named(r"(?:j'habite|je vis)(?: maintenant)? (?:à|au|aux|en) (?P<v>[^,]+)\Z", "lives_in"),
    _named(r"j'ai déménagé (?:à|au|aux|en) (?P<v>[^,]+)\Z", "lives_in"),
    _working(r"je travaille comme (?P<v>[^,]+)\Z"),
    _named(r"je travaille chez (?P<v>[^,]+)\Z", "works_at"),
    _likes(r"je n'aime (?:pas|plus) (?P<v>.+)", "no"),
    _likes(r"je déteste (?P<v>.+)", "no"),
    _likes(r"(?:j'aime|j'adore) (?:beaucoup |bien )?(?P<v>.+)", "yes"),
)
_SPANISH = (
    _named(r"(?:me llamo|mi nombre es) (?P<v>.+)", "name"),
    _named(r"llámame (?P<v>.+)", "called"),
    _named(r"(?:yo )?ya no vivo en (?P<v>.+)", "lives_in", is_over=True),
    _named(r"(?:yo )?(?:ahora )?vivo (?:ahora )?en (?P<v>[^,]+)\Z", "lives_in"),
    _named(r"me (?:mudé|he mudado) a (?P<v>[^,]+)\Z", "lives_in"),
    _working(r"(?:yo )?trabajo (?:como|de) (?P<v>[^,]+)\Z"),
    _named(r"(?:yo )?trabajo (?:en|para) (?P<v>(?-i:[A-ZÁÉÍÓÚÑ])[^,]*)\Z", "works_at"),
    _likes(r"(?:ya )?no me gustan? (?P<v>.+)", "no"),
    _likes(r"odio (?P<v>.+)", "no"),
    _likes(r"me (?:gustan?|encantan?) (?:mucho )?(?P<v>.+)", "yes"),
)
_WORD = r"[^，。！？\s我你]"
_CHINESE = (
    _named(rf"(?:我叫|我的名字是|我的名字叫)(?P<v>{_WORD}{{1,8}})\Z", "name"),
    _named(rf"我(?:已经)?不(?:再)?住在?(?P<v>{_WORD}{{1,8}}?)了?\Z", "lives_in", is_over=True),
    _named(rf"我(?:现在)?(?:住在|搬到了?)(?P<v>{_WORD}{{1,8}}?)(?:了|生活)?\Z", "lives_in"),
    _named(rf"我在(?P<v>{_WORD}{{2,8}})(?:公司)?(?:工作|上班)\Z", "works_at"),
    _working(rf"我是(?:一名|一个|一位|名)(?P<v>{_WORD}{{1,4}}(?:师|生|员|家|手|工|人员))\Z"),
    _likes(rf"我(?:已经)?(?:不(?:再)?喜欢|讨厌)(?:吃|喝)?(?P<v>{_WORD}{{1,8}}?)了?\Z", "no"),
    _likes(rf"我(?:很|最|非常|特别)?(?:喜欢|爱)(?:吃|喝)?(?P<v>{_WORD}{{1,8}})\Z", "yes"),
)
ELSEWHERE = (*_GERMAN, *_FRENCH, *_SPANISH, *_CHINESE)
