"""AdamW, Adagrad, schedules and clipping against PyTorch."""

import math

import numpy as np
import pytest

import tinygan
from tinygan import nn, optim

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.reference

# float64 on both sides: what remains is the order of additions
CLOSE = dict(rtol=1e-9, atol=1e-11)


def data(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def networks():
    torch.manual_seed(1)
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 2)).double()
    ours = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)).double()
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    return ours, theirs


def same_parameters(ours, theirs):
    for (key, a), b in zip(ours.state_dict().items(), theirs.state_dict().values()):
        np.testing.assert_allclose(a, b.numpy(), **CLOSE, err_msg=key)


def losses(ours, theirs, step):
    x = data((8, 4), step)
    return (ours(tinygan.tensor(x)) ** 2).mean(), (theirs(torch.tensor(x)) ** 2).mean()


@pytest.mark.parametrize("name, option", [
    ("AdamW", {}), ("AdamW", dict(lr=0.02, betas=(0.5, 0.9), eps=1e-4, weight_decay=0.1)),
    ("AdamW", dict(lr=0.02, betas=(0.0, 0.99), weight_decay=0.0)),
    ("Adagrad", {}), ("Adagrad", dict(lr=0.1, lr_decay=0.2, weight_decay=0.1)),
    ("Adagrad", dict(initial_accumulator_value=0.3, eps=1e-3))])
def test_twenty_steps(name, option):
    ours, theirs = networks()
    opt = getattr(optim, name)(ours.parameters(), **option)
    reference = getattr(torch.optim, name)(theirs.parameters(), **option)
    for step in range(20):
        loss, target = losses(ours, theirs, step)
        opt.minimize(loss)
        reference.zero_grad()
        target.backward()
        reference.step()
        same_parameters(ours, theirs)
    for p, state in zip(theirs.parameters(), opt.state):
        for key in opt.moments:
            np.testing.assert_allclose(state[key], reference.state[p][key].numpy(), **CLOSE)


@pytest.mark.parametrize("name", ["AdamW", "Adagrad"])
def test_defaults_are_pytorchs(name):
    reference = getattr(torch.optim, name)([torch.nn.Parameter(torch.zeros(2))]).defaults
    mine = getattr(optim, name)([nn.Parameter(np.zeros(2))]).defaults
    assert mine == {key: reference[key] for key in mine}


SCHEDULES = [
    ("StepLR", (3,), {}), ("StepLR", (7, 0.5), {}), ("MultiStepLR", ([2, 5, 5, 20],), dict(gamma=0.3)),
    ("ExponentialLR", (0.9,), {}), ("LinearLR", (), {}), ("LinearLR", (1.0, 0.0, 12), {}),
    ("LinearLR", (0.1, 0.8), dict(total_iters=40)), ("CosineAnnealingLR", (30,), {}),
    ("CosineAnnealingLR", (7,), dict(eta_min=0.003)), ("LambdaLR", (lambda t: 0.95 ** t,), {}),
    ("LambdaLR", ([lambda t: 1 / (1 + t), lambda t: t],), {})]


@pytest.mark.parametrize("name, arguments, options", SCHEDULES,
                         ids=[f"{i}-{row[0]}" for i, row in enumerate(SCHEDULES)])
def test_thirty_steps_of_a_schedule(name, arguments, options):
    opt = optim.SGD([{"params": nn.Parameter(np.zeros(2)), "lr": lr} for lr in (0.5, 0.02)], 1.0)
    reference = torch.optim.SGD([{"params": torch.nn.Parameter(torch.zeros(2)), "lr": lr} for lr in (0.5, 0.02)], 1.0)
    ours = getattr(optim, name)(opt, *arguments, **options)
    theirs = getattr(torch.optim.lr_scheduler, name)(reference, *arguments, **options)
    for _ in range(30):
        # PyTorch multiplies the last rate by a ratio: thirty roundings, relative to the largest rate where it nears 0
        np.testing.assert_allclose(ours.get_last_lr(), theirs.get_last_lr(), rtol=1e-12, atol=1e-14)
        assert ours.last_epoch == theirs.last_epoch
        reference.step()
        theirs.step()
        ours.step()


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 2.5, math.inf])
@pytest.mark.parametrize("max_norm", [0.01, 100.0])
def test_steps_clipped_by_norm(norm_type, max_norm):
    ours, theirs = networks()
    opt, reference = optim.SGD(ours.parameters(), 0.1), torch.optim.SGD(theirs.parameters(), 0.1)
    for step in range(3):
        loss, target = losses(ours, theirs, step)
        gradients = opt.gradients(loss)
        reference.zero_grad()
        target.backward()
        total = torch.nn.utils.clip_grad_norm_(theirs.parameters(), max_norm, norm_type)
        assert optim.get_total_norm(gradients, norm_type).item() == pytest.approx(total.item(), rel=1e-12)
        opt.apply(optim.clip_grad_norm(gradients, max_norm, norm_type))
        reference.step()
        same_parameters(ours, theirs)


def test_steps_clipped_by_value_and_in_parts():
    ours, theirs = networks()
    opt, reference = optim.Adam(ours.parameters(), 0.1), torch.optim.Adam(theirs.parameters(), 0.1)
    for step in range(3):
        opt.zero_grad()
        reference.zero_grad()
        for part in range(2):
            for loss in losses(ours, theirs, 2 * step + part):
                loss.backward()
        optim.clip_grad_value_(ours.parameters(), 0.02)
        torch.nn.utils.clip_grad_value_(theirs.parameters(), 0.02)
        opt.step()
        reference.step()
        same_parameters(ours, theirs)
