"""The best label sequence within budgets: bounds on sums over the whole sequence, which no automaton holds.

``search`` tries, in this order, plain decoding, Lagrangian multipliers with the k best sequences around them, dynamic
programming over the sums that these leave, and mixed-integer programming. An answer is called exact only where a bound
proves it.
"""

from hybridseq.structures.budgets.search import METHODS, solve
from hybridseq.structures.budgets.solution import Solution
from hybridseq.structures.budgets.sums import Sums

__all__ = ["METHODS", "Solution", "Sums", "solve"]
