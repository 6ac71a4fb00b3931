"""A moving average of the weights."""

import torch
from skorch.callbacks import Callback
from torch.optim.swa_utils import AveragedModel


class WeightAverage(Callback):
    """Keep an exponential moving average of the weights; it is what is scored and kept.

    Parameters
    ----------
    horizon : float
        Over how many epochs, about, the average reaches back; 0 takes the weights as they are.

    Notes
    -----
    After n steps the decay is min(1 − 1/(horizon · steps an epoch), (1 + n)/(10 + n)), so that the start is soon
    forgotten. Polyak and Juditsky (1992); for the perceptron Collins (2002), section 2.2. O(number of weights) a step.
    """

    def __init__(self, horizon: float = 1.0):
        self.horizon = horizon

    def on_train_begin(self, net, **kwargs):
        if self.horizon and not hasattr(self, "average_"):
            self.average_ = AveragedModel(net.module_, multi_avg_fn=self._mix)
            # The buffers are constants.
            self.average_.eval()

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        steps = -(-len(dataset_train) // net.batch_size)
        self.decay_ = 1 - 1 / max(self.horizon * steps, 2)

    def _mix(self, averaged, current, count):
        decay = min(self.decay_, (1 + float(count)) / (10 + float(count)))
        torch._foreach_lerp_(averaged, current, 1 - decay)

    def on_batch_end(self, net, training=False, **kwargs):
        if training and self.horizon:
            self.average_.update_parameters(net.module_)

    def best_guess(self, net):
        """The module to predict with: the average, or the net's own."""
        return self.average_.module if self.horizon else net.module_
