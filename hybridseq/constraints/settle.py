"""What to do where nothing satisfies a constraint at an example's length, beside its own masks."""

import numpy as np

from hybridseq.constraints.combine import And
from hybridseq.constraints.compiler import check_names
from hybridseq.constraints.conflict import alive_sets
from hybridseq.constraints.constraint import automaton_of
from hybridseq.constraints.errors import InfeasibleError
from hybridseq.constraints.feasible import conflict, is_positional, mask_of, satisfiable, sides, spectrum

#: What estimators and losses can do with an example that nothing satisfies.
ON_INFEASIBLE = "raise", "relax", "unconstrained", "skip"


def settle(constraint, names: tuple[str, ...], length: int, on_infeasible: str = "raise", example: int | None = None):
    """The constraint that an example of some length is to keep.

    Parameters
    ----------
    constraint : Constraint
    names : tuple of str
        The labels.
    length : int
    on_infeasible : {"raise", "relax", "unconstrained", "skip"}
        Where nothing satisfies it: raise, leave out a smallest set of parts that exclude one another (again, until
        something is possible), or leave it out whole; "skip" leaves the decision to the caller.
    example : int, optional
        The example's number, for the error.

    Returns
    -------
    constraint : Constraint or None
        None where nothing is left of it.
    feasible : bool
        False only for an example to skip.

    Raises
    ------
    InfeasibleError
        As ``on_infeasible`` says.
    """
    if satisfiable(constraint, names, length):
        return constraint, True
    if on_infeasible == "raise":
        raise diagnose(constraint, names, length, example)
    if on_infeasible == "skip":
        return constraint, False
    if on_infeasible == "unconstrained":
        return None, True
    while constraint is not None and not satisfiable(constraint, names, length):
        guilty = conflict(constraint, names, length)
        kept = [part for part in constraint.parts if part not in guilty]
        constraint = And.of_parts(*kept) if kept else None
    return constraint, True


def diagnose(constraint, names, length: int, example: int | None = None) -> InfeasibleError:
    """The error for an example that nothing satisfies: where, what was possible before, which parts, which lengths."""
    check_names(constraint, names)
    regular, positional = sides(constraint)
    mask = np.ones((length, len(names)), bool)
    for part in positional:
        mask &= mask_of(part, names, length)
    guilty = conflict(constraint, names, length)
    parts = [repr(part) for part in guilty]
    by_length = regular is not None and not any(map(is_positional, guilty))
    position, alive = _first_dead(
        [automaton_of(part, names) for part in (() if regular is None else regular.parts)], mask
    )
    lengths = _near(regular, names, length) if by_length else ()
    who = f"example {example}" if example is not None else "an example"
    message = f"nothing satisfies the constraint for {who} of length {length}: "
    message += f"{parts[0]} alone" if len(parts) == 1 else " and ".join(parts) + " exclude one another"
    if lengths:
        message += f"; feasible near it: {', '.join(map(str, lengths))}"
    elif by_length:
        message += "; no length near it is feasible"
    shown = [names[i] for i in alive]
    if position < length:
        before = f" after {_some(shown)} at position {position - 1}" if position else ""
        message += f"; no label can stand at position {position}{before}"
    else:
        message += f"; the sequence cannot end after {_some(shown)}"
    message += '. Loosen the constraint, or set on_infeasible to "relax", "unconstrained" or "skip"'
    return InfeasibleError(message, example=example, position=position, alive=shown, parts=parts, lengths=lengths)


def _first_dead(automata, mask):
    """The first position that no label can take, or T if only the end fails; and the labels alive before it."""
    from hybridseq.constraints.automata import Automaton

    total = Automaton.everything(mask.shape[1])
    for automaton in sorted(automata, key=lambda a: a.num_states):
        joint = total.intersect(automaton).minimise()
        if joint.num_arcs:
            total = joint
    alive = alive_sets(total, mask)
    dead = next((t for t in range(len(mask)) if not alive[t + 1].any()), len(mask))
    if dead == 0:
        return 0, ()
    entered = (total.table[alive[dead - 1]] >= 0) & mask[dead - 1]
    return dead, np.flatnonzero(entered.any(0)).tolist()


def _near(regular, names, length):
    limit = 2 * length + 16
    feasible = np.flatnonzero(spectrum(regular, names, limit))
    feasible = feasible[feasible > 0]
    return tuple(feasible[feasible < length][-1:].tolist() + feasible[feasible > length][:1].tolist())


def _some(labels):
    return " or ".join(map(repr, labels[:4])) + (f" or {len(labels) - 4} more" if len(labels) > 4 else "")
