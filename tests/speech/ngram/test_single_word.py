"""The grammar of isolated words."""

import math

import pytest

from hybridseq.speech import NGramModel, Units, decoding_graph, left_to_right
from hybridseq.text.errors import DataError


def test_every_sentence_is_one_word():
    model = NGramModel.single_word(["b", "a", "b"])
    assert model.vocabulary == ("a", "b")
    assert math.isclose(model.score("a"), -math.log(2))
    assert [model.score(text) for text in ("", "a b", "a a b")] == [-math.inf] * 3


def test_the_graph_accepts_no_other():
    graph = decoding_graph(
        None, NGramModel.single_word("ab"), Units(["a", "b"], left_to_right(1)), optional_silence=False
    )
    assert graph.num_states <= 8
    assert {graph.vocabulary[w] for w in graph.words if w >= 0} == {"a", "b"}


def test_needs_a_word():
    with pytest.raises(DataError, match="at least one word"):
        NGramModel.single_word([])
