import copy
import inspect
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import Callback, EpochScoring

import hybridseq as hs
from hybridseq import metrics
from hybridseq.estimators.tagger_parameters import OBJECTIVES
from hybridseq.nn import ENCODERS

# The estimator's contract


def test_init_only_stores(quick):
    tagger = hs.SequenceTagger(encoder="nonsense", hidden_size=-3)
    assert tagger.get_params()["hidden_size"] == -3
    names = [name for name in inspect.signature(hs.SequenceTagger).parameters]
    assert set(vars(tagger)) == set(names)
    twin = clone(tagger.set_params(word_size=7))
    assert twin.get_params() == tagger.get_params() and twin is not tagger


def test_predicting_before_fitting_says_so(sentences):
    for method in ("predict", "predict_marginals", "predict_k_best"):
        with pytest.raises(NotFittedError):
            getattr(hs.SequenceTagger(), method)(sentences[0])


def test_the_seed_decides_the_model_and_leaves_torch_alone(sentences, quick, fitted):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    again = hs.SequenceTagger(**quick).fit(*sentences)
    assert torch.equal(before, torch.random.get_rng_state())
    for name, weight in fitted.network_.state_dict().items():
        assert torch.equal(weight, again.network_.state_dict()[name]), name
    other = hs.SequenceTagger(**{**quick, "random_state": 1}).fit(*sentences)
    assert not torch.equal(other.network_.emissions.weight, again.network_.emissions.weight)


def test_cross_validation_and_grid_search(sentences, quick):
    tagger = hs.SequenceTagger(**{**quick, "max_epochs": 1, "unseen_labels": "miss"})
    scores = cross_val_score(tagger, *sentences, cv=2, error_score="raise")
    assert scores.shape == (2,) and np.isfinite(scores).all()
    search = GridSearchCV(tagger, {"hidden_size": [4, 8]}, cv=2, error_score="raise").fit(*sentences)
    assert len(search.predict(sentences[0][:2])) == 2


def test_pickled_and_copied_it_predicts_the_same(fitted, sentences):
    wanted = fitted.predict(sentences[0])
    assert pickle.loads(pickle.dumps(fitted)).predict(sentences[0]) == wanted
    assert copy.deepcopy(fitted).predict(sentences[0]) == wanted


# What it learns and gives back


def test_it_learns_what_a_tagger_without_context_cannot():
    X, y = hs.datasets.make_ticket_booking(250, random_state=0)
    X_test, y_test = hs.datasets.make_ticket_booking(100, random_state=1)
    size = {"hidden_size": 32, "max_epochs": 8, "learning_rate": 0.01, "random_state": 0, "verbose": 0}
    tagger = hs.SequenceTagger(**size).fit(X, y)
    alone = hs.SequenceTagger("none", "cross_entropy", **size).fit(X, y)
    assert tagger.score(X_test, y_test) > alone.score(X_test, y_test) + 0.1
    assert tagger.score(X_test, y_test) == metrics.span_f1(y_test, tagger.predict(X_test))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_learns(objective):
    X = [["a", "b", "a"], ["b", "a"], ["a"], ["b", "b"]] * 10
    y = [["B-A" if word == "a" else "O" for word in sentence] for sentence in X]
    tagger = hs.SequenceTagger(
        objective=objective, hidden_size=8, word_size=8, batch_size=4, max_epochs=20, random_state=0, verbose=0
    )
    assert tagger.fit(X, y).score(X, y) > 0.85


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_fits_and_predicts_in_the_order_of_the_input(encoder, sentences, quick):
    X, y = sentences[0][:20], sentences[1][:20]
    tagger = hs.SequenceTagger(encoder, **{**quick, "max_epochs": 1}).fit(X, y)
    whole = tagger.predict(X)
    assert [len(labels) for labels in whole] == [len(sentence) for sentence in X]
    assert [tagger.predict([sentence])[0] for sentence in X] == whole
    assert tagger.predict(X[::-1]) == whole[::-1]


def test_marginals_and_k_best_agree(fitted, sentences):
    X = sentences[0][:12]
    for sentence, marginals, paths in zip(X, fitted.predict_marginals(X), fitted.predict_k_best(X, 4), strict=True):
        assert marginals.shape == (len(sentence), len(fitted.classes_))
        np.testing.assert_allclose(marginals.sum(1), 1, atol=1e-5)
        log_probs = [log_prob for _, log_prob in paths]
        assert log_probs == sorted(log_probs, reverse=True) and log_probs[0] <= 0
        assert len({tuple(labels) for labels, _ in paths}) == len(paths)
    assert [paths[0][0] for paths in fitted.predict_k_best(X, 1)] == fitted.predict(X)


def test_k_best_gives_what_there_is(quick):
    tagger = hs.SequenceTagger(**quick).fit([["a"], ["b"]] * 5, [["x"], ["y"]] * 5)
    paths = tagger.predict_k_best([["a"]], 9)[0]
    assert len(paths) == 2
    assert sum(np.exp(log_prob) for _, log_prob in paths) == pytest.approx(1)


def test_words_with_columns(quick):
    X = [[("w", "N"), ("w", "V")], [("w", "V")]] * 20
    y = [["O" if pos == "V" else "B-N" for _, pos in sentence] for sentence in X]
    tagger = hs.SequenceTagger(**{**quick, "max_epochs": 25}).fit(X, y)
    assert tagger.score(X, y) == 1.0
    assert len(tagger.predict([[("new", "unseen")]])[0]) == 1


def test_dense_vectors(quick):
    random = np.random.default_rng(0)
    y = [random.integers(0, 3, n) for n in random.integers(1, 9, 60)]
    X = [100 + 50 * np.eye(5)[labels] + random.normal(size=(len(labels), 5)) for labels in y]
    y = [[f"class{label}" for label in labels] for labels in y]
    tagger = hs.SequenceTagger(**{**quick, "max_epochs": 15}).fit(X, y)
    assert tagger.scheme_ is None and tagger.constraint_ is None
    assert tagger.score(X, y) == metrics.token_accuracy(y, tagger.predict(X)) > 0.95


def test_word_vectors_come_from_their_file(tmp_path, sentences, quick):
    X, y = sentences
    word = X[0][0].lower()
    (tmp_path / "vectors.txt").write_text(f"{word} 1 2 3\nunheard-of 4 5 6\n")
    tagger = hs.SequenceTagger(
        **{**quick, "max_epochs": 1, "learning_rate": 1e-9, "word_vectors": tmp_path / "vectors.txt"}
    ).fit(X, y)
    row = tagger.network_.inputs.words.weight[tagger.input_.words.encode([word])[0]]
    np.testing.assert_allclose(row.detach().numpy(), [1, 2, 3], atol=1e-4)


# Constraint


def test_auto_finds_the_scheme_and_says_so(sentences, quick, capsys):
    tagger = hs.SequenceTagger(**{**quick, "max_epochs": 1, "verbose": 1}).fit(*sentences)
    out, err = capsys.readouterr()
    assert tagger.scheme_ == "BIO" and "BIO" in err and out == ""
    assert metrics.illegal_transitions(tagger.predict(sentences[0])) == 0


def test_without_a_constraint_illegal_pairs_are_possible(sentences, quick):
    X, y = sentences
    free = hs.SequenceTagger(constraint=None, **{**quick, "max_epochs": 1}).fit(X, y)
    assert free.constraint_ is None and free.scheme_ == "BIO"
    inside = [i for i, label in enumerate(free.classes_) if label.startswith("I-")]
    with torch.no_grad():
        free.network_.emissions.bias[inside] = 100.0
    assert metrics.illegal_transitions(free.predict(X)) > 0


def test_a_demanded_constraint_must_hold_for_the_labels(quick):
    with pytest.raises(ValueError, match=r"sentence 1 .* position 0"):
        hs.SequenceTagger(constraint="BIO", **quick).fit([["a"], ["b"]], [["B-x"], ["I-x"]])


# Held-out data, interruption, failure


def test_held_out_data_choose_the_epoch(sentences, quick):
    X, y = sentences
    tagger = hs.SequenceTagger(**quick).fit(X[:60], y[:60], X[60:], y[60:])
    scores = [row["valid_score"] for row in tagger.history_]
    assert tagger.best_score_ == max(scores) == scores[tagger.best_epoch_ - 1]
    assert tagger.best_score_ == tagger.set_params(unseen_labels="miss").score(X[60:], y[60:])
    last = hs.SequenceTagger(**quick, valid_fraction=0).fit(X, y)
    assert last.best_epoch_ is None and "valid_score" not in last.history_[0]


class Interrupt(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def test_ctrl_c_leaves_a_model_that_predicts(sentences, quick):
    tagger = hs.SequenceTagger(**{**quick, "max_epochs": 9}, callbacks=[Interrupt()]).fit(*sentences)
    assert len(tagger.history_) == 2
    assert len(tagger.predict(sentences[0])) == len(sentences[0])


class Fail(Callback):
    def on_batch_end(self, net, **kwargs):
        raise RuntimeError("boom")


def test_a_failed_fit_leaves_the_model_as_it_was(sentences, quick):
    X, y = sentences
    tagger = hs.SequenceTagger(**quick).fit(X, y)
    before = tagger.predict_marginals(X)
    for attempt in (
        lambda: tagger.fit(X, y[:-1]),
        lambda: tagger.set_params(callbacks=[Fail()]).fit(X[:40], y[:40]),
        lambda: tagger.partial_fit(X[:40], y[:40]),
    ):
        with pytest.raises((RuntimeError, ValueError)):
            attempt()
        for now, then in zip(tagger.predict_marginals(X), before, strict=True):
            np.testing.assert_array_equal(now, then)


def test_partial_fit_goes_on(sentences, quick):
    X, y = sentences
    labels = sorted({label for labels in y for label in labels})
    tagger = hs.SequenceTagger(**{**quick, "learning_rate": 0.02})
    tagger.partial_fit(X[:40], y[:40], classes=labels)
    assert tagger.classes_.tolist() == labels
    first = copy.deepcopy(tagger.network_.emissions.weight)
    early = tagger.set_params(unseen_labels="miss").score(X, y)
    for _ in range(12):
        tagger.partial_fit(X, y)
    assert not torch.equal(first, tagger.network_.emissions.weight)
    assert tagger.score(X, y) > early
    with pytest.raises(hs.text.UnknownLabelError, match="sentence 0, position 0: got the label 'B-never'"):
        tagger.partial_fit([["a"]], [["B-never"]])


def test_partial_fit_refuses_what_the_model_cannot_learn(sentences, quick):
    tagger = hs.SequenceTagger(**quick).partial_fit(*sentences)
    before = tagger.predict_marginals(sentences[0][:1])[0]
    inside = next(label for label in tagger.classes_ if label.startswith("I-"))
    with pytest.raises(ValueError, match=r"sentence 0 breaks the constraint .* at position 1"):
        tagger.partial_fit([["a", "b"]], [["O", inside]])
    with pytest.raises(hs.text.UnknownLabelError, match="'B-never'"):
        tagger.partial_fit(*sentences, classes=["O", "B-never"])
    with pytest.raises(hs.text.DataError, match="classes"):
        hs.SequenceTagger(**quick).partial_fit(*sentences, classes="BIO")
    assert np.array_equal(tagger.predict_marginals(sentences[0][:1])[0], before)


def test_stopped_before_the_first_epoch_there_is_no_score(sentences, quick):
    class Stop(Callback):
        def on_batch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    tagger = hs.SequenceTagger(**quick, callbacks=[Stop()]).fit(*sentences)
    assert tagger.best_epoch_ is None and tagger.best_score_ is None
    assert len(tagger.predict(sentences[0][:2])) == 2


# Bad input


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([], [], "X holds no sentence"),
        ([["a"], []], [["O"], []], r"X\[1\] is an empty sentence"),
        ([["a"]], [["O"], ["O"]], "X has 1 sentences but y has 2"),
        ([["a"], ["b", "c"]], [["O"], ["O"]], "sentence 1 has 2 tokens but 1 labels"),
        (["a b"], [["O", "O"]], r"X\[0\] is the string 'a b'"),
        ("a b", [["O"]], "X must be a list of sentences"),
        ([["a", 3]], [["O", "O"]], "sentence 0, position 1: a token must be a string.*got 3"),
        ([["a", ""]], [["O", "O"]], "sentence 0, position 1: .*not empty"),
        ([[("a", "N"), ("b",)]], [["O", "O"]], "sentence 0, position 1: a token must be a tuple of 2"),
        ([["a"]], [[3]], "sentence 0, position 0: a label must be a string; got 3"),
        ([["a"]], [[""]], "sentence 0, position 0: the label is empty"),
        ([["a"]], None, "y must be a list of label lists"),
        ([["a"]], ["O"], r"y\[0\] must be a list of labels"),
        ([np.ones((2, 3)), np.array([[1, 2, np.nan]])], [["O", "O"], ["O"]], "sentence 1, position 0: .*NaN"),
        ([np.ones((2, 3)), np.ones((1, 4))], [["O", "O"], ["O"]], r"sentence 1 must be an array \(T, 3\)"),
    ],
)
def test_bad_sentences_are_named(X, y, message, quick):
    with pytest.raises(hs.text.DataError, match=message):
        hs.SequenceTagger(**quick).fit(X, y)


def sized(module, size):
    """A module that takes lengths too, and says what its output's size is."""

    class Sized(torch.nn.Module):
        output_size = size

        def __init__(self):
            super().__init__()
            self.module = module

        def forward(self, inputs, lengths):
            return self.module(inputs)

    return Sized()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"encoder": "bilstn"}, r"encoder must be one of .*'bilstm'.*did you mean 'bilstm'\?"),
        ({"objective": "hinge"}, r"objective must be one of .*did you mean 'structured_hinge'\?"),
        ({"structure": "crff"}, r"did you mean 'crf'\?"),
        ({"dropout": 1.0}, "dropout must be a number of at least 0 and below 1; got 1.0"),
        ({"hidden_size": 0}, "hidden_size must be"),
        ({"learning_rate": None}, "learning_rate must be a number above 0"),
        ({"word_size": 0, "char_encoder": None}, "leave no input"),
        ({"encoder": lambda size: torch.nn.Identity()}, "attribute output_size"),
        ({"encoder": lambda size: sized(torch.nn.Linear(size, 9), 8)}, r"must give a tensor \(B, T, H\).*8\).*9\)"),
        ({"encoder": lambda size: sized(torch.nn.LSTM(size, 8), 8)}, r"must give a tensor \(B, T, H\).*got tuple"),
        ({"constraint": 5}, r"constraint must be 'auto'.*got 5"),
        ({"callbacks": 3}, "callbacks must be a list of skorch callbacks.*got 3"),
        ({"callbacks": [EpochScoring]}, "objects, not classes"),
        ({"char_encoder": ["cnn"]}, "char_encoder must be one of"),
        ({"lowercase": "no"}, "lowercase must be True or False; got 'no'"),
        ({"learning_rate": float("inf")}, "learning_rate must be a number above 0; got inf"),
        ({"device": "gpu"}, "device must be one that torch can use here.*got 'gpu'"),
    ],
)
def test_bad_parameters_are_named(parameters, message, sentences):
    with pytest.raises(ValueError, match=message):
        hs.SequenceTagger(**{"verbose": 0, **parameters}).fit(*sentences)


def test_input_that_does_not_fit_the_model_is_named(fitted):
    with pytest.raises(hs.text.DataError, match="token of 2 column"):
        fitted.predict([[("a", "N")]])
    with pytest.raises(hs.text.DataError, match="X holds no sentence"):
        fitted.predict([])
    with pytest.raises(
        hs.text.UnknownLabelError, match=r"sentence 1, position 0: got the label 'B-never'.*unseen_labels"
    ):
        fitted.score([["a"], ["b"]], [["O"], ["B-never"]])
    assert clone(fitted).set_params(unseen_labels="miss")  # the remedy exists


def test_unseen_labels_count_as_missed(fitted):
    twin = copy.deepcopy(fitted).set_params(unseen_labels="miss")
    assert twin.score([["a"]], [["B-never"]]) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"dropout": "a"},
        {"dropout": 1.0},
        {"num_layers": 1.5},
        {"batch_size": 2.5},
        {"max_epochs": 0},
        {"clip_norm": -1},
    ],
)
def test_a_number_that_is_none_is_named(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be .*; got"):
        hs.SequenceTagger(**wrong).fit([["a"]], [["O"]])
