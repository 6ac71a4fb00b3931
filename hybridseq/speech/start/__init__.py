"""The start of a hybrid: a GMM-HMM trained from nothing but transcripts, and the alignments that it gives."""

from hybridseq.speech.start.align import align_all
from hybridseq.speech.start.alignments import Alignments
from hybridseq.speech.start.gmm import GMM
from hybridseq.speech.start.train import Round, TrainingReport, fit_gmm, train_gmm
from hybridseq.speech.start.uniform import uniform_alignment

__all__ = [
    "GMM",
    "Alignments",
    "Round",
    "TrainingReport",
    "align_all",
    "fit_gmm",
    "train_gmm",
    "uniform_alignment",
]
