"""Expected scores of a direction and Hessian-vector products: each row by the fastest path that is exact for it."""

import numpy as np

from hybridseq.kernels import threads
from hybridseq.kernels.chain.numba_cpu import forward_backward, log_space, primitives, tangent
from hybridseq.kernels.chain.numba_cpu.forward_backward import edges, is_shared, padded_matrix, share


def _matrices(transitions, d_transitions, transposed=False):
    """exp of the transitions, padded, and the same times the direction."""
    scores, slopes = transitions[0, 0], d_transitions[0, 0]
    if transposed:
        scores, slopes = np.ascontiguousarray(scores.T), slopes.T
    matrix = padded_matrix(len(scores), scores.dtype)
    primitives.exp_transitions(scores, matrix)
    bent = np.zeros_like(matrix)
    bent[:, : len(scores)] = matrix[:, : len(scores)] * slopes
    return matrix, bent


class _Tangent:
    """The forward pass with its derivative: which rows took which path, and what the backward pass needs."""

    def __init__(self, emissions, transitions, start, end, direction, lengths):
        self.scores, self.direction, self.lengths = (emissions, transitions, start, end), direction, lengths
        self.expected = np.empty(len(emissions))
        self.moderate, self.others = np.empty(0, np.int64), np.arange(len(emissions))
        if is_shared(transitions):
            status = forward_backward.forward(emissions, transitions, start, end, lengths)[3]
            self.moderate = np.flatnonzero(status == primitives.MODERATE)
            self.others = np.flatnonzero(status != primitives.MODERATE)
        self.invalid = np.zeros(len(emissions), np.bool_)
        if self.moderate.size:
            self._run_moderate()
        if self.others.size:
            parts = share(emissions, lengths, 60, self.others)
            inputs = *self.scores, *direction, lengths
            threads.run(log_space.tangent_forward, parts, *inputs, self.expected, self.invalid)

    def _run_moderate(self):
        emissions, transitions, start, end = self.scores
        matrices = _matrices(transitions, self.direction[1])
        shape = *emissions.shape[:2], matrices[0].shape[1]
        self.buffers = tuple(np.empty(shape, emissions.dtype) for _ in range(4))
        self.scales = tuple(np.empty(shape[:2], emissions.dtype) for _ in range(2))
        parts = share(emissions, self.lengths, 4, self.moderate)
        scores, direction = (emissions, start, end), (self.direction[0], *self.direction[2:])
        outputs = self.buffers, *self.scales, self.expected
        threads.run(tangent.forward, parts, scores, direction, self.lengths, *matrices, *outputs)

    def gradient(self, weight):
        """The weighted derivative of the marginals and of the pair counts."""
        emissions, transitions = self.scores[:2]
        out, shared = np.empty_like(emissions), is_shared(transitions)
        count = emissions.shape[2]
        out_transitions = np.zeros((1, 1, count, count)) if shared else np.empty_like(transitions)
        if self.moderate.size:
            matrices = _matrices(transitions, self.direction[1], transposed=True)
            sums = np.zeros((2, threads.count(len(emissions)), -(-count // 4) * 4, matrices[0].shape[1]))
            parts = share(emissions, self.lengths, 6, self.moderate)
            inputs = self.lengths, *matrices, self.buffers, *self.scales, weight
            threads.run(tangent.backward, parts, *inputs, out, *sums)
            pairs, bends = sums.sum(1)[:, :count, :count]
            out_transitions[0, 0] += matrices[0][:, :count].T * (pairs + self.direction[1][0, 0] * bends)
        if self.others.size:
            parts = share(emissions, self.lengths, 60, self.others)
            own = np.zeros((len(parts), 1, count, count)) if shared else out_transitions
            inputs = *self.scores, *self.direction, self.lengths, weight
            threads.run(log_space.tangent_backward, parts, *inputs, out, own)
            if shared:
                out_transitions += own.sum(0)
        return out, out_transitions.astype(emissions.dtype, copy=False), *edges(out, self.lengths)


def expected_score(emissions, transitions, start, end, direction, lengths):
    """Expected score (B,) float64 of the direction; and which rows hold an invalid score."""
    run = _Tangent(emissions, transitions, start, end, direction, lengths)
    return run.expected, run.invalid


def hessian_product(emissions, transitions, start, end, direction, lengths, weight):
    """Derivative of the weighted gradient along a direction, shaped as the scores."""
    return _Tangent(emissions, transitions, start, end, direction, lengths).gradient(weight)
