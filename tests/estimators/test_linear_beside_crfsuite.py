"""The same features and penalties give CRFsuite's model: as many weights, the same objective, weights and labels."""

import numpy as np
import pytest
import sklearn_crfsuite

import hybridseq as hs

#: Both down to the optimum.
TIGHT = {"delta": 1e-8, "epsilon": 1e-5, "max_iterations": 1000}


def features(words, t, numbers):
    own = {"w": words[t], "title": words[t].istitle(), "tail": [words[t][-2:], words[t][-3:]]}
    if t:
        own["before"] = {"w": words[t - 1], "long": len(words[t - 1]) > 4}
    if numbers:
        own["length"] = len(words[t]) / 4
        own["balance"] = 1.0 if t % 2 else -1.0
    return own


def strings(words, t):
    # The last letter counts twice where the word is short.
    return ["w=" + words[t], "last=" + words[t][-1]] + ["last=" + words[t][-1]] * (len(words[t]) < 4)


def sequences(kind, count, seed=0):
    X, y = hs.datasets.make_ticket_booking(count, random_state=seed)
    if kind == "strings":
        return [[strings(words, t) for t in range(len(words))] for words in X], y
    return [[features(words, t, kind == "numbers") for t in range(len(words))] for words in X], y


def both(X, y, **parameters):
    parameters = {**TIGHT, **parameters}
    ours = hs.LinearCRF(verbose=0, **parameters).fit(X, y)
    theirs = sklearn_crfsuite.CRF(**parameters).fit(X, y)
    return ours, theirs


def active(weights):
    """Those that are not 0: CRFsuite, too, leaves the others out of a model."""
    return {pair: weight for pair, weight in weights.items() if abs(weight) > 1e-3}


CASES = {
    "as it comes": ("dictionaries", {"c2": 1.0}),
    "min_freq": ("dictionaries", {"c2": 0.5, "min_freq": 2}),
    "all states": ("dictionaries", {"c2": 1.0, "all_possible_states": True}),
    "all transitions": ("dictionaries", {"c2": 1.0, "all_possible_transitions": True}),
    "all pairs": ("strings", {"c2": 0.3, "all_possible_states": True, "all_possible_transitions": True}),
    "numbers": ("numbers", {"c2": 1.0, "min_freq": 1e-9}),
    "numbers, min_freq": ("numbers", {"c2": 1.0, "min_freq": 1.5}),
    "what comes twice": ("strings", {"c2": 0.1}),
    "sparse": ("dictionaries", {"c1": 0.5, "c2": 0.05}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_model_is_that_of_crfsuite(name):
    kind, parameters = CASES[name]
    X, y = sequences(kind, 12)
    ours, theirs = both(X, y, **parameters)
    log = theirs.training_log_
    assert ours.objective_ == pytest.approx(log.last_iteration["loss"], rel=1e-4)
    assert set(ours.classes_) == set(theirs.classes_)
    for mine, peer in (
        (ours.state_features_, theirs.state_features_),
        (ours.transition_features_, theirs.transition_features_),
    ):
        mine, peer = active(mine), active(peer)
        # What is close to 0 in one may be 0 in the other.
        for pair in mine.keys() | peer.keys():
            assert mine.get(pair, 0.0) == pytest.approx(peer.get(pair, 0.0), abs=5e-3), pair
    X_new, _ = sequences(kind, 10, seed=1)
    assert ours.predict(X_new) == [list(labels) for labels in theirs.predict(X_new)]
    marginals = ours.predict_marginals(X_new)
    for rows, wanted in zip(marginals, theirs.predict_marginals(X_new)):
        for row, position in zip(rows, wanted):
            assert row == pytest.approx([position[label] for label in ours.classes_], abs=2e-3)


@pytest.mark.parametrize("name", [name for name, (_, parameters) in CASES.items() if "c1" not in parameters])
def test_as_many_weights(name):
    kind, parameters = CASES[name]
    X, y = sequences(kind, 12)
    ours = hs.LinearCRF(verbose=0, max_iterations=1, **parameters)
    theirs = sklearn_crfsuite.CRF(max_iterations=1, **parameters).fit(X, y)
    problems, learn = [], ours._learn
    ours._learn = lambda problem: problems.append(problem) or learn(problem)
    ours.fit(X, y)
    assert len(problems[0].pairs) == theirs.training_log_.featgen_num_features


def test_pairs_whose_values_add_up_to_less_than_0_have_weights_too():
    # CRFsuite drops them even with min_freq=0.
    X, y = [[{"a": -1.0, "b": 1.0}, {"a": -1.0, "b": -1.0}]] * 3, [["x", "y"]] * 3
    ours, theirs = both(X, y, c2=1.0)
    assert len(ours.state_features_) == 4 and list(theirs.state_features_) == [("b", "x")]
    assert ours.objective_ < theirs.training_log_.last_iteration["loss"]
    ours, theirs = both(X, y, c2=1.0, min_freq=1e-9)
    assert list(ours.state_features_) == [("b", "x")]
    assert ours.objective_ == pytest.approx(theirs.training_log_.last_iteration["loss"], rel=1e-5)


def test_with_the_default_arguments_of_both():
    X, y = sequences("dictionaries", 40)
    ours = hs.LinearCRF(verbose=0).fit(X, y)
    theirs = sklearn_crfsuite.CRF(algorithm="lbfgs", c2=1.0).fit(X, y)
    assert ours.objective_ == pytest.approx(theirs.training_log_.last_iteration["loss"], rel=1e-3)
    X_new, _ = sequences("dictionaries", 40, seed=1)
    agree = [a == b for own, other in zip(ours.predict(X_new), theirs.predict(X_new)) for a, b in zip(own, other)]
    assert np.mean(agree) > 0.995


def test_a_transition_that_training_did_not_show_scores_0():
    X, y = [[["a"], ["b"]], [["b"], ["a"]]], [["x", "x"], ["y", "y"]]
    crf = hs.LinearCRF(verbose=0, c2=0.01).fit(X, y)
    assert ("x", "y") not in crf.transition_features_ and len(crf.transition_features_) == 2
    marginals = crf.predict_marginals([[["c"], ["c"]]])[0]
    moves = crf.transition_features_
    weights = np.exp([[moves["x", "x"], 0.0], [0.0, moves["y", "y"]]])
    np.testing.assert_allclose(marginals[0], weights.sum(1) / weights.sum(), atol=1e-12)


def test_stochastic_gradient_descent_comes_as_near_as_crfsuites():
    X, y = sequences("dictionaries", 60)
    best = hs.LinearCRF(verbose=0).fit(X, y).objective_
    ours = hs.LinearCRF("l2sgd", verbose=0, random_state=0).fit(X, y)
    assert best <= ours.objective_ < 1.01 * best
