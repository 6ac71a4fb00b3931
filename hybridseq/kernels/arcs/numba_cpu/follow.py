"""Label sequences followed through a deterministic automaton's table."""

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
