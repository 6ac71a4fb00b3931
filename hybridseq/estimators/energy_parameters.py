"""Checks of a multi-label model's parameters."""

from numbers import Integral

from hybridseq.adversarial.multilabel.spaces import COSTS
from hybridseq.adversarial.objectives import CONTRASTS
from hybridseq.estimators.device import check_device
from hybridseq.estimators.energy_model import DECISIONS, TRAININGS
from hybridseq.estimators.numbers import check_number
from hybridseq.nn.names import choose

_WHOLE = "num_patterns", "pretrain_epochs", "max_epochs", "inference_steps"
_RATES = "learning_rate", "energy_rate", "generator_rate"
_AMOUNTS = "weight_decay", "anchor", "entropy_bonus"


def check(model) -> None:
    """Raise a ValueError that names the first parameter that is not usable."""
    choose("training", model.training, dict.fromkeys(TRAININGS))
    choose("decision", model.decision, dict.fromkeys(DECISIONS))
    if model.training == "cross_entropy" and model.decision == "score":
        raise ValueError("decision='score' needs a score of whole sets, which training='cross_entropy' has not")
    choose("objective", model.objective, CONTRASTS)
    choose("cost", model.cost, COSTS)
    sizes = model.hidden_sizes
    if not isinstance(sizes, list | tuple) or any(not _is_size(size) for size in sizes):
        raise ValueError(f"hidden_sizes must be a tuple of whole numbers, each at least 1; got {sizes!r}")
    for name in _WHOLE:
        check_number(name, getattr(model, name), least=1, whole=True)
    check_number("batch_size", model.batch_size, least=1, whole=True, optional=True)
    for name in _RATES:
        check_number(name, getattr(model, name), above=0)
    for name in _AMOUNTS:
        check_number(name, getattr(model, name), least=0)
    for name in ("dropout", "valid_fraction"):
        check_number(name, getattr(model, name), least=0, below=1)
    check_number("inference_rate", model.inference_rate, above=0)
    if model.training == "spen" and model.inference_rate > 1:
        raise ValueError(f"inference_rate of training='spen' must be at most 1; got {model.inference_rate!r}")
    for name in ("gold_share", "adversarial_share"):
        check_number(name, getattr(model, name), least=0)
    if model.gold_share + model.adversarial_share > 1:
        shares = f"{model.gold_share!r} and {model.adversarial_share!r}"
        raise ValueError(f"gold_share and adversarial_share must add up to at most 1; got {shares}")
    if model.threshold is not None:
        check_number("threshold", model.threshold, least=0, below=1)
    check_device(model.device)


def _is_size(size):
    return isinstance(size, Integral) and not isinstance(size, bool) and size >= 1
