"""Problem 2, inference: best outputs beyond a structure's own recursions, and outputs while the input comes in."""

from hybridseq.inference.online_decoder import OnlineDecoder
from hybridseq.inference.online_filter import Filtered, OnlineFilter
from hybridseq.structures.budgets import Solution, solve

__all__ = ["Filtered", "OnlineDecoder", "OnlineFilter", "Solution", "solve"]
