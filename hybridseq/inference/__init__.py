"""Problem 2, inference: best outputs beyond a structure's own recursions."""

from hybridseq.structures.budgets import Solution, solve

__all__ = ["Solution", "solve"]
