"""Ticket-booking sentences whose slots only the context tells apart."""

from collections.abc import Sequence
from random import Random

import numpy as np

from hybridseq.datasets.grammar import Grammar

_CITIES = """
Taipei; Tokyo; Osaka; Kyoto; Seoul; Busan; Beijing; Shanghai; Manila; Jakarta; Bangkok; Hanoi; Singapore; Mumbai;
Chennai; Dubai; Doha; Istanbul; Ankara; Athens; Rome; Milan; Naples; Paris; Lyon; Nice; Madrid; Seville; Lisbon;
Porto; London; York; Bath; Dublin; Berlin; Munich; Hamburg; Vienna; Prague; Warsaw; Budapest; Oslo; Bergen;
Stockholm; Helsinki; Copenhagen; Zurich; Geneva; Brussels; Cairo; Tunis; Lagos; Nairobi; Accra; Boston; Chicago;
Denver; Dallas; Houston; Seattle; Miami; Atlanta; Phoenix; Toronto; Montreal; Vancouver; Havana; Lima; Quito;
Santiago; Bogota; Sydney; Perth; Melbourne; Auckland; New York; New Delhi; New Orleans; Los Angeles; San Francisco;
San Diego; San Jose; Las Vegas; Salt Lake City; Mexico City; Panama City; Ho Chi Minh City; Hong Kong; Cape Town;
Tel Aviv; Abu Dhabi; Kuala Lumpur; Buenos Aires; Rio de Janeiro; Sao Paulo; Saint Petersburg; Addis Ababa
"""
CITIES = tuple(" ".join(city.split()) for city in _CITIES.split(";"))
_MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]

_ASKING = frozenset(["Can", "Could", "Is", "Are", "What", "Do", "How"])

#: The slots, in the order of the documentation.
SLOTS = (
    "destination",
    "departure",
    "stopover",
    "departure_date",
    "arrival_date",
    "return_date",
    "departure_time",
    "arrival_time",
    "return_time",
    "cabin",
)

# {destination} and so on are slots; {city}, {date}, {time} and {seat} look like slots and are O.
# A date or time belongs to the verb that governs it: leave, fly and book give a departure, arrive, land and be in
# an arrival, return and come back a return.
_RULES = {
    "sentence": [
        "<command>",
        "<command>",
        "<request>",
        "<request>",
        "<request>",
        "<request>",
        "<opening> <request>",
        "<opening> <request>",
        "<request> <closing>",
        "<opening> <request> <closing>",
    ],
    # Short and without ceremony.
    "command": [
        "<arrive_verb> {destination} [<arrival_when>]",
        "<leave_verb> {departure} [<departure_when>]",
        "arrive [in] {destination} on {arrival_date}",
        "leave {departure} on {departure_date}",
        "leave {departure} for {destination} [<departure_when>]",
        "leave for {destination} [<departure_when>]",
        "<fly_verb> <route> [<departure_when>]",
        "{departure} to {destination} [<departure_when>]",
        "{departure} - {destination} , {departure_date} [, {cabin}]",
        "to {destination} from {departure} [<departure_when>]",
        "destination {destination} , (origin|starting point) {departure} , {departure_date}",
        "(origin|from) : {departure} , (destination|to) : {destination} , (out|going) : {departure_date} "
        "[, back : {return_date}]",
        "{destination} , (arrival|arriving) <arrival_when>",
        "{departure} , (departure|departing) <departure_when>",
        "(arrival|arriving) [in] {destination} <arrival_when>",
        "(departure|departing) [from] {departure} <departure_when>",
        "<departure_when> from {departure}",
        "<departure_when> to {destination}",
        "not to {city} but to {destination} , arrival <arrival_when> at the latest",
        "back from {city} since {date} , now <fly_verb> to {destination} <departure_when>",
    ],
    "request": [
        "<wish> <clause>",
        "<wish> <clause>",
        "<wish> <clause>",
        "<order> <trip>",
        "<order> <trip>",
        "<fronted>",
        "<fronted>",
        "<told>",
    ],
    "wish": [
        "I (would like|want|need|have|wish|am hoping|plan) to",
        "I 'd like to",
        "we (would like|want|need|have) to",
        "(can|could) I",
        "is (it possible|there a way) to",
        "my (wife|son|boss|team) (wants|has|needs) to",
        "please help me [to]",
    ],
    "order": [
        "[please] (book|find|get|show) (me|us) <ticket>",
        "I (need|want|am looking for) <ticket>",
        "are there (any flights|any seats|seats)",
        "(what is|do you have) <ticket>",
        "how much is <ticket>",
    ],
    "ticket": [
        "(a|one) [cheap] (ticket|flight|seat)",
        "a (one-way|nonstop|direct|single) (ticket|flight)",
        "(two|three|four) (tickets|seats)",
        "the (cheapest|earliest|fastest) (ticket|flight|connection)",
    ],
    # What follows a wish: one governing verb, or two.
    "clause": [
        "<arrive_verb> [in] {destination} [<aside>] [<arrival_when>]",
        "<arrive_verb> [in] {destination} from {departure} <arrival_when>",
        "<leave_verb> {departure} [<aside>] [<departure_when>]",
        "<leave_verb> {departure} for {destination} <departure_when>",
        "leave for {destination} [<aside>] <departure_when>",
        "<fly_verb> <route> [<departure_when>] [<extras>]",
        "<fly_verb> <departure_when> <route> [<extras>]",
        "<fly_verb> <route> [<aside>] <departure_when> and <return_verb> <return_when>",
        "<leave_verb> {departure} <departure_when> and <arrive_verb> [in] {destination} <arrival_when>",
        "<arrive_verb> [in] {destination} <arrival_when> , so when do I have to leave {departure}",
        "be in {destination} <arrival_when> , (starting|setting out) (from|in) {departure} [<departure_when>]",
        "be in {destination} [, not in {city} ,] <arrival_when>",
        "get out of {departure} <departure_when> [and <return_verb> <return_when>]",
        "go (away|abroad) <departure_when> , from {departure} to {destination} , and <return_verb> <return_when>",
        "<return_verb> <return_when> , after a week in {destination}",
        "<fly_verb> to {destination} , not (from|to) {city} , <departure_when>",
        "swap {city} for {destination} and <arrive_verb> there <arrival_when>",
    ],
    # What follows a noun.
    "trip": [
        "<route> [<departure_when>] [<extras>]",
        "<route> <departure_when> [, (returning|coming back) <return_when>]",
        "<departure_when> <route> [<extras>]",
        "<route> <aside> <departure_when>",
        "<route> that (leaves|departs) <departure_when>",
        "<route> that (arrives|lands|gets in) <arrival_when>",
        "<route> that (leaves|departs) <departure_when> and (arrives|lands|gets in) <arrival_when>",
        "to {destination} , leaving {departure} <departure_when>",
        "from {departure} , (arriving|landing) in {destination} <arrival_when>",
        "out of {departure} <departure_when> [, back <return_when>]",
        "(arriving|landing) in {destination} <arrival_when>",
        "(leaving|departing) [from] {departure} <departure_when>",
    ],
    # The cue comes after what it labels.
    "fronted": [
        "<departure_when> <person> (want|would like|need) to <leave_verb> {departure}",
        "<departure_when> <person> (want|would like|need) to <fly_verb> <route>",
        "<arrival_when> <person> (want|would like|need) to <arrive_verb> [in] {destination}",
        "<arrival_when> <person> (must|have to|should) be in {destination}",
        "<arrival_when> at the latest <person> (must|have to|should) be (done|finished) with {departure} "
        "and in {destination}",
        "<departure_when> <person> (must|have to|should) be (out of|gone from) {departure}",
        "<return_when> <person> (want|would like|need) to be back , and {destination} is where <person> go",
        "{destination} is (where|the city where) <person> (want|would like|need) to <arrive_verb> <arrival_when>",
        "{departure} is (where|the city where) <person> (want|would like|need) to (leave|depart|start) from "
        "<departure_when>",
        "{destination} <aside> is (my destination|where I am going|the place to reach)",
        "{departure} <aside> is (my starting point|where I come from|the place to leave)",
        "{destination} [<aside>] , <arrival_when> : that is where and when <person> (want|have) to (arrive|land)",
        "{departure} [<aside>] , <departure_when> : that is where and when <person> (want|have) to (leave|depart)",
        "from {departure} <person> (want|would like|need) to <fly_verb> to {destination} [<departure_when>]",
        "to {destination} <person> (want|would like|need) to <fly_verb> from {departure} [<departure_when>]",
    ],
    # Several statements, of which some are none of the ticket's business.
    "told": [
        "I am (in|stuck in|still in) {departure} [right now] and (must|have to|need to) be in {destination} "
        "<arrival_when>",
        "I (was|spent a week) in {city} <past> , now I (want|need|have) to <fly_verb> <route> [<departure_when>]",
        "my (sister|brother|cousin) (lives|works|studies) in {city} but I (want|need) to <fly_verb> to {destination} "
        "[<departure_when>]",
        "I (hear|think) {destination} is (lovely|warm|worth it) , so get me there [<arrival_when>]",
        "I am tired of {departure} , so get me out of here [<departure_when>]",
        "my visa for {city} (ends|expires) on {date} , so <order> to {destination} <departure_when>",
        "(the meeting|the wedding|the fair) in {destination} begins <o_when> , so I have to <arrive_verb> there "
        "<arrival_when>",
        "(my work|my contract|the course) in {departure} ends <o_when> , so I want to leave from there "
        "<departure_when>",
        "to {city} , no , sorry , to {destination} , from {departure} [<departure_when>]",
        "from {city} , no , I mean from {departure} , to {destination} [<departure_when>]",
        "(fly|bring|get) me to {destination} on {date} , no , on {departure_date}",
    ],
    "route": [
        "from {departure} to {destination}",
        "from {departure} to {destination}",
        "to {destination} from {departure}",
        "to {destination}",
        "from {departure}",
        "from {departure} (via|through|by way of) {stopover} to {destination}",
        "from {departure} to {destination} (via|through|by way of|with a stop in|changing in) {stopover}",
        "to {destination} (via|through|by way of|with a stop in|changing in) {stopover}",
        "from {departure} , not {city} , to {destination}",
        "from {departure} <aside> to {destination}",
    ],
    "aside": [
        ", where my (sister|brother|friend) [from {city}] lives ,",
        ", where I (was born|have worked) since {date} ,",
        ", not {city} ,",
        ", (unlike|as you know from) my trip to {city} <past> ,",
        ", which I prefer to {city} ,",
        ", the best city I know ,",
    ],
    "past": [
        "(last|on) {date}",
        "until {date}",
        "at {time} on {date}",
        "before",
    ],
    "opening": [
        "(hi|hello|good morning|excuse me) ,",
        "I (called|wrote|rang) you on {date} [at {time}] but got no answer .",
        "my (name is Kim|ticket to {city} was lost) .",
        "it is my first time in {city} .",
        "we (have|had) a meeting (on {date}|at {time}) .",
        "after my (flight|train) from {city} [on {date}] was cancelled ,",
        "{city} was full on {date} , so",
        "I am writing from the {city} office .",
    ],
    "closing": [
        "please",
        "[,] thank you",
        "as cheaply as possible",
        "for (two|three) people",
        ", my birthday is on {date}",
        ", please answer (by {date}|before {time})",
        ", anything but {seat}",
        ", I can pay (on {date}|until {time})",
        "with (a window seat|two bags|my dog)",
        ", the same way I went to {city} <past>",
    ],
    "extras": ["in {cabin}", "in {cabin} , not in {seat} ,", "with (a window seat|two bags|my dog)"],
    "person": ["I", "we"],
    "arrive_verb": ["arrive", "arrive", "land", "get in"],
    "leave_verb": ["leave", "leave", "depart from", "depart", "set off from", "take off from"],
    "fly_verb": ["fly", "travel", "go", "get"],
    "return_verb": ["return", "come back", "be back", "fly home"],
    "departure_when": [
        "on {departure_date}",
        "on {departure_date}",
        "on {departure_date} (at|after|before|around) {departure_time}",
        "(at|after|before|around) {departure_time} on {departure_date}",
        "(at|after|before|around) {departure_time}",
        "between {departure_time} and {departure_time} on {departure_date}",
        "not on {date} but on {departure_date}",
    ],
    "arrival_when": [
        "on {arrival_date}",
        "on {arrival_date}",
        "on {arrival_date} (at|by|before|around) {arrival_time}",
        "(at|by|before|around) {arrival_time} on {arrival_date}",
        "(at|by|before|around) {arrival_time}",
        "not on {date} but on {arrival_date}",
    ],
    "return_when": [
        "on {return_date}",
        "on {return_date}",
        "on {return_date} (at|after|before|around) {return_time}",
        "(at|after|before|around) {return_time} on {return_date}",
        "(at|after|before|around) {return_time}",
    ],
    "o_when": ["on {date}", "at {time}", "on {date} at {time}"],
}


def _city(random: Random, used: set[str]) -> str:
    # A city stands once in a sentence: from Rome to Rome would be no journey.
    while (city := random.choice(CITIES)) in used:
        pass
    return city


def _date(random: Random, used: set[str]) -> str:
    month = random.choice(_MONTHS)
    day = random.randint(1, 28 if month == "February" else 30)
    return random.choice(
        [
            f"{month} {_ordinal(day)}",
            f"{month} {_ordinal(day)}",
            f"{month} {day}",
            f"{day} {month}",
            f"the {_ordinal(day)} of {month}",
            f"the {_ordinal(day)}",
            random.choice(_DAYS),
            f"{random.choice(_DAYS)} the {_ordinal(day)}",
            f"{random.choice(_DAYS)} , {month} {_ordinal(day)}",
            f"{_MONTHS.index(month) + 1:02}/{day:02}",
        ]
    )


def _time(random: Random, used: set[str]) -> str:
    hour, minute = random.randint(1, 12), random.choice([0, 5, 10, 15, 20, 30, 40, 45, 50])
    return random.choice(
        [
            f"{hour} {random.choice(['am', 'pm'])}",
            f"{hour} o'clock",
            f"{random.choice(_ONES)} o'clock",
            f"{hour + random.choice([0, 12]) - 1}:{minute:02}",
            f"{hour}:{minute:02} {random.choice(['am', 'pm'])}",
            f"half past {random.choice(_ONES)}",
            random.choice(["noon", "midnight"]),
            f"{random.choice(_ONES[:11])} in the morning",
            f"{random.choice(_ONES[:5])} in the afternoon",
        ]
    )


def _cabin(random: Random, used: set[str]) -> str:
    while (cabin := random.choice(["first class", "business class", "economy", "premium economy"])) in used:
        pass
    return cabin


def _ordinal(day: int) -> str:
    suffix = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


_KINDS = {"date": _date, "time": _time}
_GRAMMAR = Grammar(
    _RULES,
    fillers={
        **{slot: _KINDS.get(slot.rpartition("_")[2], _city) for slot in SLOTS},
        "cabin": _cabin,
        "city": _city,
        "date": _date,
        "time": _time,
        "seat": _cabin,
    },
    outside=("city", "date", "time", "seat"),
)


def make_ticket_booking(
    n: int = 1000, random_state: int | np.random.Generator | None = None
) -> tuple[list[list[str]], list[list[str]]]:
    """Sentences that book a ticket, with their slots as IOB2 tags.

    The slots are ``destination``, ``departure``, ``stopover``, ``departure_date``, ``arrival_date``, ``return_date``,
    ``departure_time``, ``arrival_time``, ``return_time`` and ``cabin``. Each city may be any of the first three or
    none of the ticket's business, and so it is with dates and times: the words around decide, sometimes far away
    or only at the end of the sentence. A date or a time belongs to the verb that governs it.

    Parameters
    ----------
    n : int
        How many sentences.
    random_state : int, numpy.random.Generator or None
        The seed. The same seed gives the same sentences, and the first sentences of a longer draw are those of a
        shorter one.

    Returns
    -------
    X : list of list of str
        The tokens; a third of the sentences is in lower case throughout.
    y : list of list of str
        The tags.

    Raises
    ------
    ValueError
        Where ``n`` is not a whole number from 0.

    Notes
    -----
    About 20,000 sentences a second. Two draws share some of the shortest sentences.

    Examples
    --------
    >>> X, y = make_ticket_booking(3, random_state=0)
    >>> len(X), len(X[0]) == len(y[0])
    (3, True)
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
        raise ValueError(f"n must be a whole number from 0, the number of sentences; got {n!r}")
    random = Random(int(np.random.default_rng(random_state).integers(2**63)))
    drawn = [_sentence(random) for _ in range(n)]
    return [tokens for tokens, _ in drawn], [tags for _, tags in drawn]


def _sentence(random: Random) -> tuple[Sequence[str], Sequence[str]]:
    tokens, tags = _GRAMMAR.draw(random, "sentence")
    if tokens[-1] == ",":
        tokens, tags = tokens[:-1], tags[:-1]
    style = random.random()
    if style < 1 / 3:
        tokens = [token.lower() for token in tokens]
    elif style < 2 / 3:
        tokens = [tokens[0][:1].upper() + tokens[0][1:], *tokens[1:]]
        tokens, tags = [*tokens, "?" if tokens[0] in _ASKING else "."], [*tags, "O"]
    return tokens, tags
