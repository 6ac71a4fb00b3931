"""Scores of a whole label sequence, whatever the input: terms that no chain has."""

import torch
from torch import Tensor, nn

from hybridseq.adversarial.labels.convolution import LabelConvolution
from hybridseq.adversarial.labels.term import LabelTerm, inside_of


class LabelLanguageModel(LabelTerm):
    """log p(y) of a recurrent language model over labels: Σ_t y_t · log p(· | y_1 … y_{t−1}) :cite:p:`tu2018`.

    Parameters
    ----------
    num_labels : int
        K.
    hidden_size : int
    """

    def __init__(self, num_labels: int, hidden_size: int = 64):
        super().__init__()
        self.num_labels = num_labels
        self.embedding = nn.Linear(num_labels + 1, hidden_size, bias=False)
        self.lstm = nn.LSTM(hidden_size, hidden_size, batch_first=True)
        # One more than the labels: the end.
        self.output = nn.Linear(hidden_size, num_labels + 1)

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        count = self.num_labels
        logs = self._logs(nn.functional.pad(y, (0, 1)) @ self.embedding.weight.T)
        labels = (y * logs[:, :-1, :count]).sum((1, 2))
        return labels + logs[torch.arange(len(y), device=y.device), lengths, count]

    def hard(self, y, lengths):
        inside = inside_of(y, lengths)
        y = torch.where(inside, y, 0)
        logs = self._logs(self.embedding.weight.T[y])
        labels = (logs[:, :-1].gather(2, y[..., None])[..., 0] * inside).sum(1)
        return labels + logs[torch.arange(len(y), device=y.device), lengths, self.num_labels]

    def _logs(self, embedded):
        """log p of what comes first, and after each label (B, T + 1, K + 1), from the labels' vectors."""
        first = self.embedding.weight[:, self.num_labels].expand(len(embedded), 1, -1)
        return self.output(self.lstm(torch.cat([first, embedded], 1))[0]).log_softmax(2)


class LabelAttention(LabelTerm):
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
        self.num_labels = num_labels
        self.embedding = nn.Linear(num_labels, hidden_size, bias=False)
        self.places = nn.Embedding(max_length, hidden_size)
        nn.init.normal_(self.places.weight, std=0.1)
        self.attention = nn.MultiheadAttention(hidden_size, num_heads, batch_first=True)
        self.inner = nn.Linear(2 * hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, 1, bias=False)
        nn.init.zeros_(self.output.weight)

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        return self._of(self.embedding(y), inside_of(y, lengths))

    def hard(self, y, lengths):
        inside = inside_of(y, lengths)
        return self._of(self.embedding.weight.T[torch.where(inside, y, 0)], inside)

    def _of(self, embedded, inside):
        places = torch.arange(embedded.shape[1], device=embedded.device).clamp(max=self.places.num_embeddings - 1)
        embedded = embedded + self.places(places)
        seen, _ = self.attention(embedded, embedded, embedded, key_padding_mask=~inside, need_weights=False)
        found = torch.tanh(self.inner(torch.cat([embedded, seen], 2)))
        return (self.output(found)[:, :, 0] * inside).sum(1)


#: By name.
TERMS = {"language_model": LabelLanguageModel, "cnn": LabelConvolution, "attention": LabelAttention}
