"""Call by call beside sklearn-crfsuite, on the same features: a table of differences; exits 1 where two disagree.

pip install sklearn-crfsuite
python from_sklearn_crfsuite.py
"""

import sys

import numpy as np
import sklearn_crfsuite

import hybridseq as hs

#: CRFsuite stops earlier than it could; so tight, both come to the same weights.
TIGHT = {"epsilon": 1e-9, "delta": 1e-12, "max_iterations": 3000}
SETTINGS = {
    "defaults": {"c2": 1.0},
    "c2=0.1, min_freq=3": {"c2": 0.1, "min_freq": 3},
    "all states and transitions": {"c2": 0.5, "all_possible_states": True, "all_possible_transitions": True},
    "c1=0.5, c2=0.1": {"c1": 0.5, "c2": 0.1},
}


def features(sentence):
    """The dictionaries of sklearn-crfsuite's tutorial, in short."""
    rows = []
    for i, word in enumerate(sentence):
        row = {"bias": 1.0, "word": word, "suffix": word[-3:], "title": word.istitle(), "length": len(word) / 10}
        row.update({"-1": sentence[i - 1]} if i else {"BOS": True})
        row.update({"+1": sentence[i + 1]} if i + 1 < len(sentence) else {"EOS": True})
        rows.append(row)
    return rows


def compare(settings, X, y, X_test):
    """(call, difference, whether that is small enough)."""
    peer = sklearn_crfsuite.CRF(algorithm="lbfgs", **settings, **TIGHT)
    peer.fit(X, y)
    ours = hs.LinearCRF(**settings, **TIGHT, verbose=0).fit(X, y)
    objective = peer.training_log_.last_iteration["loss"]
    yield "fit: objective, relative", abs(ours.objective_ / objective - 1), 1e-5
    for name in ("state_features_", "transition_features_"):
        theirs, mine = getattr(peer, name), getattr(ours, name)
        keys = set(theirs) | set(mine)
        yield name, max(abs(theirs.get(key, 0) - mine.get(key, 0)) for key in keys), 0.02
    theirs, mine = peer.predict(X_test), ours.predict(X_test)
    wrong = sum(a != b for one, other in zip(theirs, mine) for a, b in zip(one, other))
    yield "predict: labels that differ, share", wrong / sum(map(len, theirs)), 2e-3
    columns = list(ours.classes_)
    far = 0.0
    for one, other in zip(peer.predict_marginals(X_test), ours.predict_marginals(X_test)):
        far = max(far, np.abs(np.array([[row[name] for name in columns] for row in one]) - other).max())
    yield "predict_marginals", far, 0.01


def main():
    sentences, y = hs.datasets.make_ticket_booking(300, random_state=0)
    tests, _ = hs.datasets.make_ticket_booking(100, random_state=1)
    X, X_test = [features(s) for s in sentences], [features(s) for s in tests]
    failed = False
    for name, settings in SETTINGS.items():
        print(name)
        for call, difference, limit in compare(settings, X, y, X_test):
            failed |= difference > limit
            print(f"  {'FAILED' if difference > limit else 'ok':6} {call:38} {difference:.1e}  (at most {limit:.0e})")
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
