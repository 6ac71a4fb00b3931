"""Fitting a term to gold label sequences alone, before the players meet."""

import torch
from torch import nn


def fit_language_model(term: nn.Module, sequences, *, epochs: int = 5, batch_size: int = 32, rate=5e-3, seed=0):
    """Maximise log p(y) of label sequences under a :class:`LabelLanguageModel`, in place.

    Parameters
    ----------
    term : LabelLanguageModel
    sequences : list of (L,) int64 tensors
    epochs, batch_size : int
    rate : float
        Adam's learning rate.
    seed : int
        Of the order.

    Returns
    -------
    list of float
        Mean −log p(y) a label of each epoch, in nats.
    """
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(term.parameters(), rate)
    count, history = term.output.out_features - 1, []
    for _ in range(epochs):
        total, labels = 0.0, 0
        for rows in torch.randperm(len(sequences), generator=generator).split(batch_size):
            chosen = [sequences[i] for i in rows.tolist()]
            lengths = torch.tensor([len(y) for y in chosen])
            padded = nn.utils.rnn.pad_sequence(chosen, batch_first=True, padding_value=count)
            hot = nn.functional.one_hot(padded, count + 1)[:, :, :count].to(term.output.weight.dtype)
            lost = -term(hot, lengths).sum()
            optimiser.zero_grad()
            (lost / lengths.sum()).backward()
            optimiser.step()
            total, labels = total + lost.item(), labels + int(lengths.sum())
        history.append(total / labels)
    return history
