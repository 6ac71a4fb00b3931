"""Problem 2, inference: best outputs beyond a structure's own recursions, and outputs while the input comes in."""

from hybridseq.inference.chain_score import ChainScore, ChainScored
from hybridseq.inference.online_decoder import OnlineDecoder
from hybridseq.inference.online_filter import Filtered, OnlineFilter
from hybridseq.inference.score_function import Scored, ScoreFunction
from hybridseq.inference.spaces import BitSpace, LabelSpace, OutputSpace, PixelSpace
from hybridseq.structures.budgets import Solution, solve

__all__ = [
    "BitSpace",
    "ChainScore",
    "ChainScored",
    "Filtered",
    "LabelSpace",
    "OnlineDecoder",
    "OnlineFilter",
    "OutputSpace",
    "PixelSpace",
    "ScoreFunction",
    "Scored",
    "Solution",
    "solve",
]
