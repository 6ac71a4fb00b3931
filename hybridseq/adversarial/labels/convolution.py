"""Features of windows of labels."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from hybridseq.adversarial.labels.term import LabelTerm, inside_of


class LabelConvolution(LabelTerm):
    """Features of windows of labels, summed: a convolution, a softplus and a linear map.

    Parameters
    ----------
    num_labels : int
        K.
    hidden_size : int
        Number of features, H.
    width : int
        Labels in a window, odd.

    Notes
    -----
    O(B·T·K·H·width) for relaxed labels, O(B·T·H·width) for hard ones; the gain of a change is that of ``width``
    windows.
    """

    def __init__(self, num_labels: int, hidden_size: int = 64, width: int = 5):
        super().__init__()
        if width % 2 != 1:
            raise ValueError(f"width must be odd; got {width!r}")
        self.num_labels, self.reach = num_labels, width - 1
        self.convolution = nn.Conv1d(num_labels, hidden_size, width, padding=width // 2)
        self.output = nn.Linear(hidden_size, 1, bias=False)
        nn.init.zeros_(self.output.weight)

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        found = softplus(self.convolution(y.transpose(1, 2))).transpose(1, 2)
        return (self.output(found)[:, :, 0] * inside_of(y, lengths)).sum(1)

    def hard(self, y, lengths):
        found = self.output(softplus(self._windows(y, lengths)))[..., 0]
        return (found * inside_of(y, lengths)).sum(1)

    def slopes(self, y, lengths, places):
        around, used = self._around(y, lengths, places)
        slopes = around.sigmoid() * self.output.weight[0] * used
        return torch.einsum("bmoh,okh->bmk", slopes, self._tables())

    def gains(self, y, lengths, places, tried):
        around, used = self._around(y, lengths, places)
        tables = self._tables()
        now = torch.where(inside_of(y, lengths), y, 0)[:, places]
        # (width, B, m, c, H), then the window's index after the change's.
        moved = (tables[:, tried] - tables[:, now][:, :, :, None]).movedim(0, 3)
        around = around[:, :, None]
        gained = (softplus(around + moved) - softplus(around)) * used[:, :, None]
        return self.output(gained)[..., 0].sum(3)

    def _tables(self):
        """What a label adds to the features (width, K, H) of the windows that hold it, from the first that does.

        The first window that reaches a label holds it at its last place.
        """
        return self.convolution.weight.permute(2, 1, 0).flip(0)

    def _windows(self, y, lengths):
        """Features (B, T, H) before the softplus."""
        inside, half = inside_of(y, lengths), self.reach // 2
        steps, tables = y.shape[1], self._tables()
        padded = pad(torch.where(inside, y, 0), (half, half))
        used = pad(inside, (half, half))[:, :, None]
        total = self.convolution.bias
        for i in range(self.reach + 1):
            window = slice(self.reach - i, self.reach - i + steps)
            total = total + tables[i][padded[:, window]] * used[:, window]
        return total

    def _around(self, y, lengths, places):
        """Features (B, m, width, H) of the windows that hold each place, and which are used (B, m, width, 1)."""
        half = self.reach // 2
        windows = pad(self._windows(y, lengths), (0, 0, half, half))
        used = pad(inside_of(y, lengths), (half, half))
        at = places[:, None] + torch.arange(self.reach + 1, device=y.device)
        return windows[:, at], used[:, at][..., None]
