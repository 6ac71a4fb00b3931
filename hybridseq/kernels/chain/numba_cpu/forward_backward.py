"""Log-partition and its gradient: each row by the cheapest path that is exact for it."""

import numpy as np

from hybridseq.kernels.chain.numba_cpu import moderate, scaled
from hybridseq.kernels.chain.numba_cpu.log_space import forward_row, gradient_row
from hybridseq.kernels.chain.numba_cpu.primitives import kernel
from hybridseq.kernels.chain.numba_cpu.viterbi import invalid_scores

MODERATE, SCALED, LOGARITHMIC, INVALID = 0, scaled.SCALED, scaled.LOGARITHMIC, 3

_moderate_forward, _moderate_backward, _exp_row = moderate.forward_block, moderate.backward_block, moderate.exp_row
_scaled_forward, _scaled_backward = scaled.forward_block, scaled.backward_block
_MODERATE_BLOCK, _SCALED_BLOCK = moderate.BLOCK, scaled.BLOCK


@kernel
def _of_status(rows, status, wanted):
    """The rows with that status, in their order."""
    out = np.empty(rows.size, rows.dtype)
    count = 0
    for b in rows:
        if status[b] == wanted:
            out[count] = b
            count += 1
    return out[:count]


@kernel
def forward(
    part,
    rows,
    emissions,
    transitions,
    start,
    end,
    lengths,
    matrix,
    top,
    lost,
    dense,
    alpha,
    scale,
    log_partition,
    status,
):
    """Log-partition and scaled prefixes of ``rows``; ``matrix``, ``top``, ``lost``, ``dense``: see exp_transitions."""
    tops = np.zeros(lengths.size, emissions.dtype)
    for b in rows:
        length = lengths[b]
        status[b] = SCALED
        if invalid_scores(emissions[b, :length]) > 0:
            status[b] = INVALID
        elif transitions.shape[0] == 1 and transitions.shape[1] == 1:
            tops[b], fit = _exp_row(emissions, start, end, b, length, alpha)
            if fit:
                status[b] = MODERATE
    chosen = _of_status(rows, status, MODERATE)
    for first in range(0, chosen.size, _MODERATE_BLOCK):
        block = chosen[first : first + _MODERATE_BLOCK]
        _moderate_forward(lengths, block, matrix, top, lost, dense, tops, alpha, scale, log_partition, status, SCALED)
    chosen = _of_status(rows, status, SCALED)
    for first in range(0, chosen.size, _SCALED_BLOCK):
        block = chosen[first : first + _SCALED_BLOCK]
        _scaled_forward(
            emissions, transitions, start, end, lengths, block, matrix, top, lost, alpha, log_partition, status
        )
    for b in rows:
        if status[b] == LOGARITHMIC:
            own = np.empty((lengths[b], emissions.shape[2]))
            log_partition[b] = forward_row(emissions, transitions, start, end, b, lengths[b], own)


@kernel
def backward(
    part,
    rows,
    emissions,
    transitions,
    start,
    end,
    lengths,
    matrix,
    lost,
    alpha,
    scale,
    weight,
    status,
    grad_emissions,
    grad_transitions,
    pairs,
    grad_start,
    grad_end,
):
    """Weighted gradient of the log-partition for ``rows``; ``part`` numbers the caller's own accumulators.

    Pair counts of shared transitions: ``pairs`` lacks the factor exp(transitions), ``grad_transitions`` has it.
    """
    chosen = _of_status(rows, status, MODERATE)
    rates = np.empty_like(alpha) if chosen.size > 0 else alpha
    for b in chosen:
        _exp_row(emissions, start, end, b, lengths[b], rates)
    for first in range(0, chosen.size, _MODERATE_BLOCK):
        block = chosen[first : first + _MODERATE_BLOCK]
        own_pairs = np.zeros(pairs.shape[1:])
        while block.size > 0 and not _moderate_backward(
            lengths, block, matrix, alpha, scale, weight, rates, grad_emissions, own_pairs, status, SCALED
        ):
            block = _of_status(block, status, MODERATE)
            own_pairs[:] = 0
        pairs[part] += own_pairs
    chosen = _of_status(rows, status, SCALED)
    for first in range(0, chosen.size, _SCALED_BLOCK):
        block = chosen[first : first + _SCALED_BLOCK]
        own_pairs = np.zeros(pairs.shape[1:])
        while block.size > 0 and not _scaled_backward(
            emissions,
            transitions,
            start,
            end,
            lengths,
            block,
            matrix,
            lost,
            alpha,
            weight,
            status,
            grad_emissions,
            grad_transitions,
            own_pairs,
        ):
            block = _of_status(block, status, SCALED)
            own_pairs[:] = 0
        pairs[part] += own_pairs
    for b in rows:
        length = lengths[b]
        if transitions.shape[0] > 1 or transitions.shape[1] != 1:
            grad_transitions[b, length - 1 if status[b] == SCALED else 0 :] = 0
        if status[b] == LOGARITHMIC:
            gradient_row(
                emissions,
                transitions,
                start,
                end,
                b,
                length,
                weight[b],
                grad_emissions,
                grad_transitions,
                grad_start[part],
                grad_end[part],
                part,
            )
        else:
            grad_emissions[b, length:] = 0
            for j in range(emissions.shape[2]):
                grad_start[part, j] += grad_emissions[b, 0, j]
                grad_end[part, j] += grad_emissions[b, length - 1, j]
