"""Generators as searches: one pass, several draws, weights tuned to an instance."""

import pytest
import torch
from torch import nn

from hybridseq.inference.amortised import AmortisedArgmax, answer, best_of_draws
from hybridseq.inference.exhaustive import exact_argmax
from hybridseq.inference.gradient_ascent import gradient_ascent
from hybridseq.inference.tuning import tune_instance
from tests.inference.toys import Deaf, LinearGenerator, Pairs, chains

KINDS = {"labels": lambda: chains(batch=6), "bits": lambda: Pairs.draw(batch=6)}
every = pytest.mark.parametrize("kind", KINDS)
X = torch.arange(6)


def test_a_generator_keeps_the_protocol():
    assert isinstance(LinearGenerator(chains().space), AmortisedArgmax)
    assert not isinstance(nn.Linear(2, 2), AmortisedArgmax)


@every
def test_an_answer_is_hard_and_repeats_with_its_seed(kind):
    F = KINDS[kind]()
    generator = LinearGenerator(F.space, noise_size=4)
    one = answer(generator, X, seed=3)
    assert F.space.is_hard(one) and torch.equal(one, answer(generator, X, seed=3))
    assert not torch.equal(one, answer(generator, X, seed=4))
    assert generator.training
    z = torch.zeros(6, 4).double()
    assert torch.equal(answer(generator, X, z), F.space.harden(F.space.squash(generator.table.detach())))


@every
def test_more_draws_never_score_lower(kind):
    F = KINDS[kind]()
    generator = LinearGenerator(F.space, noise_size=4)
    scores = torch.stack([F.score(best_of_draws(F, generator, X, draws=n, seed=1)) for n in (1, 2, 6, 18)])
    assert (scores.diff(dim=0) >= 0).all() and (scores[-1] > scores[0]).any()
    assert torch.equal(best_of_draws(F, generator, X, draws=1, seed=1), answer(generator, X, seed=1))


def test_more_draws_begin_with_the_fewer():
    """Whatever their number: the first numbers of a longer randn are others."""

    class Listening(LinearGenerator):
        def logits(self, x, z=None, head="plain"):
            self.heard.append(z)
            return super().logits(x, z, head)

    for batch, size in ((1, 3), (5, 3), (6, 4)):
        F, heard = Pairs.draw(batch=batch), {}
        for draws in (1, 2, 8):
            generator = Listening(F.space, size)
            heard[draws] = generator.heard = []
            best_of_draws(F, generator, torch.arange(batch), draws=draws)
        for few in (1, 2):
            assert torch.equal(torch.stack(heard[few]), torch.stack(heard[8][:few]))
        assert len({tuple(z.flatten().tolist()) for z in heard[8]}) == 8


@every
def test_tuning_climbs_and_leaves_the_generator_alone(kind):
    F = KINDS[kind]()
    for noise_size in (0, 2):
        generator = LinearGenerator(F.space, noise_size)
        before = {name: value.clone() for name, value in generator.state_dict().items()}
        start = F.score(answer(generator, X))
        few = F.score(tune_instance(generator, F, X, steps=2, learning_rate=0.5))
        many = F.score(tune_instance(generator, F, X, steps=8, learning_rate=0.5))
        assert (few >= start).all() and (many >= few).all() and (many > start).any()
        assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
        assert all(p.grad is None for p in generator.parameters()) and generator.training


def test_a_generator_that_is_free_for_each_instance_reaches_viterbi():
    """Its table of logits is tuned: the same as gradient ascent from the generator's logits, example by example."""
    solved = 0
    for seed in range(2):
        F = chains(seed, batch=6, steps=4)
        generator = LinearGenerator(F.space, seed=seed)
        tuned = tune_instance(generator, F, X, steps=40, learning_rate=0.5, parameters="table")
        ascended = gradient_ascent(F, logits=generator.table, steps=40, learning_rate=0.5)
        torch.testing.assert_close(F.score(tuned), F.score(ascended))
        solved += int((F.score(exact_argmax(F)) - F.score(tuned) < 1e-9).sum())
    assert solved >= 10, "of 12"


def test_an_example_is_tuned_with_its_own_noise():
    F, heard = chains(batch=6), []

    class Listening(LinearGenerator):
        def logits(self, x, z=None, head="plain"):
            heard.append((x.tolist(), z))
            return super().logits(x, z, head)

    tune_instance(Listening(F.space, noise_size=2), F, X, steps=1)
    (_, whole), *rest = heard
    assert {tuple(rows) for rows, _ in rest} == {(row,) for row in range(6)}
    assert all(torch.equal(z, whole[rows]) for rows, z in rest)


def test_inputs_of_several_tensors_are_cut_into_rows():
    F = chains(batch=6)

    class Named(LinearGenerator):
        def space(self, x):
            return super().space(x["row"])

        def logits(self, x, z=None, head="plain"):
            return super().logits(x["row"], z, head)

    generator = Named(F.space)
    expected = tune_instance(LinearGenerator(F.space), F, X, steps=3)
    assert torch.equal(tune_instance(generator, F, {"row": X, "more": (X, [X])}, steps=3), expected)
    shared = {"row": X, "words": torch.zeros(9)}
    with pytest.raises(ValueError, match=r"must have 6 rows.*got \(9,\). Give rows="):
        tune_instance(generator, F, shared)
    cut = lambda x, index: {"row": x["row"][index], "words": x["words"]}  # noqa: E731
    assert torch.equal(tune_instance(generator, F, shared, steps=3, rows=cut), expected)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda F, G: best_of_draws(F, G, X), ValueError, "needs a generator that takes noise; .* noise_size 0"),
        (lambda F, G: best_of_draws(F, G, X, draws=0), ValueError, "draws"),
        (lambda F, G: best_of_draws(F, nn.Linear(2, 2), X), TypeError, "a generator has noise_size.*got Linear"),
        (lambda F, G: best_of_draws(F.structure, G, X), TypeError, r"a Scored; got LinearChain"),
        (lambda F, G: answer(G, X, [[0.0]]), TypeError, "z must be a tensor .*got list"),
        (lambda F, G: answer(G, X, torch.zeros(6, 1)), ValueError, r"\(B, noise_size\) = \(6, 0\); got \(6, 1\)"),
        (lambda F, G: tune_instance(G, F, X, parameters="output"), ValueError, "begins with 'output': .'table', 'mix'"),
        (lambda F, G: tune_instance(lambda x: x, F, X), TypeError, "an nn.Module; got function"),
        (lambda F, G: tune_instance(G, F, X, steps=0), ValueError, "steps"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    F = chains(batch=6)
    with pytest.raises(error, match=message):
        call(F, LinearGenerator(F.space))


def test_tuning_needs_a_gradient_of_the_score():
    F = Deaf.draw(batch=6)
    with pytest.raises(ValueError, match="Deaf gives no gradient"):
        tune_instance(LinearGenerator(F.space), F, X)
    with pytest.raises(TypeError, match="dict, tuple or list of tensors, to be cut into rows; got str"):
        from hybridseq.inference.tuning import rows_of

        rows_of("text", X, 6)
