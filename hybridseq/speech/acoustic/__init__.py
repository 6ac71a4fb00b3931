"""Acoustic models: networks whose posteriors, divided by priors, score the states of an HMM."""

from hybridseq.speech.acoustic.cross_entropy import estimate_prior, train_cross_entropy
from hybridseq.speech.acoustic.hybrid import HybridModel
from hybridseq.speech.acoustic.loop import Progress, Schedule
from hybridseq.speech.acoustic.networks import AcousticNetwork, make_network
from hybridseq.speech.acoustic.views import Augmentation, View, make_views

__all__ = [
    "AcousticNetwork",
    "Augmentation",
    "HybridModel",
    "Progress",
    "Schedule",
    "View",
    "estimate_prior",
    "make_network",
    "make_views",
    "train_cross_entropy",
]
