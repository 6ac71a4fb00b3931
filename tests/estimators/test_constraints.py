import numpy as np
import pytest

import hybridseq as hs
from hybridseq import constraints as C

pytestmark = pytest.mark.filterwarnings("error")


def letters(count, seed=0):
    """Sentences of words a and b, whose labels A and B come in runs of two or more."""
    random = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(count):
        labels = [label for label in random.permutation(["A", "B", "A", "B"]) for _ in range(random.integers(2, 5))]
        y.append([str(label) for label in labels])
        X.append([label.lower() if random.random() < 0.8 else "ab"[random.integers(2)] for label in y[-1]])
    return X, y


@pytest.fixture(scope="module")
def steady(quick):
    X, y = letters(60)
    return hs.SequenceTagger(constraint=C.run(C.each, min=2), **quick).fit(X, y)


def test_predictions_keep_the_constraint_where_single_words_do_not(steady, quick):
    X, _ = letters(50, seed=1)
    rule = C.run(C.each, min=2)
    assert rule.check_dataset(steady.predict(X)).ok
    free = hs.SequenceTagger(constraint=None, **quick).fit(*letters(60))
    assert not rule.check_dataset(free.predict(X)).ok
    assert all(rule.accepts(labels) for best in steady.predict_k_best(X[:5], 3) for labels, _ in best)


def test_a_constrained_model_is_saved_with_its_constraint(steady, tmp_path):
    X, _ = letters(10, seed=2)
    steady.save(tmp_path / "model")
    loaded = hs.load(tmp_path / "model")
    assert loaded.constraint_ == steady.constraint_ and loaded.constraint == steady.constraint
    assert loaded.predict(X) == steady.predict(X)


def test_each_sentence_may_have_a_constraint_of_its_own(steady):
    X, _ = letters(4, seed=3)
    plain = steady.predict(X)
    wanted = [None, C.at(0, "B" if plain[1][0] == "A" else "A"), C.count("A", exactly=3), C.span(1, 4, "B")]
    found = steady.predict(X, constraint=wanted)
    assert found[0] == plain[0]
    for labels, own in zip(found[1:], wanted[1:]):
        assert own.accepts(labels) and steady.constraint_.accepts(labels)
    marginals = steady.predict_marginals(X, constraint=wanted)
    assert marginals[1][0].max() == 1 and np.allclose(marginals[2].sum(1), 1, atol=1e-5)
    assert np.isclose(marginals[2][:, 0].sum(), 3, atol=1e-4)
    together = steady.predict(X, constraint=C.at(0, "A"))
    assert [labels[0] for labels in together] == ["A"] * 4


def test_masks_and_tokens(steady):
    X = [["a", "b", "ab", "a"], ["b", "b"]]
    mask = np.zeros((4, 2), bool)
    mask[:, 1] = True
    assert steady.predict(X, constraint=[C.allowed(mask), None])[0] == ["B"] * 4
    by_word = steady.predict(X, constraint=C.tokens({"b": "A"}))
    assert by_word[0][1] == "A" and by_word[1] == ["A", "A"]
    assert steady.predict(X, constraint={"b": "A"}) == by_word


def test_a_dictionary_of_tokens_holds_in_prediction(quick):
    X, y = letters(60)
    entries = C.tokens({"never-seen": ["B"]})
    tagger = hs.SequenceTagger(constraint=entries & C.run(C.each, min=2), **quick).fit(X, y)
    assert tagger.predict([["never-seen", "a", "a", "a"]])[0][0] == "B"


def test_a_sentence_that_nothing_satisfies(steady):
    X, _ = letters(3, seed=4)
    wanted = [None, C.at(0, "A") & C.first("B"), None]
    with pytest.raises(hs.InfeasibleError, match="example 1 ") as caught:
        steady.predict(X, constraint=wanted)
    assert caught.value.example == 1 and caught.value.position == 0 and len(caught.value.parts) == 2
    with pytest.raises(hs.InfeasibleError, match=r"example 0 of length 1.*feasible near it: 2"):
        steady.predict([["a"]])
    plain = steady.predict(X)
    try:
        for choice in ("relax", "unconstrained"):
            steady.on_infeasible = choice
            assert steady.predict(X, constraint=wanted)[0] == plain[0]
        assert len(steady.predict(X, constraint=wanted)[1]) == len(X[1])
        steady.on_infeasible = "skip"
        with pytest.warns(UserWarning, match="1 of 3 sentences are skipped"):
            found = steady.predict(X, constraint=wanted)
        assert found == [plain[0], None, plain[2]]
    finally:
        steady.on_infeasible = "raise"


def test_labels_that_break_the_constraint_are_reported_before_training(quick, capsys):
    X, y = letters(20)
    y[3] = ["A", "B"] * len(y[3])
    y[3], y[7] = y[3][: len(X[3])], ["B", *y[7][1:]]
    rule = C.run(C.each, min=2) & C.first("A").soft(-1)
    with pytest.raises(hs.InfeasibleError, match=r"sentence 3 breaks the constraint(.|\n)*\d  run\(each, min=2\)"):
        hs.SequenceTagger(constraint=rule, **quick).fit(X, y)
    for choice, said in (("skip", "left out"), ("unconstrained", "without it"), ("relax", "the parts that they break")):
        settings = {**quick, "max_epochs": 1, "verbose": 1, "valid_fraction": 0}
        tagger = hs.SequenceTagger(constraint=rule, on_infeasible=choice, **settings).fit(X, y)
        assert said in capsys.readouterr().err
        assert np.isfinite(tagger.history_[0]["train_loss"])
    with pytest.raises(hs.InfeasibleError, match="20 of 20"):
        hs.SequenceTagger(constraint=C.count("A", min=99), on_infeasible="skip", **quick).fit(X, y)


def test_the_weight_of_a_soft_constraint_is_learned(quick):
    X, y = letters(40)
    rule = C.segments("A", exactly=2).soft(0.0, learn=True) & C.first("A").soft(-0.5)
    tagger = hs.SequenceTagger(constraint=rule, **quick).fit(X, y)
    assert len(tagger.network_.soft_weights) == 1
    assert tagger.network_.soft_weights[0].item() != 0
    assert len(tagger.predict(X, constraint=C.last("A").soft(-3))) == len(X)


def test_budgets_hold_in_prediction(quick):
    X, y = letters(40)
    rule = C.run(C.each, min=2) & C.linear({"A": 1.0}, max=3.5)
    with pytest.raises(hs.InfeasibleError, match="linear"):
        hs.SequenceTagger(constraint=rule, **quick).fit(X, y)
    tagger = hs.SequenceTagger(constraint=C.run(C.each, min=2), **quick).fit(X, y)
    found = tagger.predict(X[:6], constraint=C.linear({"A": 1.0}, max=3.5))
    assert all(labels.count("A") <= 3 for labels in found) and C.run(C.each, min=2).check_dataset(found).ok


@pytest.mark.parametrize(
    ("constraint", "match"),
    [
        ([None], "1 entries"),
        ("BIO", "a list with one"),
        ([None, 5, None], r"constraint\[1\]"),
        (C.first("C"), "'C', which is not among"),
    ],
)
def test_errors_in_what_is_given_at_prediction(steady, constraint, match):
    with pytest.raises(ValueError, match=match):
        steady.predict(letters(3)[0], constraint=constraint)


def test_a_baseline_without_structure_takes_no_constraint(quick):
    X, y = letters(20)
    tagger = hs.SequenceTagger(objective="cross_entropy", **{**quick, "max_epochs": 1}).fit(X, y)
    with pytest.raises(ValueError, match="no structure"):
        tagger.predict(X, constraint=C.first("A"))


def test_a_mask_for_all_sentences_gives_each_its_row(steady):
    X = [["a", "b", "a", "b"], ["b", "b"]]
    mask = np.zeros((2, 4, 2), bool)
    mask[0, :, 1] = mask[1, :, 0] = True
    assert steady.predict(X, constraint=C.allowed(mask)) == [["B"] * 4, ["A"] * 2]
    with pytest.raises(hs.text.DataError, match="2 rows, but X has 1"):
        steady.predict(X[:1], constraint=C.allowed(mask))


def test_a_budget_that_nothing_keeps(steady):
    X, _ = letters(3, seed=5)
    plain, wanted = steady.predict(X), [None, C.linear({"A": 1.0, "B": 1.0}, min=1e3), None]
    with pytest.raises(hs.InfeasibleError, match="example 1"):
        steady.predict(X, constraint=wanted)
    try:
        for choice in ("relax", "unconstrained"):
            steady.on_infeasible = choice
            found = steady.predict(X, constraint=wanted)
            assert found[0] == plain[0] and len(found[1]) == len(X[1])
        steady.on_infeasible = "skip"
        with pytest.warns(UserWarning, match="1 of 3"):
            assert steady.predict(X, constraint=wanted) == [plain[0], None, plain[2]]
        steady.on_infeasible = "bogus"
        with pytest.raises(ValueError, match="on_infeasible"):
            steady.predict(X)
    finally:
        steady.on_infeasible = "raise"


def test_a_weight_that_is_never_paid_stays(quick):
    X, y = letters(20)
    rule = C.count("A", max=500).soft(-3.0, learn=True) & C.first("A").soft(-0.5)
    tagger = hs.SequenceTagger(constraint=rule, **{**quick, "weight_decay": 0.5}).fit(X, y)
    assert tagger.network_.soft_weights.tolist() == [-3.0]


def test_held_out_sentences_must_be_feasible_too(quick):
    X, y = letters(20)
    with pytest.raises(hs.InfeasibleError, match=r"among the held-out sentences: .*example 0 of length 1"):
        hs.SequenceTagger(constraint=C.run(C.each, min=2), **quick).fit(X, y, [["a"]], [["A"]])
