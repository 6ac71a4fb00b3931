"""A criterion of a batch is what enumeration of all paths says, and its gradient is a difference of occupancies."""

import numpy as np
import pytest
import torch

from hybridseq.nn.prior import Prior
from hybridseq.speech.acoustic.hybrid import HybridModel
from hybridseq.speech.decoding.decoder import Decoder
from hybridseq.speech.graph import Units, ctc_graph, left_to_right, transcript_graph, word_loop
from hybridseq.speech.ngram import NGramModel, estimate
from hybridseq.speech.sequence import (
    CTCSymbols,
    SequenceObjective,
    phone_denominator,
    phone_sequences,
    unit_costs,
    word_denominator,
)
from hybridseq.speech.start import Alignments
from tests import tolerances
from tests.speech.graph.enumerated import LEXICON, paths, said

UNITS = Units(LEXICON.phones, left_to_right(1), silence="sil")
TRANSCRIPTS = ["a b", "c", "a b", "b"]
LENGTHS = [4, 3, 3, 4]
SCALES = {"acoustic_scale": 0.6, "grammar_scale": 0.8, "word_penalty": -0.3}
GRAPHS = [transcript_graph(t, LEXICON, UNITS) for t in TRANSCRIPTS]
WORDS = word_denominator(["a", "b", "c"], UNITS, LEXICON)
LOOP = NGramModel.word_loop(["a", "b", "c"])


def drawn(seed=0):
    """Scores of the batch and an alignment, drawn."""
    rng = np.random.default_rng(seed)
    scores = torch.from_numpy(rng.normal(size=(len(LENGTHS), max(LENGTHS), UNITS.num_labels)))
    alignments = Alignments([str(i) for i in range(4)], [rng.integers(UNITS.num_labels, size=n) for n in LENGTHS])
    labels = torch.full((len(LENGTHS), max(LENGTHS)), -100)
    for row, path in zip(labels, alignments):
        row[: len(path)] = torch.from_numpy(path)
    return scores, alignments, labels


def log_sum(graph, scores, frames, gain=None, score=None):
    """Log-sum-exp over a graph's paths; ``gain`` (T, P) is added to the scores, ``score`` of the words too."""
    found = []
    for path in paths(graph, frames, SCALES["grammar_scale"], SCALES["word_penalty"]):
        columns = graph.labels[path.states]
        value = path.weight + SCALES["acoustic_scale"] * scores[np.arange(frames), columns].sum()
        value += 0 if gain is None else gain[np.arange(frames), columns].sum()
        found.append(value + (0 if score is None else score(graph, path)))
    return float(np.logaddexp.reduce(found))


def grammar_of(graph, path):
    return SCALES["grammar_scale"] * LOOP.score(said(graph, path))


def wrong(labels, frames):
    """1 for each column but the aligned one, (T, P)."""
    return 1.0 - np.eye(UNITS.num_labels)[labels[:frames]]


def enumerated(criterion, scores, labels):
    """The loss of each row, by its definition."""
    loop, step, found = word_loop(["a", "b", "c"], LEXICON, UNITS), 1e-5, []
    for graph, x, y, frames in zip(GRAPHS, scores.numpy(), labels.numpy(), LENGTHS):
        low = log_sum(graph, x, frames, score=grammar_of)
        high = log_sum(loop, x, frames)
        if criterion == "boosted_mmi":
            high = log_sum(loop, x, frames, 0.4 * wrong(y, frames))
        if criterion == "smbr":
            # The mean of a cost is the log-partition's derivative in the cost's weight.
            cost = step * wrong(y, frames)
            found.append((log_sum(loop, x, frames, cost) - log_sum(loop, x, frames, -cost)) / (2 * step))
        else:
            found.append(-log_sum(graph, x, frames) if criterion == "full_sum" else high - low)
    return torch.tensor(found, dtype=torch.float64)


@pytest.mark.parametrize("criterion", ["mmi", "boosted_mmi", "smbr", "full_sum"])
def test_the_loss_is_what_enumeration_says(criterion):
    scores, alignments, labels = drawn()
    objective = SequenceObjective(criterion, GRAPHS, LENGTHS, WORDS, alignments, boost=0.4, **SCALES)
    found = objective(scores, torch.tensor(LENGTHS), [0, 1, 2, 3], labels)
    assert (found > 0).all() or criterion == "full_sum"
    tolerance = {"rtol": 1e-7, "atol": 1e-7} if criterion == "smbr" else tolerances.value(torch.float64)
    torch.testing.assert_close(found, enumerated(criterion, scores, labels), **tolerance)


def test_rows_may_come_in_any_order_and_alone():
    scores, _, _ = drawn()
    objective = SequenceObjective("mmi", GRAPHS, LENGTHS, WORDS, **SCALES)
    every = objective(scores, torch.tensor(LENGTHS), [0, 1, 2, 3])
    some = objective(scores[[2, 0]], torch.tensor([3, 4]), [2, 0])
    torch.testing.assert_close(some, every[[2, 0]], **tolerances.value(torch.float64))
    alone = objective(scores[1:2, :3], torch.tensor([3]), [1])
    torch.testing.assert_close(alone, every[1:2], **tolerances.value(torch.float64))


def test_the_gradient_of_mmi_by_the_networks_output_is_the_difference_of_occupancies():
    """Through softmax and prior: neither has a part in it."""
    output, _, _ = drawn(1)
    output.requires_grad_()
    prior = Prior(torch.arange(1.0, UNITS.num_labels + 1)).double()
    objective = SequenceObjective("mmi", GRAPHS, LENGTHS, WORDS, **SCALES)
    scores, lengths = prior(output.log_softmax(-1)), torch.tensor(LENGTHS)
    objective(scores, lengths, [0, 1, 2, 3]).sum().backward()
    scaled = SCALES["acoustic_scale"] * scores.detach()
    high = objective.denominator.beside(scaled, lengths).marginals()
    low = objective.numerator(scaled, lengths, [0, 1, 2, 3]).marginals()
    wanted = SCALES["acoustic_scale"] * (high - low)
    torch.testing.assert_close(output.grad, wanted, **tolerances.gradient(torch.float64))
    assert wanted.abs().max() > 0.1


def test_numerators_lie_within_word_denominators():
    grammar = estimate(["a b", "b a c", "a b b", "c"], 2)
    denominator = word_denominator(grammar, UNITS, LEXICON)
    objective = SequenceObjective("mmi", GRAPHS, LENGTHS, denominator)
    for seed in range(5):
        assert (objective(10 * drawn(seed)[0], torch.tensor(LENGTHS), [0, 1, 2, 3]) >= -1e-9).all()


def test_numerators_lie_within_phone_denominators():
    sequences = phone_sequences(TRANSCRIPTS * 5, UNITS, LEXICON, np.random.default_rng(0))
    assert {p for s in sequences for p in s} == set(UNITS.names)
    objective = SequenceObjective("lfmmi", GRAPHS, LENGTHS, phone_denominator(sequences, UNITS, order=2))
    for seed in range(5):
        assert (objective(10 * drawn(seed)[0], torch.tensor(LENGTHS), [0, 1, 2, 3]) >= -1e-9).all()


def test_equal_transcripts_share_a_graph():
    objective = SequenceObjective("mmi", GRAPHS, LENGTHS, WORDS)
    assert objective.graph_of[0] is objective.graph_of[2]
    assert len({id(g) for g in objective.graph_of}) == 3


def test_what_cannot_be_used_is_named():
    graphs = [*GRAPHS, transcript_graph("c c", LEXICON, UNITS), GRAPHS[0], None]
    lengths = [*LENGTHS, 3, None, 5]
    ids = ["u1", "u2", "u3", "u4", "short", "empty", "unspoken"]
    objective = SequenceObjective("mmi", graphs, lengths, WORDS, ids=ids)
    told = dict(objective.problems)
    assert objective.usable == [0, 1, 2, 3]
    assert list(told) == ["short", "empty", "unspoken"]
    assert "3 frames, needs at least 4" in told["short"]
    few = word_denominator(["a", "b"], UNITS, LEXICON)
    objective = SequenceObjective("mmi", GRAPHS, LENGTHS, few, ids=ids[:4])
    assert objective.problems[0][0] == "u2" and "'c' is not in the vocabulary" in objective.problems[0][1]
    _, alignments, _ = drawn()
    half = Alignments(alignments.ids, [None, *alignments.labels[1:]])
    assert SequenceObjective("smbr", GRAPHS, LENGTHS, WORDS, half).problems == [("0", "no alignment")]
    with pytest.raises(ValueError, match=r"no utterance can be used.*too short"):
        SequenceObjective("mmi", GRAPHS[:1], [1], WORDS)


@pytest.mark.parametrize(
    "criterion, denominator, said",
    [
        ("mni", WORDS, "did you mean 'mmi'"),
        ("mmi", None, "needs a denominator"),
        ("lfmmi", WORDS, "denominator of phones"),
        ("smbr", WORDS, "needs alignments"),
        ("mmi", word_denominator(["a", "b", "c"], UNITS, LEXICON, optional_silence=False), "column 2"),
    ],
)
def test_what_is_missing_is_said(criterion, denominator, said):
    with pytest.raises(ValueError, match=said):
        SequenceObjective(criterion, GRAPHS, LENGTHS, denominator)


def test_ctc_is_that_of_torch():
    symbols = CTCSymbols(("a", "b", "c"))
    texts, lengths = ["a b", "", "c c a", "b"], torch.tensor([5, 4, 7, 7])
    assert symbols.spell("c c a") == [3, 3, 1] and symbols.spell("b", LEXICON.whole_words("abc")) == [2]
    objective = SequenceObjective("ctc", [symbols.graph(t) for t in texts], lengths.tolist())
    output = torch.randn(4, 7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    found = objective(output.log_softmax(-1), lengths, [0, 1, 2, 3])
    targets = torch.tensor([c for t in texts for c in symbols.spell(t)])
    sizes = torch.tensor([2, 0, 3, 1])
    other = torch.nn.CTCLoss(reduction="none")(output.log_softmax(-1).transpose(0, 1), targets, lengths, sizes)
    torch.testing.assert_close(found, other, **tolerances.value(torch.float64))
    gradients = [torch.autograd.grad(x.sum(), output, retain_graph=True)[0] for x in (found, other)]
    torch.testing.assert_close(*gradients, **tolerances.gradient(torch.float64))


def test_ctc_names_a_repeated_symbol_without_a_blank_between():
    objective = SequenceObjective("ctc", [ctc_graph([1, 1]), ctc_graph([1, 2])], [2, 2], ids=["same", "apart"])
    assert [name for name, _ in objective.problems] == ["same"]


def test_words_are_found_in_spelt_phones():
    symbols = CTCSymbols(("x", "y"))
    units = symbols.units()
    assert units.num_labels == symbols.num_labels and units.silence_labels == (0,)
    graph = word_loop(["a", "b", "c"], LEXICON, units)
    spelt = [0, 0, 1, 1, 0, 2, 0, 2, 2, 1]
    scores = np.full((len(spelt), 3), -5.0)
    scores[np.arange(len(spelt)), spelt] = 0
    found = Decoder(graph, word_penalty=-1.0).decode(scores)
    assert found.words == ("b", "c") and found.labels.tolist() == spelt


class _Table(torch.nn.Module):
    """The features are the scores."""

    num_labels = UNITS.num_labels

    def forward(self, features, lengths):
        return features


def test_evaluation_is_the_mean_a_frame():
    scores, alignments, labels = drawn()
    objective = SequenceObjective("smbr", GRAPHS, LENGTHS, WORDS, alignments, **SCALES)
    features = [x[:n] for x, n in zip(scores, LENGTHS)]
    posteriors = scores.log_softmax(-1)
    wanted = objective(posteriors, torch.tensor(LENGTHS), [0, 1, 2, 3], labels).sum() / sum(LENGTHS)
    found = objective.evaluate(HybridModel(_Table()), features, alignments, batch_frames=8)
    assert found == pytest.approx(wanted.item())


def test_costs_tell_right_units_from_wrong_ones():
    units = Units(["a", "b"], left_to_right(2), silence="sil")
    same = torch.block_diag(*[torch.ones(2, 2)] * 3)
    assert torch.equal(unit_costs(units), 1 - same)
    scores, alignments, labels = drawn()
    cost = torch.rand(3, 3, generator=torch.Generator().manual_seed(0)) * (1 - torch.eye(3))
    every = SequenceObjective("smbr", GRAPHS, LENGTHS, WORDS, alignments, costs=cost)
    given = every.denominator.beside(scores, torch.tensor(LENGTHS)).marginals()
    wanted = [(given[i, : len(y)] * cost[y]).sum() for i, y in enumerate(alignments)]
    found = every(scores, torch.tensor(LENGTHS), [0, 1, 2, 3], labels)
    torch.testing.assert_close(found, torch.stack(wanted).double(), **tolerances.value(torch.float64))
