"""The pieces around skorch: average, held-out score, schedule, clipping, rates."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from hybridseq.training.batches import SentenceDataset
from hybridseq.training.fit import Recipe, fit_network
from hybridseq.training.inputs import Encoded
from hybridseq.training.schedule import SCHEDULES


class Point(nn.Module):
    """One number, and one more that stands for a structured layer."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.zeros(1))
        self.structure = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.structure.weight)

    def forward(self, lengths, vectors):
        return self.place + self.structure.weight[0], lengths


def towards(target):
    def objective(output, labels):
        place, lengths = output
        return (place - target).pow(2).expand(len(lengths))

    return objective


def fit(recipe, objective=None, n=20, **kwargs):
    dataset = SentenceDataset(Encoded(np.ones(n, np.int64), vectors=np.zeros((n, 1), np.float32)))
    return fit_network(Point(), objective or towards(1.0), dataset, recipe, **kwargs)


def test_the_best_epoch_is_restored():
    seen = []

    def score(module):
        seen.append(module.place.item())
        return -abs(module.place.item() - seen[0] * 2)

    recipe = Recipe(batch_size=10, max_epochs=8, schedule="constant", averaging=0, learning_rate=0.02)
    fitted = fit(recipe, score=score)
    assert len(seen) == 8 and fitted.best_epoch not in (1, 8)
    assert fitted.module.place.item() == seen[fitted.best_epoch - 1]
    assert fitted.best_score == max(row["valid_score"] for row in fitted.history)


def test_patience_stops():
    falling = iter(range(0, -50, -1))
    fitted = fit(Recipe(max_epochs=50, patience=3), score=lambda module: next(falling))
    assert len(fitted.history) == 4 and fitted.best_epoch == 1


def test_without_a_score_the_last_weights_are_kept():
    fitted = fit(Recipe(max_epochs=3, averaging=0))
    assert fitted.best_epoch is None
    assert fitted.module.place.item() == fitted.net.module_.place.item()


def test_the_average_lies_between_the_first_and_the_last_weights():
    fitted = fit(Recipe(batch_size=1, max_epochs=2, averaging=1.0, schedule="constant", learning_rate=0.01))
    assert 0 < fitted.module.place.item() < fitted.net.module_.place.item()


def test_the_transitions_have_their_own_rate():
    fitted = fit(
        Recipe(max_epochs=1, batch_size=20, averaging=0, weight_decay=0, transition_rate=0.5, schedule="constant")
    )
    module = fitted.module
    assert abs(module.structure.weight.item() / module.place.item() - 0.5 / 5e-3) < 1


class Norms(Callback):
    def __init__(self):
        self.norms = []

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.norms.append(sum(p.grad.pow(2).sum() for _, p in named_parameters).sqrt().item())


@pytest.mark.parametrize("clip", [None, 0.5])
def test_gradients_are_clipped(clip):
    watch = Norms()
    fit(Recipe(max_epochs=1, clip_norm=clip), towards(100.0), callbacks=[watch])
    assert all(norm <= 0.51 for norm in watch.norms) if clip else all(norm > 100 for norm in watch.norms)


class Interrupt(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("epoch", [1, 4])
def test_ctrl_c_keeps_the_best_so_far(epoch):
    values = iter([0.1, 0.7, 0.3])
    fitted = fit(Recipe(max_epochs=9), score=lambda module: next(values), callbacks=[Interrupt(epoch)])
    assert fitted.best_epoch == (None if epoch == 1 else 2)
    assert isinstance(fitted.module, Point) and not fitted.module.training


def test_an_error_while_scoring_is_not_swallowed():
    def score(module):
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fit(Recipe(max_epochs=1), score=score)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_rise_to_one_and_never_above(name):
    factors = [SCHEDULES[name](i / 1000) for i in range(1001)]
    assert max(factors) == pytest.approx(1, abs=1e-3) and min(factors) >= 0
    assert factors[0] < 0.05
    assert factors[-1] == (1 if name == "constant" else pytest.approx(0, abs=1e-6))


def test_the_progress_table_goes_to_standard_error(capsys):
    fit(Recipe(max_epochs=2), score=lambda module: 0.25, progress="held-out F1")
    out, err = capsys.readouterr()
    assert out == "" and "held-out F1" in err and len(err.splitlines()) == 3
    assert err.count("0.2500") == 2 and err.count("best") == 1
