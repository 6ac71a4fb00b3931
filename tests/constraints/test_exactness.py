"""Random constraints on random chains against enumeration: 2,100 rows, every inference value of each."""

import itertools
import random

import numpy as np
import pytest
import torch

import hybridseq as hs
from tests import tolerances
from tests.constraints.expressions import LABELS, expression

SEEDS, EACH, ROWS, K_BEST = 70, 10, 3, 4
#: The most label sequences of a row, so that plain Python can look at all of them; a few rows have more.
MANY, MOST = 260, 20_000
TOLERANCE = tolerances.value(torch.float64)


def sequences(count, length):
    return np.array(list(itertools.product(range(count), repeat=length)))


def draw(source, seed):
    """A constraint with its predicate, and a ragged chain; −inf here and there."""
    labels = LABELS[: source.randint(1, 4)]
    constraint, says = expression(source, labels)
    limit = MOST if seed % 10 == 0 else MANY
    steps = source.choice([t for t in range(1, 8) if len(labels) ** t <= limit])
    generator = torch.Generator().manual_seed(source.randint(0, 2**31))
    shapes = (ROWS, steps, len(labels)), (len(labels),) * 2, (len(labels),), (len(labels),)
    scores = [2 * torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    if source.random() < 0.3:
        scores[0][torch.rand(shapes[0], generator=generator) < 0.15] = -torch.inf
    lengths = torch.randint(1, steps + 1, (ROWS,), generator=generator)
    lengths[0] = steps
    return labels, constraint, says, scores, lengths


def enumerated(scores, row, paths):
    emissions, transitions, start, end = (x.numpy() for x in scores)
    total = start[paths[:, 0]] + end[paths[:, -1]]
    for t in range(paths.shape[1]):
        total = total + emissions[row, t, paths[:, t]]
        if t:
            total = total + transitions[paths[:, t - 1], paths[:, t]]
    return total


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_restricted_chain_is_the_chain_over_the_accepted_sequences(seed):
    source = random.Random(seed)
    for _ in range(EACH):
        labels, constraint, says, scores, lengths = draw(source, seed)
        plan = constraint.compile(labels, allow_empty=True)
        chain = hs.LinearChain(*scores, lengths=lengths).restrict(plan)
        partition, best = chain.log_partition(), chain.max_score()
        decoded, marginals = chain.decode(), chain.marginals()
        labels_k, scores_k = chain.k_best(K_BEST)
        plain = hs.LinearChain(*scores, lengths=lengths).log_partition()
        accepted = {n: None for n in set(lengths.tolist())}
        for n in accepted:
            paths = sequences(len(labels), n)
            accepted[n] = paths, np.array([says(tuple(labels[i] for i in path)) for path in paths])
            assert [plan.accepts(path) for path in paths] == accepted[n][1].tolist(), constraint
        for row, n in enumerate(lengths.tolist()):
            paths, good = accepted[n]
            total = enumerated(scores, row, paths)
            alive = good & (total > -np.inf)
            if not alive.any():
                assert partition[row] == best[row] == -np.inf and (decoded[row] == -100).all(), constraint
                assert (marginals[row] == 0).all() and (labels_k[row] == -100).all()
                continue
            expected = torch.from_numpy(total[alive]).logsumexp(0)
            torch.testing.assert_close(partition[row], expected, **TOLERANCE)
            torch.testing.assert_close(best[row], torch.tensor(total[alive].max()), **TOLERANCE)
            assert decoded[row, :n].tolist() == paths[alive][total[alive].argmax()].tolist(), constraint
            weights = np.exp(total[alive] - expected.item())
            hot = (paths[alive][:, :, None] == np.arange(len(labels))) * weights[:, None, None]
            torch.testing.assert_close(marginals[row, :n], torch.from_numpy(hot.sum(0)), **TOLERANCE)
            order = np.argsort(-total[alive])[:K_BEST]
            assert labels_k[row, : len(order), :n].tolist() == paths[alive][order].tolist(), constraint
            torch.testing.assert_close(scores_k[row, : len(order)], torch.from_numpy(total[alive][order]), **TOLERANCE)
            assert (scores_k[row, len(order) :] == -np.inf).all()
            # What is rejected has probability exactly 0.
            refused = np.flatnonzero(~good)[:1]
            for path in paths[refused]:
                given = torch.zeros_like(decoded)
                given[row, :n] = torch.from_numpy(path)
                assert chain.log_prob(given)[row] == -np.inf
            # The probability that the plain chain satisfies the constraint.
            satisfied = hs.LinearChain(*scores, lengths=lengths).log_prob(plan)[row]
            torch.testing.assert_close(satisfied, (expected - plain[row]).clamp(max=0), **TOLERANCE)
