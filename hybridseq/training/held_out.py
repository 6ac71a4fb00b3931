"""The held-out score, and the best weights by it."""

import copy

from skorch.callbacks import Callback


class HeldOut(Callback):
    """Score the model after every epoch and keep the best.

    Parameters
    ----------
    score : callable or None
        ``score(module) -> float``, larger is better; without it the last weights are kept.
    module_of : callable
        ``module_of(net) -> nn.Module``: which weights to score and keep.

    Notes
    -----
    The score goes to the history as ``valid_score``, where skorch's ``EarlyStopping`` finds it. ``best_module_``
    holds the kept weights in evaluation mode, ``best_epoch_`` counts from 1. Where training ends before the first
    score, as by Ctrl-C, the weights at hand are kept.
    """

    def __init__(self, score, module_of):
        self.score, self.module_of = score, module_of

    def on_train_begin(self, net, **kwargs):
        self.best_score_, self.best_epoch_, self.best_module_ = float("-inf"), None, None

    def on_epoch_end(self, net, **kwargs):
        if self.score is None:
            return
        module = self.module_of(net).eval()
        score = self.score(module)
        best = score > self.best_score_
        net.history.record("valid_score", score)
        net.history.record("valid_score_best", best)
        if best:
            self.best_score_, self.best_epoch_ = score, len(net.history)
            self.best_module_ = copy.deepcopy(module)

    def on_train_end(self, net, **kwargs):
        if self.best_module_ is None:
            self.best_module_ = copy.deepcopy(self.module_of(net)).eval()
