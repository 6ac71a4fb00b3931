"""Call by call beside hmmlearn, from the same start: a table of differences; exits 1 where two disagree.

pip install hmmlearn
python from_hmmlearn.py
"""

import logging
import sys

import numpy as np
from hmmlearn import hmm as peers

import hybridseq as hs

STATES, LENGTHS = 3, [120, 80, 200]
logging.getLogger("hmmlearn").setLevel(logging.CRITICAL)


def recordings(family):
    """Observations of three states that stay for a while."""
    random = np.random.default_rng(0)
    states = np.repeat(random.integers(STATES, size=100), 4)
    if family == "CategoricalHMM":
        return (states[:, None] + random.integers(3, size=(len(states), 1))) % 5
    if family == "MultinomialHMM":
        shares = random.dirichlet(np.ones(4), STATES)
        return np.array([random.multinomial(20, shares[state]) for state in states])
    return 2 * random.normal(size=(STATES, 2))[states] + random.normal(size=(len(states), 2))


def fitted(family, settings, X):
    """hmmlearn's model and ours, which starts where hmmlearn's started."""
    settings = {"n_components": STATES, "random_state": 0, "tol": -np.inf, **settings}
    start = getattr(peers, family)(**{**settings, "n_iter": 1, "params": ""}).fit(X, LENGTHS)
    made = []
    for package in (peers, hs):
        model = getattr(package, family)(**settings, n_iter=20, init_params="")
        for name in ("startprob_", "transmat_", "means_", "weights_", "emissionprob_"):
            if hasattr(start, name):
                setattr(model, name, getattr(start, name))
        if hasattr(start, "covars_"):
            # hmmlearn gives full matrices, and takes the type's own shape.
            model.covars_ = start._covars_ if hasattr(start, "_covars_") else start.covars_
        made.append(model.fit(X, LENGTHS))
    return made


def calls(theirs, ours, X):
    """What both say, call by call."""
    yield "fit: log-likelihoods", list(theirs.monitor_.history), ours.monitor_.log_likelihood
    yield "transmat_", theirs.transmat_, ours.transmat_
    yield "score(X, lengths)", theirs.score(X, LENGTHS), ours.score(X, LENGTHS)
    yield "score_samples", theirs.score_samples(X, LENGTHS)[1], ours.score_samples(X, LENGTHS)[1]
    yield "predict_proba", theirs.predict_proba(X, LENGTHS), ours.predict_proba(X, LENGTHS)
    yield "decode: log-probability", theirs.decode(X, LENGTHS)[0], ours.decode(X, LENGTHS)[0]
    yield "predict", theirs.predict(X, LENGTHS), ours.predict(X, LENGTHS)
    yield "predict, algorithm='map'", theirs.decode(X, LENGTHS, "map")[1], ours.decode(X, LENGTHS, "map")[1]
    if not hasattr(ours, "weights_"):
        # hmmlearn counts the free mixture weights of one state only.
        yield "bic", theirs.bic(X, LENGTHS), ours.bic(X, LENGTHS)
    yield "get_stationary_distribution", theirs.get_stationary_distribution(), ours.get_stationary_distribution()


MODELS = {
    "GaussianHMM, diag": ("GaussianHMM", {}),
    "GaussianHMM, full": ("GaussianHMM", {"covariance_type": "full"}),
    "GaussianHMM, tied": ("GaussianHMM", {"covariance_type": "tied"}),
    "GMMHMM, covariances kept": ("GMMHMM", {"n_mix": 2, "params": "stmw"}),
    "CategoricalHMM": ("CategoricalHMM", {}),
    "MultinomialHMM": ("MultinomialHMM", {}),
}


def main():
    worst = 0.0
    for title, (family, settings) in MODELS.items():
        X = recordings(family)
        theirs, ours = fitted(family, settings, X)
        print(title)
        for call, one, other in calls(theirs, ours, X):
            one, other = np.asarray(one, float), np.asarray(other, float)
            apart = float(np.max(np.abs(one - other) / np.maximum(1, np.abs(one))))
            worst = max(worst, apart)
            print(f"  {call:30} {apart:8.1e}  {'' if apart < 1e-6 else 'DIFFERENT'}".rstrip())
    print(f"largest relative difference: {worst:.1e}")
    return 0 if worst < 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main())
