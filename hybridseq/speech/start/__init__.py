"""The start of a hybrid: a GMM-HMM trained from nothing but transcripts, and the alignments that it gives."""

from hybridseq.speech.start.align import align_all
from hybridseq.speech.start.alignments import Alignments
from hybridseq.speech.start.fit import fit_gmm
from hybridseq.speech.start.gmm import GMM
from hybridseq.speech.start.report import Round, TrainingReport
from hybridseq.speech.start.train import train_gmm
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
