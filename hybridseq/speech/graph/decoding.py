"""Graphs of all that may be said: what decoding searches, and the denominators of training."""

import math

from hybridseq.speech.graph.builder import Builder
from hybridseq.speech.graph.grammar import with_grammar
from hybridseq.speech.ngram import NGramModel, estimate, states
from hybridseq.speech.ngram.model import END


def word_loop(words, lexicon, units, optional_silence=True, silence_prob=0.5):
    """Any words in any order, each as probable as the end: 1 / (V + 1) for V words.

    Parameters
    ----------
    words : sequence of str
    lexicon, units, optional_silence, silence_prob
        As of ``transcript_graph``.

    Returns
    -------
    SearchGraph
    """
    return decoding_graph(lexicon, NGramModel.word_loop(words), units, optional_silence, silence_prob)


def _arcs(grammar, lexicon, units):
    """The automaton of a model, and its arcs by the word and history that they lead to."""
    automaton = states(grammar)
    spoken = grammar.vocabulary
    # The word that stands for those outside the vocabulary is said in no way that is known.
    unsaid = grammar.unknown if grammar.unknown not in (units.names if lexicon is None else lexicon) else None
    if lexicon is not None:
        lexicon.check([[word for word in spoken if word != unsaid]])
    leading = {}
    columns = (automaton.source, automaton.target, automaton.word, automaton.logprob)
    for source, target, word, logprob in zip(*(x.tolist() for x in columns)):
        if logprob > -math.inf and spoken[word] != unsaid:
            leading.setdefault((spoken[word], target), []).append((source, logprob))
    return automaton, leading


def decoding_graph(lexicon, grammar, units, optional_silence=True, silence_prob=0.5):
    """All word sequences of a grammar, said in all ways.

    Parameters
    ----------
    lexicon : Lexicon or None
        As of ``transcript_graph``.
    grammar : NGramModel
        Every word must stand in the lexicon, or be a unit; its ``unknown`` is left out where it does not.
    units, optional_silence, silence_prob
        As of ``transcript_graph``. Silence may stand after every history and has no part in the grammar.

    Returns
    -------
    SearchGraph
        One copy of a word for each history that it leads to: O(Σ lengths of pronunciations · histories after them)
        states, and one arc for each of the grammar's. Backing off is an arc that consumes nothing.

    Raises
    ------
    OutOfLexiconError
        Which names the grammar's words that the lexicon lacks.
    ValueError
        Where a pronunciation has a phone that is no unit, or silence is asked for and the units have none.

    Notes
    -----
    As in :class:`~hybridseq.speech.ngram.NGramAutomaton`, a path may back off also where the word is listed. The best
    path is hardly ever such a one; sums over paths count these too, for which ``denominator_graph`` is right.
    """
    builder = Builder(units, silence_prob if optional_silence else None)
    automaton, leading = _arcs(grammar, lexicon, units)
    pauses = [builder.pause() for _ in range(automaton.num_states)]
    builder.arc(builder.start, pauses[automaton.start][0])
    for (_, after), logprob in zip(pauses, automaton.final.tolist()):
        if logprob > -math.inf:
            builder.arc(after, builder.end, 0.0, logprob)
    backoffs = automaton.backoff_source, automaton.backoff_target, automaton.backoff_weight
    for source, target, weight in zip(*(x.tolist() for x in backoffs)):
        if weight > -math.inf:
            builder.arc(pauses[source][1], pauses[target][1], 0.0, weight)
    for (word, target), sources in leading.items():
        places = [(pauses[source][1], logprob) for source, logprob in sources]
        _add_word(builder, word, places, builder.say(word, lexicon, pauses[target][0]))
    return builder.graph()


def _add_word(builder, word, places, entries):
    """Arcs from histories, (state, log-probability), to where a word's copy is entered."""
    number = builder.word(word)
    if len(entries) > 1 and len(places) > 1:
        # A state between them, lest arcs are histories times pronunciations.
        middle = builder.node()
        for place, logprob in places:
            builder.arc(place, middle, 0.0, logprob, number)
        for state, weight, phone in entries:
            builder.arc(middle, state, weight, phone=phone)
        return
    for place, logprob in places:
        for state, weight, phone in entries:
            builder.arc(place, state, weight, logprob, number, phone)


def denominator_graph(
    grammar, units, lexicon=None, order=3, smoothing="witten_bell", optional_silence=None, silence_prob=0.5
):
    """All that could have been said, each path once: the denominator of MMI, of words, or of phones (lattice-free).

    Unlike in ``decoding_graph`` no path backs off where the grammar lists the word, so that sums over paths are right:
    each history has an arc for every word. For the arcs kernel, which has no state that consumes nothing, that is as
    small.

    Parameters
    ----------
    grammar : NGramModel, or list of sequences of str
        Or the training set's words or phones, to estimate it from.
    units : Units
    lexicon : Lexicon, optional
        Of words. Without it the grammar is about phones :cite:p:`povey2016`, which then are the "words"; have silence
        among them where it was aligned.
    order, smoothing
        Of the estimate: see :func:`~hybridseq.speech.ngram.estimate`.
    optional_silence : bool, optional
        As of ``transcript_graph``. By default with a lexicon, where the units have silence.
    silence_prob : float
        As of ``transcript_graph``.

    Returns
    -------
    SearchGraph
        A numerator that lies within is ``with_grammar(transcript_graph(…), model)``.
    """
    model = grammar if isinstance(grammar, NGramModel) else estimate(grammar, order, smoothing)
    if optional_silence is None:
        optional_silence = lexicon is not None and units.silence is not None
    free = NGramModel({(word,): 0.0 for word in (*model.vocabulary, END)}, unknown=model.unknown)
    return with_grammar(decoding_graph(lexicon, free, units, optional_silence, silence_prob), model)
