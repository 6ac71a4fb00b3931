"""A grammar's scores on the paths of a graph that has none."""

import numpy as np

from hybridseq.speech.graph.search_graph import NONE, SearchGraph
from hybridseq.speech.ngram import states
from hybridseq.speech.ngram.model import END, START


class _Scores:
    """A model's log-probabilities by the history's place, computed when first asked."""

    def __init__(self, model):
        self.model, self.histories = model, states(model).histories
        self.place = {history: i for i, history in enumerate(self.histories)}
        self.found = {}

    def after(self, words):
        """The place of the longest end of some words that is a history."""
        return next(self.place[words[cut:]] for cut in range(len(words) + 1) if words[cut:] in self.place)

    def step(self, history, word):
        """log p(word | history), and the place of the history after it."""
        key = history, word
        if key not in self.found:
            before = self.histories[history]
            value = self.model.logprob(word, before)
            self.found[key] = value, 0 if word == END else self.after((*before, word))
        return self.found[key]


def with_grammar(graph, model, on="words"):
    """The paths of a graph, scored by an n-gram model too, as exactly as the model does: intersection.

    For numerators that lie within their denominator: a transcript's graph with the word model of a
    ``decoding_graph``, or with the phone model of a ``denominator_graph``. What the model says is added to
    ``grammar``, also for the end; a state is copied for each history that it is reached with.

    Parameters
    ----------
    graph : SearchGraph
    model : NGramModel
        Silence (the graph's ``silences``; on phones those that are said in them) that the model does not know is
        passed over.
    on : "words" or "phones"
        Which of the arcs' marks the model is about.

    Returns
    -------
    SearchGraph
        Paths that the model forbids are left out.

    Raises
    ------
    ValueError
        Where a word or phone is none of the model's, and it has no ``unknown``.

    Notes
    -----
    O(arcs · histories that reach them).
    """
    if on not in {"words", "phones"}:
        raise ValueError(f"on must be 'words' or 'phones'; got {on!r}.")
    marks, names = (graph.words, graph.vocabulary) if on == "words" else (graph.phones, graph.phone_names)
    silent = graph.silences
    if on == "phones":
        said = np.isin(graph.words, list(graph.silences)) & (graph.phones != NONE)
        silent = set(graph.phones[said].tolist())
    known, scores = set(model.vocabulary), _Scores(model)
    heard = {m: names[m] for m in set(marks.tolist()) - {NONE} if names[m] in known or m not in silent}
    if model.unknown is None and (strange := [n for n in heard.values() if n not in known]):
        raise ValueError(f"{strange[0]!r} is not in the vocabulary of {model!r}, and it has no word for the unknown.")
    first = np.searchsorted(graph.source, np.arange(graph.num_states + 1)).tolist()
    columns = graph.target, graph.weights, graph.grammar, graph.words, graph.phones, marks
    arcs = list(zip(*(x.tolist() for x in columns)))
    number = {(graph.start, scores.after((START,))): 0}
    waiting, made = list(number), []
    while waiting:
        state, history = waiting.pop()
        here = number[state, history]
        for target, weight, given, word, phone, mark in arcs[first[state] : first[state + 1]]:
            value, after = scores.step(history, heard[mark]) if mark in heard else (0.0, history)
            total = given + value + (scores.step(after, END)[0] if target == graph.end else 0.0)
            if total == -np.inf:
                continue
            place = (target, 0 if target == graph.end else after)
            if place not in number:
                number[place] = len(number)
                waiting.append(place)
            made.append((here, number[place], weight, total, word, phone))
    end = number.setdefault((graph.end, 0), len(number))
    labels = graph.labels[[state for state, _ in number]]
    named = {"vocabulary": graph.vocabulary, "phone_names": graph.phone_names, "silences": graph.silences}
    return SearchGraph.build(labels, made, 0, end, **named)
