"""The parameters of the tagger: which are usable, and what they stand for."""

from collections.abc import Iterable
from functools import partial
from numbers import Real

import numpy as np
from skorch.callbacks import Callback

import hybridseq.constraints as constraint_language
from hybridseq import objectives
from hybridseq.constraints.settle import ON_INFEASIBLE
from hybridseq.estimators.device import check_device
from hybridseq.estimators.numbers import check_number
from hybridseq.estimators.tagger_hmm import PRIORS
from hybridseq.nn.encoders import ENCODERS
from hybridseq.nn.independent import cross_entropy
from hybridseq.nn.names import choose
from hybridseq.nn.prior import Prior
from hybridseq.training.fit import Recipe
from hybridseq.training.inputs import DenseInput, TokenInput, is_dense
from hybridseq.training.schedule import SCHEDULES

#: name -> ``objective(structure, labels) -> (B,)``.
OBJECTIVES = {**objectives.OBJECTIVES, "cross_entropy": cross_entropy}

#: What training begins with where an objective, started from nothing, stops at the most frequent label: the expected
#: cost is not convex (Smith and Eisner 2006).
FIRST_OBJECTIVES = {"minimum_risk": objectives.log_loss}

STRUCTURES = {"crf": True, "hmm": True}
_CHAR_ENCODERS = {"cnn": True, "lstm": True}
_UNSEEN = {"error": True, "miss": True}
_ON_INFEASIBLE = dict.fromkeys(ON_INFEASIBLE, True)

_INTEGERS = {"hidden_size": 1, "num_layers": 1, "word_size": 0, "char_size": 1, "column_size": 1, "min_count": 1}
_NUMBERS = {"averaging": 0, "word_dropout": 0, "weight_decay": 0, "prior_scale": 0}
_SHARES = "dropout", "valid_fraction"
_OPTIONAL_INTEGERS = "patience", "max_epochs", "batch_size"
_OPTIONAL_NUMBERS = "transition_rate", "clip_norm"


def _check_numbers(tagger):
    for names, whole in ((_INTEGERS, True), (_NUMBERS, False)):
        for name, least in names.items():
            check_number(name, getattr(tagger, name), least=least, whole=whole)
    for name in _SHARES:
        check_number(name, getattr(tagger, name), least=0, below=1)
    check_number("learning_rate", tagger.learning_rate, above=0)
    for names, whole in ((_OPTIONAL_INTEGERS, True), (_OPTIONAL_NUMBERS, False)):
        for name in names:
            check_number(name, getattr(tagger, name), above=0, whole=whole, optional=True)


def _check_objects(tagger):
    wanted = tagger.constraint
    if wanted is not None and not isinstance(wanted, str | constraint_language.Constraint):
        raise ValueError(
            f"constraint must be 'auto', the name of a scheme, a constraint of hybridseq.constraints, or None; got "
            f"{wanted!r}"
        )
    callbacks = tagger.callbacks if isinstance(tagger.callbacks, Iterable) else [tagger.callbacks]
    for callback in () if tagger.callbacks is None else callbacks:
        if not isinstance(callback, Callback) or not isinstance(tagger.callbacks, Iterable):
            raise ValueError(f"callbacks must be a list of skorch callbacks (objects, not classes); got {callback!r}")
    if not isinstance(tagger.lowercase, bool | np.bool_):
        raise ValueError(f"lowercase must be True or False; got {tagger.lowercase!r}")
    check_device(tagger.device)


def _check_prior(tagger):
    if isinstance(tagger.prior, str):
        choose("prior", tagger.prior, PRIORS)
    elif not isinstance(tagger.prior, Prior):
        probs = np.asarray(tagger.prior, dtype=object)
        if probs.ndim != 1 or not all(isinstance(p, Real) for p in probs):
            raise ValueError(
                f"prior must be one of {', '.join(map(repr, PRIORS))}, a hybridseq.nn.Prior, or an array (K,) of "
                f"probabilities; got {tagger.prior!r}"
            )
    if measures_prior(tagger) and tagger.objective != "cross_entropy":
        raise ValueError(
            "prior='posteriors' is measured on a classifier trained frame by frame, objective='cross_entropy'; the "
            f"objective {tagger.objective!r} trains with the prior in place: choose 'counts' or 'uniform'"
        )


def structured(tagger) -> bool:
    """Whether the tagger predicts whole label sequences: a CRF that is trained token by token has no transitions."""
    return tagger.structure == "hmm" or tagger.objective != "cross_entropy"


def measures_prior(tagger) -> bool:
    """Whether the prior is the mean of what the trained network gives."""
    return tagger.structure == "hmm" and isinstance(tagger.prior, str) and tagger.prior == "posteriors"


def check(tagger) -> None:
    """Raise a ValueError that names the first parameter that is not usable."""
    if isinstance(tagger.encoder, str):
        choose("encoder", tagger.encoder, ENCODERS)
    elif not callable(tagger.encoder):
        raise ValueError(
            f"encoder must be a name, an nn.Module or a function of its input size; got {tagger.encoder!r}"
        )
    choose("objective", tagger.objective, OBJECTIVES)
    choose("structure", tagger.structure, STRUCTURES)
    choose("schedule", tagger.schedule, SCHEDULES)
    choose("unseen_labels", tagger.unseen_labels, _UNSEEN)
    choose("on_infeasible", tagger.on_infeasible, _ON_INFEASIBLE)
    if tagger.char_encoder is not None:
        choose("char_encoder", tagger.char_encoder, _CHAR_ENCODERS)
    _check_objects(tagger)
    _check_numbers(tagger)
    _check_prior(tagger)
    if not tagger.word_size and tagger.char_encoder is None:
        raise ValueError("word_size=0 and char_encoder=None leave no input; give one of them")


def make_reader(tagger, X):
    """How the tagger's sentences become numbers, learned from training sentences."""
    if is_dense(X):
        return DenseInput.build(X)
    return TokenInput.build(
        X, min_count=tagger.min_count, lowercase=tagger.lowercase, chars=tagger.char_encoder is not None
    )


def recipe(tagger) -> Recipe:
    """How to fit."""
    return Recipe(**{name: getattr(tagger, name) for name in Recipe.__dataclass_fields__})


def objective(tagger, network):
    """What training minimises, ``objective(structure, labels) -> (B,)``."""
    if tagger.objective == "cross_entropy" and tagger.structure == "hmm":
        return network.structure.cross_entropy
    return _tolerant(tagger, OBJECTIVES[tagger.objective])


def first_objective(tagger):
    """What the first third of training minimises, if anything else."""
    first = FIRST_OBJECTIVES.get(tagger.objective)
    return None if first is None else _tolerant(tagger, first)


def _tolerant(tagger, loss):
    if tagger.on_infeasible in ("relax", "unconstrained") and tagger.objective != "cross_entropy":
        return partial(loss, on_infeasible=tagger.on_infeasible)
    return loss


def wanted_constraint(tagger):
    """``constraint=``, but that a tagger without structure looks for none."""
    return None if tagger.constraint == "auto" and not structured(tagger) else tagger.constraint
