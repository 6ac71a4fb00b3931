"""Pictures of search graphs, as text for Graphviz."""

import math

from hybridseq.speech.graph.search_graph import NONE


def _quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def to_dot(graph, label_names=None):
    """A search graph in the DOT language, to be drawn by Graphviz (``dot -Tsvg``).

    Parameters
    ----------
    graph : SearchGraph
    label_names : sequence of str, optional
        Names of the columns (``units.label_names``); by default their numbers.

    Returns
    -------
    str
        States that consume a frame are circles with their column's name, others points. Arcs show word, phone and
        probability.
    """
    lines = ["digraph {", "  rankdir=LR;"]
    for state, label in enumerate(graph.labels.tolist()):
        if label != NONE:
            name = str(label) if label_names is None else label_names[label]
            lines.append(f"  {state} [shape=circle, label={_quoted(name)}];")
        elif state in (graph.start, graph.end):
            name = "start" if state == graph.start else "end"
            lines.append(f"  {state} [shape=box, label={_quoted(name)}];")
        else:
            lines.append(f"  {state} [shape=point];")
    columns = graph.source, graph.target, graph.total_weights(), graph.words, graph.phones
    for source, target, weight, word, phone in zip(*(x.tolist() for x in columns)):
        said = [graph.vocabulary[word]] * (word != NONE) + [graph.phone_names[phone]] * (phone != NONE)
        shown = " ".join([*said, f"{math.exp(weight):.3g}"])
        lines.append(f"  {source} -> {target} [label={_quoted(shown)}];")
    return "\n".join([*lines, "}"]) + "\n"
