"""Deterministic automata over label indices: the sets of label sequences that constraints describe."""

from hybridseq.constraints.automata.automaton import Automaton
from hybridseq.constraints.automata.budget import StateBudgetError

__all__ = ["Automaton", "StateBudgetError"]
