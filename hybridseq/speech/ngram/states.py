"""A model as an automaton of histories, for the compilation of graphs."""

import math
from dataclasses import dataclass, field

import numpy as np

from hybridseq.speech.ngram.model import END, START, NGram, NGramModel


@dataclass(frozen=True, eq=False)
class NGramAutomaton:
    """Histories as states, listed n-grams as arcs, and an arc that reads nothing from each history to a shorter one.

    A sentence's log-probability is the sum along its path that backs off only where the word has no arc of its own
    :cite:p:`allauzen2003`. A search that may also back off where there is one finds at least that value.

    Attributes
    ----------
    num_states : int
    start : int
        The state before the first word.
    source, target : (A,) int64 arrays
        The ends of the arcs, sorted by source and word.
    word : (A,) int64 array
        What each arc reads: an index into the model's vocabulary.
    logprob : (A,) float64 array
        In nats. ``-inf`` where the model lists a word as impossible.
    backoff_source, backoff_target : (num_states − 1,) int64 arrays
        Every state but that of the empty history has one such arc.
    backoff_weight : (num_states − 1,) float64 array
        In nats; may be above 0.
    final : (num_states,) float64 array
        log p(``</s>`` | history) where it is listed, else ``-inf``: it is then to be found by backing off.
    histories : tuple of tuple of str
        The history of each state; the empty one is state 0.
    """

    num_states: int
    start: int
    source: np.ndarray = field(repr=False)
    target: np.ndarray = field(repr=False)
    word: np.ndarray = field(repr=False)
    logprob: np.ndarray = field(repr=False)
    backoff_source: np.ndarray = field(repr=False)
    backoff_target: np.ndarray = field(repr=False)
    backoff_weight: np.ndarray = field(repr=False)
    final: np.ndarray = field(repr=False)
    histories: tuple[NGram, ...] = field(repr=False)


def states(model: NGramModel) -> NGramAutomaton:
    """Lay a model out as an automaton.

    Parameters
    ----------
    model : NGramModel

    Returns
    -------
    NGramAutomaton
        Only histories that some n-gram extends, or that have a backoff weight other than 0, are states.

    Notes
    -----
    O(order · n-grams).
    """
    kept = {ngram[:-1] for ngram in model.logprobs}
    kept |= {history for history, weight in model.backoffs.items() if weight != 0 and history[-1] != END}
    histories = tuple(sorted(kept, key=lambda history: (len(history), history)))
    number = {history: i for i, history in enumerate(histories)}
    index = {word: i for i, word in enumerate(model.vocabulary)}

    def state(words: NGram) -> int:
        """The state of the longest end of some words that is a history."""
        return next(number[words[cut:]] for cut in range(len(words) + 1) if words[cut:] in number)

    final = np.full(len(histories), -math.inf)
    arcs = []
    for ngram, value in model.logprobs.items():
        source = number[ngram[:-1]]
        if ngram[-1] == END:
            final[source] = value
        elif ngram[-1] != START:
            arcs.append((source, index[ngram[-1]], state(ngram[1:] if len(ngram) == model.order else ngram), value))
    arcs.sort()
    source, word, target, logprob = zip(*arcs, strict=True) if arcs else ((), (), (), ())
    return NGramAutomaton(
        len(histories),
        state((START,)),
        np.array(source, dtype=np.int64),
        np.array(target, dtype=np.int64),
        np.array(word, dtype=np.int64),
        np.array(logprob, dtype=np.float64),
        np.arange(1, len(histories)),
        np.array([state(history[1:]) for history in histories[1:]], dtype=np.int64),
        np.array([model.backoffs.get(history, 0.0) for history in histories[1:]], dtype=np.float64),
        final,
        histories,
    )
