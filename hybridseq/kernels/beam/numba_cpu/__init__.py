"""Beam search on CPU: one network's tokens over frames (T, K) float32 or float64.

``order`` sorts states that consume nothing, ``search`` passes tokens, ``records`` keep their back-pointers, ``trellis``
every arc near the best path, ``lattice`` sums and searches over such arcs.
"""
