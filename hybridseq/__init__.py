"""Hybrid neural-structured prediction: deep encoders under exact structured output layers."""

import importlib

__version__ = "0.1.0"

_MODULES = (
    "adversarial",
    "constraints",
    "datasets",
    "inference",
    "kernels",
    "metrics",
    "nn",
    "objectives",
    "speech",
    "structures",
    "text",
)
_NAMES = {
    "AdversarialTagger": "hybridseq.estimators",
    "BruteForce": "hybridseq.structures",
    "CategoricalHMM": "hybridseq.estimators",
    "ConditionalGAN": "hybridseq.estimators",
    "EncoderFeatures": "hybridseq.estimators",
    "EnergyMultiLabel": "hybridseq.estimators",
    "GMMHMM": "hybridseq.estimators",
    "GaussianHMM": "hybridseq.estimators",
    "InfeasibleError": "hybridseq.constraints",
    "LinearChain": "hybridseq.structures",
    "LinearCRF": "hybridseq.estimators",
    "SpeechRecognizer": "hybridseq.estimators",
    "StructuredPerceptron": "hybridseq.estimators",
    "StructuredSVM": "hybridseq.estimators",
    "MultinomialHMM": "hybridseq.estimators",
    "SequenceTagger": "hybridseq.estimators",
    "TokenFeatures": "hybridseq.estimators",
    "load": "hybridseq.estimators",
}

__all__ = [*_MODULES, *_NAMES]  # noqa: PLE0604


def __getattr__(name):
    if name in _MODULES:
        value = importlib.import_module(f"hybridseq.{name}")
    elif name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
    else:
        raise AttributeError(f"module 'hybridseq' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
