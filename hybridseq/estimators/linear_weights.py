"""A linear model's weights by name."""

import numpy as np


class WeightTable:
    """Weights of (feature, label) and of (label, next label).

    Parameters
    ----------
    features : sequence of str
        What features are called.
    classes : sequence
        The labels.
    pairs : Pairs
        Which pairs have weights.
    values : (S + P,) array
        The weights.
    """

    def __init__(self, features, classes, pairs, values):
        self.features, self.classes, self.pairs, self.values = features, classes, pairs, values

    def __repr__(self):
        states, moves = self.pairs.states, len(self.pairs.sources)
        lines = [f"{states:,} weights of features and {moves:,} of label pairs"]
        for feature, label, weight in self._largest(8):
            lines.append(f"  {weight:+9.4f}  {feature} -> {label}")
        return "\n".join(lines)

    def __len__(self):
        return len(self.values)

    def _largest(self, n):
        owners = self.pairs.features()
        order = np.argsort(-np.abs(self.values[: self.pairs.states]), kind="stable")[:n]
        return [(self.features[owners[i]], self.classes[self.pairs.labels[i]], float(self.values[i])) for i in order]

    def states(self) -> dict:
        """The weight of each (feature, label)."""
        owners, labels = self.pairs.features().tolist(), self.pairs.labels.tolist()
        values = self.values[: self.pairs.states].tolist()
        return {(self.features[a], self.classes[k]): w for a, k, w in zip(owners, labels, values)}

    def transitions(self) -> dict:
        """The weight of each (label, next label)."""
        values = self.values[self.pairs.states :].tolist()
        places = zip(self.pairs.sources.tolist(), self.pairs.targets.tolist(), values)
        return {(self.classes[i], self.classes[j]): w for i, j, w in places}

    def top_features(self, label, n=10) -> list[tuple[str, float]]:
        """The n features of the largest weights for a label and the n of the smallest, largest first.

        Raises
        ------
        ValueError
            Where the label is not known.
        """
        if label not in self.classes:
            raise ValueError(f"label must be one of {list(self.classes)}; got {label!r}")
        places = np.flatnonzero(self.pairs.labels == self.classes.index(label))
        owners = self.pairs.features()
        return [(self.features[owners[i]], float(self.values[i])) for i in self._ends(places, n)]

    def top_transitions(self, n=10) -> list[tuple]:
        """The n label pairs of the largest weights and the n of the smallest, largest first."""
        places = np.arange(self.pairs.states, len(self.values))
        chosen = self._ends(places, n)
        return [
            (
                self.classes[self.pairs.sources[i - self.pairs.states]],
                self.classes[self.pairs.targets[i - self.pairs.states]],
                float(self.values[i]),
            )
            for i in chosen
        ]

    def _ends(self, places, n):
        """The places of the n largest and the n smallest values, in falling order."""
        ordered = places[np.argsort(-self.values[places], kind="stable")]
        return ordered if len(ordered) <= 2 * n else np.concatenate([ordered[:n], ordered[len(ordered) - n :]])
