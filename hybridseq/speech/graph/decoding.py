"""Graphs that decoding searches: lexicon and grammar in one."""

from dataclasses import dataclass

import numpy as np

from hybridseq.speech.graph.builder import Builder


@dataclass(frozen=True)
class _Loop:
    """Words that follow each other freely, as an automaton of histories."""

    words: tuple
    weights: tuple
    final: tuple
    num_states: int = 1
    start: int = 0
    backoff_source: tuple = ()
    backoff_target: tuple = ()
    backoff_weight: tuple = ()

    @property
    def arcs(self):
        return [(0, 0, word, weight) for word, weight in zip(self.words, self.weights)]


def word_loop(words, lexicon, units, optional_silence=True, silence_prob=0.5):
    """Any words in any order, each as probable as the end: 1 / (V + 1) in ``grammar``.

    Parameters
    ----------
    words : sequence of str
        V different words.
    lexicon, units, optional_silence, silence_prob
        As of ``transcript_graph``.
    """
    words = tuple(dict.fromkeys(words))
    if not words:
        raise ValueError("a word loop needs at least one word; got none.")
    weight = -float(np.log(len(words) + 1))
    return decoding_graph(
        lexicon, _Loop(words, (weight,) * len(words), (weight,)), units, optional_silence, silence_prob
    )


def _arcs(grammar):
    if hasattr(grammar, "arcs"):
        return grammar.arcs
    names = getattr(grammar, "words", None) or getattr(grammar, "vocabulary", None)
    spoken = [w if isinstance(w, str) else names[int(w)] for w in grammar.word]
    return list(zip(np.asarray(grammar.source).tolist(), np.asarray(grammar.target).tolist(), spoken, grammar.logprob))


def decoding_graph(lexicon, grammar, units, optional_silence=True, silence_prob=0.5):
    """All word sequences of a grammar, said in all ways.

    Parameters
    ----------
    lexicon : Lexicon or None
        As of ``transcript_graph``.
    grammar : NGramAutomaton
        States are histories; arcs (source, target, word, logprob), backoff arcs (source, target, weight), ``final``
        log-probabilities of the end, −inf where it may not be. Natural logarithms.
    units, optional_silence, silence_prob
        As of ``transcript_graph``; silence is no word of the grammar and may stand in every history.

    Returns
    -------
    SearchGraph
        One copy of a word for each history that it leads to: O(Σ lengths of pronunciations · histories after them)
        states, and one arc more for each of the grammar's. Backoff arcs consume nothing.
    """
    builder = Builder(units, silence_prob if optional_silence else None)
    pauses = [builder.pause() for _ in range(grammar.num_states)]
    builder.arc(builder.start, pauses[grammar.start][0])
    for history, weight in enumerate(np.asarray(grammar.final, np.float64).tolist()):
        if weight > -np.inf:
            builder.arc(pauses[history][1], builder.end, 0.0, weight)
    backoffs = grammar.backoff_source, grammar.backoff_target, grammar.backoff_weight
    for source, target, weight in zip(*(np.asarray(x).tolist() for x in backoffs)):
        builder.arc(pauses[source][1], pauses[target][1], 0.0, weight)
    leading = {}
    for source, target, word, weight in _arcs(grammar):
        leading.setdefault((word, target), []).append((pauses[source][1], float(weight)))
    for (word, target), sources in leading.items():
        number, entries = builder.word(word), builder.say(word, lexicon, pauses[target][0])
        if len(entries) == 1 or len(sources) == 1:
            for place, grammar_weight in sources:
                for state, weight, phone in entries:
                    builder.arc(place, state, weight, grammar_weight, number, phone)
            continue
        # A state between them, so that arcs are not sources times pronunciations.
        middle = builder.node()
        for place, grammar_weight in sources:
            builder.arc(place, middle, 0.0, grammar_weight, number)
        for state, weight, phone in entries:
            builder.arc(middle, state, weight, phone=phone)
    return builder.graph()
