"""Label sequences followed through a deterministic automaton's table, and read off paths of states."""

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
def labels_of(labels, states):
    """Replace each state of a flat array by its label; negative numbers stay."""
    for i in range(states.size):
        if states[i] >= 0:
            states[i] = labels[states[i]]
