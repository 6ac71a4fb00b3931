"""Scores of a whole label sequence, whatever the input: terms that no chain has.

Each is a module ``forward(y (B, T, K), lengths (B,)) -> (B,)`` of relaxed labels, 0 in the padding, whose score of a
one-hot y is that of the label sequence; padding beside a row changes nothing.
"""

import torch
from torch import Tensor, nn


def _inside(y, lengths):
    return torch.arange(y.shape[1], device=y.device) < lengths[:, None]


class LabelLanguageModel(nn.Module):
    """log p(y) of a recurrent language model over labels: Σ_t y_t · log p(· | y_1 … y_{t−1}) :cite:p:`tu2018`.

    Parameters
    ----------
    num_labels : int
        K.
    hidden_size : int
    """

    def __init__(self, num_labels: int, hidden_size: int = 64):
        super().__init__()
        self.embedding = nn.Linear(num_labels + 1, hidden_size, bias=False)
        self.lstm = nn.LSTM(hidden_size, hidden_size, batch_first=True)
        # One more than the labels: the end.
        self.output = nn.Linear(hidden_size, num_labels + 1)

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        batch, _, count = y.shape
        first = y.new_zeros(batch, 1, count + 1)
        first[:, :, count] = 1
        seen = torch.cat([first, nn.functional.pad(y, (0, 1))], 1)
        logs = self.output(self.lstm(self.embedding(seen))[0]).log_softmax(2)
        labels = (y * logs[:, :-1, :count]).sum((1, 2))
        return labels + logs[torch.arange(batch, device=y.device), lengths, count]


class LabelConvolution(nn.Module):
    """Features of windows of labels, summed: a convolution, a softplus and a linear map.

    Parameters
    ----------
    num_labels : int
        K.
    hidden_size : int
        Number of features.
    width : int
        Labels in a window, odd.
    """

    def __init__(self, num_labels: int, hidden_size: int = 64, width: int = 5):
        super().__init__()
        if width % 2 != 1:
            raise ValueError(f"width must be odd; got {width!r}")
        self.convolution = nn.Conv1d(num_labels, hidden_size, width, padding=width // 2)
        self.output = nn.Linear(hidden_size, 1, bias=False)
        nn.init.zeros_(self.output.weight)

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        found = nn.functional.softplus(self.convolution(y.transpose(1, 2))).transpose(1, 2)
        return (self.output(found)[:, :, 0] * _inside(y, lengths)).sum(1)


class LabelAttention(nn.Module):
    """Every label looks at all others: self-attention over y, then a score a position, summed.

    Parameters
    ----------
    num_labels : int
        K.
    hidden_size : int
        Divisible by ``num_heads``.
    num_heads : int
    max_length : int
        Positions that have a vector of their own; later ones share the last.
    """

    def __init__(self, num_labels: int, hidden_size: int = 64, num_heads: int = 4, max_length: int = 64):
        super().__init__()
        self.embedding = nn.Linear(num_labels, hidden_size, bias=False)
        self.places = nn.Embedding(max_length, hidden_size)
        nn.init.normal_(self.places.weight, std=0.1)
        self.attention = nn.MultiheadAttention(hidden_size, num_heads, batch_first=True)
        self.inner = nn.Linear(2 * hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, 1, bias=False)
        nn.init.zeros_(self.output.weight)

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        inside = _inside(y, lengths)
        places = torch.arange(y.shape[1], device=y.device).clamp(max=self.places.num_embeddings - 1)
        embedded = self.embedding(y) + self.places(places)
        seen, _ = self.attention(embedded, embedded, embedded, key_padding_mask=~inside, need_weights=False)
        found = torch.tanh(self.inner(torch.cat([embedded, seen], 2)))
        return (self.output(found)[:, :, 0] * inside).sum(1)


#: By name.
TERMS = {"language_model": LabelLanguageModel, "cnn": LabelConvolution, "attention": LabelAttention}
