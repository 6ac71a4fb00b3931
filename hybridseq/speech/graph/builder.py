"""What the compilers of search graphs have in common: strings of units, and silence that may stand between them."""

import math

from hybridseq.speech.graph.search_graph import NONE, SearchGraph

SILENCE = "<sil>"


def check_probability(name, value):
    """Raise unless 0 < value < 1."""
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1; got {value!r}.")


def pronunciations(word, lexicon):
    """(phones, log-weight) of each way to say a word; without a lexicon the word is itself a unit."""
    if lexicon is None:
        return [((word,), 0.0)]
    found = [(p.phones, math.log(p.weight)) for p in lexicon.pronunciations(word) if p.weight > 0]
    if not found:
        raise ValueError(f"{word!r} has no pronunciation; add one to the lexicon.")
    return found


class Builder:
    """States and arcs of a graph under construction.

    ``silence_prob`` is the probability of silence where it may stand; None: nowhere.
    """

    def __init__(self, units, silence_prob=None):
        self.units, self.labels, self.arcs, self.vocabulary = units, [], [], {}
        self.silence = None
        if silence_prob is not None:
            check_probability("silence_prob", silence_prob)
            if units.silence is None:
                raise ValueError(
                    "optional silence needs a unit of silence, and the units have none; name it, Units(…, "
                    "silence='sil'), or ask for none: optional_silence=False."
                )
            self.silence = math.log(silence_prob), math.log1p(-silence_prob)
        self.start, self.end = self.node(), self.node()

    def node(self):
        """A new state that consumes nothing."""
        self.labels.append(NONE)
        return len(self.labels) - 1

    def word(self, name):
        """The number of a word in the vocabulary."""
        return self.vocabulary.setdefault(name, len(self.vocabulary))

    def arc(self, source, target, weight=0.0, grammar=0.0, word=NONE, phone=NONE):
        """A new arc."""
        self.arcs.append((source, target, weight, grammar, word, phone))

    def string(self, phones):
        """Units one after another: where they are entered, (state, weight, phone), and left, (state, weight)."""
        entries = exits = None
        for phone in phones:
            columns, inner, entering, leaving = self.units.piece(phone)
            first, number = len(self.labels), self.units.index[phone]
            self.labels.extend(columns)
            self.arcs.extend([(first + a, first + b, w, 0.0, NONE, NONE) for a, b, w in inner])
            here = [(first + s, w, number) for s, w in entering]
            if entries is None:
                entries = here
            else:
                self.arcs.extend([(s, e, u + w, 0.0, NONE, p) for s, u in exits for e, w, p in here])
            exits = [(first + s, w) for s, w in leaving]
        if entries is None:
            raise ValueError("a pronunciation needs at least one phone; got none.")
        return entries, exits

    def say(self, word, lexicon, target):
        """All pronunciations of a word, leading to a state: where they are entered, (state, weight, phone)."""
        found = []
        for phones, weight in pronunciations(word, lexicon):
            try:
                entries, exits = self.string(phones)
            except ValueError as error:
                raise ValueError(f"pronunciation {' '.join(phones)!r} of {word!r}: {error}") from None
            found += [(state, weight + w, phone) for state, w, phone in entries]
            for state, w in exits:
                self.arc(state, target, w)
        return found

    def pause(self):
        """A place where silence may stand: the states before and after it, one state where there is none."""
        before = self.node()
        if self.silence is None:
            return before, before
        after = self.node()
        present, absent = self.silence
        entries, exits = self.string([self.units.silence])
        for state, weight, phone in entries:
            self.arc(before, state, present + weight, 0.0, self.word(SILENCE), phone)
        for state, weight in exits:
            self.arc(state, after, weight)
        self.arc(before, after, absent)
        return before, after

    def graph(self):
        """The graph, done."""
        silences = frozenset(i for n, i in self.vocabulary.items() if n in {SILENCE, self.units.silence})
        names = {"vocabulary": tuple(self.vocabulary), "phone_names": self.units.names, "silences": silences}
        return SearchGraph.build(self.labels, self.arcs, self.start, self.end, **names)
