"""What every tagger answers about its sentences: best labels, marginals, the k best; each under its constraint."""

from abc import ABC, abstractmethod
from numbers import Integral

import numpy as np
import torch

from hybridseq.constraints import InfeasibleError
from hybridseq.estimators.constrained import warn_of_skipped
from hybridseq.training.batches import by_length


class Sentences(ABC):
    """Sentences that are ready to be scored: where the structures of a batch come from.

    Attributes
    ----------
    lengths : (B,) int64 array
        How long each is.
    """

    lengths: np.ndarray

    @abstractmethod
    def structure(self, indices, constrained=False):
        """The structure of a batch; ``constrained``: under whatever the model keeps by itself, at whatever length."""

    def restricted(self, structure, plan):
        """A structure under a plan."""
        return structure.restrict(plan)


def structures(sentences: Sentences, names, kept):
    """The structures of batches of like length, longest first, with the sentences' indices.

    ``kept`` None: whatever the model keeps by itself.
    """
    groups = [(None, np.arange(len(sentences.lengths)))] if kept is None else kept.groups()
    with torch.inference_mode():
        for constraint, members in groups:
            plan = None if constraint is None else constraint.compile(names, allow_empty=True)
            for within in by_length(sentences.lengths[members]):
                indices = members[within]
                structure = sentences.structure(indices, constrained=kept is None)
                if kept is not None:
                    lengths = sentences.lengths[indices]
                    mask = kept.mask(indices, lengths, int(lengths.max()), names)
                    if mask is not None:
                        structure = structure.restrict(torch.from_numpy(mask).to(structure.emissions.device))
                    if plan is not None:
                        structure = sentences.restricted(structure, plan)
                yield indices, structure


def rows(sentences, names, kept, method):
    """What ``method(structure)`` gives for each sentence, cut to its length; None for those that are skipped."""
    results = [None] * len(sentences.lengths)
    for indices, structure in structures(sentences, names, kept):
        values = method(structure)
        for row, i in enumerate(indices):
            results[i] = values[row, : sentences.lengths[i]].copy()
    return results


def marginals(sentences, names, kept):
    """The probabilities (T, K) of each sentence's labels."""
    return rows(sentences, names, kept, lambda structure: structure.marginals().cpu().numpy())


def decode(sentences, names, kept, on_infeasible):
    """The best labels of each sentence, as names."""

    def decoded(kept):
        return rows(sentences, names, kept, lambda structure: structure.decode().cpu().numpy())

    found = decoded(kept)
    # Only budgets are not settled before.
    dead = [i for i, row in enumerate(found) if row is not None and row[0] < 0]
    if dead and on_infeasible == "raise":
        constraint = None if kept is None else kept.constraints[dead[0]]
        wish = "the model's own rules" if constraint is None else repr(constraint)
        raise InfeasibleError(
            f"no label sequence of example {dead[0]} keeps {wish}. Loosen the budget, or set "
            'on_infeasible to "relax", "unconstrained" or "skip"',
            example=dead[0],
            parts=[repr(part) for part in constraint.parts] if constraint is not None else [],
        )
    if dead and on_infeasible == "skip":
        warn_of_skipped(dead, len(found))
    elif dead:
        mended = decoded(kept.mended(dead, on_infeasible))
    for i in dead:
        found[i] = None if on_infeasible == "skip" else mended[i]
    names = np.array(names, dtype=object)
    return [None if row is None else names[row].tolist() for row in found]


def k_best(sentences, names, kept, k):
    """The k best label sequences of each sentence with their log-probabilities, best first."""
    if not isinstance(k, Integral) or k < 1:
        raise ValueError(f"k must be a whole number of at least 1; got {k!r}")
    results = [None] * len(sentences.lengths)
    spelled = np.array(names)
    for indices, structure in structures(sentences, names, kept):
        ids, scores = structure.k_best(k)
        log_probs = (scores - structure.log_partition()[:, None]).cpu().numpy()
        ids = ids.cpu().numpy()
        for row, i in enumerate(indices):
            length = int(sentences.lengths[i])
            results[i] = [
                (spelled[ids[row, j, :length]].tolist(), float(min(log_probs[row, j], 0.0)))
                for j in range(k)
                if log_probs[row, j] > -np.inf
            ]
    return results
