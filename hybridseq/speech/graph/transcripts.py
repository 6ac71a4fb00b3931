"""Graphs of what was said: the numerators of training, and what forced alignment searches."""

from hybridseq.speech.graph.builder import Builder


def transcript_graph(words, lexicon, units, optional_silence=True, silence_prob=0.5):
    """All ways to say a sequence of words.

    Parameters
    ----------
    words : str or sequence of str
        A string is split at white space.
    lexicon : Lexicon or None
        Its weights of variants are taken as they are. None: words are themselves units.
    units : Units
    optional_silence : bool
        Whether silence may stand at the beginning, between words and at the end; needs a unit of silence.
    silence_prob : float
        Probability of silence at each such place.

    Returns
    -------
    SearchGraph
        Its vocabulary are the words, and "<sil>" for silence. Without words it accepts silence, or nothing.
    """
    builder = Builder(units, silence_prob if optional_silence else None)
    before, after = builder.pause()
    builder.arc(builder.start, before)
    for word in words.split() if isinstance(words, str) else words:
        place, (before, following) = after, builder.pause()
        number = builder.word(word)
        for state, weight, phone in builder.say(word, lexicon, before):
            builder.arc(place, state, weight, 0.0, number, phone)
        after = following
    builder.arc(after, builder.end)
    return builder.graph()


def phone_graph(phones, units, optional_silence=False, silence_prob=0.5):
    """One sequence of phones; ``optional_silence`` lets silence stand before and after it. Without words.

    Parameters
    ----------
    phones : sequence of str
    units : Units
    optional_silence, silence_prob
        As of ``transcript_graph``.
    """
    builder = Builder(units, silence_prob if optional_silence else None)
    (before, place), (target, after) = builder.pause(), builder.pause()
    builder.arc(builder.start, before)
    entries, exits = builder.string(phones)
    for state, weight, phone in entries:
        builder.arc(place, state, weight, 0.0, phone=phone)
    for state, weight in exits:
        builder.arc(state, target, weight)
    builder.arc(after, builder.end)
    return builder.graph()
