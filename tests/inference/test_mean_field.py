"""Mean field: its value bounds the log-partition, and coordinate steps raise it."""

import torch

from hybridseq.inference.mean_field import fit_mean_field
from tests.inference.toys import Pairs, chains


def log_partition(F, temperature=1.0):
    """By trying everything."""
    total = F.space.choices ** F.space.inside.shape[1]
    digits = torch.arange(total)[:, None] // F.space.choices ** torch.arange(F.space.inside.shape[1])
    ys = (digits % F.space.choices)[:, None].expand(-1, F.space.batch, -1)
    return temperature * (F.raw_hard_scores(ys) / temperature).logsumexp(0)


def test_the_value_is_below_the_log_partition():
    for seed in range(5):
        chain, pairs = chains(seed), Pairs.draw(seed)
        for schedule in ("coordinate", "parallel"):
            assert (fit_mean_field(chain, schedule=schedule).value <= chain.structure.log_partition() + 1e-9).all()
            for temperature in (0.3, 1.0, 3.0):
                found = fit_mean_field(pairs, schedule=schedule, temperature=temperature)
                assert (found.value <= log_partition(pairs, temperature) + 1e-9).all()


def test_where_places_are_independent_it_is_exact():
    F = Pairs.draw()
    F = Pairs(F.weights, torch.zeros_like(F.couplings))
    found = fit_mean_field(F)
    torch.testing.assert_close(found.probabilities, F.weights.sigmoid())
    torch.testing.assert_close(found.value, log_partition(F))
    assert found.converged.all()
    chain = chains()
    chain.structure.transitions.data.zero_()
    torch.testing.assert_close(fit_mean_field(chain).probabilities, chain.structure.marginals())
    torch.testing.assert_close(fit_mean_field(chain).value, chain.structure.log_partition())


def test_coordinate_sweeps_never_lower_the_value():
    for seed in range(5):
        for F in (chains(seed, spread=3.0), Pairs.draw(seed)):
            values = torch.stack([fit_mean_field(F, sweeps=n, tolerance=0).value for n in (1, 2, 3, 5, 9)])
            assert (values.diff(dim=0) >= -1e-9).all()


def test_both_schedules_end_at_fixed_points():
    F = Pairs.draw()
    for schedule in ("coordinate", "parallel"):
        q = fit_mean_field(F, schedule=schedule, sweeps=500, tolerance=1e-9).probabilities
        torch.testing.assert_close(q, F.gradient(q).sigmoid(), rtol=1e-6, atol=1e-6)


def test_an_example_converges_by_itself():
    """Its numbers do not hang on how long the others take."""
    for schedule in ("coordinate", "parallel"):
        for F in (chains(batch=8), Pairs.draw(batch=8)):
            whole = fit_mean_field(F, schedule=schedule)
            for row in range(8):
                alone = fit_mean_field(F.rows(torch.tensor([row])), schedule=schedule)
                torch.testing.assert_close(alone.probabilities[0], whole.probabilities[row], rtol=0, atol=1e-12)
                assert alone.converged[0] == whole.converged[row]
    assert not fit_mean_field(F, sweeps=1, tolerance=0).converged.any()


def test_what_a_start_says_of_padding_is_not_heard():
    F = chains(batch=6)
    start = F.space.vertices(F.space.draw(1, torch.Generator().manual_seed(0))[0], F.dtype)
    for schedule in ("coordinate", "parallel"):
        expected = fit_mean_field(F, start, schedule=schedule, sweeps=1)
        found = fit_mean_field(F, start + 0.5 * ~F.space.inside[:, :, None], schedule=schedule, sweeps=1)
        torch.testing.assert_close(found.probabilities, expected.probabilities)


def test_rows_of_the_result_are_distributions():
    F = chains()
    q = fit_mean_field(F).probabilities
    torch.testing.assert_close(q.sum(2), F.space.inside.double())
