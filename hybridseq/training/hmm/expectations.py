"""The E-step: expected counts of states and transitions, over all sequences of a block at once."""

from dataclasses import dataclass

import numpy as np
import torch

from hybridseq.kernels.chain import ops
from hybridseq.training.hmm.model import Model


class ImpossibleSequence(ValueError):
    """A sequence that has probability 0 under the model.

    Attributes
    ----------
    sequence : int
        Its index.
    """

    def __init__(self, sequence: int):
        super().__init__(f"sequence {sequence} is impossible under the model")
        self.sequence = sequence


@dataclass
class Expected:
    """Expected statistics of all sequences: their log-likelihood, starts (K,), transitions (K, K), emissions."""

    log_likelihood: float
    start: np.ndarray
    transitions: np.ndarray
    emissions: object


def expect(model: Model, data, blocks, labels=None, hard=False) -> Expected:
    """Expected statistics under a model :cite:p:`baum1970`.

    Parameters
    ----------
    model : Model
        The parameters.
    data
        What the model's emissions read, in the order of the blocks.
    blocks : Blocks
        The sequences.
    labels : (N,) int64 array, optional
        The state of each row, −1 where it is unknown, in the order of the blocks. The likelihood is that of data and
        given states together.
    hard : bool
        Take the best path of each sequence for certain (Viterbi training); the likelihood is that of the paths.

    Raises
    ------
    ImpossibleSequence
        Where a sequence has probability 0.

    Notes
    -----
    The expected counts of transitions are the gradient of the chain's log-partition by the transitions, those of
    states the gradient by the emissions: one backward call gives both.
    """
    scores = model.scores()
    total, start, transitions = 0.0, np.zeros(model.num_states), np.zeros_like(model.transitions)
    emissions = None
    for block in blocks:
        density, parts = model.emissions.log_density(data, block.rows)
        given = None if labels is None else labels[block.rows]
        if given is not None and (given >= 0).all():
            found = of_paths(block, density, scores, given)
            check_possible(block, found[0])
        else:
            if given is not None:
                fix(density, given)
            found = (_best_paths if hard else _sums)(block, density, scores)
        values, posteriors, first, pairs = found
        total += float(values.sum())
        start += first
        transitions += pairs
        statistics = model.emissions.statistics(data, block.rows, parts, posteriors)
        emissions = statistics if emissions is None else emissions + statistics
    return Expected(total, start, transitions, emissions)


def fix(density, states):
    """Leave, in place, only the given states (n,) of log-densities (n, K); −1 leaves all."""
    rows = np.flatnonzero(states >= 0)
    kept = density[rows, states[rows]]
    density[rows] = -np.inf
    density[rows, states[rows]] = kept


def tensors(block, density, scores):
    """A block's scores and lengths, as the kernel takes them."""
    transitions, start, end = scores
    return torch.from_numpy(block.pad(density)), transitions, start, end, torch.from_numpy(block.lengths)


def check_possible(block, values):
    """Raise for the first of a block's sequences whose log-probability is −inf."""
    dead = np.flatnonzero(values == -np.inf)
    if len(dead):
        raise ImpossibleSequence(int(block.sequences[dead].min()))


def _sums(block, density, scores):
    """Log-likelihoods, posteriors and expected counts, by forward-backward."""
    inputs = tensors(block, density, scores)
    values, *prefixes = ops.log_partition(*inputs)
    check_possible(block, values.numpy())
    posteriors, pairs, first, _ = ops.gradient(*inputs, *prefixes, torch.ones_like(values))
    return values.numpy(), block.unpad(posteriors.numpy()), first.numpy(), pairs.numpy()


def _best_paths(block, density, scores):
    inputs = tensors(block, density, scores)
    paths = ops.decode(*inputs)
    check_possible(block, np.where(paths[:, 0].numpy() < 0, -np.inf, 0))
    return of_paths(block, density, scores, block.unpad(paths.numpy()))


def of_paths(block, density, scores, states):
    """Log-probabilities, posteriors and counts of given states (n,)."""
    transitions, start, end = (x.numpy() for x in scores)
    first, last = block.ends()
    rows, inner = np.arange(len(states)), np.ones(len(states), bool)
    inner[last] = False
    before, after = states[inner], states[1:][inner[:-1]]
    step = density[rows, states]
    step[inner] += transitions[before, after]
    values = np.add.reduceat(step, first) + start[states[first]] + end[states[last]]
    count = len(start)
    posteriors = np.zeros_like(density)
    posteriors[rows, states] = 1
    pairs = np.bincount(before * count + after, minlength=count * count).reshape(count, count)
    return values, posteriors, np.bincount(states[first], minlength=count), pairs
