"""Fitting a multi-label model: a classifier first, then the players of its training."""

import contextlib
from dataclasses import dataclass

import torch

from hybridseq.adversarial.multilabel.loop import run_epochs
from hybridseq.adversarial.multilabel.oracle import relaxed_f1
from hybridseq.adversarial.multilabel.threshold import best_threshold
from hybridseq.adversarial.multilabel.training import (
    bit_cross_entropy,
    cross_entropy_loss,
    freeze,
    unrolled_loss,
    value_loss,
)
from hybridseq.adversarial.recipe import TwoPlayers
from hybridseq.adversarial.train import train_two_players
from hybridseq.estimators.energy_model import Model, build_local, build_model
from hybridseq.training.seeds import seeded


@dataclass
class Fitted:
    """What fitting gives."""

    model: Model
    threshold: float
    most_labels: int
    history: list
    best_epoch: int | None
    best_score: float | None


def fit_model(parameters, train, held_out, seed: int, told=None) -> Fitted:
    """Fit a model.

    Parameters
    ----------
    parameters
        An :class:`~hybridseq.EnergyMultiLabel`, checked.
    train : Rows
    held_out : Rows or None
        Where epochs and the threshold are chosen; None: the last epoch, and the threshold on the training rows.
    seed : int
    told : callable, optional
        ``told(row)`` after each epoch.
    """
    history = []
    gold = None if held_out is None else held_out.bits()
    most = int(train.Y.sum(1).max())

    def stage(name, score):
        """The held-out score, and what keeps the history, of one stage."""

        def note(row):
            history.append({"stage": name, **row})
            if told is not None:
                told(history[-1])

        return {"told": note, "score": None if held_out is None else score}

    with seeded(seed):
        local = build_local(parameters, train.X.shape[1], train.Y.shape[1]).to(parameters.device)
        record = run_epochs(
            local,
            cross_entropy_loss(local),
            train.shuffled(parameters.batch_size),
            epochs=parameters.pretrain_epochs,
            learning_rate=parameters.learning_rate,
            weight_decay=parameters.weight_decay,
            seed=seed,
            **stage("cross_entropy", lambda: best_threshold(_all(lambda x: local(x)[1].sigmoid(), held_out), gold)[1]),
        )
        torch.manual_seed(seed + 1)
        model = build_model(parameters, local)
        model.modules().to(parameters.device)
    if parameters.training != "cross_entropy" and not record.interrupted:
        own = stage(parameters.training, lambda: _held_out_f1(model, held_out, gold, most))
        record = _SECOND[parameters.training](parameters, model, train, own, seed + 1)
    model.modules().eval()
    chosen_on = train if held_out is None else held_out
    threshold, _ = best_threshold(_all(model.answer, chosen_on), chosen_on.bits())
    if parameters.threshold is not None:
        threshold = float(parameters.threshold)
    return Fitted(model, threshold, most, history, record.best_epoch, record.best_score)


@torch.no_grad()
def _all(answer, rows):
    return torch.cat([answer(x).cpu() for x in rows.in_order()])


def _held_out_f1(model, rows, gold, most):
    if model.decision == "threshold":
        return best_threshold(_all(model.answer, rows), gold)[1]
    decided = _all(lambda x: model.decide(x, None, most), rows)
    return float(relaxed_f1(decided.to(gold.dtype), gold).mean())


def _climb(parameters, model, train, stage, seed, loss):
    """Training of the score function alone."""
    with _named_remedy():
        return run_epochs(
            model.score,
            loss,
            train.shuffled(parameters.batch_size),
            epochs=parameters.max_epochs,
            learning_rate=parameters.energy_rate,
            weight_decay=parameters.weight_decay,
            seed=seed,
            **stage,
        )


def _spen(parameters, model, train, stage, seed):
    loss = unrolled_loss(model.score, parameters.inference_steps, parameters.inference_rate)
    return _climb(parameters, model, train, stage, seed, loss)


def _value(parameters, model, train, stage, seed):
    loss = value_loss(
        model.score,
        parameters.inference_steps,
        parameters.inference_rate,
        parameters.gold_share,
        parameters.adversarial_share,
    )
    return _climb(parameters, model, train, stage, seed, loss)


def _infnet(parameters, model, train, stage, seed):
    freeze(model.score.local.body)
    recipe = TwoPlayers(
        objective=parameters.objective,
        critic_rate=parameters.energy_rate,
        generator_rate=parameters.generator_rate,
        weight_decay=0.0,
        anchor=parameters.anchor,
        anchor_end=parameters.anchor,
        entropy_bonus=parameters.entropy_bonus,
        epochs=parameters.max_epochs,
    )
    held_out = stage["score"]
    with _named_remedy():
        return train_two_players(
            model.generator,
            model.score,
            train.shuffled(parameters.batch_size),
            recipe,
            score=None if held_out is None else lambda generator, critic: held_out(),
            told=stage["told"],
            anchor=lambda logits, y, space: bit_cross_entropy(logits, y),
            seed=seed,
        )


@contextlib.contextmanager
def _named_remedy():
    """Errors of the second stage with the names that its parameters have here."""
    try:
        yield
    except FloatingPointError:
        raise FloatingPointError(
            "the loss of the second stage is not finite: lower energy_rate or generator_rate, or scale the inputs"
        ) from None


_SECOND = {"infnet": _infnet, "spen": _spen, "value": _value}
