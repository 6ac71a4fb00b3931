from collections import Counter, defaultdict

import numpy as np
import pytest
from sklearn.feature_extraction import FeatureHasher
from sklearn.linear_model import SGDClassifier

from hybridseq.constraints import scheme
from hybridseq.datasets import make_ticket_booking
from hybridseq.datasets.ticket_booking import CITIES, SLOTS
from hybridseq.metrics import span_f1
from hybridseq.text import spans

X, Y = make_ticket_booking(2000, random_state=0)


def test_the_same_seed_gives_the_same_sentences_and_a_prefix_of_more():
    again = make_ticket_booking(20, random_state=0)
    assert again == (X[:20], Y[:20])
    assert make_ticket_booking(20, np.random.default_rng(0)) == again
    assert make_ticket_booking(20, random_state=1) != again


def test_tags_are_legal_and_cover_every_slot():
    bio = scheme("BIO")
    assert all(len(tokens) == len(tags) > 0 and bio.accepts(tags) for tokens, tags in zip(X, Y))
    assert {span.type for tags in Y for span in spans(tags)} == set(SLOTS)


def test_a_slot_holds_a_whole_value():
    cities = {city.lower() for city in CITIES}
    for tokens, tags in zip(X, Y):
        for kind, start, end in spans(tags):
            if kind in ("destination", "departure", "stopover"):
                assert " ".join(tokens[start:end]).lower() in cities


def test_cities_dates_and_times_need_their_context():
    kinds = defaultdict(Counter)
    for tokens, tags in zip(X, Y):
        for token, tag in zip(tokens, tags):
            kinds[token.lower()][tag] += 1
    for token in ("taipei", "november", "noon"):
        counts = kinds[token]
        assert len(counts) >= 3 and counts["O"] > 0
        assert max(counts.values()) < 0.6 * counts.total()


def test_no_sentence_has_two_taggings():
    seen = {}
    for tokens, tags in zip(*make_ticket_booking(10_000, random_state=2)):
        # Neither case nor the mark at the end may decide.
        key = tuple(token.lower() for token in tokens if token not in (".", "?"))
        assert seen.setdefault(key, tags[: len(key)]) == tags[: len(key)]
    assert len(seen) < 10_000, "no sentence came twice, so nothing was compared"


@pytest.mark.parametrize(
    ("verb", "slot", "date"),
    [("arrive", "destination", "arrival_date"), ("leave", "departure", "departure_date")],
)
def test_short_commands_are_among_the_sentences(verb, slot, date):
    wanted = ["O", f"B-{slot}", "O", f"B-{date}", f"I-{date}"]
    shown = [tokens for tokens, tags in zip(X, Y) if tokens[0] == verb and tags == wanted]
    assert any(tokens[1].islower() for tokens in shown) and any(tokens[1].istitle() for tokens in shown)


def most_frequent(token_counts, X):
    return [[token_counts[t].most_common(1)[0][0] if t in token_counts else "O" for t in s] for s in X]


def features(token):
    low = token.lower()
    return [token, f"low={low}", f"2={low[:2]}", f"-2={low[-2:]}", f"-3={low[-3:]}", f"up={token[0].isupper()}",
            f"num={token[0].isdigit()}", "bias"]  # fmt: skip


def test_a_classifier_without_context_stays_below_85():
    test_X, test_Y = make_ticket_booking(500, random_state=1)
    counts = defaultdict(Counter)
    for tokens, tags in zip(X, Y):
        for token, tag in zip(tokens, tags):
            counts[token][tag] += 1
    assert span_f1(test_Y, most_frequent(counts, test_X)) < 0.85

    hasher = FeatureHasher(2**14, input_type="string")
    model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=8, tol=None, random_state=0)
    model.fit(hasher.transform(features(t) for s in X for t in s), [tag for tags in Y for tag in tags])
    flat = iter(model.predict(hasher.transform(features(t) for s in test_X for t in s)))
    predicted = [[next(flat) for _ in s] for s in test_X]
    # Better than nothing, so the classifier did learn; yet far from what the context gives.
    assert 0.1 < span_f1(test_Y, predicted) < 0.85


@pytest.mark.parametrize("n", [-1, 1.5, True, None])
def test_n_is_checked(n):
    with pytest.raises(ValueError, match="whole number"):
        make_ticket_booking(n)


def test_none_at_all_is_none():
    assert make_ticket_booking(0, random_state=0) == ([], [])
