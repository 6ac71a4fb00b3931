"""Why a sequence is impossible."""

import numpy as np

from hybridseq.training.hmm.topology import reachable


def explain(model, length: int, labels, names) -> str:
    """What makes a sequence of probability 0 impossible, and the remedy.

    Parameters
    ----------
    model : Model
        The model, whose zeros are at fault.
    length : int
        How long the sequence is.
    labels : (T,) int64 array or None
        Its given states, −1 where not given.
    names : sequence of str
        The states.
    """
    start, transitions = model.start > 0, model.transitions > 0
    final = np.ones(len(start), bool) if model.final is None else model.final
    if not (reachable(start, transitions, length - 1) & final).any():
        return (
            f"with length {length} it is too short for the topology: no path from a state to start in reaches a final "
            "state. Leave it out, allow skips, or use fewer states"
        )
    if labels is not None:
        if labels[0] >= 0 and not start[labels[0]]:
            return f"its first state is {names[labels[0]]}, which startprob_ or the topology forbids to start"
        if labels[-1] >= 0 and not final[labels[-1]]:
            return f"its last state is {names[labels[-1]]}, which is no final state"
        pairs = (labels[:-1] >= 0) & (labels[1:] >= 0)
        for t in np.flatnonzero(pairs):
            if not transitions[labels[t], labels[t + 1]]:
                return (
                    f"at position {t + 1} its states go from {names[labels[t]]} to {names[labels[t + 1]]}, which "
                    "transmat_ or the topology forbids. Allow the transition, or mend the labels"
                )
    return (
        "no path of states emits it: what it holds has probability 0 under the zeros of the parameters and the given "
        "states. Start from parameters without these zeros, or give priors above 1"
    )
