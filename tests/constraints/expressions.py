"""Random constraints beside predicates that say the same in plain Python, with no automaton in them."""

import itertools
import re

from hybridseq import constraints as C

LABELS = ("A", "B", "C", "D")
ATOMS = ["run", "run", "count", "segments", "transitions", "first", "last", "regex", "contains", "never"]
ATOMS += ["precedes", "implies", "at", "anything"]


def runs(sequence):
    return [(label, len(list(group))) for label, group in itertools.groupby(sequence)]


def within(number, low, high):
    return (low is None or number >= low) and (high is None or number <= high)


def _some(random, labels):
    return sorted(random.sample(labels, random.randint(1, len(labels))))


def _limits(random, top=3):
    low, high = sorted(random.randint(0, top) for _ in range(2))
    return random.choice([{"min": low}, {"max": high}, {"min": low, "max": high}, {"exactly": high}])


def _range(limits):
    exactly = limits.get("exactly")
    return (exactly, exactly) if exactly is not None else (limits.get("min"), limits.get("max"))


def _pattern(random, labels, depth=2):
    """A pattern with a space between any two names, and none in the text that ``re`` reads."""
    if depth == 0 or random.random() < 0.3:
        one = random.choice([*labels, ".", f"[{' '.join(labels[:2])}]", f"[^{labels[0]}]"])
        return one
    left, right = (_pattern(random, labels, depth - 1) for _ in range(2))
    return random.choice(
        [f"{left} {right}", f"({left} | {right})", f"({left})*", f"({left})+", f"({left})? {right}", f"({left}){{1,2}}"]
    )


def _matches(pattern, sequence, search=False):
    text = pattern.replace(" ", "")
    return bool((re.search if search else re.fullmatch)(text, "".join(sequence)))


def atom(random, labels):
    """A constraint of one part and its predicate."""
    kind = random.choice(ATOMS)
    if kind == "run":
        limits = random.choice([_limits(random), {"multiple_of": 2}, {"multiple_of": 2, "min": 3}, {"min": 2}])
        if limits.get("min") == limits.get("max") == limits.get("exactly"):
            limits = {"multiple_of": 2}
        (low, high), step = _range(limits), limits.get("multiple_of", 1)
        chosen = random.choice([C.each, _some(random, labels)])
        which = labels if chosen is C.each else chosen
        return C.run(chosen, **limits), lambda y: all(
            within(n, low, high) and n % step == 0 for label, n in runs(y) if label in which
        )
    some = _some(random, labels)
    if kind in ("count", "segments"):
        limits = _limits(random)
        low, high = _range(limits)
        if kind == "count":
            return C.count(some, **limits), lambda y: within(sum(label in some for label in y), low, high)
        return C.segments(some, **limits), lambda y: within(
            sum(key for key, _ in itertools.groupby(label in some for label in y)), low, high
        )
    if kind == "transitions":
        pairs = [pair for pair in itertools.product(labels, labels) if random.random() < 0.4]
        if random.random() < 0.5:
            return C.transitions(forbidden=pairs), lambda y: not any(p in pairs for p in itertools.pairwise(y))
        return C.transitions(allowed=pairs), lambda y: all(p in pairs for p in itertools.pairwise(y))
    if kind == "first":
        return C.first(some), lambda y: not y or y[0] in some
    if kind == "last":
        return C.last(some), lambda y: not y or y[-1] in some
    if kind == "regex":
        pattern = _pattern(random, labels)
        return C.regex(pattern), lambda y: _matches(pattern, y)
    if kind in ("contains", "never"):
        pattern = f"{random.choice(labels)} {_pattern(random, labels, 1)}"
        wanted = kind == "contains"
        make = C.contains if wanted else C.never
        return make(pattern), lambda y: _matches(pattern, y, search=True) == wanted
    if kind == "precedes":
        before, after = random.choice(labels), random.choice(labels)
        return C.precedes(before, after), lambda y: all(before in y[:t] for t, label in enumerate(y) if label == after)
    if kind == "implies":
        left, right = random.choice(labels), random.choice(labels)
        return C.implies(left, right), lambda y: left not in y or right in y
    if kind == "at":
        place = random.choice([0, 1, 2, -1, -2])
        return C.at(place, some), lambda y: -len(y) <= place < len(y) and y[place] in some
    return C.anything(), lambda y: True


def _cut(left, right):
    return lambda y: any(left(y[:i]) and right(y[i:]) for i in range(len(y) + 1))


def _starred(piece):
    def check(y):
        good = [True] + [False] * len(y)
        for end in range(1, len(y) + 1):
            good[end] = any(good[start] and piece(y[start:end]) for start in range(end))
        return good[-1]

    return check


def expression(random, labels=LABELS, depth=2):
    """A random constraint and its predicate over tuples of labels."""
    if depth == 0 or random.random() < 0.25:
        return atom(random, list(labels))
    kind = random.choice(["and", "and", "or", "not", "then", "star"])
    left, says_left = expression(random, labels, depth - 1)
    if kind == "not":
        return ~left, lambda y: not says_left(y)
    if kind == "star":
        return left.star(), _starred(says_left)
    right, says_right = expression(random, labels, depth - 1)
    if kind == "and":
        return left & right, lambda y: says_left(y) and says_right(y)
    if kind == "or":
        return left | right, lambda y: says_left(y) or says_right(y)
    return left >> right, _cut(says_left, says_right)
