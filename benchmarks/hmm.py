"""Hidden Markov models beside hmmlearn: an iteration of EM, Viterbi, posteriors."""

import logging
import sys

import numpy as np
import torch
from hmmlearn import hmm as peers

import hybridseq as hs
from benchmarks import report
from benchmarks.timing import compare

SEQUENCES, FRAMES, COLUMNS, STATES = 100, 1000, 13, 8
#: How many iterations the trajectories are compared over.
ITERATIONS = 20
#: And how many are timed: a fit is divided by them.
TIMED = 5
#: The same for the short sequences, where the peer takes its time.
FEW = 2


def recordings(seed=0):
    """Frames (N, D) of states that stay for ten frames on average, and the lengths of the sequences."""
    random = np.random.default_rng(seed)
    means = random.normal(size=(STATES, COLUMNS))
    changes = random.random((SEQUENCES, FRAMES)) < 0.1
    changes[:, 0] = True
    drawn = random.integers(STATES, size=changes.shape)
    last = np.maximum.accumulate(np.where(changes, np.arange(FRAMES), 0), axis=1)
    states = np.take_along_axis(drawn, last, axis=1)
    X = means[states] + random.normal(size=(*states.shape, COLUMNS))
    return X.reshape(-1, COLUMNS), [FRAMES] * SEQUENCES


class Start:
    """Parameters that both models start from."""

    def __init__(self, X, seed=1):
        random = np.random.default_rng(seed)
        stay = np.eye(STATES, dtype=bool)
        self.values = {
            "startprob_": np.full(STATES, 1 / STATES),
            "transmat_": np.where(stay, 0.9, 0.1 / (STATES - 1)),
            "means_": X[random.choice(len(X), STATES, replace=False)],
            "covars_": np.tile(X.var(0), (STATES, 1)),
        }

    def give(self, model):
        """The model, with these parameters."""
        for name, value in self.values.items():
            setattr(model, name, value)
        return model


def settings(iterations):
    return {"init_params": "", "n_iter": iterations, "tol": -np.inf, "covars_prior": 0.0}


def check(X, lengths, start):
    """Both must agree before either is timed; returns the largest relative distance of the trajectories."""
    ours = start.give(hs.GaussianHMM(STATES, **settings(ITERATIONS))).fit(X, lengths)
    theirs = start.give(peers.GaussianHMM(STATES, **settings(ITERATIONS))).fit(X, lengths)
    mine, other = np.array(ours.monitor_.log_likelihood), np.array(theirs.monitor_.history)
    distance = float(np.abs(mine / other - 1).max())
    assert distance < 1e-6, f"trajectories are {distance:.2g} apart"
    assert (ours.predict(X, lengths) == theirs.predict(X, lengths)).all(), "the best paths differ"
    np.testing.assert_allclose(ours.predict_proba(X, lengths), theirs.predict_proba(X, lengths), atol=1e-6)
    return distance


def tasks(X, lengths, start):
    """Each task for both: (name, how many times a call does it, ours, peer)."""
    ours = start.give(hs.GaussianHMM(STATES, **settings(TIMED)))
    for peer in ("log", "scaling"):
        theirs = start.give(peers.GaussianHMM(STATES, implementation=peer, **settings(TIMED)))

        def fit(model):
            start.give(model).fit(X, lengths)

        yield f"EM iteration, hmmlearn's {peer}", TIMED, lambda: fit(ours), lambda theirs=theirs: fit(theirs)
        yield (
            f"posteriors, hmmlearn's {peer}",
            1,
            lambda: ours.predict_proba(X, lengths),
            lambda theirs=theirs: theirs.predict_proba(X, lengths),
        )
    yield "Viterbi", 1, lambda: ours.predict(X, lengths), lambda: theirs.predict(X, lengths)


def families():
    """Every family on 500 short sequences: name, class, data, lengths, settings, start."""
    random = np.random.default_rng(0)
    lengths = random.integers(5, 51, size=500)
    rows, states = int(lengths.sum()), STATES
    X = random.normal(size=(rows, COLUMNS)) + random.integers(4, size=(rows, 1))
    symbols, counts = random.integers(50, size=(rows, 1)), random.multinomial(20, np.full(30, 1 / 30), size=rows)
    means, ones = X[: 4 * states], np.ones((states, COLUMNS))
    mixture = {"means_": means.reshape(states, 4, COLUMNS), "covars_": np.ones((states, 4, COLUMNS))}
    mixture["weights_"] = np.full((states, 4), 0.25)
    matrices = np.tile(np.eye(COLUMNS), (states, 1, 1))
    yield "Gaussian, diagonal", "GaussianHMM", X, lengths, {}, {"means_": means[:states], "covars_": ones}
    full = {"covariance_type": "full"}
    yield "Gaussian, full", "GaussianHMM", X, lengths, full, {"means_": means[:states], "covars_": matrices}
    yield "mixture of 4, diagonal", "GMMHMM", X, lengths, {"n_mix": 4}, mixture
    for name, data, size in (("CategoricalHMM", symbols, 50), ("MultinomialHMM", counts, 30)):
        table = {"emissionprob_": random.dirichlet(np.ones(size), states)}
        yield f"{name[:-3].lower()}, {size} symbols", name, data, lengths, {}, table


def run_families():
    """Time an EM iteration of every family on one thread; print the ratios."""
    rows, results = [], {}
    chain = {"startprob_": np.full(STATES, 1 / STATES), "transmat_": np.full((STATES, STATES), 1 / STATES)}
    for name, cls, X, lengths, more, start in families():
        calls = []
        for package in (hs, peers):
            model = getattr(package, cls)(STATES, init_params="", n_iter=FEW, tol=-np.inf, **more)

            def fit(model=model, start=start, X=X, lengths=lengths):
                for attribute, value in {**chain, **start}.items():
                    setattr(model, attribute, value)
                model.fit(X, lengths)

            calls.append(fit)
        ratio = compare(*calls, rounds=3, budget=0.2)
        results[f"EM iteration, {name}"] = vars(ratio)
        times = f"{ratio.ours / FEW * 1e3:.1f} ms", f"{ratio.peer / FEW * 1e3:.0f} ms"
        rows.append([name, *times, f"{ratio.median:.0f}x", f"{ratio.low:.0f} to {ratio.high:.0f}"])
    title = f"EM iteration beside hmmlearn (log): 500 sequences of 5 to 50 rows, {STATES} states"
    report.show(title, ["emissions", "hybridseq", "hmmlearn", "ratio", "spread"], rows)
    return results


def run():
    """Time every task at one and two threads; print and save the ratios."""
    logging.getLogger("hmmlearn").setLevel(logging.ERROR)
    X, lengths = recordings()
    start = Start(X)
    results = {"trajectories, relative": check(X, lengths, start)}
    print(f"trajectories agree to {results['trajectories, relative']:.1e}", file=sys.stderr)
    before, rows = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for name, parts, ours, peer in tasks(X, lengths, start):
            ratio = compare(ours, peer, budget=0.5)
            results[f"{name}, {threads} threads"] = vars(ratio)
            times = f"{ratio.ours / parts * 1e3:.1f} ms", f"{ratio.peer / parts * 1e3:.0f} ms"
            rows.append([name, threads, *times, f"{ratio.median:.1f}x", f"{ratio.low:.1f} to {ratio.high:.1f}"])
    torch.set_num_threads(1)
    results |= run_families()
    torch.set_num_threads(before)
    title = f"HMM: {SEQUENCES} sequences of {FRAMES} frames, {COLUMNS} dimensions, {STATES} states, diagonal, float64"
    report.show(title, ["task", "threads", "hybridseq", "hmmlearn", "ratio", "spread"], rows)
    report.save("hmm", results)


if __name__ == "__main__":
    run()
