"""Word error rate: counts, confusions, intervals, comparison of two systems."""

from hybridseq.speech.scoring.bootstrap import Comparison
from hybridseq.speech.scoring.words import WordErrors, score_words

__all__ = ["Comparison", "WordErrors", "score_words"]
