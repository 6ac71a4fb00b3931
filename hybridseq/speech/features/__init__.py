"""Features in torch: filter banks, cepstra, their context, normalisation and perturbation."""

from hybridseq.speech.features.cmvn import Moments, SpeakerCMVN, utterance_cmvn
from hybridseq.speech.features.context import deltas, splice
from hybridseq.speech.features.fbank import Fbank
from hybridseq.speech.features.mfcc import MFCC
from hybridseq.speech.features.streaming import FeatureStream

__all__ = ["MFCC", "Fbank", "FeatureStream", "Moments", "SpeakerCMVN", "deltas", "splice", "utterance_cmvn"]
