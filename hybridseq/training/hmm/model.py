"""A hidden Markov model: how states follow one another, and what each emits."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from hybridseq.training.hmm import probabilities


@dataclass(frozen=True)
class Model:
    """Parameters of a hidden Markov model with K states.

    Attributes
    ----------
    start : (K,) float64 array
        Probabilities of the first state.
    transitions : (K, K) float64 array
        ``[i, j]``: probability of state j after state i.
    emissions : object
        What states emit. A family has ``log_density(data, rows) -> ((n, K), parts)``, ``statistics(data, rows, parts,
        posteriors)``, whose results add up, ``maximise(statistics, prior, update, names)``, ``log_prior(prior)``,
        ``is_closed_form(data)`` and ``width``, the numbers it needs at a position.
    final : (K,) bool array, optional
        The states that a sequence may end in; all, if not given.
    """

    start: np.ndarray
    transitions: np.ndarray
    emissions: object
    final: np.ndarray | None = None

    @property
    def num_states(self):
        return len(self.start)

    def scores(self):
        """Log-probabilities as the chain's kernel takes them: transitions, start, end."""
        end = np.zeros(len(self.start)) if self.final is None else np.where(self.final, 0, -np.inf)
        parts = probabilities.log(self.transitions), probabilities.log(self.start), end
        return tuple(torch.from_numpy(np.ascontiguousarray(part, np.float64)) for part in parts)


@dataclass(frozen=True)
class Prior:
    """Dirichlet parameters of starts and transitions, and the prior of the emissions."""

    start: object = 1.0
    transitions: object = 1.0
    emissions: object = None

    def log_density(self, model: Model) -> float:
        """At a model's parameters, up to a constant."""
        return (
            probabilities.log_prior(model.start, self.start)
            + probabilities.log_prior(model.transitions, self.transitions)
            + model.emissions.log_prior(self.emissions)
        )

    def maximise(self, model: Model, expected, update: str, names) -> Model:
        """The M-step: parameters named in ``update`` at their best for the expected statistics."""
        start, transitions = model.start, model.transitions
        if "s" in update:
            start = probabilities.most_probable(expected.start, self.start, start)
        if "t" in update:
            transitions = probabilities.most_probable(expected.transitions, self.transitions, transitions)
        emissions = model.emissions.maximise(expected.emissions, self.emissions, update, names)
        return replace(model, start=start, transitions=transitions, emissions=emissions)
