"""A learned argmax of a linear chain: mean field, unrolled, with weights of its own."""

import torch
from torch import nn

from hybridseq.adversarial.generator import Generator
from hybridseq.inference.spaces import LabelSpace
from hybridseq.nn.crf import CRF


class UnrolledMeanField(Generator):
    """A few parallel passes over the positions, each of which looks at the neighbours' present guesses.

    Started at the chain's own transitions it is mean field with parallel updates; trained, it is an amortised argmax.
    As a network it is that of :cite:t:`zheng2015`, for chains.

    Parameters
    ----------
    layer : CRF
        Whose chains are to be searched.
    passes : int
    reach : int
        How far each pass looks to either side; beyond the nearest neighbours weights start at 0.
    temperature : float
        Of the softmax that makes the answer which F scores. At 1, F of the soft answer rises in training while F of
        its best labels falls.

    Notes
    -----
    x is a dictionary: ``emissions`` (B, T, K), ``lengths`` (B,). O(B·T·K²·passes·reach) time.
    """

    def __init__(self, layer: CRF, passes: int = 3, reach: int = 1, temperature: float = 0.3):
        super().__init__()
        for name, value in (("passes", passes), ("reach", reach)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1; got {value!r}")
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0; got {temperature!r}")
        self.temperature = temperature
        count = layer.num_labels
        transitions = layer.transitions.detach()
        self.start, self.end = (nn.Parameter(x.detach().clone()) for x in (layer.start, layer.end))
        before, after = (torch.zeros(passes, reach, count, count) for _ in range(2))
        before[:, 0], after[:, 0] = transitions, transitions.T
        self.before, self.after = nn.Parameter(before), nn.Parameter(after)
        self.log_sharpness = nn.Parameter(torch.zeros(passes))
        self.num_labels = count

    def space(self, x):
        return LabelSpace(x["lengths"], self.num_labels, x["emissions"].shape[1])

    def logits(self, x, z=None, head="plain"):
        emissions, lengths = x["emissions"], x["lengths"]
        self.check_noise(z, len(lengths))
        places = torch.arange(emissions.shape[1], device=emissions.device)
        inside = (places < lengths[:, None])[:, :, None].to(emissions.dtype)
        ends = (places == (lengths - 1)[:, None])[:, :, None].to(emissions.dtype)
        own = emissions + ends * self.end
        own = torch.cat([own[:, :1] + self.start, own[:, 1:]], 1)
        logits = own
        for before, after, sharpness in zip(self.before, self.after, self.log_sharpness.exp()):
            guesses = (sharpness * logits).softmax(2) * inside
            logits = own
            for i in range(min(len(before), emissions.shape[1] - 1)):
                shift = i + 1
                logits = logits + nn.functional.pad(guesses[:, :-shift] @ before[i], (0, 0, shift, 0))
                logits = logits + nn.functional.pad(guesses[:, shift:] @ after[i], (0, 0, 0, shift))
        return logits

    def relax(self, logits, space):
        return space.squash(logits / self.temperature)
