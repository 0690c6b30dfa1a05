"""EMA: the average, its start, its buffers, and that the live network is only read."""

import numpy as np
import pytest

import tinygan
from tinygan import nn, optim


def generator():
    tinygan.manual_seed(0)
    return nn.Sequential(nn.spectral_norm(nn.Linear(2, 4)), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def noise(seed=0):
    return tinygan.tensor(np.random.default_rng(seed).standard_normal((8, 2)).astype(np.float32))


def move(net, seed):
    net(noise(seed))
    for p in net.parameters():
        p.assign(p.data + np.random.default_rng(seed).standard_normal(p.shape).astype(np.float32))


def test_the_average_is_exponential():
    net = generator().double()
    ema = optim.EMA(net, decay=0.75)
    want = {k: p.data.copy() for k, p in net.named_parameters()}
    for seed in range(4):
        for p in net.parameters():
            p.assign(p.data + seed + 1)
        ema.update()
        want = {k: 0.75 * want[k] + 0.25 * p.data for k, p in net.named_parameters()}
    for name, p in ema.module.named_parameters():
        np.testing.assert_allclose(p.data, want[name], rtol=1e-13)
    assert ema.updates == 4


def test_before_start_the_average_is_a_copy():
    net = generator()
    ema = optim.EMA(net, decay=0.9, start=2)
    for step in range(3):
        move(net, step)
        ema.update()
        same = all((a.data == b.data).all() for a, b in zip(ema.module.parameters(), net.parameters()))
        assert same == (step < 2)


def test_buffers_are_copied():
    net = generator()
    ema = optim.EMA(net, decay=0.9)
    move(net, 1)
    ema.update()
    for (name, a), (_, b) in zip(ema.module.named_buffers(), net.named_buffers()):
        assert (a.data == b.data).all() and not np.shares_memory(a.data, b.data), name


def test_the_live_network_is_never_touched():
    net = generator()
    arrays = [p.data for p in net.parameters()]
    ema = optim.EMA(net, decay=0.5)
    move(net, 0)
    before, versions = net.state_dict(), [p.version.count for p in net.parameters()]
    ema.update()
    ema.module(noise())
    ema.load_state_dict(ema.state_dict())
    assert all((v == before[k]).all() for k, v in net.state_dict().items())
    assert [p.version.count for p in net.parameters()] == versions and net.training
    assert all(p.data is a and p.requires_grad for p, a in zip(net.parameters(), arrays))
    assert not any(np.shares_memory(a.data, b.data) for a, b in zip(net.parameters(), ema.module.parameters()))


def test_the_copy_evaluates_and_needs_no_gradients():
    ema = optim.EMA(generator())
    assert not ema.module.training and not ema.module(noise()).requires_grad
    assert (ema.module(noise()).numpy() == ema.module(noise()).numpy()).all()


def test_an_update_between_forward_and_backward_is_harmless():
    net = generator()
    ema = optim.EMA(net)
    loss = net(noise()).mean()
    ema.update()
    optim.SGD(net.parameters(), 0.1).minimize(loss)


def test_state_round_trip_continues_the_same_average():
    net = generator()
    ema = optim.EMA(net, decay=0.9, start=1)
    move(net, 0)
    ema.update()
    other = optim.EMA(net, decay=0.9, start=1)
    other.load_state_dict(ema.state_dict())
    move(net, 1)
    ema.update()
    other.update()
    assert other.updates == ema.updates == 2
    assert all((v == ema.module.state_dict()[k]).all() for k, v in other.module.state_dict().items())


def test_misuse_is_refused():
    with pytest.raises(ValueError, match=r"EMA: expected a decay in \[0, 1\], got 1.5"):
        optim.EMA(generator(), 1.5)
    net = generator()
    ema = optim.EMA(net)
    net.append(nn.Linear(2, 2))
    with pytest.raises(RuntimeError, match="EMA.update: expected the parameters the live module had"):
        ema.update()


def test_repr():
    assert repr(optim.EMA(generator(), 0.99)) == "EMA(Sequential, decay=0.99, start=0, updates=0)"
