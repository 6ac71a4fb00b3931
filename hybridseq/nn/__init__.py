"""Parameters: encoders (one family a file) and the layers that turn their output into a structure.

Names load when they are first used.
"""

import importlib

_NAMES = {
    "CRF": "crf",
    "CategoricalEmissions": "emissions",
    "CharCNN": "embeddings",
    "CharLSTM": "embeddings",
    "Convolutional": "convolutional",
    "ENCODERS": "encoders",
    "GaussianEmissions": "emissions",
    "HMM": "hmm",
    "HybridHMM": "hybrid_hmm",
    "Identity": "encoders",
    "ImageEncoder": "images",
    "Jordan": "jordan",
    "LockedDropout": "dropout",
    "Prior": "prior",
    "Recurrent": "recurrent",
    "StateCounts": "prior",
    "TaggerNetwork": "network",
    "TokenEmbedding": "embeddings",
    "VectorInput": "embeddings",
    "WordDropout": "dropout",
    "make_encoder": "encoders",
}

__all__ = [*_NAMES]  # noqa: PLE0604


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f"module 'hybridseq.nn' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"hybridseq.nn.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
