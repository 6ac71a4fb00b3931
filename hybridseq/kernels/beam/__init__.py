"""Viterbi beam search over graphs of emitting and non-emitting states, and lattices of what it kept.

The recursions stand in this folder's README, the exact search in ``reference``, the fast one in ``numba_cpu``.
"""
