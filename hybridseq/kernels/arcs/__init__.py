"""Sparse automata over T positions: recursions, gradients and their fast CPU form.

The derivations stand in this folder's README.
"""
