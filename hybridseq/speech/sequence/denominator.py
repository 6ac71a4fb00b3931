"""All that could have been said, and the numerators that lie within it."""

from dataclasses import dataclass

import numpy as np

from hybridseq.speech.graph import SearchGraph, denominator_graph, with_grammar
from hybridseq.speech.graph.builder import check_probability
from hybridseq.speech.lexicon import words_of
from hybridseq.speech.ngram import NGramModel, estimate


@dataclass(frozen=True, eq=False)
class Denominator:
    """The states that compete with those of the transcript.

    Attributes
    ----------
    graph : SearchGraph
    grammar : NGramModel
        What gave the graph its scores.
    on : "words" or "phones"
        Which of a transcript's marks the grammar is about.
    """

    graph: SearchGraph
    grammar: NGramModel
    on: str = "words"

    def numerator(self, graph):
        """A transcript's graph with the grammar's scores, so that its paths are among the denominator's.

        Raises
        ------
        ValueError
            Where it says something that the grammar does not know.
        """
        return with_grammar(graph, self.grammar, self.on)


def word_denominator(grammar, units, lexicon=None, optional_silence=None, silence_prob=0.5):
    """All word sequences of a grammar: what conventional MMI and sMBR sum over :cite:p:`povey2008,vesely2013`.

    Parameters
    ----------
    grammar : NGramModel, or sequence of str
        Words: they follow each other freely, as in ``word_loop``.
    units : Units
    lexicon : Lexicon, optional
        None: words are themselves units.
    optional_silence : bool, optional
        By default where the units have silence. As in the transcripts' graphs.
    silence_prob : float
        As of ``transcript_graph``; the transcripts' too.

    Returns
    -------
    Denominator
        Of a weak grammar on purpose: with a strong one few words compete, and little is learnt.
    """
    model = grammar if isinstance(grammar, NGramModel) else NGramModel.word_loop(grammar)
    silence = units.silence is not None if optional_silence is None else optional_silence
    graph = denominator_graph(model, units, lexicon, optional_silence=silence, silence_prob=silence_prob)
    return Denominator(graph, model, "words")


def phone_denominator(grammar, units, order=2, smoothing="witten_bell"):
    """All phone sequences of an n-gram model: lattice-free MMI :cite:p:`povey2016`.

    Parameters
    ----------
    grammar : NGramModel, or list of sequences of str
        Sequences of units, silence among them, to estimate the model from: see ``phone_sequences``.
    units : Units
        In the literature with ``chain()`` as topology; any will do.
    order, smoothing
        As of :func:`~hybridseq.speech.ngram.estimate`. The less the model knows the more competes with the transcript:
        on little data a low order generalises better.

    Returns
    -------
    Denominator
    """
    model = grammar if isinstance(grammar, NGramModel) else estimate(list(grammar), order, smoothing)
    return Denominator(denominator_graph(model, units, optional_silence=False), model, "phones")


def phone_sequences(transcripts, units, lexicon, rng, silence_prob=0.5):
    """Units of transcripts, pronunciations and silences drawn at random: what a phone model is estimated from.

    Parameters
    ----------
    transcripts : list of str or sequences of str
    units : Units
    lexicon : Lexicon or None
    rng : numpy Generator
    silence_prob : float
        Of silence at the ends and between words, where the units have it.

    Returns
    -------
    list of tuples of str
    """
    check_probability("silence_prob", silence_prob)

    def pause():
        return [units.silence] if units.silence is not None and rng.random() < silence_prob else []

    def said(word):
        if lexicon is None:
            return [word]
        variants = lexicon.pronunciations(word)
        weights = np.array([v.weight for v in variants])
        return list(variants[rng.choice(len(variants), p=weights / weights.sum())].phones)

    found = []
    for transcript in transcripts:
        phones = pause()
        for word in words_of(transcript):
            phones += said(word) + pause()
        if phones:
            found.append(tuple(phones))
    return found
