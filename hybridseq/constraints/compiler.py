"""From a constraint to the cheapest plan that is exact for it."""

import numpy as np

from hybridseq.constraints.automata import Automaton, StateBudgetError
from hybridseq.constraints.combine import Soft
from hybridseq.constraints.conflict import smallest_conflict
from hybridseq.constraints.constraint import BUDGET, automaton_of
from hybridseq.constraints.counting import Count
from hybridseq.constraints.durations import Run
from hybridseq.constraints.errors import ConstraintError, InfeasibleError
from hybridseq.constraints.feasible import conflict_at_all, satisfiable_at_all
from hybridseq.constraints.linear import Linear
from hybridseq.constraints.plan import AutomatonPlan, LinearPlan, PairPlan
from hybridseq.constraints.positions import Allowed, Positional, Tokens


def compile_constraint(constraint, label_names, *, budget=BUDGET, allow_empty=False):
    """See ``Constraint.compile``.

    Parts over neighbours become one pair matrix. The others become automata, multiplied smallest first, each
    product minimal. Where the last label tells the state of the result, it is a pair matrix after all.
    """
    names = check_names(constraint, label_names)
    parts = constraint.parts
    positional = [part for part in parts if isinstance(part, Positional | Allowed)]
    soft = [part for part in parts if isinstance(part, Soft)]
    budgets = [part for part in parts if isinstance(part, Linear)]
    hard = [part for part in parts if not isinstance(part, Positional | Allowed | Soft | Linear)]
    positions = None
    for part in positional:
        positions = part.mask_over(names).both(positions)
    pairs, others, of_pairs = _split(hard, names)
    fields = {"positions": positions, "constraint": constraint}
    if others or soft:
        automaton = _product(pairs, of_pairs, others, names, budget)
        if not soft and (found := as_pairs(automaton)) is not None:
            plan = PairPlan(names, *found, **fields)
        else:
            members = [automaton_of(part.member, names, budget) for part in soft]
            weights = [part.weight for part in soft]
            learned = [part.learn for part in soft]
            plan = AutomatonPlan(names, automaton, members, weights, learned, kind=_kind(others), **fields)
            if automaton.num_arcs:
                plan.check_size(budget, " & ".join(map(repr, [*others, *soft]))).prepare()
    else:
        plan = PairPlan(names, *pairs, **fields)
    empty = not plan.automaton.num_arcs
    if not allow_empty and not empty and positional and not satisfiable_at_all(constraint, names):
        parts = tuple(map(repr, conflict_at_all(constraint, names)))
        raise InfeasibleError(f"{constraint!r} accepts no sequence: {_conflict_in_words(parts)}", parts=parts)
    if not allow_empty and empty:
        parts = tuple(map(repr, smallest_conflict(hard, names)))
        rules = ", ".join(filter(None, (getattr(part, "rule", None) for part in hard)))
        raise InfeasibleError(
            f"{constraint!r} accepts no sequence over the labels {list(names)[:12]}{'…' if len(names) > 12 else ''}"
            f"{f' ({rules})' if rules else ''}: {_conflict_in_words(parts)}. Loosen it, or add the labels that "
            "it needs",
            parts=parts,
        )
    return _with_budgets(plan, budgets, names) if budgets else plan


def check_names(constraint, label_names) -> tuple[str, ...]:
    """The names as a tuple; raises where one stands twice, or a part does not fit them."""
    if isinstance(label_names, str | set | frozenset | dict):
        raise ConstraintError(
            f"compile takes a list of label names, in the order of the label indices; got {label_names!r}"
        )
    names = tuple(label_names)
    for name in names:
        if not isinstance(name, str):
            raise ConstraintError(f"label names must be strings; got {name!r}")
    names = tuple(map(str, names))
    if not names:
        raise ConstraintError("compile needs at least one label name; got none")
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ConstraintError(f"label names must be distinct; got {twice!r} more than once")
    for part in constraint.parts:
        if isinstance(part, Tokens):
            raise ConstraintError(f"{part!r} needs the sentence's tokens: compile constraint.of(tokens)")
        part.check_names(names)
    return names


def _split(hard, names):
    """The parts over neighbours as one (first, pairs, last); the other parts; and which parts those were."""
    count = len(names)
    total = np.ones(count, bool), np.ones((count, count), bool), np.ones(count, bool)
    others, joined = [], []
    for part in hard:
        arrays = part.pairs_over(names)
        if arrays is None:
            others.append(part)
        else:
            joined.append(part)
            total = tuple(a & b for a, b in zip(total, arrays))
    return total, others, joined


def _product(pairs, of_pairs, others, names, budget):
    automata = [(repr(part), automaton_of(part, names, budget)) for part in others]
    if of_pairs:
        automata.append((" & ".join(map(repr, of_pairs)), PairPlan(names, *pairs).automaton))
    if not automata:
        return Automaton.everything(len(names))
    automata.sort(key=lambda item: item[1].num_states)
    result = automata[0][1]
    for part, automaton in automata[1:]:
        try:
            result = result.intersect(automaton, budget).minimise()
        except StateBudgetError as error:
            joined = " & ".join(what for what, _ in automata)
            raise StateBudgetError(error.states, error.budget, f"{part}, as a part of {joined},") from None
    return result


def as_pairs(automaton: Automaton):
    """(first, pairs, last) where the last label tells a minimal automaton's state; else None."""
    table = automaton.table
    live = table >= 0
    state = table.max(0)
    if (np.where(live, table, state) != state).any():
        return None
    used = state >= 0
    at = np.maximum(state, 0)
    return live[0], used[:, None] & live[at], used & automaton.accepting[at]


def _kind(others):
    if others and all(isinstance(part, Run) for part in others):
        return "run chain"
    if others and all(isinstance(part, Count) for part in others):
        return "counter"
    return "automaton"


def _with_budgets(plan, budgets, names):
    values = [dict(part.coefficients) for part in budgets]
    coefficients = np.array([[row.get(name, 0.0) for name in names] for row in values])
    low, high = (np.array([getattr(part, end) for part in budgets]) for end in ("min", "max"))
    return LinearPlan(plan, coefficients, low, high, constraint=plan.constraint)


def _conflict_in_words(parts):
    if len(parts) == 1:
        return f"{parts[0]} alone leaves nothing"
    return f"these exclude one another: {', '.join(parts)}" if parts else "nothing is left"
