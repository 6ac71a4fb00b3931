"""Sentences as matrices: rows in the order of the sentences, columns by name, at home in scikit-learn."""

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline

import hybridseq as hs
from hybridseq.text import DataError, TokenTemplates

X = [["to", "Rome"], ["from", "Rome", "to", "Oslo"], ["today"]]
TWO = [[{"w": "to", "first": True}, {"w": "Rome", "length": 4}], [{"w": "to", "length": 2.5}]]


def columns_of(transformer, matrix):
    """The features of each row, by name, with their values."""
    names = transformer.get_feature_names_out()
    matrix = matrix.tocsr()
    return [dict(zip(names[row.indices], row.data)) for row in matrix]


def test_rows_hold_the_features_of_the_templates():
    transformer = hs.TokenFeatures()
    matrix = transformer.fit_transform(X)
    assert sparse.issparse(matrix) and matrix.format == "csr" and matrix.dtype == np.float64
    wanted = [dict.fromkeys(features, 1.0) for sentence in TokenTemplates().transform(X) for features in sentence]
    assert columns_of(transformer, matrix) == wanted
    assert (matrix != transformer.transform(X)).nnz == 0


def test_what_training_did_not_show_is_left_out():
    words = TokenTemplates(window=0, bigrams=0, prefixes=(), suffixes=(), shapes=None, before=0)
    transformer = hs.TokenFeatures(words).fit(X)
    assert list(transformer.get_feature_names_out()) == [f"w[0]={w}" for w in ("to", "Rome", "from", "Oslo", "today")]
    assert transformer.transform([["to", "Paris", "today"]]).toarray().tolist() == [
        [1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 1],
    ]


@pytest.mark.parametrize("min_freq", [2, 3])
def test_rare_features_are_left_out(min_freq):
    every = hs.TokenFeatures().fit(X)
    some = hs.TokenFeatures(min_freq=min_freq)
    matrix = some.fit_transform(X)
    counts = np.asarray((every.transform(X) > 0).sum(0)).ravel()
    assert list(some.get_feature_names_out()) == list(every.get_feature_names_out()[counts >= min_freq])
    assert (matrix != some.transform(X)).nnz == 0 and matrix.shape[1] > 0


def test_features_that_are_ready():
    transformer = hs.TokenFeatures(templates=None)
    assert columns_of(transformer, transformer.fit_transform(TWO)) == [
        {"w:to": 1, "first": 1},
        {"w:Rome": 1, "length": 4},
        {"w:to": 1, "length": 2.5},
    ]
    lists = hs.TokenFeatures(templates=None).fit(TokenTemplates().transform(X))
    assert list(lists.get_feature_names_out()) == list(hs.TokenFeatures().fit(X).get_feature_names_out())


def test_a_function_may_make_the_features():
    transformer = hs.TokenFeatures(lambda sentence: [{"upper": word.istitle()} for word in sentence])
    assert transformer.fit_transform(X).toarray().ravel().tolist() == [0, 1, 0, 1, 0, 1, 0]


def test_clone_and_parameters():
    transformer = hs.TokenFeatures(TokenTemplates(window=1), min_freq=2).fit(X)
    again = clone(transformer)
    assert not hasattr(again, "vocabulary_") and again.get_params() == transformer.get_params()
    assert (again.fit_transform(X) != transformer.transform(X)).nnz == 0


def test_set_output_default_is_known():
    transformer = hs.TokenFeatures().set_output(transform="default")
    assert sparse.issparse(transformer.fit_transform(X))


def test_in_a_pipeline_of_scikit_learn():
    model = make_pipeline(hs.TokenFeatures(), LogisticRegression(C=100))
    flat = [label for sentence in X for label in ["city" if w.istitle() else "O" for w in sentence]]
    assert model.fit(X, flat).predict(X).tolist() == flat


@pytest.mark.parametrize(
    ("transformer", "data", "error", "message"),
    [
        (hs.TokenFeatures(min_freq=0), X, ValueError, "min_freq must be a whole number of at least 1; got 0"),
        (hs.TokenFeatures(templates="pos"), X, ValueError, "templates must be 'default'.*got 'pos'"),
        (hs.TokenFeatures(), [["to"], []], DataError, r"X\[1\] is an empty sentence"),
        (hs.TokenFeatures(), [["to"], ["Rome", 1]], DataError, "sentence 1, position 1"),
        (hs.TokenFeatures(None), [[{"a": float("nan")}]], DataError, "sentence 0, position 0"),
    ],
)
def test_bad_input(transformer, data, error, message):
    with pytest.raises(error, match=message):
        transformer.fit(data)
    assert not hasattr(transformer, "vocabulary_")


@pytest.fixture(scope="module")
def neural(fitted, sentences):
    return hs.EncoderFeatures(fitted).fit_transform(sentences[0])


def test_tokens_must_have_the_columns_of_training():
    transformer = hs.TokenFeatures().fit([[("to", "TO"), ("Rome", "NNP")]])
    with pytest.raises(DataError, match=r"got 'to', a token of 1 value\(s\); fit was given tokens of 2"):
        transformer.transform([["to"]])


def test_the_encoder_gives_what_the_tagger_scores(fitted, sentences, neural):
    assert neural.dtype == np.float32 and neural.shape == (sum(map(len, sentences[0])), 32)
    begin = 0
    for sentence, wanted in list(zip(sentences[0], fitted.predict_marginals(sentences[0])))[:5]:
        rows = torch.from_numpy(neural[begin : begin + len(sentence)])
        plan = fitted.constraint_.compile(fitted.classes_)
        with torch.no_grad():
            chain = fitted.network_.structure(fitted.network_.emissions(rows)[None])
            np.testing.assert_allclose(chain.restrict(plan).marginals()[0], wanted, atol=1e-5)
        begin += len(sentence)


def test_a_sentence_has_the_same_rows_alone(fitted, sentences, neural):
    alone = hs.EncoderFeatures(fitted).transform(sentences[0][-1:])
    np.testing.assert_allclose(neural[-len(alone) :], alone, atol=1e-5)


def test_the_tagger_outlives_a_clone(fitted):
    again = clone(hs.EncoderFeatures(fitted))
    assert again.tagger is fitted and len(again.get_feature_names_out()) == 32
    assert clone(FeatureUnion([("neural", again)])).transformer_list[0][1].tagger is fitted


def test_a_tagger_that_is_not_fitted():
    with pytest.raises(NotFittedError, match="tagger must be a fitted SequenceTagger; got SequenceTagger"):
        hs.EncoderFeatures(hs.SequenceTagger()).fit(X)


def test_both_side_by_side(fitted, sentences, neural):
    union = FeatureUnion([("words", hs.TokenFeatures()), ("neural", hs.EncoderFeatures(fitted))])
    matrix = union.fit_transform(sentences[0])
    words = hs.TokenFeatures().fit_transform(sentences[0])
    assert matrix.shape == (len(neural), words.shape[1] + 32)
    np.testing.assert_allclose(matrix[:, -32:].toarray(), neural, rtol=1e-6)
    assert (matrix.tocsr()[:, :-32] != words).nnz == 0
    names = union.get_feature_names_out().tolist()
    assert f"words__w[0]={sentences[0][0][0]}" in names and names[-1] == "neural__encoderfeatures31"


def test_a_linear_model_takes_the_matrix(sentences):
    X, y = sentences[0][:30], sentences[1][:30]
    settings = {"c2": 0.5, "max_iterations": 15, "verbose": 0}
    features, lengths = hs.TokenFeatures().fit(X), list(map(len, X))
    stacked = hs.LinearCRF(**settings).fit(features.transform(X), [t for tags in y for t in tags], lengths=lengths)
    lists = hs.LinearCRF(**settings).fit(TokenTemplates().transform(X), y)
    assert stacked.objective_ == pytest.approx(lists.objective_, rel=1e-6)
    found = stacked.predict(features.transform(sentences[0][30:]), lengths=list(map(len, sentences[0][30:])))
    wanted = lists.predict(TokenTemplates().transform(sentences[0][30:]))
    assert list(found) == [tag for tags in wanted for tag in tags]


def test_neural_and_hand_made_features_under_one_chain(fitted, sentences):
    X, y = sentences[0][:40], sentences[1][:40]
    union = FeatureUnion([("words", hs.TokenFeatures()), ("neural", hs.EncoderFeatures(fitted))])
    flat, lengths = [tag for tags in y for tag in tags], list(map(len, X))
    both, words = (
        hs.LinearCRF(verbose=0).fit(matrix, flat, lengths=lengths)
        for matrix in (union.fit_transform(X), hs.TokenFeatures().fit_transform(X))
    )
    # More features can only lower the optimum.
    assert both.objective_ < words.objective_
