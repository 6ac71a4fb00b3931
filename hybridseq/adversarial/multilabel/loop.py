"""Epochs of training that keep the best weights."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from hybridseq.training.seeds import seeded


@dataclass
class Record:
    """What happened in training.

    Attributes
    ----------
    history : list of dict
        An epoch each.
    best_epoch : int or None
    best_score : float or None
    interrupted : bool
        Whether Ctrl-C ended training.
    """

    history: list = field(default_factory=list)
    best_epoch: int | None = None
    best_score: float | None = None
    interrupted: bool = False


def run_epochs(
    module: nn.Module,
    loss_of: Callable,
    batches: Callable[..., Iterator],
    *,
    epochs: int,
    learning_rate: float,
    weight_decay: float = 0.0,
    clip_norm: float | None = 5.0,
    score: Callable | None = None,
    told: Callable | None = None,
    seed: int = 0,
) -> Record:
    """Train a module in place by AdamW; it ends with the best epoch's weights by ``score``, else with the last ones.

    Parameters
    ----------
    module
        What is trained.
    loss_of : callable
        ``loss_of(x, y) -> (loss, told)``: a scalar of a batch, and a dictionary of floats for the history. It draws
        from torch's own generator.
    batches : callable
        ``batches(rng)``, rng a numpy Generator, gives the batches (x, y) of one epoch.
    epochs, learning_rate, weight_decay, clip_norm
        Gradients of a larger norm are scaled down to ``clip_norm``.
    score : callable, optional
        ``score() -> float`` on held-out data, after each epoch, in evaluation mode.
    told : callable, optional
        Gets each epoch's row of the history.
    seed : int
        Of the batches' order and of all that ``loss_of`` draws.

    Raises
    ------
    FloatingPointError
        Where a loss is not finite.

    Notes
    -----
    Ctrl-C ends training and keeps the best so far.
    """
    wanted = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(wanted, lr=learning_rate, weight_decay=weight_decay, fused=True)
    rng, record, best = np.random.default_rng(seed), Record(), None
    with seeded(seed):
        try:
            for epoch in range(epochs):
                began = time.perf_counter()
                module.train()
                row = {"epoch": epoch + 1, **_epoch(loss_of, batches(rng), optimiser, wanted, clip_norm)}
                module.eval()
                if score is not None:
                    with torch.no_grad():
                        row["score"] = score()
                    if best is None or row["score"] > record.best_score:
                        record.best_epoch, record.best_score = row["epoch"], row["score"]
                        best = {name: value.clone() for name, value in module.state_dict().items()}
                record.history.append({**row, "seconds": time.perf_counter() - began})
                if told is not None:
                    told(record.history[-1])
        except KeyboardInterrupt:
            if not record.history:
                raise
            record.interrupted = True
    if best is not None:
        module.load_state_dict(best)
    module.eval()
    return record


def _epoch(loss_of, batches, optimiser, wanted, clip_norm):
    sums, count = {}, 0
    for x, y in batches:
        loss, found = loss_of(x, y)
        if not loss.isfinite():
            raise FloatingPointError(f"the loss is {loss.item()}: lower learning_rate, or scale the inputs")
        optimiser.zero_grad()
        loss.backward()
        if clip_norm is not None:
            nn.utils.clip_grad_norm_([p for p in wanted if p.grad is not None], clip_norm)
        optimiser.step()
        count += len(y)
        for name, value in {"loss": loss.item(), **found}.items():
            sums[name] = sums.get(name, 0.0) + len(y) * value
    return {name: value / count for name, value in sums.items()}
