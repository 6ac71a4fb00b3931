import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

import hybridseq as hs
from tests.estimators.linear_models import arrays, named, spans

ROWS, Y = spans()
X = named(ROWS)


def noisy():
    y = [list(row) for row in Y]
    for row in y[::4]:
        row[-1] = "O"
    return y


def hinge(one, X, y, cost):
    """Σ over sequences of max Δ + F(y) − F(right), over all label sequences."""
    total = 0.0
    for row, right in zip(X, y):
        paths = one.predict_k_best([row], 3 ** len(row))[0]
        own = next(log_prob for path, log_prob in paths if path == right)
        total += max(sum(cost(a, b) for a, b in zip(right, path)) + log_prob - own for path, log_prob in paths)
    return total


COSTS = {
    "hamming": ("hamming", lambda right, other: float(right != other)),
    "mapping": (
        {"B-A": 3, ("O", "I-A"): 0.5},
        lambda a, b: 0.0 if a == b else 3.0 if a == "B-A" else 0.5 if (a, b) == ("O", "I-A") else 1.0,
    ),
    "array": (
        np.array([[0, 2, 1], [1, 0, 4], [3, 1, 0]]),
        lambda a, b: [[0, 2, 1], [1, 0, 4], [3, 1, 0]]["BIO".index(a[0])]["BIO".index(b[0])],
    ),
}


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("algorithm", ["bcfw", "subgradient"])
def test_the_objective_is_the_margin_rescaled_one(cost, algorithm):
    given, by_pair = COSTS[cost]
    y = noisy()
    one = hs.StructuredSVM(C=0.5, algorithm=algorithm, cost=given, max_iterations=20, verbose=0, random_state=0).fit(
        X, y
    )
    wanted = 0.5 * (one.coef_**2).sum() + 0.5 * hinge(one, X, y, by_pair)
    assert one.objective_ == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("C", [0.01, 0.1, 1.0])
def test_the_gap_bounds_what_is_left_to_gain(C):
    y = noisy()
    rough = hs.StructuredSVM(C=C, tolerance=0.1, verbose=0, random_state=0).fit(X, y)
    fine = hs.StructuredSVM(C=C, tolerance=1e-5, verbose=0, random_state=0).fit(X, y)
    assert rough.converged_ and fine.converged_
    assert 0 <= fine.duality_gap_ <= 1e-5 * fine.objective_ * (1 + 1e-6)
    assert rough.duality_gap_ <= 0.1 * rough.objective_ * (1 + 1e-6)
    # The dual at the rough end is no more than the optimum, which lies within the fine end's gap.
    assert rough.objective_ - rough.duality_gap_ <= fine.objective_ + 1e-9
    assert fine.objective_ - fine.duality_gap_ <= rough.objective_ + 1e-9


def test_a_linear_program_s_worth_of_constraints_gives_the_same_optimum():
    """All margins of two short sequences, as a smooth problem with slacks."""
    X_, y = [[["a"], ["b"]], [["b"], ["a"]]], [["x", "y"], ["x", "x"]]
    one = hs.StructuredSVM(C=2.0, tolerance=1e-9, verbose=0, random_state=0).fit(X_, y)
    pairs = [*one.state_features_, *one.transition_features_]

    def shown(row, path):
        own = [(a, k) for token, k in zip(row, path) for a in token] + list(itertools.pairwise(path))
        return np.array([own.count(pair) for pair in pairs], float)

    margins = []
    for i, (row, right) in enumerate(zip(X_, y)):
        for path in (["x", "x"], ["x", "y"], ["y", "x"], ["y", "y"]):
            difference = shown(row, right) - shown(row, path)
            cost = sum(a != b for a, b in zip(right, path))
            margins.append(
                {"type": "ineq", "fun": lambda v, d=difference, c=cost, i=i: v[:-2] @ d - c + v[len(pairs) + i]}
            )
    found = minimize(
        lambda v: 0.5 * v[:-2] @ v[:-2] + 2.0 * v[-2:].sum(),
        np.zeros(len(pairs) + 2),
        constraints=margins,
        options={"ftol": 1e-12},
    )
    assert one.objective_ == pytest.approx(found.fun, rel=1e-5)


def test_subgradient_descent_comes_near_the_optimum():
    y = noisy()
    best = hs.StructuredSVM(C=0.1, tolerance=1e-4, verbose=0, random_state=0).fit(X, y)
    other = hs.StructuredSVM(C=0.1, algorithm="subgradient", max_iterations=100, verbose=0, random_state=0).fit(X, y)
    assert best.objective_ - best.duality_gap_ <= other.objective_ < 1.03 * best.objective_
    assert np.isnan(other.duality_gap_)


def test_few_cached_paths_do_not_change_the_optimum():
    y = noisy()
    many, one = (
        hs.StructuredSVM(C=0.1, tolerance=1e-3, cached_paths=n, verbose=0, random_state=0).fit(X, y) for n in (20, 5)
    )
    assert one.objective_ == pytest.approx(many.objective_, rel=3e-3)


def test_passes_are_not_more_than_asked_for():
    one = hs.StructuredSVM(max_iterations=2, tolerance=1e-12, verbose=0, random_state=0).fit(X, noisy())
    assert one.n_iter_ == 2 and not one.converged_ and one.duality_gap_ > 0


def test_costs_of_whole_number_labels():
    y = [[{"O": 0, "B-A": 1, "I-A": 2}[tag] for tag in row] for row in noisy()]
    by_name = {"B-A": 5.0}
    one = hs.StructuredSVM(C=0.1, cost={1: 5.0}, verbose=0, random_state=0, tolerance=1e-5).fit(arrays(ROWS), y)
    other = hs.StructuredSVM(C=0.1, cost=by_name, verbose=0, random_state=0, tolerance=1e-5).fit(arrays(ROWS), noisy())
    assert one.objective_ == pytest.approx(other.objective_, rel=3e-5)
