"""Layers, spectral norm, initial values and optimisers against PyTorch: the same numbers in, the same numbers out."""

import copy

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


def pair(name, *arguments, **options):
    """The same layer in both libraries, float64, with torch's random parameters loaded by key."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(*arguments, **options).double()
    with torch.no_grad():
        for p in theirs.parameters():
            p.add_(torch.randn_like(p) * 0.1)
    ours = getattr(nn, name)(*arguments, **options).double()
    load(ours, theirs)
    return ours, theirs


def load(ours, theirs):
    state = {key: value.numpy() for key, value in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)


def same_state(ours, theirs):
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    for key, value in ours.state_dict().items():
        if key == "num_batches_tracked" and type(ours).__name__.startswith("Instance"):
            continue  # PyTorch's instance norm never counts
        np.testing.assert_allclose(value, state[key].numpy(), **CLOSE, err_msg=key)


def same_call(ours, theirs, x):
    """Values and gradients (input and every parameter) of one forward and backward pass agree."""
    mine, other = tinygan.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, target = ours(mine), theirs(other.clone())  # a clone, because torch's inplace layers overwrite it
    np.testing.assert_allclose(y.numpy(), target.detach().numpy(), **CLOSE)
    weights = data(y.shape, 9)
    grads = tinygan.grad(y, [mine, *ours.parameters()], tinygan.tensor(weights))
    expected = torch.autograd.grad(target, [other, *theirs.parameters()], torch.tensor(weights))
    for (name, _), got, want in zip([("input", None), *ours.named_parameters()], grads, expected):
        np.testing.assert_allclose(got.numpy(), want.numpy(), **CLOSE, err_msg=name)


LAYERS = [
    ("Linear", (5, 3), {}, (4, 5)), ("Linear", (5, 3), dict(bias=False), (2, 4, 5)),
    ("Conv1d", (4, 6, 3), dict(stride=2, padding=1, groups=2), (2, 4, 9)),
    ("Conv2d", (3, 4, (3, 2)), dict(stride=(2, 1), padding=(1, 0), dilation=(1, 2), bias=False), (2, 3, 7, 6)),
    ("Conv3d", (2, 3, 2), dict(stride=1, padding=1), (2, 2, 3, 4, 3)),
    ("ConvTranspose1d", (4, 6, 3), dict(stride=2, padding=1, output_padding=1, groups=2), (2, 4, 5)),
    ("ConvTranspose2d", (3, 4, 4, 2, 1), dict(bias=False), (2, 3, 4, 5)),
    ("ConvTranspose2d", (4, 6, (3, 2), (2, 1), 0, 0, 2, True, 2), {}, (2, 4, 4, 5)),
    ("ConvTranspose3d", (2, 3, 2, 2), {}, (2, 2, 2, 3, 2)),
    ("BatchNorm1d", (3,), {}, (5, 3)), ("BatchNorm1d", (3,), dict(momentum=None), (5, 3, 4)),
    ("BatchNorm2d", (3, 1e-3, 0.3), {}, (4, 3, 5, 6)), ("BatchNorm2d", (3,), dict(affine=False), (4, 3, 5, 6)),
    ("BatchNorm2d", (3,), dict(track_running_stats=False), (4, 3, 5, 6)),
    ("BatchNorm2d", (3,), dict(bias=False), (4, 3, 5, 6)), ("BatchNorm3d", (2,), {}, (2, 2, 3, 2, 2)),
    ("InstanceNorm1d", (3,), {}, (2, 3, 7)), ("InstanceNorm2d", (3,), dict(affine=True), (2, 3, 4, 5)),
    ("InstanceNorm2d", (3,), dict(affine=True, track_running_stats=True), (2, 3, 4, 5)),
    ("InstanceNorm3d", (2,), dict(track_running_stats=True, momentum=0.2), (2, 2, 3, 2, 2)),
    ("LayerNorm", (6,), {}, (4, 6)), ("LayerNorm", ((3, 4),), dict(eps=1e-3), (2, 3, 4)),
    ("LayerNorm", (6,), dict(bias=False), (4, 6)), ("LayerNorm", (6,), dict(elementwise_affine=False), (4, 6)),
    ("GroupNorm", (2, 6), {}, (3, 6, 4, 5)), ("GroupNorm", (3, 6), dict(affine=False), (3, 6, 4)),
    ("GroupNorm", (3, 6), dict(bias=False), (3, 6, 4)),
    ("ReLU", (), {}, (3, 4)), ("ReLU", (True,), {}, (3, 4)), ("LeakyReLU", (0.2,), {}, (3, 4)),
    ("ELU", (0.7,), {}, (3, 4)), ("Sigmoid", (), {}, (3, 4)),
    ("Tanh", (), {}, (3, 4)), ("Softplus", (), {}, (3, 4)), ("Softplus", (2.0,), {}, (3, 4)),
    ("LogSigmoid", (), {}, (3, 4)), ("Softmax", (1,), {}, (3, 4)), ("Identity", (), {}, (3, 4)),
    ("Flatten", (), {}, (2, 3, 4)), ("Flatten", (0, 1), {}, (2, 3, 4)), ("Unflatten", (1, (2, 3)), {}, (2, 6)),
    ("Unflatten", (-1, (-1, 3)), {}, (2, 6)),
    ("AvgPool1d", (2,), {}, (2, 3, 7)), ("AvgPool2d", (3, 2, 1), dict(count_include_pad=False), (2, 3, 7, 6)),
    ("AvgPool2d", ((3, 2),), dict(padding=1), (2, 3, 7, 6)), ("AvgPool3d", (2,), {}, (2, 3, 4, 4, 5)),
    ("MaxPool1d", (2, 1), {}, (2, 3, 7)), ("MaxPool2d", (3, 2, 1), {}, (2, 3, 7, 6)),
    ("MaxPool2d", (2,), dict(dilation=2), (2, 3, 7, 6)), ("MaxPool3d", (2,), {}, (2, 3, 4, 4, 5)),
    ("Upsample", (), dict(scale_factor=2), (2, 3, 4, 5)), ("Upsample", ((7, 3),), {}, (2, 3, 4, 5)),
    ("Upsample", (), dict(scale_factor=2, mode="bilinear"), (2, 3, 4, 5)),
    ("Upsample", (), dict(size=(7, 3), mode="bilinear", align_corners=True), (2, 3, 4, 5)),
]


@pytest.mark.parametrize("name, arguments, options, shape", LAYERS,
                         ids=[f"{i}-{row[0]}" for i, row in enumerate(LAYERS)])
def test_layer(name, arguments, options, shape):
    ours, theirs = pair(name, *arguments, **options)
    x = data(shape)
    for seed in range(3):  # running statistics move with every batch
        same_call(ours, theirs, data(shape, seed) * (1 + seed) + seed)
        same_state(ours, theirs)
    ours.eval()
    theirs.eval()
    same_call(ours, theirs, x)
    same_state(ours, theirs)


def test_embedding():
    ours, theirs = pair("Embedding", 5, 3, padding_idx=1)
    index = np.array([[0, 1, 4], [4, 1, 2]])
    y, target = ours(tinygan.tensor(index)), theirs(torch.tensor(index))
    np.testing.assert_allclose(y.numpy(), target.detach().numpy(), **CLOSE)
    weights = data(y.shape)
    (g,) = tinygan.grad(y, [ours.weight], tinygan.tensor(weights))
    (want,) = torch.autograd.grad(target, [theirs.weight], torch.tensor(weights))
    np.testing.assert_allclose(g.numpy(), want.numpy(), **CLOSE)
    assert (nn.Embedding(5, 3, padding_idx=-1).weight.numpy()[4] == 0).all()


@pytest.mark.parametrize("name, arguments, options", [
    ("Linear", (5, 3), {}), ("Conv2d", (3, 4, 3), dict(stride=2, padding=1, dilation=2, groups=1, bias=False)),
    ("ConvTranspose2d", (3, 4, 3), dict(stride=2, output_padding=1)), ("BatchNorm2d", (4,), {}),
    ("InstanceNorm2d", (4,), {}), ("LayerNorm", (4,), {}), ("GroupNorm", (2, 4), {}), ("LeakyReLU", (0.2,), {}),
    ("ReLU", (), {}), ("Softmax", (1,), {}), ("Flatten", (), {}), ("Embedding", (3, 4), {})])
def test_repr(name, arguments, options):
    assert repr(getattr(nn, name)(*arguments, **options)) == repr(getattr(torch.nn, name)(*arguments, **options))


def network(library, sn):
    return library.Sequential(
        sn(library.Conv2d(2, 4, 3, 2, 1)), library.LeakyReLU(0.2), sn(library.ConvTranspose2d(4, 5, 4, 2, 1)),
        library.BatchNorm2d(5), library.ReLU(), library.Flatten(), sn(library.Linear(5 * 8 * 8, 3)))


@pytest.mark.parametrize("iterations", [1, 3])
def test_spectral_norm_over_training_and_evaluation(iterations):
    torch.manual_seed(0)
    theirs = network(torch.nn, lambda m: torch.nn.utils.spectral_norm(m, n_power_iterations=iterations)).double()
    ours = network(nn, lambda m: nn.spectral_norm(m, n_power_iterations=iterations)).double()
    load(ours, theirs)
    assert repr(ours) == repr(theirs)
    opt, reference = optim.SGD(ours.parameters(), 0.05), torch.optim.SGD(theirs.parameters(), 0.05)
    for step in range(4):
        x, other = data((3, 2, 8, 8), step), data((3, 2, 8, 8), 100 + step)
        # two forward passes, then one backward pass: each has its own u and v
        opt.minimize((ours(tinygan.tensor(x)) * ours(tinygan.tensor(other))).mean())
        loss = (theirs(torch.tensor(x)) * theirs(torch.tensor(other))).mean()
        reference.zero_grad()
        loss.backward()
        reference.step()
        same_state(ours, theirs)
    ours.eval()
    theirs.eval()
    same_call(ours, theirs, data((3, 2, 8, 8), 7))
    same_state(ours, theirs)
    nn.remove_spectral_norm(ours[0])
    torch.nn.utils.remove_spectral_norm(theirs[0])
    np.testing.assert_allclose(ours[0].weight.numpy(), theirs[0].weight.detach().numpy(), **CLOSE)


@pytest.mark.parametrize("name, option", [
    ("SGD", dict(lr=0.1)), ("SGD", dict(lr=0.1, momentum=0.9, weight_decay=0.01)),
    ("SGD", dict(lr=0.1, momentum=0.9, dampening=0.3)), ("SGD", dict(lr=0.1, momentum=0.9, nesterov=True)),
    ("RMSprop", {}), ("RMSprop", dict(lr=0.02, alpha=0.9, eps=1e-5, weight_decay=0.1)),
    ("RMSprop", dict(momentum=0.5)), ("RMSprop", dict(centered=True)),
    ("RMSprop", dict(lr=0.02, centered=True, momentum=0.9, weight_decay=0.01)),
    ("Adam", {}), ("Adam", dict(lr=0.02, betas=(0.5, 0.9), eps=1e-4, weight_decay=0.1)),
    ("Adam", dict(lr=2e-4, betas=(0.0, 0.99)))])
def test_twenty_steps(name, option):
    torch.manual_seed(1)
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 2)).double()
    ours = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)).double()
    load(ours, theirs)
    opt = getattr(optim, name)(ours.parameters(), **option)
    reference = getattr(torch.optim, name)(theirs.parameters(), **option)
    for step in range(20):
        x = data((8, 4), step)
        opt.minimize((ours(tinygan.tensor(x)) ** 2).mean())
        reference.zero_grad()
        (theirs(torch.tensor(x)) ** 2).mean().backward()
        reference.step()
        same_state(ours, theirs)


def test_groups_have_their_own_options():
    torch.manual_seed(1)
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Linear(6, 2)).double()
    ours = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2)).double()
    load(ours, theirs)
    opt = optim.Adam([{"params": ours[0].parameters()}, {"params": ours[1].parameters(), "lr": 0.1}], lr=1e-3)
    reference = torch.optim.Adam([{"params": theirs[0].parameters()}, {"params": theirs[1].parameters(), "lr": 0.1}],
                                 lr=1e-3)
    for step in range(3):
        x = data((8, 4), step)
        opt.zero_grad()
        ((ours(tinygan.tensor(x)) ** 2).mean()).backward()
        opt.step()
        reference.zero_grad()
        (theirs(torch.tensor(x)) ** 2).mean().backward()
        reference.step()
    same_state(ours, theirs)


@pytest.mark.parametrize("defaults", ["SGD", "RMSprop", "Adam"])
def test_defaults_are_pytorchs(defaults):
    reference = getattr(torch.optim, defaults)([torch.nn.Parameter(torch.zeros(2))]).defaults
    mine = getattr(optim, defaults)([nn.Parameter(np.zeros(2))]).defaults
    assert mine == {key: reference[key] for key in mine}


@pytest.mark.parametrize("shape", [(6, 4), (5, 3, 4), (4, 6, 3, 2), (2, 3, 2, 2, 2)])
@pytest.mark.parametrize("name, options", [
    ("xavier_uniform_", {}), ("xavier_uniform_", dict(gain=2.0)), ("kaiming_uniform_", {}),
    ("kaiming_uniform_", dict(a=0.3, mode="fan_out")), ("kaiming_uniform_", dict(nonlinearity="tanh"))])
def test_bounds_of_uniform_initialisation(shape, name, options):
    # 200 weights of at least 24 elements: the largest of 4800 uniform draws is within 1 % of the bound
    # (it is not with probability 0.99 ** 4800 = 1e-21), in both libraries
    torch.manual_seed(0)
    tinygan.manual_seed(0)
    init = getattr(torch.nn.init, name)
    theirs = max(init(torch.empty(shape), **options).abs().max().item() for _ in range(200))
    ours = max(abs(getattr(nn.init, name)(nn.Parameter(np.zeros(shape, np.float32)), **options).data).max()
               for _ in range(200))
    assert ours == pytest.approx(theirs, rel=0.02)


@pytest.mark.parametrize("name, options", [("xavier_normal_", {}), ("kaiming_normal_", dict(mode="fan_out"))])
def test_spread_of_normal_initialisation(name, options):
    torch.manual_seed(0)
    tinygan.manual_seed(0)
    shape = (64, 32, 3, 3)
    theirs = getattr(torch.nn.init, name)(torch.empty(shape), **options).std().item()
    ours = getattr(nn.init, name)(nn.Parameter(np.zeros(shape, np.float32)), **options).data.std()
    assert ours == pytest.approx(theirs, rel=0.03)  # 18432 draws: the standard error of a std is 0.5 %


@pytest.mark.parametrize("gain", ["linear", "conv2d", "conv_transpose2d", "sigmoid", "tanh", "relu", "leaky_relu",
                                  "selu"])
def test_gains(gain):
    assert nn.init.calculate_gain(gain) == pytest.approx(torch.nn.init.calculate_gain(gain), rel=1e-15)
    if gain == "leaky_relu":
        assert nn.init.calculate_gain(gain, 0.2) == pytest.approx(torch.nn.init.calculate_gain(gain, 0.2), rel=1e-15)


@pytest.mark.parametrize("name, arguments", [
    ("Linear", (7, 5)), ("Conv2d", (4, 6, 3, 1, 0, 1, 2)), ("ConvTranspose2d", (4, 6, 3)), ("Conv1d", (2, 3, 5))])
def test_default_initialisation_has_the_same_bounds(name, arguments):
    torch.manual_seed(0)
    tinygan.manual_seed(0)
    for key in ("weight", "bias"):
        # at least 5 x 300 draws each: the largest is within 2 % of the bound but for probability 1e-13
        theirs = max(getattr(getattr(torch.nn, name)(*arguments), key).abs().max().item() for _ in range(300))
        ours = max(abs(getattr(getattr(nn, name)(*arguments), key).data).max() for _ in range(300))
        assert ours == pytest.approx(theirs, rel=0.02)


def test_shared_modules_and_nested_keys():
    def build(library):
        inner = library.Sequential(library.Linear(3, 3), library.BatchNorm1d(3))
        return library.ModuleDict({"a": inner, "b": library.ModuleList([inner, library.Linear(3, 2)])})
    ours, theirs = build(nn), build(torch.nn)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert [n for n, _ in copy.deepcopy(ours).named_parameters()] == [n for n, _ in theirs.named_parameters()]
