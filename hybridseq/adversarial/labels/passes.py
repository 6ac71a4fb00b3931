"""Passes of mean field over a label sequence, with weights of their own."""

import torch
from torch import Tensor, nn

from hybridseq.nn.crf import CRF


class MeanFieldPasses(nn.Module):
    """A few passes in which positions look at the neighbours' present guesses: every second one, then the others.

    Started at a chain's own transitions it is mean field; its weights can then be trained. As a network it is that of
    :cite:t:`zheng2015`, for chains, but that neighbours take turns: where all positions move at once they may swing
    back and forth.

    Parameters
    ----------
    layer : CRF
        Whose transitions the passes start with.
    passes : int
    reach : int
        How far each pass looks to either side; beyond the nearest neighbours weights start at 0.

    Notes
    -----
    O(B·T·K²·passes·reach) time; 2·passes steps one after the other, whatever T.
    """

    def __init__(self, layer: CRF, passes: int = 3, reach: int = 1):
        super().__init__()
        for name, value in (("passes", passes), ("reach", reach)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1; got {value!r}")
        count = layer.num_labels
        transitions = layer.transitions.detach()
        self.start, self.end = (nn.Parameter(x.detach().clone()) for x in (layer.start, layer.end))
        before, after = (torch.zeros(passes, reach, count, count) for _ in range(2))
        before[:, 0], after[:, 0] = transitions, transitions.T
        self.before, self.after = nn.Parameter(before), nn.Parameter(after)
        self.log_sharpness = nn.Parameter(torch.zeros(passes))

    def forward(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Logits (B, T, K) after the last pass, from emissions (B, T, K) and lengths (B,)."""
        places = torch.arange(emissions.shape[1], device=emissions.device)
        inside = (places < lengths[:, None])[:, :, None].to(emissions.dtype)
        ends = (places == (lengths - 1)[:, None])[:, :, None].to(emissions.dtype)
        own = emissions + ends * self.end
        own = torch.cat([own[:, :1] + self.start, own[:, 1:]], 1)
        logits = own
        for before, after, sharpness in zip(self.before, self.after, self.log_sharpness.exp()):
            for turn in range(min(2, emissions.shape[1])):
                guesses = (sharpness * logits).softmax(2) * inside
                moved = _look(own, guesses, before, after, turn)
                logits = torch.cat([logits, moved], 1)[:, _interleaved(len(places), turn, logits.device)]
        return logits


def _look(own, guesses, before, after, turn):
    """New logits of every second position, from ``turn`` on."""
    reach, found = len(before), own[:, turn::2]
    padded = nn.functional.pad(guesses, (0, 0, reach, reach))
    for i in range(reach):
        for shift, weights in ((-i - 1, before[i]), (i + 1, after[i])):
            seen = padded[:, reach + turn + shift :: 2]
            found = found + seen[:, : found.shape[1]] @ weights
    return found


def _interleaved(steps, turn, device):
    """Where positions stand when those that moved come after all."""
    places = torch.arange(steps, device=device)
    return torch.where(places % 2 == turn, steps + places // 2, places)
