"""The skorch net that fits a tagger."""

import skorch
from skorch.utils import to_device
from torch import nn
from torch.utils.data import DataLoader

from hybridseq.training.batches import BucketSampler


def bucketed_loader(dataset, batch_size, seed=0):
    """A torch loader of length-bucketed batches."""
    sampler = BucketSampler(dataset.encoded.lengths, batch_size, seed)
    return DataLoader(dataset, sampler=sampler, batch_size=None)


class SequenceLoss(nn.Module):
    """An objective's mean over the sentences of a batch.

    Parameters
    ----------
    objective : callable
        ``(structure, labels (B, T)) -> (B,)``.
    first : callable, optional
        Another objective, for the first ``share`` of training.
    share : float
        See ``first``.
    """

    def __init__(self, objective, first=None, share=0.3):
        super().__init__()
        self.objective, self.first, self.share = objective, first, share
        self.done = 0.0

    def forward(self, structure, labels):
        objective = self.first if self.first is not None and self.done < self.share else self.objective
        return objective(structure, labels).mean()


class TellCriterion(skorch.callbacks.Callback):
    """Keep the criterion's ``done``, the fraction of training done, up to date."""

    def __init__(self, steps):
        self.steps = steps

    def on_train_begin(self, net, **kwargs):
        self.step_ = 0

    def on_batch_end(self, net, training=False, **kwargs):
        self.step_ += training
        net.criterion_.done = self.step_ / self.steps


class SequenceNet(skorch.NeuralNet):
    """``skorch.NeuralNet`` whose module gives a structure and whose data set gives whole batches.

    It has skorch's parameters; the held-out score, the average of the weights and the progress table are callbacks.
    """

    @property
    def _default_callbacks(self):
        return [
            ("epoch_timer", skorch.callbacks.EpochTimer()),
            ("train_loss", skorch.callbacks.PassthroughScoring(name="train_loss", on_train=True)),
        ]

    def infer(self, x, **fit_params):
        return self.module_(**to_device(x.inputs, self.device), **fit_params)

    def get_loss(self, y_pred, y_true, *args, **kwargs):
        return self.criterion_(y_pred, y_true.to(self.device))
