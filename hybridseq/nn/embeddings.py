"""What stands at the bottom of a tagger: tokens, or dense vectors, as a padded batch of vectors."""

import math

import torch
from torch import nn

from hybridseq.nn.dropout import WordDropout


def _table(rows: int, size: int) -> nn.Embedding:
    """An embedding whose rows have unit variance a component over the square root of 3; row 0 is padding."""
    table = nn.Embedding(rows, size, padding_idx=0)
    bound = math.sqrt(3 / size)
    with torch.no_grad():
        table.weight.uniform_(-bound, bound)
        table.weight[0] = 0
    return table


class CharCNN(nn.Module):
    """Convolutions over a word's characters, and the maximum over its places.

    Parameters
    ----------
    num_chars : int
        Rows of the character table; id 0 is padding.
    char_size, output_size : int
        Size of a character's vector, and of the result.
    widths : sequence of int
        How many characters a filter sees; the result has as many filters of each width, or one more of the first.

    Notes
    -----
    ``forward(chars (U, L)) -> (U, output_size)``; a row of padding alone gives zeros, and padding beside a word
    changes nothing. Ma and Hovy (2016), section 2.1; several widths as in Kim et al. (2016), section 2.2.
    """

    def __init__(self, num_chars: int, *, char_size: int = 30, output_size: int = 50, widths=(3, 5)):
        super().__init__()
        self.output_size = output_size
        self.embedding = _table(num_chars, char_size)
        shares = [len(range(i, output_size, len(widths))) for i in range(len(widths))]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(char_size, share, width, padding=width // 2) for width, share in zip(widths, shares) if share
        )

    def forward(self, chars):
        embedded = self.embedding(chars).transpose(1, 2)
        found = torch.cat([filters(embedded)[:, :, : chars.shape[1]] for filters in self.convolutions], 1)
        real = (chars != 0)[:, None]
        return torch.relu(found.masked_fill(~real, 0).amax(2))


class CharLSTM(nn.Module):
    """The last states of a two-way LSTM over a word's characters.

    Parameters and shapes are those of :class:`CharCNN`; ``output_size`` must be even. Lample et al. (2016),
    section 4.1.
    """

    def __init__(self, num_chars: int, *, char_size: int = 30, output_size: int = 50):
        super().__init__()
        if output_size % 2:
            raise ValueError(f"output_size must be even, one half a direction; got {output_size}")
        self.output_size = output_size
        self.embedding = _table(num_chars, char_size)
        self.lstm = nn.LSTM(char_size, output_size // 2, batch_first=True, bidirectional=True)

    def forward(self, chars):
        lengths = (chars != 0).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(chars), lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        last = self.lstm(packed)[1][0]
        return torch.cat([last[0], last[1]], 1) * (lengths > 0)[:, None]


class TokenEmbedding(nn.Module):
    """Vectors of tokens: their word, their characters and further columns side by side.

    Parameters
    ----------
    num_words, word_size : int
        The word table; ids 0 and 1 are padding and unknown. ``word_size=0`` leaves the words out.
    word_counts : sequence of int, optional
        How often each word id was seen, for word dropout.
    word_dropout : float
        See :class:`~hybridseq.nn.WordDropout`.
    chars : nn.Module, optional
        A module as :class:`CharCNN`.
    columns : sequence of (int, int)
        Rows and size of each further column's table.

    Notes
    -----
    Words are given by *form*: the batch holds each distinct spelling once, so that characters are computed once a
    spelling and not once a token.
    """

    def __init__(self, num_words, word_size=100, *, word_counts=None, word_dropout=0.0, chars=None, columns=()):
        super().__init__()
        self.words = _table(num_words, word_size) if word_size else None
        self.word_dropout = WordDropout([0] * num_words if word_counts is None else word_counts, alpha=word_dropout)
        self.chars = chars
        self.columns = nn.ModuleList(_table(rows, size) for rows, size in columns)
        self.output_size = word_size + (chars.output_size if chars else 0) + sum(s for _, s in columns)

    def forward(self, forms, form_words, form_chars=None, columns=None, lengths=None):
        """Embed a batch.

        Parameters
        ----------
        forms : (B, T) int64
            For each token the row of its form; row 0 is padding.
        form_words : (U,) int64
            The word id of each form.
        form_chars : (U, L) int64, optional
            The character ids of each form.
        columns : (B, T, C) int64, optional
            Ids of the further columns.
        lengths : (B,) int64, optional
            Not needed here: padding has ids of its own.

        Returns
        -------
        (B, T, output_size)
            Zeros at padding.
        """
        parts = []
        if self.words is not None:
            parts.append(self.words(self.word_dropout(form_words[forms])))
        if self.chars is not None:
            parts.append(nn.functional.embedding(forms, self.chars(form_chars)))
        parts += [table(columns[:, :, i]) for i, table in enumerate(self.columns)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, 2)


class VectorInput(nn.Module):
    """Dense vectors, brought to mean 0 and variance 1 a component.

    Parameters
    ----------
    size : int
        The number of components D.
    mean, scale : (D,) arrays, optional
        What is taken off, and then divided by. They are saved with the weights and not trained.
    """

    def __init__(self, size: int, mean=None, scale=None):
        super().__init__()
        self.output_size = size
        self.register_buffer("mean", torch.zeros(size) if mean is None else torch.as_tensor(mean).float())
        self.register_buffer("scale", torch.ones(size) if scale is None else torch.as_tensor(scale).float())

    def forward(self, vectors, lengths):
        """Take vectors (B, T, D) to (B, T, D), zeros at padding."""
        real = torch.arange(vectors.shape[1], device=vectors.device) < lengths[:, None]
        return (vectors - self.mean) / self.scale * real[:, :, None]
