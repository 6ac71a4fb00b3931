import numpy as np
import pytest
import torch

from hybridseq.training.batches import BucketSampler, SentenceDataset, by_length
from hybridseq.training.inputs import DenseInput, TokenInput

SENTENCES = [["a", "Bb"], ["ccc"], ["a", "d", "a", "zz"]]


def lengths_of(n=101):
    return np.random.default_rng(0).integers(1, 40, n)


def test_every_sentence_once_an_epoch_and_hardly_any_padding():
    lengths = lengths_of()
    sampler = BucketSampler(lengths, 8, seed=0)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 13
    assert sorted(np.concatenate(batches)) == list(range(101))
    places = sum(len(b) * lengths[b].max() for b in batches)
    assert places < 1.15 * lengths.sum()
    assert all((np.diff(lengths[b]) <= 0).all() for b in batches)


def test_the_seed_decides_the_order_and_epochs_differ():
    def epochs(seed):
        sampler = BucketSampler(lengths_of(), 8, seed)
        return [[b.tolist() for b in sampler] for _ in range(2)]

    assert epochs(1) == epochs(1)
    assert epochs(1) != epochs(2)
    assert epochs(1)[0] != epochs(1)[1]


def test_prediction_batches_hold_all_and_not_too_much():
    lengths = lengths_of()
    batches = list(by_length(lengths, max_tokens=64))
    assert sorted(np.concatenate(batches)) == list(range(101))
    assert all(len(b) == 1 or len(b) * lengths[b].max() <= 64 for b in batches)
    assert [len(b) for b in by_length([100, 1], max_tokens=10)] == [1, 1]


def test_a_batch_holds_each_spelling_once():
    reader = TokenInput.build(SENTENCES)
    dataset = SentenceDataset(reader.encode(SENTENCES))
    batch, labels = dataset[np.array([2, 0])]
    inputs = batch.inputs
    assert len(batch) == 2 and inputs["lengths"].tolist() == [4, 2]
    assert (labels == -100).all() and labels.shape == (2, 4)
    # Padding, a, Bb, d, zz.
    assert inputs["form_words"].shape == (5,) and inputs["form_words"][0] == 0
    words = inputs["form_words"][inputs["forms"]]
    assert reader.words.decode(words[0].tolist()) == ["a", "d", "a", "zz"]
    assert reader.words.decode(words[1, :2].tolist()) == ["a", "bb"]
    assert words[1, 2:].tolist() == [0, 0]
    spelled = inputs["form_chars"][inputs["forms"]][1, 1]
    assert reader.chars.decode([c for c in spelled.tolist() if c]) == ["B", "b"]


def test_dense_batches_are_zero_at_padding():
    X = [np.ones((2, 3)), 2 * np.ones((1, 3))]
    batch, _ = SentenceDataset(DenseInput.build(X).encode(X))[np.array([0, 1])]
    assert batch.inputs["vectors"][1].tolist() == [[2, 2, 2], [0, 0, 0]]


def test_long_words_keep_both_ends():
    word = "x" * 10 + "b" * 100 + "y" * 10
    reader = TokenInput.build([[word]])
    encoded = reader.encode([[word]])
    assert encoded.form_chars.shape[1] < 40
    spelled = "".join(reader.chars.decode(encoded.form_chars[1].tolist()))
    assert spelled.startswith("x" * 10) and spelled.endswith("y" * 10)


@pytest.mark.parametrize("kind", [TokenInput, DenseInput])
def test_inputs_survive_json(kind):
    import json

    from hybridseq.training.inputs import input_from_json

    X = [[("a", "N"), ("b", "V")]] if kind is TokenInput else [np.ones((2, 3))]
    reader = kind.build(X)
    assert input_from_json(json.loads(json.dumps(reader.to_json()))) == reader
    assert torch.is_tensor(SentenceDataset(reader.encode(X))[np.array([0])][0].inputs["lengths"])
