"""Problem 2, inference: best outputs beyond a structure's own recursions, and outputs while the input comes in."""

from hybridseq.inference.amortised import AmortisedArgmax, answer, best_of, best_of_draws
from hybridseq.inference.beam import beam
from hybridseq.inference.chain_score import ChainScore, ChainScored
from hybridseq.inference.compare_searches import SearchRow, compare_searches, search_table
from hybridseq.inference.exhaustive import exact_argmax
from hybridseq.inference.gradient_ascent import gradient_ascent
from hybridseq.inference.icm import icm
from hybridseq.inference.mean_field import MeanField, fit_mean_field, mean_field
from hybridseq.inference.online_decoder import OnlineDecoder
from hybridseq.inference.online_filter import Filtered, OnlineFilter
from hybridseq.inference.plot_searches import plot_searches
from hybridseq.inference.refine import refine
from hybridseq.inference.score_function import Scored, ScoreFunction
from hybridseq.inference.search_error import FalseReferenceError, SearchReport, search_error
from hybridseq.inference.spaces import BitSpace, LabelSpace, OutputSpace, PixelSpace
from hybridseq.inference.starts import argmax_per_token
from hybridseq.inference.tuning import tune_instance
from hybridseq.structures.budgets import Solution, solve

__all__ = [
    "AmortisedArgmax",
    "BitSpace",
    "ChainScore",
    "ChainScored",
    "FalseReferenceError",
    "Filtered",
    "LabelSpace",
    "MeanField",
    "OnlineDecoder",
    "OnlineFilter",
    "OutputSpace",
    "PixelSpace",
    "ScoreFunction",
    "Scored",
    "SearchReport",
    "SearchRow",
    "Solution",
    "answer",
    "argmax_per_token",
    "beam",
    "best_of",
    "best_of_draws",
    "compare_searches",
    "exact_argmax",
    "fit_mean_field",
    "gradient_ascent",
    "icm",
    "mean_field",
    "plot_searches",
    "refine",
    "search_error",
    "search_table",
    "solve",
    "tune_instance",
]
