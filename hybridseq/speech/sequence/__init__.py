"""Sequence training: MMI and its kin, lattice-free MMI, full-sum training without an alignment, CTC."""

from hybridseq.speech.sequence.criteria import CRITERIA, Criterion, unit_costs
from hybridseq.speech.sequence.ctc import CTCSymbols, hold_back_blank
from hybridseq.speech.sequence.denominator import Denominator, phone_denominator, phone_sequences, word_denominator
from hybridseq.speech.sequence.objective import SequenceObjective
from hybridseq.speech.sequence.train import SEQUENCE_SCHEDULE, SequenceReport, train_sequence

__all__ = [
    "CRITERIA",
    "SEQUENCE_SCHEDULE",
    "CTCSymbols",
    "Criterion",
    "Denominator",
    "SequenceObjective",
    "SequenceReport",
    "hold_back_blank",
    "phone_denominator",
    "phone_sequences",
    "train_sequence",
    "unit_costs",
    "word_denominator",
]
