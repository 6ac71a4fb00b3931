"""One call that fits a network: optimiser, schedule, average, held-out score, progress."""

import math
from dataclasses import dataclass, replace

import torch
from skorch.callbacks import EarlyStopping, GradientNormClipping, LRScheduler
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from hybridseq.training.averaging import WeightAverage
from hybridseq.training.batches import SentenceDataset
from hybridseq.training.held_out import HeldOut
from hybridseq.training.net import SequenceLoss, SequenceNet, TellCriterion, bucketed_loader
from hybridseq.training.progress import ProgressTable
from hybridseq.training.schedule import SCHEDULES


@dataclass(frozen=True)
class Recipe:
    """How to fit; the estimators' parameters of the same names say what each is."""

    learning_rate: float = 5e-3
    transition_rate: float | None = None
    weight_decay: float = 5e-2
    batch_size: int | None = None
    max_epochs: int | None = None
    patience: int | None = None
    schedule: str = "cosine"
    averaging: float = 1.0
    clip_norm: float | None = 5.0
    device: str = "cpu"


@dataclass(frozen=True)
class Fitted:
    """What fitting gives: the best weights in evaluation mode, and the record."""

    module: nn.Module
    history: list[dict]
    best_epoch: int | None
    best_score: float | None
    net: SequenceNet


def sized(recipe: Recipe, sentences: int) -> Recipe:
    """The recipe with what it leaves open chosen by the number of sentences.

    A batch is a hundredth of the data, at least 4 and at most 16 sentences: little data needs many small steps. The
    passes make some 8,000 steps, but are at least 12 and at most 80.
    """
    batch = recipe.batch_size or min(16, max(4, sentences // 100))
    epochs = recipe.max_epochs or min(80, max(12, round(8000 / math.ceil(sentences / batch))))
    return replace(recipe, batch_size=batch, max_epochs=epochs)


def fit_network(
    module,
    objective,
    dataset,
    recipe: Recipe,
    *,
    first_objective=None,
    score=None,
    seed=0,
    callbacks=(),
    progress=None,
):
    """Fit a network on batches of like length.

    Parameters
    ----------
    module : nn.Module
        Takes a batch's inputs by name, gives a structure; its parameters named ``structure.*`` are the transitions.
    objective : callable
        ``(structure, labels) -> (B,)``.
    dataset : SentenceDataset
        With labels.
    recipe : Recipe
        How; what it leaves open, :func:`sized` chooses.
    first_objective : callable, optional
        What the first third of training minimises, for objectives that get stuck when started from nothing.
    score : callable, optional
        ``score(module) -> float`` on held-out data, after every epoch; without it the last weights are kept.
    seed : int
        Of the batches' order. Dropout draws from torch's own generator.
    callbacks : sequence of skorch callbacks
        Run after ours.
    progress : str, optional
        The held-out score's name in the progress table; None shows no table.

    Returns
    -------
    Fitted
    """
    recipe = sized(recipe, len(dataset))
    average = WeightAverage(recipe.averaging)
    held_out = HeldOut(score, average.best_guess)
    net = SequenceNet(
        module,
        SequenceLoss,
        criterion__objective=objective,
        criterion__first=first_objective,
        optimizer=torch.optim.AdamW,
        optimizer__fused=True,
        optimizer__weight_decay=recipe.weight_decay,
        optimizer__param_groups=_own_rates(recipe, module),
        lr=recipe.learning_rate,
        max_epochs=recipe.max_epochs,
        batch_size=recipe.batch_size,
        iterator_train=bucketed_loader,
        iterator_train__seed=seed,
        train_split=None,
        device=recipe.device,
        verbose=0,
        callbacks=_callbacks(
            recipe, average=average, held_out=held_out, dataset=dataset, extra=callbacks, progress=progress
        ),
    )
    net.fit(dataset, None)
    return Fitted(
        held_out.best_module_,
        [_plain(row) for row in net.history],
        held_out.best_epoch_,
        None if held_out.best_epoch_ is None else held_out.best_score_,
        net,
    )


def _own_rates(recipe, module):
    """Parameters that are trained otherwise than the rest: transitions, and the weights of soft constraints."""
    groups = []
    if recipe.transition_rate is not None:
        groups.append(("structure.*", {"lr": recipe.transition_rate, "weight_decay": 0.0}))
    if getattr(module, "soft_weights", None) is not None:
        groups.append(("soft_weights", {"weight_decay": 0.0}))
    return groups


def _callbacks(recipe, *, average, held_out, dataset: SentenceDataset, extra, progress):
    steps = math.ceil(len(dataset) / recipe.batch_size) * recipe.max_epochs
    factor = SCHEDULES[recipe.schedule]
    chosen = [
        ("schedule", LRScheduler(LambdaLR, lr_lambda=lambda step: factor(step / steps), step_every="batch")),
        ("tell_criterion", TellCriterion(steps)),
        ("average", average),
        ("held_out", held_out),
    ]
    if recipe.clip_norm is not None:
        chosen.append(("clip", GradientNormClipping(recipe.clip_norm)))
    if progress is not None:
        chosen.append(("progress", ProgressTable(progress)))
    chosen += [(f"callback_{i}", callback) for i, callback in enumerate(extra)]
    if recipe.patience is not None and held_out.score is not None:
        stop = EarlyStopping("valid_score", recipe.patience, threshold=0, lower_is_better=False, sink=_quiet)
        chosen.append(("stop", stop))
    return chosen


def _plain(row):
    """An epoch's record in Python's own types, without its batches."""
    return {k: v.item() if hasattr(v, "item") else v for k, v in row.items() if k != "batches"}


def _quiet(*args, **kwargs):
    pass
