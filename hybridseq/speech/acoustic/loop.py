"""The loop that trains a network on views of utterances: schedule, batches, interruption, resumption."""

import math
import time
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from hybridseq.speech.acoustic.hybrid import batches_by_length


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    Attributes
    ----------
    epochs : int, optional
        Passes over the utterances, each in one of its views. None: ten, or on small data as many as make 400 steps,
        at most 60.
    learning_rate : float
        The highest; it rises over the first ``warmup`` of all steps and falls to 0 along a cosine.
    weight_decay : float
        Of AdamW :cite:p:`loshchilov2019`.
    batch_frames : int, optional
        Frames of a step, padding included. None: a fortieth of all, at least 400 and at most 2,500.
    clip : float
        The largest norm of a gradient.
    warmup : float
        Share of the steps.
    """

    epochs: int | None = None
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    batch_frames: int | None = None
    clip: float = 5.0
    warmup: float = 0.2

    def __post_init__(self):
        for name in ("epochs", "learning_rate", "batch_frames", "clip"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0; got {value!r}.")

    def settled(self, frames):
        """The schedule for training data of so many frames: nothing is None."""
        batch = self.batch_frames or int(min(2500, max(400, frames / 40)))
        epochs = self.epochs or int(min(60, max(10, math.ceil(400 * batch / max(1, frames)))))
        return replace(self, epochs=epochs, batch_frames=batch)

    def rate(self, done):
        """The learning rate after a share of all steps."""
        if done < self.warmup:
            return self.learning_rate * (0.04 + 0.96 * done / self.warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup)))


@dataclass
class Progress:
    """What a pass brought: shown while training, kept in the report."""

    stage: str
    epoch: int
    epochs: int
    loss: float
    frames: int
    seconds: float
    notes: dict = field(default_factory=dict)


def train(network, views, usable, loss_of, schedule, rng, *, stage, mask=None, after=None, told=None, checkpoint=None):
    """Train a network.

    Parameters
    ----------
    network : nn.Module
        ``forward(features (B, T, D), lengths (B,)) -> (B, T, P)``; changed in place.
    views : list of View
    usable : list of int
        Utterances to train on.
    loss_of : callable
        ``(scores (B, T, P), lengths (B,), rows, chosen) -> scalar``, the loss a frame; ``rows`` are the utterances and
        ``chosen`` their views.
    schedule : Schedule
    rng : numpy Generator
        Of views and batches.
    stage : str
        What this training is called in progress and checkpoints.
    mask : nn.Module, optional
        ``(features, lengths) -> features`` before the network, as SpecAugment.
    after : callable, optional
        ``(epoch) -> dict`` after each pass: what it did is noted.
    told : callable, optional
        Gets a ``Progress`` after each pass.
    checkpoint : Checkpoint, optional
        Where the state is kept after each pass, and taken up again.

    Returns
    -------
    list of Progress
    """
    optimiser = torch.optim.AdamW(network.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay)
    schedule = schedule.settled(sum(len(views[0].features[i]) for i in usable))
    history, first = [], 0
    if checkpoint is not None:
        first, history = checkpoint.resume(stage, network, optimiser, rng)
    for epoch in range(first, schedule.epochs):
        began = time.perf_counter()
        network.train()
        chosen = rng.integers(len(views), size=len(usable))
        chosen[[views[v].features[i] is None for v, i in zip(chosen, usable)]] = 0
        sizes = [len(views[v].features[i]) for v, i in zip(chosen, usable)]
        batches = batches_by_length(sizes, schedule.batch_frames, rng)
        total = frames = 0
        for step, batch in enumerate(batches):
            for group in optimiser.param_groups:
                group["lr"] = schedule.rate((epoch + step / len(batches)) / schedule.epochs)
            rows, ways = [usable[b] for b in batch], [views[chosen[b]] for b in batch]
            lengths = torch.tensor([sizes[b] for b in batch])
            features = pad_sequence([w.features[i] for i, w in zip(rows, ways)], batch_first=True)
            if mask is not None:
                features = mask(features, lengths)
            loss = loss_of(network(features, lengths), lengths, rows, ways)
            if not torch.isfinite(loss):
                raise FloatingPointError(
                    f"{stage}: the loss became {loss.item()} in pass {epoch + 1}. Learn more slowly: "
                    f"learning_rate={schedule.learning_rate / 3:.1g}."
                )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), schedule.clip)
            optimiser.step()
            count = int(lengths.sum())
            total, frames = total + loss.item() * count, frames + count
        notes = after(epoch) if after is not None else {}
        seconds = time.perf_counter() - began
        history.append(Progress(stage, epoch + 1, schedule.epochs, total / max(1, frames), frames, seconds, notes))
        if told is not None:
            told(history[-1])
        if checkpoint is not None:
            checkpoint.keep(stage, epoch + 1, history, network, optimiser, rng)
    network.eval()
    return history


def padded(labels):
    """Label vectors as (B, T) int64, −100 beyond each."""
    return pad_sequence(list(labels), batch_first=True, padding_value=-100)


def seeded(seed):
    """A numpy generator, with torch's own seeded alike."""
    sequence = np.random.SeedSequence(seed)
    torch.manual_seed(int(sequence.generate_state(1)[0]))
    return np.random.default_rng(sequence)
