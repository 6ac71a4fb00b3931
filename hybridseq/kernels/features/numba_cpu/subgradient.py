"""One pass of stochastic subgradient descent on the structured SVM's primal."""

from hybridseq.kernels.features.numba_cpu.sequence import (
    add_costs,
    add_difference,
    best_labels,
    load_pairs,
    path_score,
    score_tokens,
    subtract_paths,
)
from hybridseq.kernels.simd import kernel


@kernel
def subgradient_pass(order, corpus, costs, strength, step, total, sums, search, difference):
    """A step after each sequence of ``order``.

    With the rate 1/k the weights after k steps are strength / k · ``total``, the sum of all differences between the
    right labels' features and those of the best labels with costs; ``sums`` gets k times the k-th difference.
    Returns the sum of hinge losses, each at the weights before its step.
    """
    hinge = 0.0
    for n in range(total.size):
        search.weights[n] = total[n]
    for b in order:
        right = corpus.gold[corpus.starts[b] : corpus.starts[b] + corpus.lengths[b]]
        scale = strength / step if step else 0.0
        load_pairs(corpus, total, scale, search)
        score_tokens(b, corpus, scale, search)
        base = path_score(right, search)
        add_costs(right, costs, search)
        found = best_labels(right.size, search)
        hinge += max(path_score(found, search) - base, 0.0)
        step += 1
        used = subtract_paths(b, right, found, corpus, difference)
        add_difference(1.0, used, difference, total)
        add_difference(float(step), used, difference, sums)
        for n in range(used):
            search.weights[difference.places[n]] = total[difference.places[n]]
    return hinge
