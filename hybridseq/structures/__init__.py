"""Problem 1, evaluation: distributions over label sequences."""

from hybridseq.structures.brute_force import BruteForce
from hybridseq.structures.budgeted import BudgetedChain
from hybridseq.structures.hmm import hmm
from hybridseq.structures.linear_chain import LinearChain
from hybridseq.structures.masked import MaskedChain
from hybridseq.structures.path_graph import PathGraph
from hybridseq.structures.restricted import RestrictedChain

__all__ = ["BruteForce", "BudgetedChain", "LinearChain", "MaskedChain", "PathGraph", "RestrictedChain", "hmm"]
