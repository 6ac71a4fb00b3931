"""Training finds what was planted, never loses likelihood except by splitting, and names what it leaves out."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from hybridseq.speech.graph import Units, left_to_right, transcript_graph
from hybridseq.speech.start import Alignments, align_all, fit_gmm, train_gmm
from hybridseq.structures.checks import ShapeError
from tests.speech.start.drawn import planted


def wrong(alignments, truth):
    return np.mean(np.concatenate([a != b for a, b in zip(alignments, truth)]))


@pytest.mark.parametrize("training", ["viterbi", "baum_welch"])
def test_planted_words_are_recovered(training):
    units, graphs, features, truth = planted(90, seed=1)
    gmm, found, report = train_gmm(features, graphs, units, training=training)
    assert wrong(found, truth) < 0.01
    assert not report.problems
    true, _ = fit_gmm(features, Alignments(found.ids, truth), units.num_labels)
    np.testing.assert_allclose(gmm.means, true.means, atol=0.1)
    assert report.units.loops == pytest.approx(found.self_loops(units, 2.0), abs=0.05)


def test_planted_silence_is_found_at_the_ends():
    units, graphs, features, truth = planted(90, seed=2, silence=True)
    _, found, _ = train_gmm(features, graphs, units)
    silent = [np.isin(labels, units.silence_labels) for labels in found]
    assert wrong(silent, [np.isin(labels, units.silence_labels) for labels in truth]) < 0.01
    _, other, _ = train_gmm(features, graphs, units, energy_column=None)
    assert wrong([np.isin(x, units.silence_labels) for x in other], silent) < 0.1


def test_planted_mixtures_need_mixtures():
    units, graphs, features, _ = planted(120, seed=3, mixture=3, spread=0.1)
    _, _, one = train_gmm(features, graphs, units, iterations=12)
    gmm, _, three = train_gmm(features, graphs, units, iterations=24, num_gaussians=3, min_frames=5)
    assert gmm.num_gaussians == 3 * units.num_labels
    assert three.log_likelihood > one.log_likelihood + 1
    np.testing.assert_allclose(np.bincount(gmm.columns, gmm.weights), 1)


@pytest.mark.parametrize("training", ["viterbi", "baum_welch"])
@pytest.mark.parametrize("realign_every", [1, 3])
def test_the_log_likelihood_never_falls_but_by_splitting(training, realign_every):
    units, graphs, features, _ = planted(40, seed=4, spread=0.8, mixture=2)
    _, _, report = train_gmm(
        features,
        graphs,
        units,
        num_gaussians=2,
        iterations=15,
        training=training,
        realign_every=realign_every,
        loops=False,
        min_frames=3,
    )
    values = np.array([r.log_likelihood for r in report.rounds])
    split = np.array([r.split for r in report.rounds])
    assert split.sum() == 1
    assert (np.diff(values)[~split[1:]] > -1e-5).all()
    assert values[-1] > values[0] + 0.1


def test_loops_only_help():
    units, graphs, features, _ = planted(60, seed=5)
    _, _, fixed = train_gmm(features, graphs, units, loops=False)
    _, _, trained = train_gmm(features, graphs, units)
    assert fixed.units is units
    assert trained.log_likelihood > fixed.log_likelihood


def test_the_reported_log_likelihood_is_that_of_the_paths():
    units, graphs, features, _ = planted(30, seed=6, silence=True)
    gmm, found, report = train_gmm(features, graphs, units, num_gaussians=2, iterations=9, min_frames=5)
    assert found.scores.sum() / found.num_frames == pytest.approx(report.log_likelihood, rel=1e-5)
    names = [next(name for name in graph.vocabulary if name in units.names) for graph in graphs]
    again = [transcript_graph([name], None, report.units) for name in names]
    aligned = align_all([gmm.frame_scores(x) for x in features], again)
    np.testing.assert_allclose(aligned.scores, found.scores, rtol=1e-4)
    assert aligned.moved(found) == 0


def test_full_sum_is_the_log_likelihood_of_all_paths():
    units = Units(["w"], left_to_right(2))
    graph = transcript_graph(["w"], None, units, optional_silence=False)
    x = np.random.default_rng(7).normal(size=(5, 2)).astype(np.float32)
    start = Alignments(("0",), ([0, 0, 1, 1, 1],))
    _, _, report = train_gmm([x], [graph], units, start=start, training="baum_welch", iterations=1, loops=False)
    single, _ = fit_gmm([x], start, 2)
    own = single.frame_scores(x)
    paths = [own[:n, 0].sum() + own[n:, 1].sum() + 5 * np.log(0.5) for n in range(1, 5)]
    assert report.log_likelihood == pytest.approx(logsumexp(paths) / 5, rel=1e-5)


def test_short_utterances_are_named_and_left_out():
    units, graphs, features, _ = planted(20, seed=8)
    ids = [f"u{i}" for i in range(20)]
    features[3], features[7] = features[3][:2], None
    graphs[9] = None
    _, found, report = train_gmm(features, graphs, units, ids=ids)
    assert report.left_out == found.left_out == ("u3", "u7", "u9")
    assert dict(report.problems)["u3"] == "too short: 2 frames, needs at least 4"
    others = [i for i in range(20) if i not in (3, 7, 9)]
    _, same, _ = train_gmm([features[i] for i in others], [graphs[i] for i in others], units)
    for i, labels in zip(others, same):
        np.testing.assert_array_equal(found[i], labels)


def test_seeds_reproduce():
    units, graphs, features, _ = planted(30, seed=9, mixture=2)
    options = {"num_gaussians": 3, "iterations": 9, "min_frames": 2}
    one, two, other = (train_gmm(features, graphs, units, seed=seed, **options)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.means, two.means)
    assert one.means.shape != other.means.shape or (one.means != other.means).any()


def test_inputs_are_not_changed():
    units, graphs, features, _ = planted(10, seed=10)
    before = [x.copy() for x in features], [g.weights.copy() for g in graphs]
    train_gmm([torch.from_numpy(x) for x in features], graphs, units, iterations=3)
    for kept, now in zip(before, (features, [g.weights for g in graphs])):
        for a, b in zip(kept, now):
            np.testing.assert_array_equal(a, b)


def test_a_number_of_gaussians_for_each_column():
    units, graphs, features, _ = planted(60, seed=11)
    wanted = np.arange(units.num_labels) % 3 + 1
    gmm, _, _ = train_gmm(features, graphs, units, num_gaussians=wanted, iterations=9, min_frames=2)
    assert np.diff(gmm.offset).tolist() == wanted.tolist()


@pytest.mark.parametrize("iterations", [2, 3, 4, 7])
def test_all_gaussians_are_there_in_the_end(iterations):
    units, graphs, features, _ = planted(60, seed=11)
    gmm, _, _ = train_gmm(features, graphs, units, num_gaussians=5, iterations=iterations, min_frames=1)
    assert gmm.num_gaussians == 5 * units.num_labels


def test_few_frames_are_not_split():
    units, graphs, features, _ = planted(6, seed=12)
    gmm, _, _ = train_gmm(features, graphs, units, num_gaussians=8, iterations=9, min_frames=1000)
    assert gmm.num_gaussians == units.num_labels


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_scale_and_constant_columns(scale):
    units, graphs, features, truth = planted(40, seed=13)
    odd = [np.concatenate([scale * x, np.full((len(x), 1), 3.5, np.float32)], 1) for x in features]
    gmm, found, report = train_gmm(odd, graphs, units, num_gaussians=2, iterations=9, min_frames=4)
    assert wrong(found, truth) < 0.02
    assert np.isfinite(gmm.frame_scores(odd[0])).all()
    assert np.isfinite(report.log_likelihood)


def test_all_columns_constant():
    units, graphs, features, _ = planted(5, seed=14)
    gmm, found, report = train_gmm([np.ones_like(x) for x in features], graphs, units, iterations=4, num_gaussians=2)
    assert np.isfinite(report.log_likelihood)
    assert not found.problems
    assert (gmm.variances > 0).all()


def test_silence_only():
    units = Units(["w"], left_to_right(3), silence="sil")
    graph = transcript_graph("", None, units)
    features = [np.random.default_rng(i).normal(size=(30, 3)).astype(np.float32) for i in range(8)]
    gmm, found, report = train_gmm(features, [graph] * 8, units, iterations=5)
    assert all(np.isin(labels, units.silence_labels).all() for labels in found)
    assert report.unseen == units.states_of("w")
    assert np.isfinite(gmm.frame_scores(features[0])).all()


@pytest.mark.parametrize("training", ["viterbi", "baum_welch"])
def test_interruption_keeps_what_is_done_where_asked(training):
    units, graphs, features, _ = planted(20, seed=15)
    seen = []

    def stop(done):
        seen.append(done)
        if done.iteration == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_gmm(features, graphs, units, progress=stop)
    _, found, report = train_gmm(features, graphs, units, progress=stop, keep_interrupted=True, training=training)
    assert report.interrupted
    assert [r.iteration for r in report.rounds] == [1, 2, 3, 4]
    _, four, _ = train_gmm(features, graphs, units, iterations=4, training=training)
    assert found.moved(four) == 0
    np.testing.assert_allclose(found.scores, four.scores)


def test_a_given_start_is_taken():
    units, graphs, features, truth = planted(30, seed=16)
    start = Alignments(tuple(map(str, range(30))), tuple([*truth[:29], None]))
    _, found, report = train_gmm(features, graphs, units, start=start, iterations=1)
    assert report.left_out == ("29",)
    assert report.rounds[0].moved < 0.05
    assert found.moved(start) == pytest.approx(report.rounds[0].moved)


def test_fit_of_single_gaussians_is_mean_and_variance():
    units, _, features, truth = planted(40, seed=17)
    ids = tuple(map(str, range(40)))
    gmm, report = fit_gmm(features, Alignments(ids, truth), units.num_labels, variance_floor=1e-6)
    x, columns = np.concatenate(features).astype(np.float64), np.concatenate(truth)
    for p in range(units.num_labels):
        np.testing.assert_allclose(gmm.means[p], x[columns == p].mean(0), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(gmm.variances[p], x[columns == p].var(0), rtol=1e-4, atol=1e-6)
    own = gmm.frame_scores(x)[np.arange(len(x)), columns]
    assert report.log_likelihood == pytest.approx(own.mean(), rel=1e-5)


def test_variances_do_not_fall_below_the_floor():
    units, _, features, truth = planted(40, seed=18, spread=1e-3)
    ids = tuple(map(str, range(40)))
    gmm, _ = fit_gmm(features, Alignments(ids, truth), units.num_labels, variance_floor=0.1, num_gaussians=2)
    everywhere = np.concatenate(features).var(0, dtype=np.float64)
    assert (gmm.variances >= 0.1 * everywhere * (1 - 1e-5)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"training": "magic"}, "training must be"),
        ({"iterations": 0}, "iterations must be at least 1"),
        ({"realign_every": 0}, "realign_every must be at least 1"),
        ({"variance_floor": 0}, "variance_floor is a share"),
        ({"num_gaussians": 0}, "num_gaussians must be at least 1"),
        ({"num_gaussians": [1, 2]}, "num_gaussians must be at least 1"),
        ({"energy_column": 6}, "energy_column must be one of the D = 6"),
        ({"num_gaussians": 2, "iterations": 1}, "iterations of at least 2"),
        ({"min_frames": 0}, "min_frames must be at least 1"),
        ({"weight_floor": -1}, "weight_floor must be"),
        ({"start": Alignments(tuple("01234"), [[0]] * 5)}, "1 in the given start"),
        ({"start": Alignments(tuple("01234"), [[99]] * 5)}, "columns up to 99"),
        ({"start": Alignments(tuple("abcde"), [[0]] * 5)}, "same ids"),
        ({"ids": ["a"]}, "ids must be 5"),
    ],
)
def test_bad_options(options, message):
    units, graphs, features, _ = planted(5, seed=19, silence=True)
    with pytest.raises(ValueError, match=message):
        train_gmm(features, graphs, units, **options)


def test_bad_data():
    units, graphs, features, _ = planted(5, seed=20)
    with pytest.raises(ValueError, match="as many"):
        train_gmm(features[:4], graphs, units)
    with pytest.raises(ValueError, match=r"none of 5 utterances fits .* too short: 1 frames"):
        train_gmm([x[:1] for x in features], graphs, units)
    with pytest.raises(ShapeError, match="same width"):
        train_gmm([*features[:4], features[4][:, :2]], graphs, units)
    with pytest.raises(ValueError, match=r"features\[0\]\[0, 0\] is inf"):
        train_gmm([np.full_like(features[0], np.inf), *features[1:]], graphs, units)
    with pytest.raises(ValueError, match="same units"):
        train_gmm(features, graphs, Units(["one"], left_to_right(4)))
