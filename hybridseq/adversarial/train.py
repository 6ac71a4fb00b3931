"""Training of two players: the critic F learns against the generator's answers, the generator learns to find F's best.

One batch is ``critic_steps`` steps down the critic's loss and ``generator_steps`` steps of the generator up the same
upper value. With ``critic_rate=None`` F stays fixed, and the generator learns to be its argmax.
"""

import contextlib
import time
import warnings
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from hybridseq.adversarial import distribution
from hybridseq.adversarial.collapse import Watch
from hybridseq.adversarial.generator import Generator
from hybridseq.adversarial.losses import critic_loss, generator_loss, spread
from hybridseq.adversarial.recipe import TwoPlayers
from hybridseq.inference.score_function import ScoreFunction
from hybridseq.training.schedule import SCHEDULES
from hybridseq.training.seeds import seeded


@dataclass
class Trained:
    """What training of two players gives.

    Attributes
    ----------
    generator : Generator
        Of the best epoch by ``score``, or of the last; the moving average where there is one; in evaluation mode.
    critic : ScoreFunction
        Of the same epoch.
    history : list of dict
        An epoch each: ``epoch``, ``critic_loss``, ``generator_loss``, ``critic_accuracy`` (share of the examples whose
        gold output scores above the answer), ``gradient_norm`` (of the generator), ``spread`` (over z), ``score``,
        ``seconds``.
    best_epoch, best_score
        None without ``score``.
    warnings : list of str
        What went wrong, and remedies.
    interrupted : bool
        Whether Ctrl-C ended training.
    """

    generator: Generator
    critic: ScoreFunction
    history: list = field(default_factory=list)
    best_epoch: int | None = None
    best_score: float | None = None
    warnings: list = field(default_factory=list)
    interrupted: bool = False


def train_two_players(
    generator: Generator,
    critic: ScoreFunction,
    batches,
    recipe: TwoPlayers,
    *,
    score=None,
    told=None,
    anchor=None,
    seed: int = 0,
) -> Trained:
    """Train a generator and a critic against each other.

    Parameters
    ----------
    generator, critic
        Trained in place.
    batches : callable
        ``batches(rng)``, rng a numpy Generator, gives the batches ``(x, y)`` of one epoch, y hard (or pixels).
    recipe : TwoPlayers
    score : callable, optional
        ``score(generator, critic) -> float`` on held-out data after each epoch, higher is better: the best is kept.
    told : callable, optional
        Gets each epoch's row of the history.
    anchor : callable, optional
        ``anchor(logits, y, space) -> (B,)``; by default cross-entropy, for pixels squared error.
    seed : int
        Of the batches' order, dropout and noise.

    Returns
    -------
    Trained

    Raises
    ------
    FloatingPointError
        Where a loss is not finite; the weights are those of the best epoch so far, or of the last whole one.

    Notes
    -----
    Ctrl-C ends training and keeps the best so far. A :class:`CollapseWarning` tells what to change where a player wins
    for long.
    """
    rng = np.random.default_rng(seed)
    anchor = distribution.anchor_loss if anchor is None else anchor
    trained_parts = {"generator": [{"params": list(generator.parameters()), "lr": recipe.generator_rate}]}
    if recipe.critic_rate is not None:
        trained_parts["critic"] = critic.parameter_groups(recipe.critic_rate)
    optimisers = {
        name: torch.optim.Adam(groups, betas=recipe.betas, weight_decay=recipe.weight_decay)
        for name, groups in trained_parts.items()
    }
    factor = SCHEDULES[recipe.schedule]
    schedulers = [
        torch.optim.lr_scheduler.LambdaLR(o, lambda epoch: factor((epoch + 0.5) / recipe.epochs))
        for o in optimisers.values()
    ]
    average = None
    if recipe.averaging:
        average = AveragedModel(generator, multi_avg_fn=partial(_mix, recipe.averaging), use_buffers=True)
    shown = generator if average is None else average.module
    trained, watch, best = Trained(shown, critic), Watch(recipe), None
    with seeded(seed):
        try:
            for epoch in range(recipe.epochs):
                row = _epoch(generator, critic, batches(rng), recipe, optimisers, average, anchor, epoch, rng)
                for scheduler in schedulers:
                    scheduler.step()
                if score is not None:
                    row["score"] = _scored(score, shown, critic)
                    if best is None or row["score"] > trained.best_score:
                        trained.best_epoch, trained.best_score = row["epoch"], row["score"]
                        best = _state(shown, critic)
                trained.history.append(row)
                for message in watch.see(row):
                    trained.warnings.append(message)
                    warnings.warn(message, CollapseWarning, stacklevel=2)
                if told is not None:
                    told(row)
        except KeyboardInterrupt:
            if not trained.history:
                raise
            trained.interrupted = True
        finally:
            if best is not None:
                shown.load_state_dict(best[0])
                critic.load_state_dict(best[1])
    shown.eval()
    critic.eval()
    return trained


class CollapseWarning(UserWarning):
    """One of two players wins for long, or noise is ignored."""


def _mix(decay, averaged, current, count):
    """A step of the moving average, which is short at first, so that the start is soon forgotten."""
    decay = min(decay, (1 + float(count)) / (10 + float(count)))
    for kept, new in zip(averaged, current):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)


def _state(*modules):
    return [{k: v.detach().clone() for k, v in m.state_dict().items()} for m in modules]


def _scored(score, generator, critic):
    modes = generator.training, critic.training
    generator.eval()
    critic.eval()
    try:
        with torch.no_grad():
            return float(score(generator, critic))
    finally:
        generator.train(modes[0])
        critic.train(modes[1])


@contextlib.contextmanager
def frozen(module: nn.Module):
    """The module without gradients to its parameters."""
    wanted = [p for p in module.parameters() if p.requires_grad]
    for p in wanted:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in wanted:
            p.requires_grad_(True)


def _epoch(generator, critic, batches, recipe, optimisers, average, anchor, epoch, rng):
    """One pass; the row of the history."""
    began = time.perf_counter()
    generator.train()
    # A critic that is not trained scores as it will when it is used.
    critic.train(recipe.critic_rate is not None)
    done = epoch / max(1, recipe.epochs - 1)
    sums, count = {}, 0
    for x, y in batches:
        row = {}
        if recipe.critic_rate is not None:
            with frozen(generator):
                for _ in range(recipe.critic_steps):
                    loss, told = critic_loss(generator, critic, x, y, recipe, rng)
                    _step(loss, critic, optimisers["critic"], recipe, "critic")
                    row.update(told, critic_loss=loss.item())
        with frozen(critic):
            for _ in range(recipe.generator_steps):
                loss, told = generator_loss(generator, critic, x, y, recipe, recipe.anchor_at(done), anchor)
                if generator.noise_size and not count:
                    told["spread"] = spread(generator, x, len(y))
                norm = _step(loss, generator, optimisers["generator"], recipe, "generator")
                row.update(told, generator_loss=loss.item(), gradient_norm=norm)
                if average is not None:
                    average.update_parameters(generator)
        size = len(y)
        count += size
        for name, value in row.items():
            total, seen = sums.get(name, (0.0, 0))
            sums[name] = total + size * value, seen + size
    if not count:
        raise ValueError("batches(rng) gave no batch: there is nothing to train on.")
    row = {name: total / seen for name, (total, seen) in sums.items()}
    return {"epoch": epoch + 1, **row, "seconds": time.perf_counter() - began}


def _step(loss, player, optimiser, recipe, name):
    """One step down a loss; the gradient's norm before it is clipped."""
    if not loss.isfinite():
        raise FloatingPointError(
            f"the {name}'s loss is {loss.item()}: lower {name}_rate, or give clip_norm or gradient_penalty"
        )
    optimiser.zero_grad()
    loss.backward()
    limit = float("inf") if recipe.clip_norm is None else recipe.clip_norm
    norm = nn.utils.clip_grad_norm_([p for p in player.parameters() if p.grad is not None], limit)
    optimiser.step()
    return float(norm)
