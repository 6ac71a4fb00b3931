"""N-gram language models: estimated, read and written as ARPA files, and laid out as automata."""

from hybridseq.speech.ngram.arpa import read_arpa, write_arpa
from hybridseq.speech.ngram.estimation import estimate
from hybridseq.speech.ngram.model import NGramModel
from hybridseq.speech.ngram.states import NGramAutomaton, states

__all__ = ["NGramAutomaton", "NGramModel", "estimate", "read_arpa", "states", "write_arpa"]
