"""Small inventories and utterances whose best alignment is known or can be found otherwise."""

import numpy as np

from hybridseq.speech.graph import Units, left_to_right, transcript_graph
from hybridseq.speech.lexicon import Lexicon

LEXICON = Lexicon({"ab": [["a", "b"]], "ba": [["b", "a"], (["b", "c", "a"], 0.3)], "c": [["c"]]}, silence="sil")
SENTENCES = ["ab", "ba", "c", "ab c", "ba ab", "c c", ""]


def phones(skip=False):
    return Units(list("abc"), left_to_right(3, skip), silence="sil", silence_topology=left_to_right(2))


def spoken(count, seed=0, least=14, most=30, units=None):
    """(sentences, graphs, lengths) of ``count`` utterances; equal sentences share a graph object."""
    units = phones() if units is None else units
    random = np.random.default_rng(seed)
    graphs = {s: transcript_graph(s, LEXICON, units) for s in SENTENCES}
    sentences = random.choice(SENTENCES, count).tolist()
    return sentences, [graphs[s] for s in sentences], random.integers(least, most, count).tolist()


def planted(count, seed=0, silence=False, words=("one", "two", "three"), states=4, width=6, spread=0.3, mixture=1):
    """Features sampled from a word HMM.

    Returns units, graphs, features, and for each utterance the column of each frame.
    """
    random = np.random.default_rng(seed)
    more = {"silence": "sil", "silence_topology": left_to_right(3)} if silence else {}
    units = Units(words, left_to_right(states), **more)
    means = random.normal(size=(units.num_labels, mixture, width))
    means[:, :, 0] += 4
    if silence:
        means[list(units.silence_labels)] = np.concatenate([[-4.0], np.zeros(width - 1)])
    graphs = {w: transcript_graph([w], None, units, optional_silence=silence) for w in words}
    features, truth, chosen = [], [], []
    for _ in range(count):
        word = random.choice(words)
        columns = np.repeat(units.states_of(word), random.integers(2, 7, states))
        if silence:
            edges = [np.repeat(units.states_of("sil"), random.integers(1, 6, 3)) for _ in range(2)]
            columns = np.concatenate([edges[0], columns, edges[1]])
        part = random.integers(0, mixture, len(columns))
        noise = random.normal(scale=spread, size=(len(columns), width))
        features.append((means[columns, part] + noise).astype(np.float32))
        truth.append(columns)
        chosen.append(graphs[word])
    return units, chosen, features, truth
