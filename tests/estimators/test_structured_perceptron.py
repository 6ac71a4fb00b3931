import itertools

import numpy as np
import pytest

import hybridseq as hs
from tests.estimators.linear_models import named, spans

ROWS, Y = spans()
X = named(ROWS)


def slow(X, y, passes, order):
    """The averaged perceptron in dictionaries; ties go to the first label, step by step from the end."""
    labels = sorted({label for row in y for label in row})
    seen = {(a, k) for row, tags in zip(X, y) for token, k in zip(row, tags) for a in token}
    seen |= {pair for tags in y for pair in itertools.pairwise(tags)}
    weights, total, count = dict.fromkeys(seen, 0.0), dict.fromkeys(seen, 0.0), 1
    for _ in range(passes):
        for i in order:
            chain = hs.LinearChain(*tensors(X[i], weights, labels))
            found = [labels[k] for k in chain.decode()[0]]
            for path, sign in ((y[i], 1), (found, -1)):
                pairs = [(a, k) for token, k in zip(X[i], path) for a in token] + list(itertools.pairwise(path))
                for pair in pairs:
                    if pair in seen:
                        weights[pair] += sign
            for pair in seen:
                total[pair] += weights[pair]
            count += 1
    return {pair: value / count for pair, value in total.items()}


def tensors(row, weights, labels):
    import torch

    emissions = [[sum(weights.get((a, k), 0.0) for a in token) for k in labels] for token in row]
    moves = [[weights.get((i, j), 0.0) for j in labels] for i in labels]
    return torch.tensor([emissions], dtype=torch.float32), torch.tensor(moves, dtype=torch.float32)


def test_it_is_the_averaged_perceptron():
    # A sequence twice, with other labels: no pass is without a mistake.
    X_, y = [*X, X[0]], [*Y, ["O"] * len(X[0])]
    one = hs.StructuredPerceptron(3, shuffle=False, verbose=0).fit(X_, y)
    wanted = slow(X_, y, 3, range(len(X_)))
    assert {**one.state_features_, **one.transition_features_} == pytest.approx(wanted, abs=1e-9)


def test_it_stops_without_a_mistake():
    one = hs.StructuredPerceptron(50, verbose=0, random_state=0).fit(X[:6], Y[:6])
    assert one.n_iter_ < 50 and one.converged_ and one.history_[-1]["wrong"] == 0
    assert np.isnan(one.objective_)
    assert all(entry["wrong"] > 0 for entry in one.history_[:-1])


def test_or_with_few_enough():
    one = hs.StructuredPerceptron(50, tolerance=0.2, verbose=0, random_state=0).fit(X, Y)
    assert one.history_[-1]["wrong"] < 0.2 and all(entry["wrong"] >= 0.2 for entry in one.history_[:-1])


def test_or_when_the_passes_are_used_up():
    one = hs.StructuredPerceptron(2, verbose=0, random_state=0).fit([*X, X[0]], [*Y, ["O"] * len(X[0])])
    assert one.n_iter_ == len(one.history_) == 2 and not one.converged_


def test_the_order_matters_only_where_it_is_shuffled():
    straight = [hs.StructuredPerceptron(2, shuffle=False, verbose=0, random_state=s).fit(X, Y).coef_ for s in (0, 1)]
    np.testing.assert_array_equal(*straight)
