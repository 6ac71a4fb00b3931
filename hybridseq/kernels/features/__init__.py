"""Label scores from sparse features of tokens, where only some feature–label pairs have weights.

The table and its meaning stand in ``table``, the sums in ``reference``, their fast form in ``numba_cpu``.
"""
