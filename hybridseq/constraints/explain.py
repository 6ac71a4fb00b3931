"""What a plan costs, in words."""

from dataclasses import dataclass

_COST = {
    "free": "nothing: every label sequence is possible",
    "position mask": "nothing: forbidden labels score −inf where they stand",
    "label pairs": "nothing: forbidden pairs score −inf in the transitions of the plain chain",
}


@dataclass(frozen=True)
class Explanation:
    """Which class a constraint fell into, and what it costs.

    Attributes
    ----------
    kind : str
        ``"free"``, ``"position mask"``, ``"label pairs"``, ``"run chain"``, ``"counter"``, ``"automaton"`` or
        ``"budget"``.
    states, arcs : int
        Of what the chain runs on: label by automaton state.
    automaton_states : int
        Of the minimal automaton alone.
    pairs : int
        K², the arcs of the plain chain.
    cost : str
        In words.
    positions : int
        How many positions have labels of their own.
    soft : int
        How many parts may be broken.
    """

    kind: str
    states: int
    arcs: int
    automaton_states: int
    pairs: int
    cost: str
    positions: int = 0
    soft: int = 0

    def __str__(self):
        extra = f", {self.positions} positions with labels of their own" if self.positions else ""
        extra += f", {self.soft} soft" if self.soft else ""
        return (
            f"{self.kind}: {self.states} states, {self.arcs} arcs a position beside the plain chain's {self.pairs}"
            f"{extra}; costs {self.cost}"
        )


def explain(plan) -> Explanation:
    """See ``Plan.explain``."""
    pairs = len(plan.labels) ** 2
    positions = 0
    if plan.positions is not None:
        table = plan.positions.table
        positions = len(set(plan.positions.places)) + (0 if table is None else table.shape[-2])
    if hasattr(plan, "base"):
        base = explain(plan.base)
        cost = (
            "one decode where the best sequence keeps the budget, some tens of decodes where Lagrangian bounds "
            "close, else a mixed-integer program; sums over sequences cannot be had"
        )
        return Explanation("budget", base.states, base.arcs, base.automaton_states, pairs, cost, positions, base.soft)
    own = plan.automaton.num_states
    if plan.kind in _COST:
        arcs = int(plan.pairs.sum())
        return Explanation(plan.kind, len(plan.labels), arcs, own, pairs, _COST[plan.kind], positions)
    graph = plan.graph
    cost = f"time in proportion to its arcs: {graph.num_arcs / pairs:.2g} of the plain chain's"
    return Explanation(plan.kind, graph.num_states, graph.num_arcs, own, pairs, cost, positions, len(plan.soft))
