"""What every term over all labels can do: score relaxed and hard labels, and tell what single changes gain."""

import torch
from torch import Tensor, nn


class LabelTerm(nn.Module):
    """A score of a whole label sequence, whatever the input. A concrete one defines :meth:`forward`.

    The other methods have defaults that follow from it; a term may give faster ones.

    Attributes
    ----------
    num_labels : int
        K.
    reach : int or None
        Labels farther apart than this never meet in a part of the score; None: any two may meet.
    """

    num_labels: int
    reach: int | None = None

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        """Scores (B,) of relaxed labels (B, T, K), which are 0 in the padding; padding beside a row changes nothing."""
        raise TypeError(f"{type(self).__name__} must define forward(y, lengths).")

    def hard(self, y: Tensor, lengths: Tensor) -> Tensor:
        """Scores (B,) of label sequences (B, T); what stands in the padding means nothing."""
        return self(self.vertices(y, lengths), lengths)

    def slopes(self, y: Tensor, lengths: Tensor, places: Tensor) -> Tensor:
        """The score's gradient (B, m, K) with respect to relaxed labels of places (m,), at label sequences (B, T)."""
        with torch.enable_grad():
            relaxed = self.vertices(y, lengths).requires_grad_()
            (found,) = torch.autograd.grad(self(relaxed, lengths).sum(), relaxed)
        return found[:, places]

    def gains(self, y: Tensor, lengths: Tensor, places: Tensor, tried: Tensor) -> Tensor:
        """What the score gains (B, m, c) where the label of one of the places (m,) becomes one of ``tried`` (B, m, c).

        For places in the padding it means nothing.
        """
        changed = y[:, None, None].repeat(1, *tried.shape[1:], 1)
        at = places[:, None, None].expand(len(y), *tried.shape[1:], 1)
        changed = changed.scatter(3, at, tried[..., None]).flatten(0, 2)
        scores = self.hard(changed, lengths.repeat_interleave(tried.shape[1] * tried.shape[2]))
        return scores.view(tried.shape) - self.hard(y, lengths)[:, None, None]

    def vertices(self, y: Tensor, lengths: Tensor) -> Tensor:
        """Label sequences as one-hot vectors (B, T, K), 0 in the padding."""
        inside = inside_of(y, lengths)
        hot = nn.functional.one_hot(torch.where(inside, y, 0), self.num_labels) * inside[:, :, None]
        return hot.to(next(self.parameters()).dtype)


def inside_of(y: Tensor, lengths: Tensor) -> Tensor:
    """Which of the positions (B, T) are used."""
    return torch.arange(y.shape[1], device=y.device) < lengths[:, None]
