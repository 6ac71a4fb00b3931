"""The face of the speech recogniser: scikit-learn's contract, and a fitted model that survives the disk."""

import math
import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

import hybridseq as hs
from hybridseq.speech.acoustic.checkpoint import Checkpoint, CheckpointError
from hybridseq.speech.acoustic.networks import make_network
from hybridseq.speech.acoustic.views import Augmentation

QUICK = {
    "rate": 8000,
    "epochs": 8,
    "hidden_size": 32,
    "num_layers": 2,
    "dropout": 0.0,
    "gaussians": 1,
    "learning_rate": 0.02,
    "batch_frames": 300,
    "augment": False,
    "realign": (),
    "states_per_word": 5,
    "word_penalty": -4.0,
    "random_state": 0,
    "verbose": 0,
}


def quick(**changed):
    return hs.SpeechRecognizer(**{**QUICK, **changed})


@pytest.fixture(scope="module", autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


@pytest.fixture(scope="module")
def digits():
    return hs.datasets.make_spoken_digits(40, speakers=2, random_state=0)


@pytest.fixture(scope="module")
def fitted(digits):
    return quick().fit(*digits)


@pytest.fixture(scope="module")
def strings(digits):
    """Two words a recording."""
    X, y, speakers = digits
    pairs = [(i, j) for i, j in zip(range(0, 38), range(1, 39)) if speakers[i] == speakers[j]]
    return (
        [np.concatenate([X[i], X[j]]) for i, j in pairs],
        [f"{y[i]} {y[j]}" for i, j in pairs],
        [speakers[i] for i, _ in pairs],
    )


def same(a, b):
    one, other = a.recognizer_.acoustic.state_dict(), b.recognizer_.acoustic.state_dict()
    return one.keys() == other.keys() and all(torch.equal(v, other[k]) for k, v in one.items())


def test_the_constructor_only_stores():
    model = hs.SpeechRecognizer(encoder=7, epochs="many", lexicon=3)
    assert model.get_params()["epochs"] == "many"
    copy = clone(quick(realign=(0.5,)))
    assert copy.get_params() == quick(realign=(0.5,)).get_params()
    assert not hasattr(copy, "recognizer_")


def test_it_learns_its_training_words(fitted, digits):
    X, y, speakers = digits
    predicted = fitted.predict(X, speakers)
    assert all(isinstance(text, str) for text in predicted)
    assert fitted.score(X, y, speakers) == pytest.approx(np.mean(np.array(predicted) == y), abs=0.1)
    assert fitted.score(X, y, speakers) > 0.9
    assert fitted.vocabulary_ == sorted(set(y)) and not fitted.left_out_ and not fitted.interrupted_
    assert [row["epoch"] for row in fitted.history_] == list(range(1, 9))


def test_errors_by_speaker_and_real_time(fitted, digits):
    errors = fitted.evaluate(*digits)
    assert set(errors.by_speaker) == {"voice0", "voice1"} and errors.words == 40
    assert 0 < fitted.real_time_factor_ < 1


def test_the_same_seed_gives_the_same_model_whatever_torch_drew_before(fitted, digits):
    torch.manual_seed(123)
    before = torch.get_rng_state()
    assert same(quick().fit(*digits), fitted)
    assert torch.equal(torch.get_rng_state(), before)
    assert not same(quick(random_state=1).fit(*digits), fitted)


def test_utterances_bring_words_and_speakers(fitted, digits):
    utterances = [
        hs.speech.Utterance(f"u{i}", s, samples=x, rate=8000, words=w) for i, (x, w, s) in enumerate(zip(*digits))
    ]
    model = quick(rate=None).fit(utterances)
    assert same(model, fitted)
    assert model.score(utterances) == fitted.score(*digits)
    (found,) = model.align(utterances[:1])
    assert found.id == "u0" and [w.label for w in found.words] == [digits[1][0]]


def test_a_loaded_model_predicts_the_same(fitted, digits, tmp_path):
    X, y, speakers = digits
    fitted.save(tmp_path / "model")
    loaded = hs.load(tmp_path / "model")
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["model.json", "model.safetensors"]
    for a, b in zip(fitted.decode(X, speakers), loaded.decode(X, speakers)):
        assert a.words == b.words and a.score == b.score and np.array_equal(a.states, b.states)
    assert loaded.align(X, y, speakers) == fitted.align(X, y, speakers)
    assert loaded.history_ == fitted.history_ and loaded.vocabulary_ == fitted.vocabulary_
    assert loaded.get_params() == {**fitted.get_params(), "realign": ()}
    loaded.save(tmp_path / "again")
    files = [(tmp_path / name / "model.json").read_bytes() for name in ("model", "again")]
    assert files[0] == files[1]
    assert same(clone(loaded).fit(*digits), fitted)


def test_every_kind_of_parameter_survives_the_disk(strings, tmp_path):
    X, y, speakers = strings
    words = sorted({w for text in y for w in text.split()})
    pipeline = hs.speech.FeaturePipeline(kind="fbank", rate=8000, num_mels=12, deltas=0, cmvn="utterance")
    model = quick(
        acoustic="gmm",
        features=pipeline,
        lexicon={w: " ".join(hs.datasets.spoken_digits.DIGIT_PHONES[w]) for w in words},
        lm=2,
        augment=Augmentation(views=1),
        beam=math.inf,
        gaussians=2,
        realign=(0.5,),
    ).fit(X, y, speakers)
    model.save(tmp_path / "m")
    loaded = hs.load(tmp_path / "m")
    assert loaded.predict(X, speakers) == model.predict(X, speakers)
    assert loaded.features == pipeline and loaded.augment == model.augment and loaded.realign == (0.5,)
    assert loaded.lexicon == model.recognizer_.lexicon and loaded.recognizer_.beam == math.inf
    assert loaded.recognizer_.grammar == model.recognizer_.grammar
    assert loaded.recognizer_.units == model.recognizer_.units


def test_a_network_of_ones_own_is_copied_and_given_again(digits, tmp_path):
    X, _, speakers = digits

    def make(width, states):
        return make_network("dnn", width, states, hidden_size=12, num_layers=2)

    model = quick(encoder=make, epochs=2).fit(*digits)
    model.save(tmp_path / "m")
    with pytest.raises(ValueError, match="give it again"):
        hs.load(tmp_path / "m")
    assert hs.load(tmp_path / "m", encoder=make).predict(X, speakers) == model.predict(X, speakers)

    network = make(39, model.recognizer_.units.num_labels)
    before = {name: weights.clone() for name, weights in network.state_dict().items()}
    quick(encoder=network, epochs=2).fit(*digits)
    assert all(torch.equal(weights, before[name]) for name, weights in network.state_dict().items())


@pytest.mark.parametrize("normalize", ["speaker", "online"])
def test_words_come_out_while_audio_goes_in(digits, normalize):
    X, _, speakers = digits
    features = hs.speech.FeaturePipeline(rate=8000, cmvn="speaker") if normalize == "speaker" else "mfcc"
    model = quick(features=features, normalize=normalize, epochs=4).fit(*digits)
    own = [x for x, s in zip(X, speakers) if s == "voice1"]
    wanted = model.decode(own)[0]
    stream = model.stream("voice1", own) if normalize == "speaker" else model.stream()
    for chunk in np.array_split(own[0], 7):
        stream.accept(chunk)
    assert stream.finish().words == wanted.words


def test_what_needs_the_whole_recording_cannot_be_streamed(fitted):
    with pytest.raises(ValueError, match="normalize='online'"):
        fitted.stream()


def test_confidences_are_probabilities_of_the_predicted_words(fitted, digits):
    X, _, speakers = digits
    for words, text in zip(fitted.predict_confidences(X, speakers), fitted.predict(X, speakers)):
        assert " ".join(word for word, _ in words) == text
        assert all(0 <= confidence <= 1 for _, confidence in words)


def test_tuning_tries_every_combination_and_keeps_the_best(digits):
    model = quick(word_penalty=None, states_per_word=3).fit(*digits)
    before = model.evaluate(*digits).errors
    found = model.tune(*digits, word_penalty=[0.0, -20.0], prior_scale=[1.0, 0.0], acoustic_scale=[1.0])
    assert found is model and len(model.tuning_) == 4
    rows = {(row["word_penalty"], row["prior_scale"]): row["errors"] for row in model.tuning_}
    assert rows[0.0, 1.0] == before
    assert model.evaluate(*digits).errors == min(rows.values())
    assert model.scales_.word_penalty in (0.0, -20.0)
    with pytest.raises(ValueError, match="at least 0"):
        model.tune(*digits, acoustic_scale=[-1.0])


def test_alignments_follow_the_text_and_fill_the_recording(fitted, digits):
    X, y, speakers = digits
    for x, text, found in zip(X, y, fitted.align(X, y, speakers)):
        assert [w.label for w in found.words] == text.split()
        assert found.words[-1].end <= found.duration <= len(x) / 8000 + 1e-9


def test_a_wider_lattice_beam_keeps_more_paths_and_is_no_surer(fitted, digits):
    X, _, speakers = digits
    narrow, wide = (fitted.decode_lattices(X[:6], speakers[:6], lattice_beam=b) for b in (1.0, 60.0))
    assert sum(x.num_arcs for x in narrow) < sum(x.num_arcs for x in wide)
    sure, less = (fitted.predict_confidences(X[:6], speakers[:6], lattice_beam=b) for b in (1.0, 60.0))
    for a, b in zip(sure, less):
        assert [w for w, _ in a] == [w for w, _ in b]
        assert all(q <= p + 1e-9 for (_, p), (_, q) in zip(a, b))
    with pytest.raises(ValueError, match="lattice_beam must be above 0"):
        fitted.decode_lattices(X[:1], lattice_beam=0.0)


def test_confusions_are_of_the_most_probable_states(fitted, digits):
    X, _, speakers = digits
    recognizer = fitted.recognizer_
    utterances = [hs.speech.Utterance(f"u{i}", s, samples=x, rate=8000) for i, (x, s) in enumerate(zip(X, speakers))]
    features, _ = recognizer.pipeline.extract(utterances)
    best = np.concatenate([x.argmax(1) for x in recognizer.acoustic.frame_scores(features, posteriors=True)])
    assert recognizer.acoustic.prior.log_probs.std() > 0.1
    assert np.array_equal(fitted.confusions(*digits).sum(0), np.bincount(best, minlength=recognizer.units.num_labels))


def test_confusions_count_every_aligned_frame(fitted, digits):
    pytest.importorskip("matplotlib").use("Agg")
    counts = fitted.confusions(*digits)
    frames = sum(len(h.labels) for h in fitted.decode(digits[0], digits[2]))
    assert counts.sum() == frames and np.trace(counts) > 0.3 * frames
    axes = fitted.plot_confusions(*digits)
    assert [t.get_text() for t in axes.get_xticklabels()] == list(fitted.recognizer_.units.names)
    axes = fitted.plot_alignment(digits[0][0], digits[1][0])
    assert digits[1][0] in {text.get_text() for text in axes.texts}


class _Press:
    """A network that presses Ctrl-C after so many steps."""

    def __init__(self, steps):
        self.steps = steps

    def __call__(self, width, states):
        network, left = make_network("tdnn", width, states, hidden_size=24, num_layers=2), [self.steps]

        def hook(module, inputs):
            if not module.training:
                return
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt

        network.register_forward_pre_hook(hook)
        return network


def test_ctrl_c_keeps_the_model_so_far(digits):
    model = quick(encoder=_Press(20)).fit(*digits)
    assert model.interrupted_ and 0 < len(model.history_) < 8
    assert len(model.predict(digits[0], digits[2])) == 40


def test_ctrl_c_before_the_first_pass_is_over_leaves_all_as_it_was(digits, fitted):
    model = clone(fitted).set_params(encoder=_Press(0))
    with pytest.raises(KeyboardInterrupt):
        model.fit(*digits)
    assert not hasattr(model, "recognizer_")


def test_an_interrupted_training_is_taken_up_again(digits, fitted, tmp_path):
    from hybridseq.speech.acoustic import loop

    place = str(tmp_path / "kept")
    steps, step = [20], torch.optim.AdamW.step

    def pressing(self, *args, **kwargs):
        steps[0] -= 1
        if steps[0] < 0:
            raise KeyboardInterrupt
        return step(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.torch.optim.AdamW, "step", pressing)
        model = quick(checkpoint=place).fit(*digits)
    assert model.interrupted_ and not same(model, fitted)
    assert same(quick(checkpoint=place).fit(*digits), fitted)
    with pytest.raises(CheckpointError, match="other schedule"):
        quick(checkpoint=place, epochs=7).fit(*digits)
    with pytest.raises(ValueError, match="random_state"):
        quick(checkpoint=place, random_state=None).fit(*digits)


def test_progress_is_a_row_a_pass_on_standard_error(digits, capfd):
    quick(verbose=1, epochs=2).fit(*digits)
    out, err = capfd.readouterr()
    assert not out
    assert [line.split()[1] for line in err.splitlines() if line.startswith("cross-entropy")] == ["1/2", "2/2"]


def test_what_comes_before_the_first_pass_is_told_where_it_takes_long(digits, capfd, monkeypatch):
    from hybridseq.estimators import speech_progress

    def told(patience):
        monkeypatch.setattr(speech_progress, "_PATIENCE", patience)
        quick(verbose=1, epochs=1, augment=Augmentation(views=1)).fit(*digits)
        return [line for line in capfd.readouterr().err.splitlines() if " of " in line]

    every = told(0.0)
    assert every[:2] == ["features: 1 of 2", "features: 2 of 2"]
    assert every[2:] == [f"first alignment: {i} of 12" for i in range(1, 13)]
    assert told(3600.0) == []


@pytest.mark.parametrize("training", ["mmi", "boosted_mmi", "smbr", "lfmmi", "full_sum", "ctc"])
def test_training_by_whole_utterances(digits, tmp_path, training):
    X, y, speakers = digits
    model = quick(training=training, sequence_epochs=2).fit(*digits)
    stages = [row["stage"] for row in model.history_]
    assert stages[-2:] == [training] * 2
    assert ("cross-entropy" in stages) == (training not in ("full_sum", "ctc"))
    assert model.score(X, y, speakers) > 0.7
    model.save(tmp_path / "m")
    assert hs.load(tmp_path / "m").align(X, y, speakers) == model.align(X, y, speakers)


def test_ctrl_c_in_a_later_stage_keeps_what_it_has(digits, fitted, tmp_path):
    place = str(tmp_path / "kept")
    whole = quick(training="mmi", sequence_epochs=3).fit(*digits)
    keep = Checkpoint.keep

    def press(self, stage, epoch, *rest):
        keep(self, stage, epoch, *rest)
        if stage == "mmi":
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "keep", press)
        model = quick(training="mmi", sequence_epochs=3, checkpoint=place).fit(*digits)
    assert model.interrupted_ and [row["stage"] for row in model.history_].count("mmi") == 1
    assert not same(model, fitted) and not same(model, whole)
    assert same(quick(training="mmi", sequence_epochs=3, checkpoint=place).fit(*digits), whole)


def test_a_fitted_model_can_be_pickled(fitted, digits):
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.predict(digits[0], digits[2]) == fitted.predict(digits[0], digits[2])


def test_features_that_were_computed_elsewhere(digits):
    """As the pipeline's own, unnormalised; without audio nothing varies them."""
    X, y, speakers = digits
    pipeline = hs.speech.FeaturePipeline(rate=8000, cmvn="none")
    utterances = [hs.speech.Utterance(f"u{i}", samples=x, rate=8000) for i, x in enumerate(X)]
    arrays = [x.numpy() for x in pipeline.extract(utterances)[0]]
    given = quick(features="given", rate=None).fit(arrays, y, speakers)
    own = quick(features=hs.speech.FeaturePipeline(rate=8000, cmvn="speaker")).fit(*digits)
    assert same(given, own) and given.predict(arrays, speakers) == own.predict(X, speakers)


def test_cross_validation_by_scikit_learn(digits):
    X, y, _ = digits
    scores = cross_val_score(quick(acoustic="gmm"), X, y, cv=2)
    by_hand = quick(acoustic="gmm").fit(X[20:], y[20:]).score(X[:20], y[:20])
    assert scores[0] == by_hand and len(scores) == 2
