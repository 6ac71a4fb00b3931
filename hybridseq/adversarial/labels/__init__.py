"""Label sequences: generators, and scores that look at all of y."""

from hybridseq.adversarial.labels.convolution import LabelConvolution
from hybridseq.adversarial.labels.generator import LabelGenerator
from hybridseq.adversarial.labels.global_chain import GlobalChainScore, GlobalChainScored
from hybridseq.adversarial.labels.passes import MeanFieldPasses
from hybridseq.adversarial.labels.relaxations import RELAXATIONS
from hybridseq.adversarial.labels.term import LabelTerm
from hybridseq.adversarial.labels.terms import TERMS, LabelAttention, LabelLanguageModel
from hybridseq.adversarial.labels.unrolled import UnrolledMeanField

__all__ = [
    "RELAXATIONS",
    "TERMS",
    "GlobalChainScore",
    "GlobalChainScored",
    "LabelAttention",
    "LabelConvolution",
    "LabelGenerator",
    "LabelLanguageModel",
    "LabelTerm",
    "MeanFieldPasses",
    "UnrolledMeanField",
]
