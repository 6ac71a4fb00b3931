"""A generator trained by itself, to the least squared error: the mean picture of a condition."""

import time

import numpy as np
import torch

from hybridseq.adversarial.distribution import anchor_loss
from hybridseq.adversarial.recipe import TwoPlayers
from hybridseq.adversarial.train import Trained
from hybridseq.training.schedule import SCHEDULES
from hybridseq.training.seeds import seeded


def train_regression(generator, batches, recipe: TwoPlayers, *, told=None, seed: int = 0) -> Trained:
    """Train a generator without a critic.

    Parameters
    ----------
    generator : Generator
        Without noise; trained in place.
    batches, told, seed
        As of :func:`~hybridseq.adversarial.train.train_two_players`.
    recipe : TwoPlayers
        Of which the generator's learning rate, the schedule and the epochs count.

    Returns
    -------
    Trained
        Without a critic; its history has ``generator_loss`` (mean squared error of pixels from −1 to 1).

    Raises
    ------
    FloatingPointError
        Where the loss is not finite.
    """
    rng, factor = np.random.default_rng(seed), SCHEDULES[recipe.schedule]
    trained = Trained(generator, None)
    optimiser = torch.optim.Adam(generator.parameters(), recipe.generator_rate)
    with seeded(seed):
        generator.train()
        try:
            for epoch in range(recipe.epochs):
                began, sums, count = time.perf_counter(), 0.0, 0
                optimiser.param_groups[0]["lr"] = recipe.generator_rate * factor((epoch + 0.5) / recipe.epochs)
                for x, y in batches(rng):
                    loss = anchor_loss(generator.logits(x), y, generator.space(x)).mean()
                    if not loss.isfinite():
                        raise FloatingPointError(f"the generator's loss is {loss.item()}: lower generator_rate")
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    sums, count = sums + loss.item() * len(y), count + len(y)
                row = {"epoch": epoch + 1, "generator_loss": sums / count, "seconds": time.perf_counter() - began}
                trained.history.append(row)
                if told is not None:
                    told(row)
        except KeyboardInterrupt:
            if not trained.history:
                raise
            trained.interrupted = True
    generator.eval()
    return trained
