"""Whole steps of two players: no reference cycles, the same on the device, the host never waits."""

import copy
import gc

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan import nn, optim, random
from tinygan.tensor import Tensor
from tinygan.testing import live_objects

OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.01),
    "rmsprop": lambda p: optim.RMSprop(p, 0.01, momentum=0.5, centered=True), "adam": lambda p: optim.Adam(p, 0.01)}


def build():
    tinygan.manual_seed(0)
    g = nn.Sequential(nn.Linear(3, 16), nn.Unflatten(1, (4, 2, 2)), nn.BatchNorm2d(4), nn.ReLU(),
                      nn.ConvTranspose2d(4, 8, 4, 2, 1), nn.SelfAttention2d(8), nn.Conv2d(8, 1, 3, 1, 1), nn.Tanh())
    d = nn.Sequential(nn.spectral_norm(nn.Conv2d(1, 4, 4, 2, 1)), nn.LeakyReLU(0.2), nn.GroupNorm(2, 4), nn.Flatten(),
                      nn.Dropout(0.0), nn.spectral_norm(nn.Linear(16, 1)))
    return g.double(), d.double()


class Game:
    """Two players with an average of G; a step is what a training loop does, a gradient penalty included."""

    def __init__(self, make, device="cpu"):
        self.g, self.d = [net.to(device) for net in build()]
        self.g_opt, self.d_opt = make(self.g.parameters()), make(self.d.parameters())
        self.ema, self.device = optim.EMA(self.g, 0.9, start=1), device

    def draw(self, *shape):
        return Tensor(random.normal(shape, dtype=np.float64)).to(self.device)

    def step(self):
        real, z = self.draw(4, 1, 4, 4), self.draw(4, 3)
        fake = self.g(z)
        real.requires_grad_()
        score = self.d(real)
        (slope,) = tinygan.grad(score.sum(), real, create_graph=True)
        self.d_opt.minimize(F.softplus(-score).mean() + F.softplus(self.d(fake.detach())).mean()
                            + (slope ** 2).sum() * 0.1)
        self.g_opt.minimize(F.softplus(-self.d(fake)).mean())
        self.ema.update()

    def state(self):
        nets = {"g": self.g, "d": self.d, "ema": self.ema.module}
        return {f"{n}.{k}": tinygan.tensor(v).numpy() for n, net in nets.items() for k, v in net.state_dict().items()}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_steps_on_the_device_and_the_host_never_waits(name, cupy_standin):
    there = Game(OPTIMIZERS[name], "cuda")
    cupy_standin.counters.synchronizations = 0
    for _ in range(3):
        there.step()
    assert cupy_standin.counters.synchronizations == 0
    here = Game(OPTIMIZERS[name])
    for _ in range(3):
        here.step()
    for (key, a), b in zip(there.state().items(), here.state().values()):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10, err_msg=key)


def test_states_move_between_devices(cupy_standin):
    here, there = Game(OPTIMIZERS["adam"]), Game(OPTIMIZERS["adam"], "cuda")
    here.step()
    there.g.load_state_dict(here.g.state_dict())
    there.g_opt.load_state_dict(here.g_opt.state_dict())
    assert all(cupy_standin.asnumpy(p.data).tolist() == q.data.tolist()
               for p, q in zip(there.g.parameters(), here.g.parameters()))
    assert there.g_opt.state[0]["exp_avg"].get().tolist() == here.g_opt.state[0]["exp_avg"].tolist()
    here.g.load_state_dict(there.g.state_dict())


def test_a_gradient_on_another_device_raises(cupy_standin):
    layer = nn.Linear(2, 2).to("cuda")
    opt = optim.SGD(layer.parameters(), 0.1)
    with pytest.raises(ValueError, match=r"like Linear.weight \(\(2, 2\), float32, cuda:0\), got .* cpu\)"):
        opt.apply([Tensor(np.zeros((2, 2), np.float32)), None])


def test_initial_networks_are_the_same_on_every_device(cupy_standin):
    here, there = build()[0], build()[0].to("cuda")
    for net in (here, there):
        random.manual_seed(1)
        net.apply(lambda m: isinstance(m, nn.Conv2d) and nn.init.normal_(m.weight, 0.0, 0.02))
    assert (here[6].weight.numpy() == there[6].weight.numpy()).all() and abs(here[6].weight.numpy()).max() < 0.1


def test_steps_leave_no_reference_cycles():
    game = Game(OPTIMIZERS["adam"])
    game.step()
    gc.collect()
    gc.disable()
    try:
        before = live_objects()
        for _ in range(3):
            game.step()
        after = live_objects()
        assert after == before
        gc.collect()
        assert live_objects() == before
    finally:
        gc.enable()


def test_a_run_resumes_bit_for_bit_from_its_states():
    game = Game(OPTIMIZERS["adam"])
    game.step()
    kept = copy.deepcopy([game.g.state_dict(), game.d.state_dict(), game.g_opt.state_dict(), game.d_opt.state_dict(),
                          game.ema.state_dict(), random.get_state()])
    game.step()
    other = Game(OPTIMIZERS["adam"])
    for thing, state in zip((other.g, other.d, other.g_opt, other.d_opt, other.ema), kept):
        thing.load_state_dict(state)
    random.set_state(kept[-1])
    other.step()
    mine, theirs = game.state(), other.state()
    assert all((mine[k] == theirs[k]).all() for k in mine)
