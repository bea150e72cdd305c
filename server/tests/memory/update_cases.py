"""Scripted conversations and what is known after them: each slot told in order, out of order, twice, back and taken back."""

# ruff: noqa: E501 - a case stands on one line, and Chinese has marks of its own
from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

Year = int


class Case(NamedTuple):
    """Messages in the order of their arrival, each with the year when it was said, and what is known in the end.

    A fact is written "slot=value", or as its sentence where it has no slot; a closed one with its years. The
    points in time that retractions leave behind are not listed.
    """

    name: str
    messages: tuple[tuple[Year, str], ...]
    live: tuple[str, ...]
    closed: tuple[str, ...] = ()
    flagged: tuple[str, ...] = ()


class Told(NamedTuple):
    """A slot, and two of its values, each in two ways of saying it, and how the first is taken back."""

    slot: str
    first: str
    says_first: tuple[str, str]
    second: str
    says_second: tuple[str, str]
    takes_back: str


TOLD = (
    Told("lives_in", "berlin", ("I live in Berlin.", "i'm based in berlin"), "munich", ("I moved from Berlin to Munich.", "We live in Munich now."), "I don't live in Berlin any more."),
    Told("works_at", "acme", ("I work at Acme.", "I'm working for Acme"), "globex", ("I just got a new job at Globex!", "I work for Globex now"), "I quit my job at Acme."),
    Told("works_as", "nurse", ("I'm a nurse.", "I work as a nurse."), "teacher", ("I became a teacher.", "I'm working as a teacher"), "I'm no longer working as a nurse."),
    Told("studies", "law", ("I study law.", "I'm studying law at the moment."), "medicine", ("I'm majoring in medicine.", "I study medicine now."), "Forget that I study law."),
    Told("name", "sam", ("My name is Sam.", "Hi, I'm Sam!"), "alex", ("My name is Alex.", "I'm called Alex."), "My name isn't Sam."),
    Told("called", "sam", ("Call me Sam.", "Please call me Sam from now on."), "captain", ("From now on, call me Captain.", "You can call me Captain."), "Don't call me Sam."),
    Told("partner", "anna", ("My wife's name is Anna.", "I'm married to Anna."), "tom", ("My husband is called Tom.", "I have a boyfriend named Tom"), "Forget that my wife's name is Anna."),
    Told("manager", "priya", ("My manager's name is Priya.", "My boss is called Priya."), "omar", ("My new boss is called Omar.", "My manager's name is Omar."), "Forget that my boss is called Priya."),
    Told("marital_status", "single", ("I'm single.", "I am currently single"), "married", ("I got married.", "I'm happily married!"), "Forget that I'm single."),
    Told("favourite:colour", "blue", ("My favourite colour is blue.", "Blue is my favorite color"), "green", ("My favourite colour is now green.", "Green is my new favourite colour."), "My favourite colour isn't blue any more."),
    Told("favourite:film", "alien", ("My favourite film is Alien.", "my favorite movie is Alien"), "heat", ("My new favourite film is Heat.", "Heat is my favourite movie"), "Forget that my favourite film is Alien."),
    Told("diet", "vegetarian", ("I'm vegetarian.", "I am a vegetarian"), "vegan", ("I went vegan.", "I'm vegan now."), "I'm no longer vegetarian."),
    Told("likes:coffee", "yes", ("I like coffee.", "I really love coffee!"), "no", ("I don't like coffee any more.", "I can't stand coffee"), "Forget that I like coffee."),
    Told("likes:horror film", "no", ("I hate horror films.", "I'm not a fan of horror films."), "yes", ("I love horror films now.", "I'm a big fan of horror films"), "Forget that I hate horror films."),
    Told("allergy:peanut", "yes", ("I'm allergic to peanuts.", "I have a severe peanut allergy."), "no", ("I'm no longer allergic to peanuts.", "I'm not allergic to peanuts."), "Forget that I'm allergic to peanuts."),
    Told("eats:meat", "no", ("I don't eat meat.", "I stopped eating meat."), "yes", ("I eat meat again.", "I'm eating well, and I eat meat again."), "Forget that I don't eat meat."),
    Told("has:car", "yes", ("I have a car.", "I just bought a car."), "no", ("I sold my car.", "I don't have a car any more."), "Forget that I have a car."),
    Told("answer_language", "french", ("Always answer in French.", "From now on, reply in French."), "german", ("From now on, please answer in German.", "Please always respond in German"), "You don't need to answer in French any more."),
    Told("instruction:use emoji", "no", ("Never use emojis.", "Please stop using emojis."), "yes", ("You can use emojis again.", "From now on, use emojis."), "Forget that you should never use emojis."),
    Told("instruction:be concise", "yes", ("Always be concise.", "From now on be concise, please."), "no", ("Don't be concise any more.", "From now on, don't be concise."), "You no longer need to be concise."),
    Told("prefers:coffee or tea", "tea", ("I prefer tea to coffee.", "I prefer tea over coffee"), "coffee", ("I prefer coffee to tea.", "I now prefer coffee over tea"), "Forget that I prefer tea to coffee."),
    Told("email", "sam@old.example", ("My email is sam@old.example", "My e-mail address is sam@old.example."), "sam@new.example", ("My new email is sam@new.example.", "my email is now sam@new.example"), "My email is no longer sam@old.example."),
    Told("phone number", "555-0100", ("My phone number is 555-0100.", "my phone is 555-0100"), "555-0199", ("My new phone number is 555-0199.", "My mobile number is 555-0199"), "Forget that my phone number is 555-0100."),
    Told("car", "red volvo", ("My car is a red Volvo.", "my current car is a red volvo"), "blue tesla", ("My new car is a blue Tesla.", "My car is now a blue Tesla."), "Forget that my car is a red Volvo."),
    Told("my:gym", "near the station", ("My gym is near the station.", "my gym's near the station"), "next to the park", ("My gym is next to the park.", "My gym's now next to the park"), "Forget that my gym is near the station."),
    Told("speaks:german", "no", ("I don't speak German.", "I do not really speak German"), "yes", ("I speak German.", "I can speak fluent German now."), "Forget that I don't speak German."),
    Told("lives_in", "hamburg", ("Ich wohne in Hamburg.", "Ich lebe in Hamburg."), "köln", ("Ich wohne jetzt in Köln.", "Ich bin nach Köln gezogen."), "Ich wohne nicht mehr in Hamburg."),
    Told("lives_in", "lyon", ("J'habite à Lyon.", "Je vis à Lyon."), "paris", ("J'habite maintenant à Paris.", "J'ai déménagé à Paris."), "Je n'habite plus à Lyon."),
    Told("lives_in", "sevilla", ("Vivo en Sevilla.", "Yo vivo en Sevilla."), "madrid", ("Ahora vivo en Madrid.", "Me mudé a Madrid."), "Ya no vivo en Sevilla."),
    Told("lives_in", "上海", ("我住在上海。", "我现在住在上海"), "北京", ("我搬到北京了。", "我现在住在北京。"), "我不住在上海了。"),
    Told("likes:咖啡", "yes", ("我喜欢咖啡。", "我很喜欢喝咖啡。"), "no", ("我不喜欢咖啡了。", "我讨厌咖啡。"), "Forget that 我喜欢咖啡"),
)  # fmt: skip


def _scenarios(told: Told) -> Iterator[Case]:
    slot, first, second = told.slot, f"{told.slot}={told.first}", f"{told.slot}={told.second}"
    (a, also_a), (b, also_b), over = told.says_first, told.says_second, told.takes_back
    name = f"{slot}, {told.first}"
    changed = (f"{first} 2020-2022",)
    yield Case(f"{name}: superseded", ((2020, a), (2022, b)), (second,), changed)
    yield Case(f"{name}: superseded in other words", ((2020, also_a), (2022, also_b)), (second,), changed)
    yield Case(f"{name}: the older arrives late", ((2022, b), (2020, a)), (second,), changed)
    yield Case(f"{name}: said twice", ((2020, a), (2021, also_a)), (first,))
    yield Case(f"{name}: said twice word for word", ((2020, a), (2021, a), (2021, a)), (first,))
    yield Case(f"{name}: the change said twice", ((2020, a), (2022, b), (2023, also_b)), (second,), changed)
    back = (f"{first} 2020-2022", f"{second} 2022-2024")
    yield Case(f"{name}: there and back", ((2020, a), (2022, b), (2024, also_a)), (first,), back)
    yield Case(
        f"{name}: there and back, told backwards", ((2024, also_a), (2022, b), (2020, a)), (first,), back
    )
    yield Case(
        f"{name}: a change in between arrives last",
        ((2020, a), (2024, also_a), (2022, b)),
        (first,),
        (f"{second} 2022-2024",),
    )
    yield Case(f"{name}: retracted", ((2020, a), (2023, over)), (), (f"{first} 2020-2023",))
    yield Case(
        f"{name}: retracted twice", ((2020, a), (2023, over), (2024, over)), (), (f"{first} 2020-2023",)
    )
    yield Case(f"{name}: retracted before it arrives", ((2023, over), (2020, a)), (), (f"{first} 2020-2023",))
    yield Case(f"{name}: retracted and said again", ((2020, a), (2022, over), (2024, a)), (first,), changed)
    yield Case(
        f"{name}: retracted once it was superseded", ((2020, a), (2022, b), (2023, over)), (second,), changed
    )
    yield Case(f"{name}: an old retraction leaves the present", ((2022, b), (2021, over)), (second,))
    yield Case(
        f"{name}: an old retraction leaves what was said again since",
        ((2020, a), (2024, a), (2022, over)),
        (first,),
    )


BERLIN = (2020, "I live in Berlin.")
MUNICH = (2022, "I moved to Munich.")
GONE = ("lives_in=berlin 2020-2022",)
ANNA = (2020, "My wife's name is Anna.")
TOM = (2022, "I'm married to Tom.")
ACME = (2020, "I work at Acme.")
GLOBEX = (2022, "I joined Globex.")


def _by_habit() -> Iterator[Case]:
    """What rests on a fact that no longer holds is flagged, and nothing else is."""
    for habit in (
        "I play tennis in Berlin every Tuesday",
        "I swim in a lake near Berlin every morning",
        "We visit the zoo in Berlin every month",
        "I take a pottery class in Berlin on Mondays",
        "I usually meet friends at a bar in Berlin every Friday",
        "I volunteer at a Berlin animal shelter every weekend",
    ):
        yield Case(
            f"cascade: {habit}", (BERLIN, (2021, habit), MUNICH), ("lives_in=munich", habit), GONE, (habit,)
        )
        yield Case(
            f"cascade by retraction: {habit}",
            (BERLIN, (2021, habit), (2022, "I don't live in Berlin any more.")),
            (habit,),
            GONE,
            (habit,),
        )
        yield Case(
            f"said after the move: {habit}", (BERLIN, MUNICH, (2023, habit)), ("lives_in=munich", habit), GONE
        )
        yield Case(
            f"said before the move, told late: {habit}",
            (BERLIN, MUNICH, (2021, habit)),
            ("lives_in=munich", habit),
            GONE,
            (habit,),
        )
        yield Case(
            f"no change: {habit}",
            (BERLIN, (2021, habit), (2022, "I still live in Berlin")),
            ("lives_in=berlin", habit),
        )


def _by_place() -> Iterator[Case]:
    """The same of what is near something that is no longer near."""
    for place, slot in (
        ("My gym is near my office in Berlin", "my:gym=near my office in berlin"),
        ("My dentist is in Berlin", "my:dentist=in berlin"),
        ("My office is at Berlin central station", "my:office=at berlin central station"),
        ("My commute is forty minutes across Berlin", "commute=forty minutes across berlin"),
        ("My favourite restaurant is Curry Berlin", "favourite:restaurant=curry berlin"),
        ("I like beaches in Berlin", "likes:beaches in berlin=yes"),
    ):
        yield Case(
            f"cascade: {place}", (BERLIN, (2021, place), MUNICH), ("lives_in=munich", slot), GONE, (place,)
        )
        yield Case(
            f"cascade, the move told first: {place}",
            (MUNICH, (2021, place), BERLIN),
            ("lives_in=munich", slot),
            GONE,
            (place,),
        )


def _by_name() -> Iterator[Case]:
    """The same of people, pets and employers."""
    for habit in ("I cook with Anna every Sunday", "I call Anna every day"):
        yield Case(
            f"cascade: {habit}",
            (ANNA, (2021, habit), TOM),
            ("partner=tom", habit),
            ("partner=anna 2020-2022",),
            (habit,),
        )
    for habit in (
        "I ride to Acme every morning",
        "We have lunch at Acme on Fridays",
        "I run with people from Acme every week",
    ):
        yield Case(
            f"cascade: {habit}",
            (ACME, (2021, habit), GLOBEX),
            ("works_at=globex", habit),
            ("works_at=acme 2020-2022",),
            (habit,),
        )
    rex = (2020, "I have a dog named Rex.")
    walk = "I walk Rex in the park every evening"
    yield Case(
        "cascade: a pet that died",
        (rex, (2021, walk), (2022, "My dog Rex died.")),
        (walk,),
        ("pet:rex=yes 2020-2022",),
        (walk,),
    )
    yield Case(
        "cascade: 上海",
        ((2020, "我住在上海。"), (2021, "My gym is near 上海 station"), (2022, "我搬到北京了。")),
        ("lives_in=北京", "my:gym=near 上海 station"),
        ("lives_in=上海 2020-2022",),
        ("My gym is near 上海 station",),
    )


def _unflagged() -> Iterator[Case]:
    """What only looks as if it rested on something."""
    yield Case(
        "cascade: origins stay",
        (BERLIN, (2021, "I'm from Berlin"), MUNICH),
        ("lives_in=munich", "from=berlin"),
        GONE,
    )
    yield Case(
        "cascade: birthplaces stay",
        (BERLIN, (2021, "I was born in Berlin"), MUNICH),
        ("lives_in=munich", "born_in=berlin"),
        GONE,
    )
    yield Case(
        "cascade: other towns stay",
        (BERLIN, (2021, "My gym is in Potsdam"), MUNICH),
        ("lives_in=munich", "my:gym=in potsdam"),
        GONE,
    )
    yield Case(
        "cascade: part of a word is no mention",
        (BERLIN, (2021, "My gym is next to the Berliner Bank"), MUNICH),
        ("lives_in=munich", "my:gym=next to the berliner bank"),
        GONE,
    )


# What is told side by side, in more detail, by date, or of itself.
BESIDE = (
    Case(
        "two pets",
        ((2020, "My dog's name is Rex."), (2021, "My dog is called Max.")),
        ("pet:rex=yes", "pet:max=yes"),
    ),
    Case(
        "two children",
        ((2020, "My son's name is Ben."), (2021, "I have a daughter named Mia")),
        ("son:ben=yes", "daughter:mia=yes"),
    ),
    Case(
        "two likes", ((2020, "I like tea."), (2021, "I like coffee.")), ("likes:tea=yes", "likes:coffee=yes")
    ),
    Case(
        "a list, and one of it disliked",
        ((2020, "I like tea, wine and beer."), (2021, "I hate wine.")),
        ("likes:tea=yes", "likes:beer=yes", "likes:wine=no"),
        ("likes:wine=yes 2020-2021",),
    ),
    Case(
        "two languages",
        ((2020, "I speak German and French."), (2021, "I don't speak French")),
        ("speaks:german=yes", "speaks:french=no"),
        ("speaks:french=yes 2020-2021",),
    ),
    Case(
        "a town, then its country",
        ((2020, "I live in Berlin."), (2021, "I live in Berlin, Germany.")),
        ("lives_in=berlin, germany",),
    ),
    Case(
        "a town, after its country",
        ((2020, "I live in Berlin, Germany."), (2021, "I live in Berlin.")),
        ("lives_in=berlin, germany",),
    ),
    Case("a full name", ((2020, "My name is Sam."), (2021, "My name is Sam Miller.")), ("name=sam miller",)),
    Case(
        "a full birthday",
        ((2020, "My birthday is March 3rd."), (2021, "I was born on 3 March 1990.")),
        ("birthday=1990-03-03",),
    ),
    Case(
        "one more year of age",
        ((2020, "I'm 34 years old."), (2021, "I turned 35.")),
        ("age=35",),
        ("age=34 2020-2021",),
    ),
    Case(
        "three towns, the second last",
        ((2020, "I live in Berlin."), (2024, "I moved to Munich."), (2022, "I live in Rome.")),
        ("lives_in=munich",),
        ("lives_in=berlin 2020-2022", "lives_in=rome 2022-2024"),
    ),
    Case(
        "three towns, backwards",
        ((2024, "I moved to Munich."), (2022, "I live in Rome."), (2020, "I live in Berlin.")),
        ("lives_in=munich",),
        ("lives_in=berlin 2020-2022", "lives_in=rome 2022-2024"),
    ),
    Case(
        "a date in the sentence",
        ((2023, "I live in Berlin."), (2024, "I've lived in Berlin since 2019.")),
        ("lives_in=berlin",),
    ),
    Case(
        "a dated past move told late",
        ((2023, "I live in Berlin since 2022"), (2024, "I moved to Rome in 2020")),
        ("lives_in=berlin",),
        ("lives_in=rome 2020-2022",),
    ),
    Case(
        "quitting without a name",
        ((2020, "I work at Acme."), (2022, "I quit my job.")),
        (),
        ("works_at=acme 2020-2022",),
    ),
    Case(
        "quitting, the job told late",
        ((2022, "I quit my job."), (2020, "I work at Acme.")),
        (),
        ("works_at=acme 2020-2022",),
    ),
    Case(
        "a plan is put off",
        ((2022, "I'm going to Rome in May 2024."), (2023, "I'm going to Rome in June 2024.")),
        ("plan:rome=2024-06",),
        ("plan:rome=2024-05 2022-2023",),
    ),
    Case(
        "a plan falls through",
        ((2022, "I'm going to Rome in May 2024."), (2023, "My trip to Rome is cancelled.")),
        (),
        ("plan:rome=2024-05 2022-2023",),
    ),
    Case(
        "a habit twice",
        ((2020, "I play tennis every Tuesday."), (2021, "I play tennis every Tuesday!")),
        ("I play tennis every Tuesday",),
    ),
    Case(
        "a habit forgotten",
        ((2020, "I play tennis every Tuesday."), (2021, "Forget that I play tennis every Tuesday.")),
        (),
        ("I play tennis every Tuesday 2020-2021",),
    ),
    Case(
        "nothing by supposition",
        ((2020, "I live in Berlin."), (2021, "If I lived in Rome, I would learn Italian.")),
        ("lives_in=berlin",),
    ),
    Case(
        "nothing by question",
        ((2020, "I like coffee."), (2021, "Do I like tea? I hate coffee, don't I?")),
        ("likes:coffee=yes",),
    ),
    Case(
        "nothing by others",
        ((2020, "I live in Berlin."), (2021, "My brother said I live in Rome.")),
        ("lives_in=berlin",),
    ),
    Case(
        "nothing by prompt",
        ((2020, "Always answer in French."), (2021, "You are a helpful assistant. Always answer in German.")),
        ("answer_language=french",),
    ),
)


CASES = (
    *(case for told in TOLD for case in _scenarios(told)),
    *_by_habit(),
    *_by_place(),
    *_by_name(),
    *_unflagged(),
    *BESIDE,
)
