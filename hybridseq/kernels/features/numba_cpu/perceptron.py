"""One pass of the averaged perceptron."""

from hybridseq.kernels.features.numba_cpu.sequence import (
    add_difference,
    best_labels,
    load_weights,
    renew,
    score_tokens,
    subtract_paths,
)
from hybridseq.kernels.simd import kernel


@kernel
def perceptron_pass(order, corpus, weights, sums, seen, search, difference):
    """Move ``weights`` after each sequence of ``order``, and ``sums`` by as much times the sequences seen before.

    Returns how many labels were wrong.
    """
    wrong = 0
    load_weights(corpus, weights, search)
    for b in order:
        right = corpus.gold[corpus.starts[b] : corpus.starts[b] + corpus.lengths[b]]
        score_tokens(b, corpus, 1.0, search)
        found = best_labels(right.size, search)
        mistakes = 0
        for t in range(right.size):
            mistakes += right[t] != found[t]
        if mistakes:
            used = subtract_paths(b, right, found, corpus, difference)
            add_difference(1.0, used, difference, weights)
            add_difference(float(seen), used, difference, sums)
            renew(used, difference, corpus, weights, search)
        wrong += mistakes
        seen += 1
    return wrong
