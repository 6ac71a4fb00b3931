"""A training that is taken up again ends where an uninterrupted one does; what does not belong together is told."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hybridseq.datasets import make_spoken_digits
from hybridseq.speech import FeaturePipeline, Utterance
from hybridseq.speech.acoustic.checkpoint import Checkpoint, CheckpointError, data_digest, describe
from hybridseq.speech.acoustic.loop import Schedule
from hybridseq.speech.acoustic.views import Augmentation
from hybridseq.speech.recipe import Recipe, fit_recognizer


@pytest.fixture(scope="module")
def utterances():
    recordings, words, speakers = make_spoken_digits(20, speakers=2)
    return [
        Utterance(f"u{i}", s, samples=x, rate=8000, words=w)
        for i, (x, w, s) in enumerate(zip(recordings, words, speakers))
    ]


@pytest.fixture(scope="module")
def recipe():
    return Recipe(
        pipeline=FeaturePipeline(rate=8000, cmvn="speaker"),
        hidden_size=16,
        states_per_word=3,
        start_rounds=3,
        schedule=Schedule(epochs=4, batch_frames=400),
        augmentation=Augmentation(views=1),
        realign=(0.5,),
    )


def stop_at(epoch):
    def told(progress):
        if progress.epoch == epoch:
            raise KeyboardInterrupt

    return told


def assert_same(a, b):
    """Two recognisers and their reports."""
    for name, weights in a[0].acoustic.state_dict().items():
        assert torch.equal(weights, b[0].acoustic.state_dict()[name]), name
    assert [(h.loss, h.notes) for h in a[1].history] == [(h.loss, h.notes) for h in b[1].history]
    for x, y in zip(a[1].states, b[1].states):
        assert np.array_equal(x, y)


@pytest.fixture(scope="module")
def whole(utterances, recipe):
    return fit_recognizer(utterances, recipe)


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_resumed_training_equals_uninterrupted_training(utterances, recipe, whole, tmp_path, epoch):
    """Pass 2 realigns: where it was not kept, neither may its alignment be."""
    about = describe(recipe, utterances)
    with pytest.raises(KeyboardInterrupt):
        fit_recognizer(utterances, recipe, told=stop_at(epoch), checkpoint=Checkpoint(tmp_path, about))
    again = Checkpoint(tmp_path, about)
    assert again.passes == epoch - 1
    torch.manual_seed(77)
    assert_same(whole, fit_recognizer(utterances, recipe, checkpoint=again))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_finished_training_is_not_repeated(utterances, recipe, whole, tmp_path):
    fit_recognizer(utterances, recipe, checkpoint=Checkpoint(tmp_path))
    shown = []
    assert_same(whole, fit_recognizer(utterances, recipe, told=shown.append, checkpoint=Checkpoint(tmp_path)))
    assert not shown


def test_the_passes_so_far_taken_for_all(utterances, recipe, whole):
    memory = Checkpoint()
    with pytest.raises(KeyboardInterrupt):
        fit_recognizer(utterances, recipe, told=stop_at(4), checkpoint=memory)
    recognizer, report = fit_recognizer(utterances, recipe, checkpoint=memory.as_finished())
    assert [h.loss for h in report.history] == [h.loss for h in whole[1].history[:3]]
    assert not torch.equal(*(r.acoustic.network.output.weight for r in (recognizer, whole[0])))


def test_what_differs_is_named(utterances, recipe, tmp_path):
    fit_recognizer(
        utterances,
        replace(recipe, schedule=Schedule(epochs=1)),
        checkpoint=Checkpoint(tmp_path, describe(recipe, utterances)),
    )
    with pytest.raises(CheckpointError, match=r"other hidden_size \(16, now 17\)"):
        Checkpoint(tmp_path, describe(replace(recipe, hidden_size=17), utterances))
    with pytest.raises(CheckpointError, match="other schedule;"):
        Checkpoint(tmp_path, describe(replace(recipe, schedule=Schedule(epochs=9)), utterances))
    with pytest.raises(CheckpointError, match="other data;"):
        Checkpoint(tmp_path, describe(recipe, utterances[1:]))
    with pytest.raises(CheckpointError, match="another network"):
        fit_recognizer(
            utterances, replace(recipe, hidden_size=17), checkpoint=Checkpoint(tmp_path, describe(recipe, utterances))
        )


def test_the_digest_sees_every_part_of_the_data(utterances):
    first, *rest = utterances
    quieter = replace(first, samples=first.samples * np.float32(0.5))
    others = [quieter, replace(first, words="no"), replace(first, speaker="x"), replace(first, id="x")]
    digests = {data_digest([u, *rest]) for u in (first, *others)}
    assert len(digests) == 5
    assert data_digest(utterances) == data_digest(list(utterances))


def test_a_file_that_is_not_whole_is_told(utterances, recipe, tmp_path):
    fit_recognizer(utterances, replace(recipe, schedule=Schedule(epochs=1)), checkpoint=Checkpoint(tmp_path))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="not whole"):
        Checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="is a file"):
        Checkpoint(file)


def test_networks_given_as_modules_are_told_by_their_weights(recipe, utterances):
    one, other = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
    assert describe(replace(recipe, network=one), utterances) == describe(replace(recipe, network=one), utterances)
    assert describe(replace(recipe, network=one), utterances) != describe(replace(recipe, network=other), utterances)
