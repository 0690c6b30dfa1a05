"""Models with a density: the flow's Jacobian and inverse, the RBM's partition function and CD, tables, the VAE."""
import math

import numpy as np
import pytest

from tinygan import grad, models, random, tensor
from tinygan.losses import variational
from tinygan.models.rbm import all_states
from tinygan.tensor import Tensor
from tinygan.testing import gradcheck

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _streams():
    before = random.get_state()
    random.manual_seed(0)
    yield
    random.set_state(before)


def disturbed(module, std=0.3):
    """The module in float64, with weights at which nothing is flat."""
    module = module.to(np.float64)
    for p in module.parameters():
        p.assign(p.data + std * RNG.normal(size=p.shape), "test")
    return module


@pytest.mark.parametrize("dim", [2, 3])
def test_a_flow_is_inverted_and_knows_its_jacobian(dim):
    flow, x = disturbed(models.RealNVP(dim, couplings=3, hidden=(8,))), RNG.normal(size=(5, dim))
    z, log_det = flow(Tensor(x))
    assert np.abs(flow.inverse(z).numpy() - x).max() < 1e-10
    for k in range(5):
        at = Tensor(x[k:k + 1], requires_grad=True)
        rows = [grad(flow(at)[0][0, i], at)[0].numpy()[0] for i in range(dim)]
        assert np.linalg.slogdet(np.array(rows))[1] == pytest.approx(log_det.numpy()[k], abs=1e-10)
    true = -0.5 * (z.numpy() ** 2).sum(1) - dim / 2 * math.log(2 * math.pi) + log_det.numpy()
    assert flow.log_prob(Tensor(x)).numpy() == pytest.approx(true)
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        models.RealNVP(1)


def test_the_density_of_any_flow_integrates_to_one():
    flow = models.RealNVP(2, couplings=4, hidden=(8,)).to(np.float64)
    side = np.linspace(-9, 9, 361)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    # an untrained flow is nearly linear: the sum over cells of 0.05 has no error beyond its small kinks
    assert np.exp(flow.log_prob(Tensor(grid)).numpy()).sum() * 0.05 ** 2 == pytest.approx(1, abs=1e-3)


def test_an_autoregressive_table_is_normalised_and_looks_back_only():
    model = disturbed(models.AutoregressiveTable(3, 4), std=1.0)
    states = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), -1).reshape(-1, 3)
    one_hot = np.eye(4)[states]
    assert np.exp(model.log_prob(Tensor(one_hot)).numpy()).sum() == pytest.approx(1, abs=1e-12)
    logits = model(Tensor(one_hot)).numpy()
    for i in range(3):  # equal symbols before i: equal logits at i
        same = (states[:, :i] == 0).all(1)
        assert np.ptp(logits[same, i], axis=0).max() == 0 and (i == 2 or np.ptp(logits[same, i + 1], axis=0).max() > 0)


def test_the_partition_function_by_both_enumerations_and_by_brute_force():
    rbm = disturbed(models.RBM(5, 3), std=1.0)
    v, h = all_states(5).astype(float), all_states(3).astype(float)
    w, b, c = rbm.weight.numpy(), rbm.visible_bias.numpy(), rbm.hidden_bias.numpy()
    joint = (v @ b)[:, None] + (h @ c)[None] + v @ w.T @ h.T
    true = math.log(np.exp(joint).sum())
    assert rbm.log_partition("visible") == pytest.approx(true) == rbm.log_partition("hidden")
    assert (-rbm.free_energy(Tensor(v))).numpy() == pytest.approx(np.log(np.exp(joint).sum(1)))
    assert len(np.unique(all_states(5), axis=0)) == 32


def test_contrastive_divergence_is_a_difference_of_correlations():
    rbm = disturbed(models.RBM(4, 3))
    v = RNG.integers(0, 2, size=(6, 4)).astype(float)
    state = random.get_state()
    reached = rbm.gibbs(Tensor(v)).numpy()
    random.set_state(state)
    (found,) = grad(rbm.contrastive_divergence(Tensor(v)), rbm.weight)

    def correlation(v):
        return (1 / (1 + np.exp(-(v @ rbm.weight.numpy().T + rbm.hidden_bias.numpy())))).T @ v / len(v)
    assert found.numpy() == pytest.approx(correlation(reached) - correlation(v), abs=1e-12)
    assert set(np.unique(reached)) <= {0.0, 1.0}


def test_gibbs_sampling_reaches_the_distribution_of_the_machine():
    rbm = disturbed(models.RBM(3, 2), std=1.0)
    states = all_states(3).astype(float)
    p = np.exp(-rbm.free_energy(Tensor(states)).numpy() - rbm.log_partition())
    v = Tensor(RNG.integers(0, 2, size=(20_000, 3)).astype(float))
    for _ in range(30):
        v = rbm.gibbs(v)
    found = np.bincount((v.numpy() @ [1, 2, 4]).astype(int), minlength=8) / 20_000
    # five standard errors of the most frequent state
    assert p.sum() == pytest.approx(1) and np.abs(found - p).max() < 5 * math.sqrt(0.25 / 20_000)


def test_the_shapes_of_a_vae_and_its_reparametrisation():
    vae = models.VAE((1, 4, 4), 3, hidden=(8, 6))
    x, noise = Tensor(RNG.uniform(size=(5, 1, 4, 4)).astype(np.float32)), Tensor(np.zeros((5, 3), np.float32))
    decoded, mean, log_variance = vae(x, noise)
    assert decoded.shape == x.shape and mean.shape == log_variance.shape == (5, 3)
    assert (decoded.numpy() == vae.decode(mean).numpy()).all()


def test_terms_of_the_bound():
    from scipy import stats
    mean, log_variance = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
    z = RNG.normal(size=(40_000, 1, 1)) * np.exp(log_variance / 2) + mean
    ratio = stats.norm.logpdf(z, mean, np.exp(log_variance / 2)) - stats.norm.logpdf(z)
    found = variational.kl_standard_normal(tensor(mean), tensor(log_variance)).numpy()
    # a Monte Carlo mean with a standard error of about std / 200, five of them
    assert np.abs(found - ratio.sum(2).mean(0)).max() < 5 * ratio.sum(2).std() / 200
    density = variational.gaussian_log_density(tensor(z[:5]), tensor(mean), tensor(log_variance)).numpy()
    assert density == pytest.approx(stats.norm.logpdf(z[:5], mean, np.exp(log_variance / 2)).sum(2))
    assert variational.gaussian_log_density(tensor(mean)).numpy() == pytest.approx(stats.norm.logpdf(mean).sum(1))
    logits, x = RNG.normal(size=(4, 2, 3)), RNG.integers(0, 2, size=(4, 2, 3)).astype(float)
    p = 1 / (1 + np.exp(-logits))
    assert variational.bernoulli_log_likelihood(tensor(logits), tensor(x)).numpy() == pytest.approx(
        stats.bernoulli.logpmf(x, p).sum((1, 2)))
    gradcheck(lambda m, v: variational.kl_standard_normal(m, v), [mean, log_variance], order=2)
