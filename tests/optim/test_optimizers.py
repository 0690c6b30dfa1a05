"""Optimisers: minimize, apply, state, groups, and what must raise. Their arithmetic is compared with PyTorch's."""

import copy

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan import nn, optim
from tinygan.tensor import Tensor
from tinygan.train.checkpoint import load_checkpoint, save_checkpoint

MAKERS = {
    "sgd": lambda p: optim.SGD(p, 0.1, momentum=0.9), "plain-sgd": lambda p: optim.SGD(p, 0.1),
    "rmsprop": lambda p: optim.RMSprop(p, 0.01, momentum=0.5, centered=True), "adam": lambda p: optim.Adam(p, 0.01),
    "adamw": lambda p: optim.AdamW(p, 0.01, weight_decay=0.1), "adagrad": lambda p: optim.Adagrad(p, 0.1)}


def network():
    tinygan.manual_seed(2)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def inputs(seed=0, n=6):
    return tinygan.tensor(np.random.default_rng(seed).standard_normal((n, 3)).astype(np.float32))


def values(module):
    return {k: v.copy() for k, v in module.state_dict().items()}


def equal(a, b):
    return all((a[k] == b[k]).all() for k in a)


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


def test_every_optimiser_descends(make):
    net = network()
    opt = make(net.parameters())
    losses = []
    for _ in range(30):
        loss = (net(inputs()) ** 2).mean()
        losses.append(loss.item())
        opt.minimize(loss)
    assert losses[-1] < 0.5 * losses[0]


def test_minimize_is_apply_of_grad_and_backward_step(make):
    a, b, c = network(), network(), network()
    opts = [make(net.parameters()) for net in (a, b, c)]
    for seed in range(3):
        losses = [(net(inputs(seed)) ** 2).mean() for net in (a, b, c)]
        opts[0].minimize(losses[0])
        opts[1].apply(tinygan.grad(losses[1], opts[1].params))
        opts[2].zero_grad()
        losses[2].backward()
        opts[2].step()
    assert equal(values(a), values(b)) and equal(values(a), values(c))


def test_gradients_flow_to_the_optimisers_own_parameters_only():
    g, d = network(), nn.Linear(1, 1)
    before = values(d)
    opt = optim.Adam(g.parameters())
    opt.minimize(d(g(inputs())).mean())
    assert equal(before, values(d)) and all(p.grad is None for p in (*g.parameters(), *d.parameters()))


def test_unreached_and_frozen_parameters_are_skipped():
    used, unused = nn.Linear(3, 1), nn.Linear(3, 1)
    used.bias.requires_grad_(False)
    before, bias = values(unused), used.bias.data.copy()
    opt = optim.Adam([*used.parameters(), *unused.parameters()])
    opt.minimize(used(inputs()).mean())
    assert equal(before, values(unused)) and (used.bias.data == bias).all()
    assert [bool(state) for state in opt.state] == [True, False, False, False]


@pytest.mark.parametrize("loss", [
    lambda d, g: d(g(inputs()).detach()).mean(), lambda d, g: Tensor(np.float32(1.0).reshape(())),
    lambda d, g: d(inputs()[:, :1]).mean()])
def test_a_loss_that_reaches_nothing_raises_and_mentions_detach(loss):
    g, d = network(), nn.Linear(1, 1)
    opt = optim.Adam(g.parameters())
    with pytest.raises(RuntimeError, match=r"Adam.minimize: .*Sequential.0.weight.*detach"):
        opt.minimize(loss(d, g))


def test_step_without_gradients_raises():
    with pytest.raises(RuntimeError, match="Adam.apply: expected a gradient .* detach"):
        optim.Adam(network().parameters()).step()


def test_a_loss_that_is_no_scalar_raises():
    net = network()
    with pytest.raises(ValueError, match="scalar"):
        optim.Adam(net.parameters()).minimize(net(inputs()))


@pytest.mark.parametrize("wrong, match", [
    (lambda g: [g[0].reshape((3, 4)), *g[1:]], r"like Sequential.0.weight \(\(4, 3\), float32, cpu\), got \(\(3, 4\)"),
    (lambda g: [g[0], g[1].double(), *g[2:]], "like Sequential.0.bias .* float64"),
    (lambda g: g[:-1], "one gradient .* for each of 4 parameters, got 3")])
def test_a_gradient_that_does_not_fit_raises_before_anything_is_written(wrong, match):
    net = network()
    opt, before = optim.Adam(net.parameters()), values(net)
    gradients = list(tinygan.grad(net(inputs()).mean(), opt.params))
    with pytest.raises(ValueError, match="Adam.apply: expected .*" + match):
        opt.apply(wrong(gradients))
    assert equal(before, values(net)) and not any(opt.state)


def test_apply_keeps_arrays_records_the_writer_and_leaves_gradients_alone(make):
    net = network()
    opt = make(net.parameters())
    arrays = [p.data for p in opt.params]
    gradients = tinygan.grad((net(inputs()) ** 2).mean(), opt.params)
    kept = [g.numpy().copy() for g in gradients]
    opt.apply(gradients)
    assert all(p.data is a and a.flags.c_contiguous for p, a in zip(opt.params, arrays))
    assert all(p.version.writer == f"{opt.name}.apply" and p.owner == opt.name for p in opt.params)
    assert all((g.numpy() == k).all() for g, k in zip(gradients, kept))
    assert all(v.flags.c_contiguous for s in opt.state for v in s.values() if isinstance(v, np.ndarray))


def test_gradients_of_any_memory_order_are_accepted(make):
    a, b = nn.Conv2d(2, 3, 3), nn.Conv2d(2, 3, 3)
    b.load_state_dict(a.state_dict())
    g = np.random.default_rng(0).standard_normal((3, 2, 3, 3)).astype(np.float32)
    make([a.weight]).apply([Tensor(g)])
    make([b.weight]).apply([Tensor(np.asfortranarray(g))])
    assert (a.weight.data == b.weight.data).all()


def test_the_state_continues_bit_for_bit_through_a_file(make, tmp_path):
    net = network()
    opt = make(net.parameters())

    def train(net, opt, seeds):
        for seed in seeds:
            opt.minimize((net(inputs(seed)) ** 2).mean())

    train(net, opt, range(3))
    save_checkpoint(tmp_path / "state.npz", {"net": net.state_dict(), "opt": opt.state_dict()})
    train(net, opt, range(3, 6))
    other = network()
    again = make(other.parameters())
    again.lr = 77.0
    state = load_checkpoint(tmp_path / "state.npz")
    other.load_state_dict(state["net"])
    again.load_state_dict(state["opt"])
    train(other, again, range(3, 6))
    assert equal(values(net), values(other)) and again.lr == opt.lr


def test_a_saved_state_is_a_copy():
    net = network()
    opt = optim.Adam(net.parameters())
    opt.minimize(net(inputs()).mean())
    state = opt.state_dict()
    kept = copy.deepcopy(state)
    opt.minimize(net(inputs(1)).mean())
    assert all((state["state"][i][k] == kept["state"][i][k]).all() for i in range(4) for k in ("exp_avg", "exp_avg_sq"))
    opt.load_state_dict(state)
    opt.minimize(net(inputs(1)).mean())
    assert all((state["state"][i]["exp_avg"] == kept["state"][i]["exp_avg"]).all() for i in range(4))


@pytest.mark.parametrize("damage, match", [
    (lambda s: s["state"][0].update(exp_avg=np.zeros((2, 2), np.float32)), "exp_avg of Sequential.0.weight with"),
    (lambda s: s["state"][0].update(exp_avg=np.zeros((4, 3))), "float64"),
    (lambda s: s["state"][1].pop("exp_avg"), "expected .*exp_avg.* for Sequential.0.bias"),
    (lambda s: s["state"][1].update(other=1), "other"),
    (lambda s: s["state"].update({9: {}}), r"state of 4 parameters, got also \[9\]"),
    (lambda s: s["param_groups"][0]["params"].pop(), r"groups of \[4\] parameters, got \[3\]"),
    (lambda s: s["param_groups"][0].pop("betas"), "expected the options"),
    (lambda s: s["param_groups"][0].update(lr=-1.0), "expected lr >= 0")])
def test_a_state_that_does_not_fit_is_refused_and_nothing_changes(damage, match):
    net = network()
    opt = optim.Adam(net.parameters())
    opt.minimize(net(inputs()).mean())
    state = opt.state_dict()
    state["param_groups"][0]["lr"] = 5.0
    damage(state)
    before = copy.deepcopy(opt.state_dict())
    with pytest.raises(ValueError, match="Adam.*" + match):
        opt.load_state_dict(state)
    after = opt.state_dict()
    assert after["param_groups"] == before["param_groups"]
    assert all((after["state"][i][k] == before["state"][i][k]).all() for i in range(4) for k in ("exp_avg", "step")
               if k != "step") and all(after["state"][i]["step"] == 1 for i in range(4))


def test_groups_and_learning_rate():
    net = network()
    opt = optim.SGD([{"params": net[0].parameters(), "lr": 0.0}, {"params": [net[2].weight]}], lr=0.5)
    before = values(net)
    assert [g["lr"] for g in opt.param_groups] == [0.0, 0.5]
    opt.minimize((net(inputs()) ** 2).mean())
    after = values(net)
    assert (before["0.weight"] == after["0.weight"]).all() and (before["2.weight"] != after["2.weight"]).any()
    opt.lr = 0.25
    assert [g["lr"] for g in opt.param_groups] == [0.25, 0.25] and opt.lr == 0.25


def test_an_option_may_change_between_steps():
    net = network()
    opt = optim.RMSprop(net.parameters())
    opt.minimize((net(inputs()) ** 2).mean())
    opt.param_groups[0].update(momentum=0.9, centered=True)
    opt.minimize((net(inputs()) ** 2).mean())
    assert set(opt.state[0]) == {"step", "square_avg", "momentum_buffer", "grad_avg"}
    opt.param_groups[0].update(momentum=0.0)
    opt.load_state_dict(opt.state_dict())
    opt.minimize((net(inputs()) ** 2).mean())


@pytest.mark.parametrize("call, error, match", [
    (lambda n: optim.Adam([]), ValueError, "Adam: expected at least one parameter, got none"),
    (lambda n: optim.Adam([n[0].weight, n[0].weight]), ValueError, "every parameter once, got 2 of which 1"),
    (lambda n: optim.Adam([np.zeros(2)]), TypeError, "Adam: expected Parameters, got ndarray"),
    (lambda n: optim.Adam([{"params": n.parameters(), "rate": 1}]), ValueError, r"got \['rate'\]"),
    (lambda n: optim.Adam(n.parameters(), lr=-1.0), ValueError, "expected lr >= 0, got -1.0"),
    (lambda n: optim.Adam(n.parameters(), lr=float("nan")), ValueError, "expected lr >= 0, got nan"),
    (lambda n: optim.Adam(n.parameters(), betas=(0.5, 1.0)), ValueError, r"two betas in \[0, 1\)"),
    (lambda n: optim.Adam(n.parameters(), weight_decay=-1), ValueError, "weight_decay >= 0"),
    (lambda n: optim.AdamW(n.parameters(), betas=(0.5, 1.0)), ValueError, r"AdamW: expected two betas in \[0, 1\)"),
    (lambda n: optim.Adagrad(n.parameters(), lr_decay=-0.1), ValueError, "Adagrad: expected lr_decay >= 0, got -0.1"),
    (lambda n: optim.Adagrad(n.parameters(), initial_accumulator_value=-1), ValueError, "initial_accumulator_value >="),
    (lambda n: optim.RMSprop(n.parameters(), alpha=1.0), ValueError, r"alpha in \[0, 1\)"),
    (lambda n: optim.SGD(n.parameters(), nesterov=True), ValueError, "momentum > 0 and dampening 0 with nesterov")])
def test_misuse_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call(network())


def players():
    tinygan.manual_seed(4)
    g, d = nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    return g, d, optim.SGD(g.parameters(), 0.5), optim.SGD(d.parameters(), 0.5)


def losses(g, d, shared):
    fake = g(inputs(1))
    score = d(fake)
    d_loss = F.softplus(-d(inputs())).mean() + F.softplus(score if shared else d(fake.detach())).mean()
    return d_loss, F.softplus(-(score if shared else d(fake))).mean()


@pytest.mark.parametrize("shared", [False, True])
def test_minimize_of_several_players_is_simultaneous(shared):
    g, d, g_opt, d_opt = players()
    d_loss, g_loss = losses(g, d, shared)
    # the gradients of both at the old point, one by one
    want = [p.data - np.float32(0.5) * q.numpy() for opt, loss in ((d_opt, d_loss), (g_opt, g_loss))
            for p, q in zip(opt.params, tinygan.grad(loss, opt.params, retain_graph=True))]
    tinygan.minimize((d_opt, d_loss), (g_opt, g_loss))
    for p, value in zip([*d_opt.params, *g_opt.params], want):
        np.testing.assert_allclose(p.data, value, rtol=1e-6, atol=1e-7)
    assert tinygan.minimize is optim.minimize


def test_simultaneous_play_differs_from_alternating_play():
    g, d, g_opt, d_opt = players()
    d_loss, g_loss = losses(g, d, False)
    tinygan.minimize((d_opt, d_loss), (g_opt, g_loss))
    h, e, h_opt, e_opt = players()
    e_opt.minimize(losses(h, e, False)[0])
    h_opt.minimize(losses(h, e, False)[1])
    assert equal(values(d), values(e)) and abs(values(g)["weight"] - values(h)["weight"]).max() > 1e-4


def test_a_failing_player_leaves_all_players_as_they_were():
    g, d, g_opt, d_opt = players()
    before = values(g), values(d)
    d_loss, g_loss = losses(g, d, False)
    with pytest.raises(RuntimeError, match="SGD.minimize.*detach"):
        tinygan.minimize((d_opt, d_loss), (g_opt, d(g(inputs()).detach()).mean()))
    assert equal(before[0], values(g)) and equal(before[1], values(d))


def test_alternating_steps_on_one_old_graph_raise():
    # the second player's graph was made with the first one's old weights
    g, d, g_opt, d_opt = players()
    d_loss, g_loss = losses(g, d, False)
    d_opt.minimize(d_loss)
    with pytest.raises(RuntimeError, match="was written by SGD.apply"):
        g_opt.minimize(g_loss)


def test_repr():
    assert repr(optim.Adam(network().parameters(), 2e-4, (0.5, 0.999))) == \
        "Adam(4 parameters: lr=0.0002, betas=(0.5, 0.999), eps=1e-08, weight_decay=0.0)"


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_small_parameters_step_together_with_the_bits_of_each_alone(make):
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (5,), (2, 2, 2))]
    joint = [nn.Parameter(a.copy()) for a in start]
    alone = [nn.Parameter(a.copy()) for a in start]
    together, separate = make(joint), [make([p]) for p in alone]
    for step in range(6):
        gradients = [rng.normal(size=a.shape).astype(np.float32) for a in start]
        if step == 3:
            gradients[1] = None  # the second is a step behind from here on
        if step == 4:
            together.load_state_dict(together.state_dict())
        together.apply(gradients)
        for optimizer, g in zip(separate, gradients):
            if g is not None:
                optimizer.apply([g])
    for a, b, optimizer in zip(joint, alone, separate):
        np.testing.assert_array_equal(a.data, b.data)
    for i, optimizer in enumerate(separate):
        for name, value in optimizer.state[0].items():
            np.testing.assert_array_equal(together.state[i][name], value)
    assert joint[0].version.count == 6 and joint[1].version.count == 5
