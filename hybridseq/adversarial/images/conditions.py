"""Encoders of conditions: captions, classes, vectors, pictures; each gives a vector."""

import torch
from torch import Tensor, nn

from hybridseq.nn.names import choose


class CaptionEncoder(nn.Module):
    """A caption's vector: words that learned queries find in it, or a recurrent network's last state.

    Parameters
    ----------
    num_words : int
        Size of the vocabulary, padding (0) included.
    word_size : int
        Components of a word's vector.
    hidden_size : int
        Of the recurrent network in each direction, or of what weighs words.
    slots : int
        Queries of ``"attention"``.
    reader : {"attention", "gru", "bag"}
        ``"attention"``: each slot is a mean of word vectors, weighed by the word and the sums of those before and after
        it: what a word says stays the same in every company, also in combinations that were never seen. ``"gru"``: a
        recurrent network's two last states. ``"bag"``: the mean word vector, which knows no order.

    Notes
    -----
    ``forward(words (B, T) int64, padded with 0 on the right) -> (B, output_size)``.
    """

    def __init__(self, num_words, *, word_size=32, hidden_size=64, slots=8, reader="attention"):
        super().__init__()
        choose("reader", reader, {"attention": True, "gru": True, "bag": True})
        self.reader = reader
        self.words = nn.Embedding(num_words, word_size, padding_idx=0)
        if reader == "gru":
            self.context = nn.GRU(word_size, hidden_size, batch_first=True, bidirectional=True)
        if reader == "attention":
            self.queries = nn.Sequential(
                nn.Linear(3 * word_size, hidden_size), nn.LeakyReLU(0.2), nn.Linear(hidden_size, slots)
            )
        self.output_size = {"attention": slots * word_size, "gru": 2 * hidden_size, "bag": word_size}[reader]

    def forward(self, x: Tensor) -> Tensor:
        vectors, inside = self.words(x), x != 0
        if self.reader == "bag":
            return vectors.sum(1) / inside.sum(1, keepdim=True)
        if self.reader == "gru":
            lengths = inside.sum(1).cpu()
            packed = nn.utils.rnn.pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
            return torch.cat(tuple(self.context(packed)[1]), 1)
        before = vectors.cumsum(1)
        around = torch.cat([vectors, before - vectors, before[:, -1:] - before], 2)
        weights = self.queries(around).masked_fill(~inside[:, :, None], -torch.inf).softmax(1)
        return (weights.transpose(1, 2) @ vectors).flatten(1)


class ClassEncoder(nn.Module):
    """A vector for each class: ``forward(classes (B,) int64) -> (B, output_size)``."""

    def __init__(self, num_classes, *, output_size=32):
        super().__init__()
        self.table = nn.Embedding(num_classes, output_size)
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        return self.table(x)


class ArrayEncoder(nn.Module):
    """Vectors through one layer: ``forward(x (B, D)) -> (B, output_size)``."""

    def __init__(self, num_features, *, output_size=128):
        super().__init__()
        self.layer = nn.Sequential(nn.Linear(num_features, output_size), nn.LeakyReLU(0.2))
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class PictureEncoder(nn.Module):
    """Pictures through two convolutions: ``forward(x (B, C, H, W)) -> (B, output_size)``."""

    def __init__(self, shape, *, width=32, output_size=128):
        super().__init__()
        channels, height, wide = shape
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(width * height * wide, output_size),
            nn.LeakyReLU(0.2),
        )
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
