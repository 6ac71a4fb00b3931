"""Plans whose states know more than they forbid: what one structure's plan says of the sequences of another."""

import functools

import numpy as np


@functools.lru_cache(64)
def everything(like):
    """The plan over the same labels that accepts every label sequence."""
    table = np.zeros((1, len(like.labels)), np.int64)
    return type(like)(like.labels, type(like.automaton)(table, np.ones(1, bool)))


@functools.lru_cache(64)
def followed(plan, other):
    """``plan``, in states that tell as well what ``other`` thinks of a sequence.

    Its soft parts are the plan's, then the other's hard part, then the other's soft parts. Nothing more is forbidden.
    """
    soft = *plan.soft, other.automaton, *other.soft
    return type(plan)(plan.labels, plan.automaton, soft, np.zeros(len(soft)))
