"""scikit-learn faces, one a file. Names load when they are first used."""

import importlib

_NAMES = {
    "AdversarialTagger": "adversarial_tagger",
    "ConditionalGAN": "conditional_gan",
    "EnergyMultiLabel": "energy_multi_label",
    "LinearCRF": "linear_crf",
    "StructuredPerceptron": "structured_perceptron",
    "StructuredSVM": "structured_svm",
    "CategoricalHMM": "categorical_hmm",
    "EncoderFeatures": "encoder_features",
    "GMMHMM": "gmm_hmm",
    "GaussianHMM": "gaussian_hmm",
    "MultinomialHMM": "multinomial_hmm",
    "SequenceTagger": "sequence_tagger",
    "SpeechRecognizer": "speech_recognizer",
    "TokenFeatures": "token_features",
    "load": "persistence",
}

__all__ = [*_NAMES]  # noqa: PLE0604


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f"module 'hybridseq.estimators' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"hybridseq.estimators.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
