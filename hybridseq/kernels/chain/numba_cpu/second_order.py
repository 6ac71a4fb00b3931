"""Expected scores of a direction and Hessian-vector products, row by row in log space."""

import numpy as np

from hybridseq.kernels.chain.numba_cpu.log_space import tangent_forward_row, tangent_gradient_row
from hybridseq.kernels.chain.numba_cpu.primitives import kernel


@kernel
def expected_score(
    part,
    rows,
    emissions,
    transitions,
    start,
    end,
    d_emissions,
    d_transitions,
    d_start,
    d_end,
    lengths,
    out,
    invalid,
):
    """Derivative of each row's log-partition along a direction; 0 in infeasible rows."""
    count = emissions.shape[2]
    for b in rows:
        alpha, rate = np.empty((lengths[b], count)), np.empty((lengths[b], count))
        log_partition, out[b] = tangent_forward_row(
            emissions,
            transitions,
            start,
            end,
            d_emissions,
            d_transitions,
            d_start,
            d_end,
            b,
            lengths[b],
            alpha,
            rate,
        )
        invalid[b] = not log_partition <= np.inf


@kernel
def hessian_product(
    part,
    rows,
    emissions,
    transitions,
    start,
    end,
    d_emissions,
    d_transitions,
    d_start,
    d_end,
    lengths,
    weight,
    out_emissions,
    out_transitions,
):
    """Weighted derivative of the marginals along a direction."""
    shared = transitions.shape[0] == 1 and transitions.shape[1] == 1
    for b in rows:
        if not shared:
            out_transitions[b, :] = 0
        tangent_gradient_row(
            emissions,
            transitions,
            start,
            end,
            d_emissions,
            d_transitions,
            d_start,
            d_end,
            b,
            lengths[b],
            weight[b],
            out_emissions,
            out_transitions,
            part,
        )
