"""The graphs of connectionist temporal classification."""

from hybridseq.speech.graph.search_graph import NONE, SearchGraph


def ctc_graph(symbols, blank=0, names=None):
    """All frame labellings that CTC collapses to a sequence of symbols :cite:p:`graves2006`.

    A symbol lasts one frame or more, blanks may stand around symbols, and one must stand between equal neighbours. All
    weights are 0: the emissions are a network's log-probabilities.

    Parameters
    ----------
    symbols : sequence of int
        Columns of the emissions; not the blank.
    blank : int
        The blank's column.
    names : sequence of str, optional
        What the columns are called; by default their numbers. They are the vocabulary and the phones.

    Returns
    -------
    SearchGraph
        2 L + 1 states that consume a frame, blank and symbol in turn.
    """
    symbols = [int(s) for s in symbols]
    if blank < 0 or any(s < 0 or s == blank for s in symbols):
        raise ValueError(f"symbols and blank must be different columns from 0 on; got {symbols} beside {blank}.")
    names = tuple(map(str, range(1 + max([blank, *symbols])))) if names is None else tuple(names)
    labels = [blank]
    for s in symbols:
        labels += [s, blank]
    start, end = len(labels), len(labels) + 1
    arcs = []

    def arc(a, b):
        said = labels[b] if b < start and b % 2 and a != b else NONE
        arcs.append((a, b, 0.0, 0.0, said, said))

    for s, label in enumerate(labels):
        arc(s, s)
        if s + 1 < start:
            arc(s, s + 1)
        if label != blank and s + 2 < start and labels[s + 2] != label:
            arc(s, s + 2)
    for s in range(min(2, start)):
        arc(start, s)
    for s in range(max(0, start - 2), start):
        arc(s, end)
    if not symbols:
        arc(start, end)
    return SearchGraph.build([*labels, NONE, NONE], arcs, start, end, vocabulary=names, phone_names=names)


def ctc_decoding_graph(num_symbols, blank=0, names=None):
    """All label sequences of CTC: any symbols in any order, weight 0.

    Parameters
    ----------
    num_symbols : int
        Columns of the emissions, the blank among them.
    blank, names
        As of ``ctc_graph``.
    """
    names = tuple(map(str, range(num_symbols))) if names is None else tuple(names)
    start, between, end = num_symbols, num_symbols + 1, num_symbols + 2
    symbols = [s for s in range(num_symbols) if s != blank]
    arcs = [(start, blank, 0.0, 0.0, NONE, NONE), (blank, blank, 0.0, 0.0, NONE, NONE)]
    arcs += [(blank, between, 0.0, 0.0, NONE, NONE), (blank, end, 0.0, 0.0, NONE, NONE)]
    for s in symbols:
        arcs += [(place, s, 0.0, 0.0, s, s) for place in (start, between)]
        arcs += [(s, other, 0.0, 0.0, other, other) for other in symbols if other != s]
        arcs += [(s, place, 0.0, 0.0, NONE, NONE) for place in (s, blank, end)]
    labels = [*range(num_symbols), NONE, NONE, NONE]
    return SearchGraph.build(labels, arcs, start, end, vocabulary=names, phone_names=names)
