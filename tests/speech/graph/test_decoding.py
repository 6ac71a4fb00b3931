"""Decoding graphs score a word sequence as the grammar and the graph of its transcript do."""

import numpy as np
import pytest
import torch

from hybridseq.speech.graph import (
    Units,
    chain,
    decoding_graph,
    denominator_graph,
    left_to_right,
    path_graph,
    to_arcs,
    transcript_graph,
    word_loop,
)
from hybridseq.speech.graph.search_graph import NONE
from hybridseq.speech.lexicon import Lexicon, OutOfLexiconError
from hybridseq.speech.ngram import NGramModel, estimate, states
from tests.speech.graph.enumerated import LEXICON, paths, said

FRAME = Units(LEXICON.phones, left_to_right(1), silence="sil")
TEXTS = ["a b", "b a c", "a b b", "c"]
GRAMMARS = {f"{n}-gram": estimate(TEXTS, n) for n in (1, 2, 3)} | {"loop": NGramModel.word_loop(["a", "b", "c"])}
every_grammar = pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS)
FRAMES = 3


def best(graph, **options):
    """The best weight of each word sequence."""
    found = {}
    for path in paths(graph, FRAMES, **options):
        words = said(graph, path)
        found[words] = max(found.get(words, -np.inf), path.weight)
    return found


@every_grammar
@pytest.mark.parametrize("silence", [False, True])
def test_words_score_as_grammar_and_transcript(grammar, silence):
    graph = decoding_graph(LEXICON, grammar, FRAME, optional_silence=silence)
    found = best(graph, grammar_scale=0.7)
    for words, weight in found.items():
        alone = best(transcript_graph(words, LEXICON, FRAME, optional_silence=silence))[words]
        assert weight == pytest.approx(alone + 0.7 * grammar.score(words))
    assert {(), ("a",)} <= found.keys() if silence else ("a", "b") in found


@every_grammar
def test_a_word_loop_needs_no_search(grammar):
    """Every sequence of words that has the time is there, and none else."""
    found = best(decoding_graph(LEXICON, grammar, FRAME, optional_silence=False))
    shortest = {"a": 1, "b": 1, "c": 2}
    expected = {
        w for n in range(1, FRAMES + 1) for w in np.ndindex(*[3] * n) if sum(shortest["abc"[i]] for i in w) <= FRAMES
    }
    assert found.keys() == {tuple("abc"[i] for i in w) for w in expected}


def test_a_word_loop_is_a_distribution():
    lexicon = Lexicon({"a": "x", "b": "x y"}, silence="sil")
    units = Units(lexicon.phones, chain(), silence="sil")
    graph = word_loop(["a", "b"], lexicon, units)
    lengths = torch.arange(1, 401)
    found = path_graph(torch.zeros(400, 400, units.num_labels).double(), graph, lengths).log_partition().exp().sum()
    # Neither silence nor a word: no frame.
    assert float(found) == pytest.approx(1 - 0.5 / 3)


@every_grammar
def test_size(grammar):
    graph = decoding_graph(LEXICON, grammar, FRAME)
    automaton = states(grammar)
    reached = {(w, t) for w, t in zip(automaton.word.tolist(), automaton.target.tolist())}
    phones = {w: sum(len(p.phones) for p in LEXICON.pronunciations(w)) for w in LEXICON.words}
    copies = sum(phones[grammar.vocabulary[w]] for w, _ in reached)
    assert (graph.labels != NONE).sum() == copies + automaton.num_states
    assert (graph.words != NONE).sum() <= len(automaton.word) * 2 + automaton.num_states
    assert graph.num_states <= copies + 3 * automaton.num_states + len(reached) + 2
    assert np.isin(
        graph.grammar[graph.grammar != 0], [*automaton.logprob, *automaton.backoff_weight, *automaton.final]
    ).all()


def test_silence_is_no_word():
    graph = word_loop(["a"], LEXICON, FRAME)
    assert {graph.vocabulary[s] for s in graph.silences} == {"<sil>"}
    penalised = graph.total_weights(word_penalty=-3.0) - graph.total_weights()
    assert set(graph.words[penalised != 0].tolist()) == {graph.vocabulary.index("a")}


def test_the_unknown_word_is_left_out():
    grammar = estimate(TEXTS, 2, unknown="<unk>")
    assert "<unk>" not in decoding_graph(LEXICON, grammar, FRAME).vocabulary
    spoken = Lexicon({"a": "x", "b": "y", "c": "y", "<unk>": "x y"}, silence="sil")
    assert "<unk>" in decoding_graph(spoken, grammar, FRAME).vocabulary


def test_denominators_are_phone_grammars():
    phones = [["sil", "x", "y", "sil"], ["x", "y", "x"], ["sil", "y"]]
    units = Units(["x", "y"], chain(), silence="sil")
    graph = denominator_graph(phones, units, order=2)
    model = estimate(phones, 2, "witten_bell")
    assert set(graph.vocabulary) == {"x", "y", "sil"}
    assert {graph.vocabulary[s] for s in graph.silences} == {"sil"}
    for path in paths(graph, 3):
        spelled = [graph.vocabulary[w] for w in graph.words[path.arcs] if w != NONE]
        assert [graph.phone_names[p] for p in graph.phones[path.arcs] if p != NONE] == spelled
        assert graph.grammar[path.arcs].sum() == pytest.approx(model.score(spelled))
    assert denominator_graph(model, units).num_arcs == graph.num_arcs
    assert to_arcs(graph).graph.num_states == (graph.labels != NONE).sum()


@every_grammar
def test_a_denominator_has_each_path_once(grammar):
    graph = denominator_graph(grammar, FRAME, LEXICON)
    found = [(said(graph, p), *graph.labels[p.states], *graph.phones[p.arcs]) for p in paths(graph, 2)]
    assert len(found) == len(set(found))
    loop = best(decoding_graph(LEXICON, grammar, FRAME))
    assert best(graph) == pytest.approx(loop)


def test_words_outside_the_lexicon_are_named():
    with pytest.raises(OutOfLexiconError, match="'d'"):
        decoding_graph(LEXICON, estimate(["a d", "e"], 1), FRAME)
