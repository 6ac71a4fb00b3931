"""Whether, and how often, constraints can be satisfied, positions included."""

from functools import lru_cache

import numpy as np

from hybridseq.constraints.automata import Automaton
from hybridseq.constraints.combine import And, Soft
from hybridseq.constraints.conflict import alive_sets, smallest_conflict
from hybridseq.constraints.constraint import automaton_of
from hybridseq.constraints.errors import ConstraintError
from hybridseq.constraints.linear import Linear
from hybridseq.constraints.positions import Allowed, Positional

#: Positions beyond this are not looked into before a length is known.
_FAR = 4096


def is_positional(part) -> bool:
    """Whether a part speaks of single positions only."""
    return isinstance(part, Positional | Allowed)


def sides(constraint):
    """The hard parts that have automata, as one constraint or None; and the parts of single positions."""
    regular = [p for p in constraint.parts if not is_positional(p) and not isinstance(p, Soft | Linear)]
    return And.of_parts(*regular) if regular else None, [p for p in constraint.parts if is_positional(p)]


def mask_of(part, names, length: int) -> np.ndarray:
    """The labels (T, K) that a positional part allows in a sequence of this length; none beyond a mask's end."""
    if isinstance(part, Allowed):
        if part.mask.ndim == 3:
            raise ConstraintError(f"{part!r} speaks of a batch; ask about a row's own mask: allowed(mask[row])")
        table = part.mask_over(names).table[:length]
        return np.pad(table, [(0, length - len(table)), (0, 0)])
    return part.mask_over(names).resolve([length], length)[0]


@lru_cache(maxsize=512)
def _spectrum(constraint, names, limit):
    return automaton_of(constraint, names).lengths(limit)


def spectrum(constraint, names, limit: int) -> np.ndarray:
    """Which lengths from 0 to ``limit`` a constraint without positions has, (limit + 1,) bool."""
    # Limits come in hundreds of values: one spectrum, to a power of two, serves them all.
    return _spectrum(constraint, names, max(64, 1 << limit.bit_length()))[: limit + 1]


def _regular(constraint, names):
    return Automaton.everything(len(names)) if constraint is None else automaton_of(constraint, names)


def satisfiable(constraint, names: tuple[str, ...], length: int) -> bool:
    """Whether any sequence of a length satisfies the constraint, budgets left out."""
    regular, positional = sides(constraint)
    if not positional:
        return regular is None or bool(spectrum(regular, names, length)[length])
    mask = np.logical_and.reduce([mask_of(part, names, length) for part in positional])
    automaton = _regular(regular, names)
    return bool((alive_sets(automaton, mask)[-1] & automaton.accepting).any())


def count(constraint, names: tuple[str, ...], length: int) -> int:
    """How many sequences of a length the constraint accepts; soft parts refuse none.

    Raises
    ------
    ConstraintError
        Where it holds a budget, whose sequences cannot be counted.
    """
    budgets = [part for part in constraint.parts if isinstance(part, Linear)]
    if budgets:
        raise ConstraintError(f"how many sequences keep {budgets[0]!r} cannot be told")
    regular, positional = sides(constraint)
    automaton = _regular(regular, names)
    if not positional or length == 0:
        return automaton.count(length) if not positional else 0
    mask = np.logical_and.reduce([mask_of(part, names, length) for part in positional])
    ways = np.zeros(automaton.num_states, object)
    ways[0] = 1
    for allowed in mask:
        after = np.zeros(automaton.num_states, object)
        for symbol in np.flatnonzero(allowed):
            to = automaton.table[:, symbol]
            np.add.at(after, to[to >= 0], ways[to >= 0])
        ways = after
    return int(ways[automaton.accepting].sum())


def _after(automaton, states, mask):
    """The states reached from some states by one symbol of each row of a mask."""
    for allowed in mask:
        after = automaton.table[states][:, allowed]
        states = np.zeros_like(states)
        states[after[after >= 0]] = True
    return states


def satisfiable_at_all(constraint, names: tuple[str, ...]) -> bool:
    """Whether a sequence of any length satisfies the constraint. True where positions are too far to look into."""
    regular, positional = sides(constraint)
    if not positional:
        return regular is None or automaton_of(regular, names).num_arcs > 0
    tables = [part for part in positional if isinstance(part, Allowed)]
    if tables:
        if any(part.mask.ndim == 3 for part in tables):
            return True
        return any(satisfiable(constraint, names, n) for n in range(1, min(len(p.mask) for p in tables) + 1))
    places = [place for part in positional for place, _ in part.sets_over(names)]
    front = max((place + 1 for place in places if place >= 0), default=0)
    back = max((-place for place in places if place < 0), default=0)
    if front + back > _FAR:
        return True
    # Short: the positions from the front and from the end overlap. Long: anything may stand between them.
    if any(satisfiable(constraint, names, n) for n in range(max(front, back, 1), front + back)):
        return True
    mask = np.logical_and.reduce([mask_of(part, names, front + back) for part in positional])
    automaton = _regular(regular, names)
    states = np.zeros(automaton.num_states, bool)
    states[0] = True
    states = _after(automaton, states, mask[:front])
    while True:
        more = states | _after(automaton, states, np.ones((1, len(names)), bool))
        if (more == states).all():
            break
        states = more
    return bool((_after(automaton, states, mask[front:]) & automaton.accepting).any())


def conflict(constraint, names, length) -> list:
    """A smallest set of parts that nothing of this length satisfies together."""
    regular, positional = sides(constraint)
    masks = [(mask_of(part, names, length), part) for part in positional]
    return smallest_conflict([] if regular is None else regular.parts, names, length, masks)


def conflict_at_all(constraint, names) -> list:
    """Parts that nothing satisfies together at any length, from which none can be left out."""
    chosen = [part for part in constraint.parts if not isinstance(part, Soft | Linear)]
    for part in list(chosen):
        rest = [other for other in chosen if other is not part]
        if rest and not satisfiable_at_all(And.of_parts(*rest), names):
            chosen = rest
    return chosen
