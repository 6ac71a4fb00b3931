"""Generators that answer, critics that score: structured prediction whose inference is learned."""

import importlib

#: Public names by the module that holds them; they are loaded when first used.
_GROUPS = {
    "collapse": "Watch",
    "distribution": "anchor_loss draw entropy log_prob",
    "gan_losses": "GANLoss GAN_LOSSES",
    "generator": "Generator",
    "labels": (
        "GlobalChainScore GlobalChainScored LabelAttention LabelConvolution LabelGenerator LabelLanguageModel "
        "LabelTerm MeanFieldPasses RELAXATIONS TERMS UnrolledMeanField"
    ),
    "objectives": (
        "CONTRASTS contrastive margin_rescaled nce_ranking perceptron slack_rescaled truncated value_regression"
    ),
    "recipe": "OBJECTIVES TwoPlayers",
    "train": "CollapseWarning Trained train_two_players",
}
_NAMES = {name: module for module, names in _GROUPS.items() for name in names.split()}

__all__ = list(_NAMES)


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f"module 'hybridseq.adversarial' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"hybridseq.adversarial.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
