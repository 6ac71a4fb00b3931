"""Sums and searches over a lattice: nodes 0 … N − 1, arcs sorted by source, each to a later node; N − 1 is the end."""

import numpy as np

from hybridseq.kernels.simd import kernel


@kernel
def log_add(a, b):
    """log(exp(a) + exp(b))."""
    high, low = max(a, b), min(a, b)
    return high if low == -np.inf else high + np.log1p(np.exp(low - high))


@kernel
def log_sums(source, target, score, nodes):
    """log-sums of paths from node 0 to each node, and from each to the end."""
    prefix, suffix = np.full(nodes, -np.inf), np.full(nodes, -np.inf)
    prefix[0] = suffix[nodes - 1] = 0.0
    for a in range(source.size):
        prefix[target[a]] = log_add(prefix[target[a]], prefix[source[a]] + score[a])
    for a in range(source.size - 1, -1, -1):
        suffix[source[a]] = log_add(suffix[source[a]], score[a] + suffix[target[a]])
    return prefix, suffix


@kernel
def best_suffixes(source, target, score, nodes):
    """The best score from each node to the end."""
    suffix = np.full(nodes, -np.inf)
    suffix[nodes - 1] = 0.0
    for a in range(source.size - 1, -1, -1):
        suffix[source[a]] = max(suffix[source[a]], score[a] + suffix[target[a]])
    return suffix


@kernel
def log_sum_without(source, target, score, nodes, consumed, words, word, begin, end):
    """The log-sum of paths on which ``word`` lasts over none of the frames ``begin`` … ``end`` − 1.

    ``consumed`` (N,) frames before each node; ``words`` (M,) the word that begins with an arc, −1: none.
    """
    # Two copies of every node: some other word lasts, or the word does.
    prefix = np.full((nodes, 2), -np.inf)
    prefix[0, 0] = 0.0
    for a in range(source.size):
        u, v = source[a], target[a]
        forbidden = consumed[v] > consumed[u] and begin <= consumed[u] < end
        for lasts in range(2):
            if prefix[u, lasts] > -np.inf:
                goes_on = lasts if words[a] < 0 else int(words[a] == word)
                if not (forbidden and goes_on):
                    prefix[v, goes_on] = log_add(prefix[v, goes_on], prefix[u, lasts] + score[a])
    return log_add(prefix[nodes - 1, 0], prefix[nodes - 1, 1])


@kernel
def next_words(entries, scores, source, target, score, nodes, first, words):
    """From nodes with scores: the best way to the end without a word, and all arcs with a word that can be the next.

    Returns the score at the end, and of those arcs the numbers and the best scores behind them.
    """
    value = np.full(nodes, -np.inf)
    low = nodes
    for i in range(entries.size):
        value[entries[i]] = max(value[entries[i]], scores[i])
        low = min(low, entries[i])
    arcs, behind = np.empty(source.size - first[low], np.int64), np.empty(source.size - first[low])
    used = 0
    for a in range(first[low], source.size):
        passed = value[source[a]] + score[a]
        if passed > -np.inf:
            if words[a] < 0:
                value[target[a]] = max(value[target[a]], passed)
            else:
                arcs[used], behind[used] = a, passed
                used += 1
    return value[nodes - 1], arcs[:used].copy(), behind[:used].copy()


@kernel
def best_path_saying(source, target, score, nodes, words, said):
    """The arcs of the best path whose words are ``said`` (n,); the lattice must have one."""
    value = np.full((said.size + 1, nodes), -np.inf)
    back = np.full((said.size + 1, nodes), -1, np.int64)
    value[0, 0] = 0.0
    for a in range(source.size):
        u, v = source[a], target[a]
        for k in range(said.size + 1):
            j = k if words[a] < 0 else k + 1
            if j > said.size or (j > k and words[a] != said[k]):
                continue
            passed = value[k, u] + score[a]
            if passed > value[j, v]:
                value[j, v], back[j, v] = passed, a
    path = np.empty(nodes, np.int64)
    length, k, v = 0, said.size, nodes - 1
    while v > 0:
        a = back[k, v]
        path[length] = a
        length += 1
        k -= words[a] >= 0
        v = source[a]
    return path[:length][::-1].copy()


@kernel
def fewest_errors(source, target, nodes, words, reference):
    """The fewest word errors of any path beside ``reference`` (n,): Levenshtein's recursion over nodes."""
    length = reference.size
    errors = np.full((nodes, length + 1), source.size + length, np.int64)
    errors[0, 0] = 0
    a = 0
    for u in range(nodes):
        for j in range(length):
            errors[u, j + 1] = min(errors[u, j + 1], errors[u, j] + 1)
        while a < source.size and source[a] == u:
            v = target[a]
            for j in range(length + 1):
                if words[a] < 0:
                    errors[v, j] = min(errors[v, j], errors[u, j])
                    continue
                errors[v, j] = min(errors[v, j], errors[u, j] + 1)
                if j < length:
                    errors[v, j + 1] = min(errors[v, j + 1], errors[u, j] + int(words[a] != reference[j]))
            a += 1
    return errors[nodes - 1, length]
