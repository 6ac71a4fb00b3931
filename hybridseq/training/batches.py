"""Batches of sentences of like length."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from hybridseq.training.inputs import Encoded


@dataclass(frozen=True)
class Batch:
    """What :class:`~hybridseq.nn.TaggerNetwork` takes, by name; its length is the number of sentences."""

    inputs: dict

    def __len__(self):
        return len(self.inputs["lengths"])


class SentenceDataset(Dataset):
    """Encoded sentences; an item is a whole batch.

    Parameters
    ----------
    encoded : Encoded
        The sentences.

    Notes
    -----
    ``dataset[indices] -> (Batch, labels)``, labels (B, T) int64 with −100 at padding (all −100 without
    labels). O(tokens), by array operations only.
    """

    def __init__(self, encoded: Encoded):
        self.encoded, self.starts = encoded, encoded.starts

    def __len__(self):
        return len(self.encoded.lengths)

    def __getitem__(self, indices):
        data = self.encoded
        lengths = data.lengths[indices]
        steps = np.arange(lengths.max())
        real = steps < lengths[:, None]
        places = np.where(real, self.starts[indices][:, None] + steps, 0)
        batch = {"lengths": torch.from_numpy(lengths)}
        if data.vectors is not None:
            batch["vectors"] = torch.from_numpy(data.vectors[places] * real[:, :, None])
        else:
            distinct, forms = np.unique(np.where(real, data.forms[places], 0), return_inverse=True)
            if distinct[0]:
                distinct, forms = np.concatenate([[0], distinct]), forms + 1
            batch["forms"] = torch.from_numpy(forms.reshape(places.shape))
            batch["form_words"] = torch.from_numpy(data.form_words[distinct])
            if data.form_chars is not None:
                chars = data.form_chars[distinct]
                batch["form_chars"] = torch.from_numpy(chars[:, : max(1, chars.any(0).sum())])
            if data.columns is not None:
                batch["columns"] = torch.from_numpy(data.columns[places] * real[:, :, None])
        labels = np.full(places.shape, -100)
        if data.labels is not None:
            labels[real] = data.labels[places[real]]
        return Batch(batch), torch.from_numpy(labels)


class BucketSampler(Sampler):
    """Batches of indices, each of sentences of like length, in random order.

    Parameters
    ----------
    lengths : (N,) array
        The sentences' lengths.
    batch_size : int
        Sentences in a batch.
    seed : int
        Each pass over the sampler shuffles anew, and the same for the same seed.
    jitter : float
        Lengths are taken to differ by up to this many tokens less, so that batches vary from pass to pass.
    """

    def __init__(self, lengths, batch_size: int, seed: int = 0, jitter: float = 1.0):
        self.lengths, self.batch_size, self.jitter = np.asarray(lengths), batch_size, jitter
        self.random = np.random.default_rng(seed)

    def __len__(self):
        return math.ceil(len(self.lengths) / self.batch_size)

    def __iter__(self):
        order = np.argsort(-self.lengths + self.random.uniform(0, self.jitter + 1, len(self.lengths)))
        batches = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        for i in self.random.permutation(len(batches)):
            batch = batches[i]
            yield batch[np.argsort(-self.lengths[batch], kind="stable")]


def by_length(lengths, max_tokens: int = 4096):
    """Batches of indices for prediction: longest first, each of at most ``max_tokens`` places (or one sentence)."""
    order = np.argsort(-np.asarray(lengths), kind="stable")
    i = 0
    while i < len(order):
        size = max(1, max_tokens // int(lengths[order[i]]))
        yield order[i : i + size]
        i += size
