"""Label sequences followed through a deterministic automaton's table, and read off paths of states."""

import numpy as np

from hybridseq.kernels.simd import kernel


@kernel
def final_states(table, labels, lengths, out):
    """The state that each label sequence (B, T) leads to from state 0, −1 where it dies on the way."""
    for b in range(len(out)):
        state = 0
        for t in range(lengths[b]):
            state = table[state, labels[b, t]]
            if state < 0:
                break
        out[b] = state


@kernel
def pair_scores(emissions, moves, initial, final, lengths, labels, first, last, out):
    """Scores of label sequences (B, T), where a move is a pair of labels; −inf where ``last`` is negative."""
    count = emissions.shape[2]
    for b in range(len(out)):
        total = -np.inf
        if last[b] >= 0:
            total = np.float64(initial[first[b]]) + np.float64(final[last[b]])
            for t in range(lengths[b]):
                total += emissions[b, t, labels[b, t]]
                if t > 0:
                    total += moves[labels[b, t - 1] * count + labels[b, t]]
        out[b] = total


@kernel
def add_pair_counts(g_emissions, g_moves, g_initial, g_final, lengths, labels, first, last, weight):
    """Add the weighted counts of the parts that label sequences use; rows of weight 0 are left alone."""
    count = g_emissions.shape[2]
    for b in range(len(weight)):
        if weight[b] != 0:
            g_initial[first[b]] += weight[b]
            g_final[last[b]] += weight[b]
            for t in range(lengths[b]):
                g_emissions[b, t, labels[b, t]] += weight[b]
                if t > 0:
                    g_moves[labels[b, t - 1] * count + labels[b, t]] += weight[b]


@kernel
def labels_of(labels, states):
    """Replace each state of a flat array by its label; negative numbers stay."""
    for i in range(states.size):
        if states[i] >= 0:
            states[i] = labels[states[i]]
