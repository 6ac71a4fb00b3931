"""What a recipe makes of the data: how many states a word has, which units, which grammar, which network."""

import math

import numpy as np
import pytest
import torch

from hybridseq.speech import FeaturePipeline, Lexicon, NGramModel, Utterance, estimate, min_frames, transcript_graph
from hybridseq.speech.recipe import Recipe, build_network, make_grammar, make_mask, make_units, states_for


@pytest.mark.parametrize(
    ("frames", "words", "wanted"),
    [
        ([30, 30, 30], [1, 1, 1], 6),
        ([60, 60], [2, 2], 6),
        ([30, 60], [1, 2], 6),
        ([500], [1], 10),
        ([5], [1], 3),
        ([1], [5], 3),
        ([40] * 10 + [5] * 2, [1] * 12, 5),
    ],
)
def test_a_state_lasts_a_fifth_of_a_word_within_bounds(frames, words, wanted):
    assert states_for(frames, words) == wanted


@pytest.mark.parametrize("seed", range(20))
def test_nearly_all_utterances_have_frames_for_their_states(seed):
    """All but a twentieth at the most, unless even the fewest states are too many; and order does not matter."""
    rng = np.random.default_rng(seed)
    words = rng.integers(1, 6, 60)
    frames = words * rng.integers(8, 80, 60)
    count = states_for(frames, words)
    assert np.mean(frames / words < count) <= 0.05
    order = rng.permutation(60)
    assert states_for(frames[order], words[order]) == count
    assert states_for(frames * 2, words) >= count


def spoken(*texts):
    return [Utterance(f"u{i}", features=np.ones((40, 2), np.float32), words=t) for i, t in enumerate(texts)]


def test_without_a_lexicon_every_word_is_a_unit():
    utterances = spoken("b a", "c b")
    features = [torch.zeros(40, 2), None]
    units = make_units(utterances, features, None)
    assert units.names == ("a", "b", "c", "SIL") and units.silence == "SIL"
    # Of the one that could be read: 20 frames a word.
    assert [len(units.states_of(w)) for w in units.names] == [4, 4, 4, 1]
    chosen = make_units(utterances, features, None, states_per_word=6)
    assert [len(chosen.states_of(w)) for w in chosen.names] == [6, 6, 6, 1]
    assert min_frames(transcript_graph(("a", "b"), None, chosen, True, 0.5)) <= 12


def test_with_a_lexicon_every_phone_is_a_unit_of_three_states():
    lexicon = Lexicon({"one": "W AH N", "two": "T UW"})
    units = make_units(spoken("one"), [torch.zeros(40, 2)], lexicon, states_per_word=7)
    assert set(units.names) == {*lexicon.phones, lexicon.silence} and units.silence == lexicon.silence
    assert {len(units.states_of(p)) for p in units.names} == {3}


def test_grammars():
    utterances = spoken("one two", "two", "two one two")
    model = NGramModel.word_loop(["x"])
    assert make_grammar(model, utterances, None) is model
    free = make_grammar(None, utterances, None)
    assert set(free.vocabulary) == {"one", "two"}
    assert free.logprobs["one",] == pytest.approx(free.logprobs["two",])
    lexicon = Lexicon({w: "P" for w in ("one", "two", "three")})
    assert set(make_grammar(None, utterances, lexicon).vocabulary) == {"one", "two", "three"}
    texts = [u.words for u in utterances]
    assert make_grammar(2, utterances, None) == estimate(texts, order=2)
    wider = make_grammar(2, utterances, lexicon)
    assert wider == estimate(texts, order=2, vocabulary=lexicon.words) and math.isfinite(wider.logprobs["three",])


def test_networks():
    recipe = Recipe(FeaturePipeline(rate=8000), hidden_size=8, num_layers=2)
    assert build_network(recipe, 39, 5).num_labels == 5
    own = torch.nn.Linear(2, 3)
    assert build_network(Recipe(recipe.pipeline, network=own), 2, 3) is own and own.num_labels == 3
    made = build_network(Recipe(recipe.pipeline, network=torch.nn.Linear), 4, 6)
    assert (made.in_features, made.out_features, made.num_labels) == (4, 6, 6)


def test_masks_hide_the_same_columns_of_features_and_derivatives():
    torch.manual_seed(0)
    mask = make_mask(Recipe(FeaturePipeline(rate=8000)), 39)
    hidden = mask(torch.ones(50, 30, 39), torch.full((50,), 30)) == 0
    columns = hidden.all(1).unflatten(1, (3, 13))
    assert columns.any() and (columns == columns[:, :1]).all()
    # A width that derivatives do not divide is one block.
    assert make_mask(Recipe(FeaturePipeline(rate=8000)), 40).blocks == 1
