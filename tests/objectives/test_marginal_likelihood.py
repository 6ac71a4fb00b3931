"""An HMM's likelihood by gradient: enumeration, Fisher's identity, and the same answers as EM."""

import itertools

import numpy as np
import pytest
import torch
from hmmlearn import hmm as hmmlearn

import hybridseq as hs
from hybridseq.objectives import marginal_likelihood
from tests import tolerances
from tests.drawn import Case

CLOSE = tolerances.value(torch.float64)


def parameters(*modules):
    return [p for module in modules for p in module.parameters()]


@pytest.fixture
def model():
    """A small HMM in float64 with everything drawn, and observations (2, 4, 2)."""
    generator = torch.Generator().manual_seed(0)
    layer, emissions = hs.nn.HMM(3).double(), hs.nn.GaussianEmissions(3, 2).double()
    for parameter in parameters(layer, emissions):
        parameter.data.normal_(generator=generator)
    return layer, emissions, torch.randn(2, 4, 2, generator=generator, dtype=torch.float64)


def all_paths(chain, steps=4):
    """Log-joints (N, B) of all label sequences, by score, and the sequences."""
    paths = torch.tensor(list(itertools.product(range(3), repeat=steps)))
    return torch.stack([chain.score(path.expand(2, steps)) for path in paths]), paths


def test_it_sums_the_joint_over_all_states(model):
    layer, emissions, x = model
    chain = layer(emissions(x))
    joint, paths = all_paths(chain)
    torch.testing.assert_close(marginal_likelihood(chain), -joint.logsumexp(0), **CLOSE)
    labels = paths[[7, 50]]
    torch.testing.assert_close(marginal_likelihood(chain, labels), -joint[[7, 50], [0, 1]], **CLOSE)
    allowed = torch.ones(2, 4, 3).bool()
    allowed[:, 1, 2], allowed[:, 3, :2] = False, False
    kept = (paths[:, 1] != 2) & (paths[:, 3] == 2)
    torch.testing.assert_close(marginal_likelihood(chain, allowed), -joint[kept].logsumexp(0), **CLOSE)


def test_the_gaussian_log_density_is_that_of_torch(model):
    _, emissions, x = model
    normal = torch.distributions.Normal(emissions.means, emissions.variances.sqrt())
    torch.testing.assert_close(emissions(x), normal.log_prob(x[:, :, None]).sum(-1), **CLOSE)
    x[0, 1, 0] = torch.nan
    seen = emissions(x)
    torch.testing.assert_close(seen[0, 1], normal.log_prob(x[0, 1].nan_to_num())[:, 1], **CLOSE)
    slope = torch.autograd.grad(seen.sum(), parameters(emissions))
    assert all(g.isfinite().all() for g in slope)


def test_its_gradient_is_the_expected_gradient_of_the_joint(model):
    """Fisher's identity: what EM's expected complete-data likelihood climbs is the likelihood's own slope."""
    layer, emissions, x = model
    own = parameters(layer, emissions)
    chain = layer(emissions(x))
    joint, _ = all_paths(chain)
    expected = (joint.detach().softmax(0) * joint).sum()
    for found, wanted in zip(
        torch.autograd.grad(marginal_likelihood(chain).sum(), own, retain_graph=True),
        torch.autograd.grad(-expected, own),
    ):
        torch.testing.assert_close(found, wanted, **tolerances.gradient(torch.float64))


def test_its_gradient_by_scores_is_minus_the_expected_counts():
    case = Case().forbid()
    loss = marginal_likelihood(case.chain())
    nodes, *_ = torch.autograd.grad(loss.sum(), case.leaves)
    torch.testing.assert_close(nodes, -case.chain().marginals(), **tolerances.gradient(torch.float64))
    small = Case(3, 4)
    assert torch.autograd.gradcheck(
        lambda *x: marginal_likelihood(hs.LinearChain(*x, lengths=small.lengths)), small.leaves, fast_mode=True
    )


def test_what_is_impossible_costs_infinity_and_has_no_gradient():
    emissions = torch.zeros(2, 3, 2, requires_grad=True)
    mask = torch.ones(2, 3, 2).bool()
    mask[1, 1] = False
    loss = marginal_likelihood(hs.LinearChain(emissions, torch.zeros(2, 2)), mask)
    assert loss[1] == torch.inf and loss[0].isfinite()
    (slope,) = torch.autograd.grad(loss[0], emissions)
    assert slope.isfinite().all()


def segments(seed=0, steps=150, size=2):
    """Two sequences of a process with three sticky states."""
    random = np.random.default_rng(seed)
    states = np.repeat(random.integers(3, size=steps // 10), 10)
    x = 2.0 * np.eye(3)[states, :size] + 0.7 * random.standard_normal((len(states), size))
    return x, np.minimum(states + (random.random(len(states)) < 0.2), 3)


def gaussian(start, transitions, means, variances):
    """Our modules with these parameters."""
    layer = hs.nn.HMM(3, transitions=transitions, start=start / start.sum())
    return layer, hs.nn.GaussianEmissions(3, 2, means, variances)


def climb(loss, own, steps=60):
    """L-BFGS until nothing is gained."""
    optimiser = torch.optim.LBFGS(own, max_iter=steps * 10, tolerance_grad=1e-8, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    optimiser.step(closure)
    return loss().item()


START = {"transmat_": np.full((3, 3), 0.1) + 0.7 * np.eye(3), "startprob_": np.full(3, 1 / 3)}


#: EM of the library's own estimators, and of the peer's.
every_em = pytest.mark.parametrize("em", [hs, hmmlearn], ids=["hybridseq", "hmmlearn"])


def em_at_start(model, **emissions):
    """A model that EM trains, at the common start."""
    model.set_params(n_components=3, n_iter=2000, tol=1e-10, init_params="", random_state=0)
    for name, value in {**START, **emissions}.items():
        setattr(model, name, value)
    return model


@pytest.mark.filterwarnings("ignore")
@every_em
def test_gradient_and_em_reach_the_same_likelihood_from_the_same_start(em):
    x, _ = segments()
    means, variances = np.array([[1.0, 0.2], [0.2, 1.0], [-0.2, -0.2]]), np.ones((3, 2))
    # No priors: the likelihood itself is what both maximise.
    fitted = em_at_start(em.GaussianHMM(covars_prior=0.0, covars_weight=1.0), means_=means, covars_=variances)
    fitted.fit(x, [75, 75])
    observations = torch.from_numpy(x.reshape(2, 75, 2))
    layer, emissions = gaussian(START["startprob_"], START["transmat_"], means, variances)
    own = parameters(layer, emissions)

    def loss():
        return marginal_likelihood(layer(emissions(observations))).sum()

    assert loss().item() == pytest.approx(-fitted.monitor_.history[0], rel=1e-9)
    assert climb(loss, own) == pytest.approx(-fitted.score(x, [75, 75]), rel=1e-6)
    np.testing.assert_allclose(emissions.means.detach(), fitted.means_, rtol=1e-2, atol=1e-2)

    # And where EM stands still, the likelihood has no slope.
    variances = fitted.covars_.diagonal(axis1=1, axis2=2)
    layer, emissions = gaussian(fitted.startprob_, fitted.transmat_, fitted.means_, variances)
    value = marginal_likelihood(layer(emissions(observations))).sum()
    for slope in torch.autograd.grad(value, parameters(layer, emissions)):
        torch.testing.assert_close(slope, torch.zeros_like(slope), rtol=0, atol=2e-3)


@pytest.mark.filterwarnings("ignore")
@every_em
def test_symbols_too(em):
    _, symbols = segments(1)
    start = np.full((3, 4), 0.2) + 0.2 * np.eye(3, 4)
    start /= start.sum(1, keepdims=True)
    fitted = em_at_start(em.CategoricalHMM(), emissionprob_=start)
    fitted.n_features = 4
    fitted.fit(symbols[:, None], [75, 75])
    layer = hs.nn.HMM(3, transitions=START["transmat_"], start=START["startprob_"])
    emissions = hs.nn.CategoricalEmissions(3, 4, start)
    observed = torch.from_numpy(symbols.reshape(2, 75))

    def loss():
        return marginal_likelihood(layer(emissions(observed))).sum()

    reached = climb(loss, parameters(layer, emissions))
    assert reached == pytest.approx(-fitted.score(symbols[:, None], [75, 75]), rel=1e-5)
