"""Small data and quick models for the tests of linear models."""

import numpy as np

import hybridseq as hs

MODELS = {
    "crf": lambda **more: hs.LinearCRF(c2=0.1, verbose=0, **more),
    "sparse crf": lambda **more: hs.LinearCRF(c1=0.3, c2=0.01, verbose=0, **more),
    "sgd": lambda **more: hs.LinearCRF("l2sgd", c2=0.1, max_iterations=8, learning_rate=1.0, verbose=0, **more),
    "perceptron": lambda **more: hs.StructuredPerceptron(5, verbose=0, **more),
    "svm": lambda **more: hs.StructuredSVM(verbose=0, **more),
    "subgradient": lambda **more: hs.StructuredSVM(algorithm="subgradient", max_iterations=8, verbose=0, **more),
}
#: Of every kind of learner one.
KINDS = ("crf", "perceptron", "svm")
TAGS = ("B-A", "I-A", "O")


def spans(count=30, seed=0, size=12):
    """Sequences of active columns (T lists of column numbers), and BIO labels that they tell, but for some noise."""
    random = np.random.default_rng(seed)
    rows, labels = [], []
    for _ in range(count):
        tags = ["O"]
        for _ in range(random.integers(1, 7)):
            tags.append(random.choice(TAGS if tags[-1] != "O" else ["B-A", "O"]))
        own = tags[1:]
        rows.append(
            [sorted({TAGS.index(tag) + 3 * int(random.integers(2)), *random.integers(6, size, 2)}) for tag in own]
        )
        labels.append([str(tag) for tag in own])
    return [[[int(a) for a in token] for token in row] for row in rows], labels


def named(rows):
    return [[[str(a) for a in token] for token in row] for row in rows]


def arrays(rows, size=12):
    return [np.array([[float(a in token) for a in range(size)] for token in row]) for row in rows]


def model(name, **more):
    return MODELS[name](**{"random_state": 0, **more})
