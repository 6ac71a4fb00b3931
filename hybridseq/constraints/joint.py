"""A hard automaton with soft ones run along, each state knowing where all of them are."""

import numpy as np

from hybridseq.constraints.automata import Automaton, StateBudgetError


def joint(hard: Automaton, soft, budget: int | None = None, what: str = "soft constraints"):
    """The hard automaton's language, in states that also tell where each soft automaton is.

    Returns
    -------
    table : (S, K) int array
        −1 where the hard automaton has no way on; a soft one that is dead stays so.
    accepting : (S,) bool array
        The hard automaton's.
    broken : (len(soft), S) bool array
        Whether a sequence that ends here is outside a soft automaton's language.
    """
    if not soft:
        return hard.table, hard.accepting, np.zeros((0, hard.num_states), bool)
    tables = [hard.table.astype(np.int64)]
    for automaton in soft:
        dead = automaton.num_states
        full = np.where(automaton.table < 0, dead, automaton.table)
        tables.append(np.vstack([full, np.full((1, automaton.num_symbols), dead)]).astype(np.int64))
    sizes = [len(table) for table in tables]
    known, order, rows = {0: 0}, [0], []
    fresh = np.zeros(1, np.int64)
    while fresh.size:
        places = np.unravel_index(fresh, sizes)
        moved = [table[place] for table, place in zip(tables, places)]
        codes = np.ravel_multi_index([np.maximum(moved[0], 0), *moved[1:]], sizes)
        codes[moved[0] < 0] = -1
        rows.append(codes)
        fresh = np.array([code for code in np.unique(codes).tolist() if code >= 0 and code not in known], np.int64)
        for code in fresh.tolist():
            known[code] = len(order)
            order.append(code)
        if budget is not None and len(order) > budget:
            raise StateBudgetError(len(order), budget, f"{what}, run along,")
    codes = np.concatenate(rows)
    reached = np.array(sorted(known), np.int64)
    number = np.array([known[code] for code in reached.tolist()], np.int64)
    table = np.where(codes >= 0, number[np.searchsorted(reached, np.maximum(codes, 0))], -1)
    places = np.unravel_index(np.array(order, np.int64), sizes)
    broken = [~np.append(a.accepting, False)[place] for a, place in zip(soft, places[1:])]
    return table, hard.accepting[places[0]], np.array(broken)
