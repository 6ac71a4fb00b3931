"""Features in torch: filter banks, cepstra, their context, normalisation and perturbation."""

from hybridseq.speech.features.cmvn import Moments, SpeakerCMVN, utterance_cmvn
from hybridseq.speech.features.context import DeltaStream, deltas, splice
from hybridseq.speech.features.fbank import Fbank
from hybridseq.speech.features.mfcc import MFCC
from hybridseq.speech.features.online_cmvn import OnlineCMVN
from hybridseq.speech.features.perturb import Perturbation, add_noise, change_speed, change_volume, make_noise, mix
from hybridseq.speech.features.spec_augment import SpecAugment
from hybridseq.speech.features.streaming import FeatureStream
from hybridseq.speech.features.transform import FeatureError, FeaturePipeline, FeatureProblem, PipelineStream

__all__ = [
    "MFCC",
    "DeltaStream",
    "Fbank",
    "FeatureError",
    "FeaturePipeline",
    "FeatureProblem",
    "FeatureStream",
    "Moments",
    "OnlineCMVN",
    "Perturbation",
    "PipelineStream",
    "SpeakerCMVN",
    "SpecAugment",
    "add_noise",
    "change_speed",
    "change_volume",
    "deltas",
    "make_noise",
    "mix",
    "splice",
    "utterance_cmvn",
]
