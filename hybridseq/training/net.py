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
    """

    def __init__(self, objective):
        super().__init__()
        self.objective = objective

    def forward(self, structure, labels):
        return self.objective(structure, labels).mean()


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
