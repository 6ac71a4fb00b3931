"""A grammar on a graph's paths: numerators that lie within their denominator."""

import math

import pytest
import torch

from hybridseq.objectives import mmi
from hybridseq.speech.graph import (
    Units,
    chain,
    decoding_graph,
    denominator_graph,
    left_to_right,
    pack,
    transcript_graph,
    with_grammar,
    word_loop,
)
from hybridseq.speech.graph.search_graph import NONE
from hybridseq.speech.ngram import estimate
from tests.speech.graph.enumerated import LEXICON, paths, said

FRAME = Units(LEXICON.phones, left_to_right(1), silence="sil")
WORDS = estimate(["a b", "b a c", "a b b", "c"], 2)
PHONES = estimate(["sil x y sil", "x y x", "sil y", "x"], 3, "witten_bell")


def test_every_path_scores_as_the_model():
    plain, loop = word_loop(["a", "b", "c"], LEXICON, FRAME), decoding_graph(LEXICON, WORDS, FRAME)
    plain.grammar[:] = 0
    graph, best = with_grammar(plain, WORDS), {}
    for path in paths(graph, 3):
        assert graph.grammar[path.arcs].sum() == pytest.approx(WORDS.score(said(graph, path)))
    for found in (graph, loop):
        for path in paths(found, 3):
            key = said(found, path), tuple(found.labels[path.states])
            best.setdefault(key, {}).setdefault(id(found), []).append(path.weight)
    assert len(best) > 10
    for values in best.values():
        assert max(values[id(graph)]) == pytest.approx(max(values[id(loop)]))
    weights = sorted(math.exp(p.weight - plain.grammar[0]) for p in paths(plain, 3))
    assert len(weights) == len(paths(graph, 3))


def test_phones_and_their_silence():
    plain = transcript_graph("b a", LEXICON, FRAME)
    graph = with_grammar(plain, PHONES, on="phones")
    assert len(paths(graph, 4)) == len(paths(plain, 4))
    for path in paths(graph, 4):
        spelled = [graph.phone_names[p] for p in graph.phones[path.arcs] if p != NONE]
        assert graph.grammar[path.arcs].sum() == pytest.approx(PHONES.score(spelled))


def test_silence_outside_the_model_is_passed_over():
    model = estimate(["x y", "y x x"], 2)
    graph = with_grammar(transcript_graph("b a", LEXICON, FRAME), model, on="phones")
    for path in paths(graph, 4):
        spelled = [graph.phone_names[p] for p in graph.phones[path.arcs] if p != NONE]
        assert graph.grammar[path.arcs].sum() == pytest.approx(model.score([p for p in spelled if p != "sil"]))


@pytest.mark.parametrize("on", ["words", "phones"])
def test_mmi_is_not_negative(on):
    units = Units(LEXICON.phones, chain(), silence="sil")
    if on == "words":
        model, denominator = WORDS, denominator_graph(WORDS, units, LEXICON)
    else:
        model, denominator = PHONES, denominator_graph(PHONES, units)
    silence = on == "words"
    texts = ["a b", "b", "c a"]
    graphs = [with_grammar(transcript_graph(t, LEXICON, units, silence), model, on) for t in texts]
    emissions = torch.randn(3, 12, units.num_labels, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    value = mmi(pack(graphs).beside(emissions), pack(denominator).beside(emissions))
    assert (value > 0).all()
    if on == "words":
        # The words' posteriors of an utterance too short for more than two words sum to 1.
        texts = [(), *((a,) for a in "abc"), *((a, b) for a in "abc" for b in "abc")]
        graphs = [with_grammar(transcript_graph(t, LEXICON, units), model) for t in texts]
        emissions = emissions[:1, :2].expand(len(texts), -1, -1)
        posterior = (-mmi(pack(graphs).beside(emissions), pack(denominator).beside(emissions))).exp()
        assert float(posterior.sum()) == pytest.approx(1)


def test_errors():
    graph = transcript_graph("a c", LEXICON, FRAME)
    with pytest.raises(ValueError, match="'c' is not in the vocabulary"):
        with_grammar(graph, estimate(["a"], 1))
    with pytest.raises(ValueError, match="'words' or 'phones'; got 'letters'"):
        with_grammar(graph, WORDS, on="letters")
