"""Hybrid speech recognition: audio, features, lexicon, language model, topologies, training, decoding, scoring."""

import importlib

#: Public names, and the module of each: loaded when first used.
_NAMES: dict[str, str] = {}

__all__ = list(_NAMES)


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f"module 'hybridseq.speech' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"hybridseq.speech.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
