"""Sequence training betters its criterion on words that it was not trained on, and finds alignments by itself."""

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from hybridseq.datasets import DIGIT_PHONES, make_aligned_digits, make_connected_digits, make_spoken_digits
from hybridseq.nn.prior import Prior
from hybridseq.speech import (
    FeaturePipeline,
    Lexicon,
    Units,
    Utterance,
    chain,
    left_to_right,
    score_words,
    transcript_graph,
    word_loop,
)
from hybridseq.speech.acoustic.checkpoint import Checkpoint
from hybridseq.speech.acoustic.cross_entropy import train_cross_entropy
from hybridseq.speech.acoustic.hybrid import HybridModel
from hybridseq.speech.acoustic.loop import Schedule, seeded
from hybridseq.speech.acoustic.networks import make_network
from hybridseq.speech.acoustic.views import View
from hybridseq.speech.decoding.decoder import Decoder
from hybridseq.speech.sequence import (
    CTCSymbols,
    SequenceObjective,
    phone_denominator,
    phone_sequences,
    train_sequence,
    word_denominator,
)
from hybridseq.speech.start import Alignments, align_all, train_gmm

LEXICON = Lexicon({word: list(phones) for word, phones in DIGIT_PHONES.items()})
WORDS = sorted(LEXICON)
RATE = 8000


def features_of(signals, kind="fbank"):
    pipeline = FeaturePipeline(kind=kind, rate=RATE, deltas=2 if kind == "mfcc" else 0)
    return pipeline.extract([Utterance(f"u{i}", samples=x, rate=RATE) for i, x in enumerate(signals)])[0]


def strings(n, speakers, noise, seed):
    spoken = make_spoken_digits(100, speakers=speakers, noise_db=noise, random_state=seed)
    return make_connected_digits(*spoken, n=n, rate=RATE, count=(2, 4), snr_db=noise, random_state=seed)


@dataclass
class Task:
    """Strings of digits, a network trained on them by cross-entropy, and strings of other voices."""

    units: Units
    views: list
    graphs: list
    transcripts: list
    alignments: Alignments
    model: HybridModel
    held_features: list
    held_transcripts: list

    def held(self, criterion, denominator):
        graphs = [transcript_graph(t, LEXICON, self.units) for t in self.held_transcripts]
        return SequenceObjective(criterion, graphs, [len(x) for x in self.held_features], denominator)

    def errors(self, model):
        decoder = Decoder(word_loop(WORDS, LEXICON, self.units), acoustic_scale=0.3)
        found = [decoder.decode(x).words for x in model.frame_scores(self.held_features)]
        return score_words(self.held_transcripts, found).wer


@pytest.fixture(scope="module")
def task():
    units = Units(LEXICON.phones, silence="SIL")
    train, held = strings(50, 4, 15, 0), strings(20, ["x", "y"], 10, 1)
    said = [s.words for s in train]
    _, alignments, _ = train_gmm(
        features_of([s.samples for s in train], "mfcc"), [transcript_graph(t, LEXICON, units) for t in said], units
    )
    units = units.with_loops(alignments.self_loops(units))
    graphs = [transcript_graph(t, LEXICON, units) for t in said]
    features = features_of([s.samples for s in train])
    views = [View(features, [1.0] * len(features))]
    rng = seeded(0)
    model = HybridModel(make_network("tdnn", features[0].shape[1], units.num_labels, hidden_size=48, num_layers=3))
    schedule = Schedule(epochs=8, learning_rate=5e-3, batch_frames=1500)
    alignments, _ = train_cross_entropy(model, views, graphs, alignments, schedule, rng)
    held_features = features_of([s.samples for s in held])
    return Task(units, views, graphs, said, alignments, model, held_features, [s.words for s in held])


def trained(task, criterion, denominator=None, seed=0, **options):
    """A copy of the network after sequence training, and the report."""
    model = copy.deepcopy(task.model)
    schedule = options.pop("schedule", Schedule(epochs=3, learning_rate=1e-3, batch_frames=1500))
    graphs, views = options.pop("graphs", task.graphs), options.pop("views", task.views)
    report = train_sequence(model, views, graphs, denominator, criterion, schedule, seeded(seed), **options)
    return model, report


@pytest.mark.parametrize("criterion", ["mmi", "boosted_mmi", "smbr", "lfmmi"])
def test_training_lowers_the_criterion_on_other_voices(task, criterion):
    if criterion == "lfmmi":
        sequences = phone_sequences(task.transcripts, task.units, LEXICON, seeded(1))
        denominator = phone_denominator(sequences, task.units, order=2)
        held = task.held("lfmmi", denominator)
    else:
        denominator = word_denominator(WORDS, task.units, LEXICON)
        held = task.held("mmi", denominator)
    before, errors = held.evaluate(task.model, task.held_features), task.errors(task.model)
    model, report = trained(task, criterion, denominator, alignments=task.alignments)
    assert report.after < report.before
    assert held.evaluate(model, task.held_features) < before
    assert task.errors(model) <= errors
    assert report.num_used == len(task.graphs) and report.num_left_out == 0 and len(report.history) == 3


def test_the_same_seed_gives_the_same_network(task):
    denominator = word_denominator(WORDS, task.units, LEXICON)
    schedule = Schedule(epochs=1, learning_rate=1e-3)
    found = [trained(task, "mmi", denominator, seed=s, schedule=schedule)[0].network for s in (3, 3, 4)]
    same, other = (
        [torch.equal(a, b) for a, b in zip(found[0].state_dict().values(), x.state_dict().values())] for x in found[1:]
    )
    assert all(same) and not all(other)


def test_an_utterance_too_short_is_named_and_left_out(task):
    features = [task.views[0].features[0][:5], *task.views[0].features[1:]]
    # Where a fast view is too short the slow one is taken.
    fast = [features[0], features[1][:8], *features[2:]]
    views = [View(features, [1.0] * len(features)), View(fast, [1.0] * len(features))]
    denominator = word_denominator(WORDS, task.units, LEXICON)
    schedule = Schedule(epochs=1, learning_rate=1e-4)
    _, report = trained(task, "mmi", denominator, views=views, schedule=schedule, ids=[f"u{i}" for i in range(50)])
    assert [name for name, _ in report.problems] == ["u0"]
    assert "too short: 5 frames" in report.problems[0][1]
    assert report.num_used == 49 and np.isfinite(report.history[0].loss)


class _Linear(torch.nn.Linear):
    """Scores of frames without dropout or context."""

    @property
    def num_labels(self):
        return self.out_features

    def forward(self, features, lengths):
        return super().forward(features)


def test_the_loss_mixes_the_criterion_and_cross_entropy_a_frame(task):
    denominator = word_denominator(WORDS, task.units, LEXICON)
    features = task.views[0].features
    torch.manual_seed(0)
    model = HybridModel(_Linear(features[0].shape[1], task.units.num_labels), task.model.prior.scaled(0.7))
    objective = SequenceObjective("mmi", task.graphs, [len(x) for x in features], denominator, acoustic_scale=0.4)
    criterion = objective.evaluate(model, features)
    posteriors = model.frame_scores(features, posteriors=True)
    chosen = [x[np.arange(len(y)), y] for x, y in zip(posteriors, task.alignments)]
    cross_entropy = -np.concatenate(chosen).mean()
    options = {"alignments": task.alignments, "acoustic_scale": 0.4, "smoothing": 0.25}
    once = Schedule(epochs=1, batch_frames=10**6)
    report = train_sequence(model, task.views, task.graphs, denominator, "mmi", once, seeded(0), **options)
    assert report.before == pytest.approx(criterion)
    assert report.history[0].loss == pytest.approx(0.75 * criterion / 0.4 + 0.25 * cross_entropy, rel=1e-4)
    with pytest.raises(ValueError, match=r"smoothing = 0\.1 needs alignments"):
        trained(task, "mmi", denominator, smoothing=0.1)


def phone_accuracy(digits, alignments, units):
    """The share of frames in the phone that is truly said."""
    phone = {column: name for name in units.names for column in units.columns[name]}
    right = total = 0
    for digit, labels in zip(digits, alignments):
        ends = [end for _, _, end in digit.phones]
        at = np.searchsorted(ends, 0.01 * np.arange(len(labels)) + 0.0125).clip(max=len(ends) - 1)
        right += sum(phone[label] == digit.phones[n][0] for label, n in zip(labels.tolist(), at))
        total += len(labels)
    return right / total


def test_full_sum_training_from_nothing_finds_the_phones():
    digits = make_aligned_digits(150, speakers=4, noise_db=15)
    units = Units(LEXICON.phones, left_to_right(2), silence="SIL")
    graphs = [transcript_graph(d.word, LEXICON, units) for d in digits]
    features = features_of([d.samples for d in digits])
    rng = seeded(0)
    model = HybridModel(make_network("tdnn", 23, units.num_labels, hidden_size=48, num_layers=3))
    views = [View(features, [1.0] * len(features))]
    flat = align_all(model.frame_scores(features), graphs, acoustic_scale=0.3)
    schedule = Schedule(epochs=10, learning_rate=5e-3, batch_frames=1500)
    report = train_sequence(model, views, graphs, None, "full_sum", schedule, rng)
    found = align_all(model.frame_scores(features), graphs, acoustic_scale=0.3)
    assert report.after < report.before
    assert phone_accuracy(digits, flat, units) < 0.45
    assert phone_accuracy(digits, found, units) > 0.6
    # No state has taken all, and none has vanished.
    assert model.prior.log_probs.exp().max() < 0.35
    assert found.counts(units.num_labels).min() > 0


def test_interrupted_training_goes_on_as_if_nothing_had_been(task, tmp_path):
    """The running prior too is taken up again."""

    def run(**options):
        rng = seeded(0)
        model = HybridModel(make_network("tdnn", 23, task.units.num_labels, hidden_size=16, num_layers=2))
        schedule = Schedule(epochs=3, learning_rate=5e-3)
        train_sequence(model, task.views, task.graphs, None, "full_sum", schedule, rng, **options)
        return model.state_dict()

    def interrupt(progress):
        if progress.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(checkpoint=Checkpoint(tmp_path), told=interrupt)
    whole, resumed = run(), run(checkpoint=Checkpoint(tmp_path))
    assert whole.keys() == resumed.keys() and any("prior" in name for name in whole)
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


def test_lattice_free_mmi_learns_from_nothing():
    """With the one-state topology, no alignment and no prior."""
    texts = make_spoken_digits(150, speakers=4, noise_db=15)
    units = Units(LEXICON.phones, chain(), silence="SIL")
    graphs = [transcript_graph(w, LEXICON, units) for w in texts[1]]
    features = features_of(texts[0])
    rng = seeded(0)
    model = HybridModel(make_network("tdnn", 23, units.num_labels, hidden_size=48, num_layers=3))
    denominator = phone_denominator(phone_sequences(texts[1], units, LEXICON, rng), units, order=2)
    schedule = Schedule(epochs=7, learning_rate=5e-3, batch_frames=1500)
    views = [View(features, [1.0] * len(features))]
    report = train_sequence(model, views, graphs, denominator, "lfmmi", schedule, rng)
    assert report.after < 0.2 * report.before
    decoder = Decoder(word_loop(WORDS, LEXICON, units))
    found = [decoder.decode(x).words for x in model.frame_scores(features)]
    assert score_words([[w] for w in texts[1]], found).wer < 0.25


def test_ctc_learns_to_spell():
    names = "one", "six", "three"
    spoken = [(x, w) for x, w in zip(*make_spoken_digits(200, speakers=4, noise_db=15)[:2]) if w in names]
    features, words = features_of([x for x, _ in spoken]), [w for _, w in spoken]
    symbols = CTCSymbols(names)
    rng = seeded(0)
    network = make_network("tdnn", 23, symbols.num_labels, hidden_size=48, num_layers=3, dropout=0)
    model = HybridModel(network, Prior([0.7, 0.1, 0.1, 0.1]))
    views = [View(features, [1.0] * len(features))]
    schedule = Schedule(epochs=8, learning_rate=5e-3, batch_frames=400)
    report = train_sequence(model, views, [symbols.graph(w) for w in words], None, "ctc", schedule, rng)
    assert model.prior is None
    lengths = torch.tensor([len(x) for x in features])
    scores = [torch.from_numpy(x).double() for x in model.frame_scores(features)]
    targets = torch.tensor([symbols.spell(w) for w in words])
    total = torch.nn.CTCLoss(reduction="sum")(
        torch.nn.utils.rnn.pad_sequence(scores), targets, lengths, torch.ones_like(lengths)
    )
    assert report.after == pytest.approx(total.item() / int(lengths.sum()), rel=1e-4)
    assert report.after < 0.1 * report.before
    decoder = Decoder(symbols.decoding_graph())
    found = [decoder.decode(x.numpy()).words for x in scores]
    assert score_words([[w] for w in words], found).wer < 0.1
