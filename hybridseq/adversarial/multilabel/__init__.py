"""Vectors of bits: score functions that see all labels of an example at once, and ways to train them."""

from hybridseq.adversarial.multilabel.energy import BitEnergy
from hybridseq.adversarial.multilabel.features import LocalTerms
from hybridseq.adversarial.multilabel.generator import BitGenerator
from hybridseq.adversarial.multilabel.oracle import relaxed_f1
from hybridseq.adversarial.multilabel.scores import BitScore, ValueNetwork

__all__ = ["BitEnergy", "BitGenerator", "BitScore", "LocalTerms", "ValueNetwork", "relaxed_f1"]
