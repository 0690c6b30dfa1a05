"""Every layer of tinygan.nn: output shape, dtype, and derivatives to second order in input and parameters."""

import copy
import inspect

import numpy as np
import pytest

import tinygan
from tinygan import nn, random
from tinygan.tensor import Tensor
from tinygan.testing import gradcheck

REFERENCE = np.random.default_rng(7).standard_normal((4, 2)).astype(np.float32)


def condition(layer, x):
    """What a conditional layer needs beside its input: labels (N,), or vectors (N, 3)."""
    n = x.shape[0]
    if getattr(layer, "num_classes", None):
        return tinygan.tensor(np.arange(n) % layer.num_classes, device=x.device)
    draws = np.random.default_rng(3).standard_normal((n, 3))
    return tinygan.tensor(draws.astype(x.dtype), device=x.device)


# Layers that take more than an input, or give more than an output: how the tests of this file call them.
CALLS = {
    **{name: lambda layer, x: layer(x, condition(layer, x))
       for name in ("ConditionalBatchNorm1d", "ConditionalBatchNorm2d", "AdaIN", "ModulatedConv2d")},
    **{name: lambda layer, x: layer(x)[0] for name in ("LSTM", "GRU")},
    "LSTMCell": lambda layer, x: layer(x, layer(x))[1],
    "GRUCell": lambda layer, x: layer(x, layer(x)),
    "MultiheadAttention": lambda layer, x: layer(x, x, x * 0.5)[0]}


def run(layer, x):
    """The output of a layer for an input."""
    return CALLS.get(type(layer).__name__, lambda layer, x: layer(x))(layer, x)


# (layer, input shape, output shape); odd sizes, several channels, unequal strides and paddings
TABLE = [
    (lambda: nn.Linear(3, 4), (2, 3), (2, 4)),
    (lambda: nn.Linear(3, 4, bias=False), (2, 5, 3), (2, 5, 4)),
    (lambda: nn.Conv1d(2, 4, 3, 2, 1, groups=2), (2, 2, 5), (2, 4, 3)),
    (lambda: nn.Conv2d(2, 3, (3, 2), (2, 1), (1, 0)), (2, 2, 5, 4), (2, 3, 3, 3)),
    (lambda: nn.Conv3d(1, 2, 2, dilation=(1, 1, 2)), (1, 1, 2, 3, 3), (1, 2, 1, 2, 1)),
    (lambda: nn.ConvTranspose1d(2, 4, 3, 2, 1, 1, groups=2), (2, 2, 3), (2, 4, 6)),
    (lambda: nn.ConvTranspose2d(2, 3, 4, 2, 1, bias=False), (2, 2, 2, 3), (2, 3, 4, 6)),
    (lambda: nn.ConvTranspose3d(1, 2, 2, (1, 2, 1)), (1, 1, 2, 2, 1), (1, 2, 3, 4, 2)),
    (lambda: nn.BatchNorm1d(3), (4, 3), (4, 3)),
    (lambda: nn.BatchNorm1d(3), (2, 3, 4), (2, 3, 4)),
    (lambda: nn.BatchNorm2d(2), (3, 2, 2, 3), (3, 2, 2, 3)),
    (lambda: nn.BatchNorm2d(2, bias=False).eval(), (3, 2, 2, 3), (3, 2, 2, 3)),
    (lambda: nn.BatchNorm3d(2), (2, 2, 1, 2, 2), (2, 2, 1, 2, 2)),
    (lambda: nn.InstanceNorm1d(2, affine=True), (2, 2, 5), (2, 2, 5)),
    (lambda: nn.InstanceNorm2d(2), (2, 2, 2, 3), (2, 2, 2, 3)),
    (lambda: nn.InstanceNorm3d(2, affine=True, track_running_stats=True), (2, 2, 1, 2, 3), (2, 2, 1, 2, 3)),
    (lambda: nn.LayerNorm((2, 3)), (2, 2, 3), (2, 2, 3)),
    (lambda: nn.GroupNorm(2, 4), (2, 4, 3), (2, 4, 3)),
    (lambda: nn.Dropout(0.4), (4, 3), (4, 3)),
    (lambda: nn.ReLU(), (4, 3), (4, 3)),
    (lambda: nn.LeakyReLU(0.2), (4, 3), (4, 3)),
    (lambda: nn.ELU(0.7), (4, 3), (4, 3)),
    (lambda: nn.Sigmoid(), (4, 3), (4, 3)),
    (lambda: nn.Tanh(), (4, 3), (4, 3)),
    (lambda: nn.Softplus(2.0), (4, 3), (4, 3)),
    (lambda: nn.LogSigmoid(), (4, 3), (4, 3)),
    (lambda: nn.Softmax(1), (4, 3), (4, 3)),
    (lambda: nn.Identity(), (4, 3), (4, 3)),
    (lambda: nn.Flatten(), (2, 3, 2), (2, 6)),
    (lambda: nn.Unflatten(1, (3, 2)), (2, 6), (2, 3, 2)),
    (lambda: nn.AvgPool1d(2), (2, 2, 5), (2, 2, 2)),
    (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), (1, 2, 5, 4), (1, 2, 3, 2)),
    (lambda: nn.AvgPool3d(2, 1), (1, 1, 2, 3, 2), (1, 1, 1, 2, 1)),
    (lambda: nn.MaxPool1d(2), (2, 2, 5), (2, 2, 2)),
    (lambda: nn.MaxPool2d((3, 2), (2, 1), (1, 0)), (1, 2, 5, 4), (1, 2, 3, 3)),
    (lambda: nn.MaxPool3d(2), (1, 1, 2, 4, 3), (1, 1, 1, 2, 1)),
    (lambda: nn.Upsample(scale_factor=2), (1, 2, 2, 3), (1, 2, 4, 6)),
    (lambda: nn.Upsample(size=(4, 5), mode="bilinear"), (1, 2, 2, 3), (1, 2, 4, 5)),
    (lambda: nn.SelfAttention2d(8), (1, 8, 2, 3), (1, 8, 2, 3)),
    (lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), (2, 3), (2, 2)),
    (lambda: nn.Dropout1d(0.4), (3, 4, 2), (3, 4, 2)),
    (lambda: nn.Dropout2d(0.4), (2, 4, 2, 3), (2, 4, 2, 3)),
    (lambda: nn.Dropout3d(0.4), (2, 4, 2, 1, 2), (2, 4, 2, 1, 2)),
    (lambda: nn.GELU(), (4, 3), (4, 3)),
    (lambda: nn.SiLU(), (4, 3), (4, 3)),
    (lambda: nn.SELU(), (4, 3), (4, 3)),
    (lambda: nn.Hardtanh(-0.5, 0.7), (4, 3), (4, 3)),
    (lambda: nn.PReLU(3), (2, 3, 2), (2, 3, 2)),
    (lambda: nn.LogSoftmax(1), (4, 3), (4, 3)),
    (lambda: nn.PixelNorm(), (2, 3, 2, 2), (2, 3, 2, 2)),
    (lambda: nn.ConstantPad1d((1, 2), 0.5), (2, 3, 4), (2, 3, 7)),
    (lambda: nn.ConstantPad2d((1, -1, 0, 2), 1.5), (1, 2, 3, 4), (1, 2, 5, 4)),
    (lambda: nn.ConstantPad3d(1, -1.0), (1, 1, 2, 1, 2), (1, 1, 4, 3, 4)),
    (lambda: nn.ZeroPad1d(2), (2, 3, 4), (2, 3, 8)),
    (lambda: nn.ZeroPad2d((1, 0, 2, 1)), (1, 2, 3, 4), (1, 2, 6, 5)),
    (lambda: nn.ZeroPad3d(1), (1, 1, 2, 1, 2), (1, 1, 4, 3, 4)),
    (lambda: nn.ReflectionPad1d((2, 1)), (2, 3, 4), (2, 3, 7)),
    (lambda: nn.ReflectionPad2d(1), (1, 2, 3, 4), (1, 2, 5, 6)),
    (lambda: nn.ReflectionPad3d((1, 0, 0, 1, 1, 1)), (1, 1, 2, 3, 2), (1, 1, 4, 4, 3)),
    (lambda: nn.ReplicationPad1d((2, 1)), (2, 3, 4), (2, 3, 7)),
    (lambda: nn.ReplicationPad2d((2, 0, 1, 1)), (1, 2, 3, 4), (1, 2, 5, 6)),
    (lambda: nn.ReplicationPad3d(1), (1, 1, 2, 1, 2), (1, 1, 4, 3, 4)),
    (lambda: nn.CircularPad1d((2, 1)), (2, 3, 4), (2, 3, 7)),
    (lambda: nn.CircularPad2d((2, 0, 1, 1)), (1, 2, 3, 4), (1, 2, 5, 6)),
    (lambda: nn.CircularPad3d(1), (1, 1, 2, 1, 2), (1, 1, 4, 3, 4)),
    (lambda: nn.AdaptiveAvgPool1d(3), (2, 2, 5), (2, 2, 3)),
    (lambda: nn.AdaptiveAvgPool2d((2, None)), (1, 2, 5, 3), (1, 2, 2, 3)),
    (lambda: nn.AdaptiveAvgPool3d(2), (1, 1, 2, 3, 4), (1, 1, 2, 2, 2)),
    (lambda: nn.AdaptiveMaxPool1d(3), (2, 2, 5), (2, 2, 3)),
    (lambda: nn.AdaptiveMaxPool2d((2, None)), (1, 2, 5, 3), (1, 2, 2, 3)),
    (lambda: nn.AdaptiveMaxPool3d(2), (1, 1, 2, 3, 4), (1, 1, 2, 2, 2)),
    (lambda: nn.PixelShuffle(2), (1, 8, 2, 3), (1, 2, 4, 6)),
    (lambda: nn.PixelUnshuffle(2), (1, 2, 4, 6), (1, 8, 2, 3)),
    (lambda: nn.weight_norm(nn.Conv2d(2, 3, 2)), (1, 2, 3, 3), (1, 3, 2, 2)),
    (lambda: nn.weight_norm(nn.Linear(2, 3), dim=None), (4, 2), (4, 3)),
    (lambda: nn.equalized_lr(nn.ConvTranspose2d(2, 3, 2)), (1, 2, 2, 2), (1, 3, 3, 3)),
    (lambda: nn.LSTM(2, 3, 2, bidirectional=True), (3, 2, 2), (3, 2, 6)),
    (lambda: nn.LSTM(2, 3, bias=False, batch_first=True), (2, 4, 2), (2, 4, 3)),
    (lambda: nn.GRU(2, 3, 2, bidirectional=True), (3, 2, 2), (3, 2, 6)),
    (lambda: nn.GRU(2, 3), (4, 2), (4, 3)),
    (lambda: nn.LSTMCell(2, 3), (2, 2), (2, 3)),
    (lambda: nn.GRUCell(2, 3), (2, 2), (2, 3)),
    (lambda: nn.MultiheadAttention(4, 2), (3, 2, 4), (3, 2, 4)),
    (lambda: nn.MultiheadAttention(4, 2, bias=False, batch_first=True), (2, 3, 4), (2, 3, 4)),
    (lambda: nn.ConditionalBatchNorm1d(2, num_classes=3), (4, 2), (4, 2)),
    (lambda: nn.ConditionalBatchNorm2d(2, num_classes=3), (3, 2, 2, 3), (3, 2, 2, 3)),
    (lambda: nn.ConditionalBatchNorm2d(2, code_size=3), (3, 2, 2, 3), (3, 2, 2, 3)),
    (lambda: nn.ConditionalBatchNorm2d(2, code_size=3).eval(), (3, 2, 2, 3), (3, 2, 2, 3)),
    (lambda: nn.AdaIN(2, 3), (2, 2, 2, 3), (2, 2, 2, 3)),
    (lambda: nn.ModulatedConv2d(2, 3, 2, 3), (2, 2, 3, 3), (2, 3, 2, 2)),
    (lambda: nn.ModulatedConv2d(2, 3, 3, 3, 2, 1, transposed=True, bias=False), (2, 2, 2, 2), (2, 3, 3, 3)),
    (lambda: nn.MinibatchDiscrimination(3, 2, 2), (4, 3), (4, 5)),
    (lambda: nn.MinibatchStdDev(), (3, 2, 2, 2), (3, 3, 2, 2)),
    (lambda: nn.MinibatchStdDev(2), (4, 3), (4, 4)),
    (lambda: nn.Noise(0.3), (3, 2), (3, 2)),
    (lambda: nn.Noise(0.3, "multiplicative").eval(), (2, 2, 3), (2, 2, 3)),
    (lambda: nn.Noise(0.3, "concatenated", channels=1), (2, 2, 2, 3), (2, 3, 2, 3)),
    (lambda: nn.VirtualBatchNorm(2, 2), (4, 2, 2, 3), (4, 2, 2, 3)),
    (lambda: nn.VirtualBatchNorm(3, 3), (5, 3), (5, 3)),
    (lambda: nn.VirtualBatch(nn.Sequential(nn.Linear(2, 3), nn.VirtualBatchNorm(3, 4)), REFERENCE), (2, 2), (2, 3)),
    (lambda: nn.spectral_norm(nn.Conv2d(2, 3, 2)).eval(), (1, 2, 3, 3), (1, 3, 2, 2)),
    (lambda: nn.spectral_norm(nn.ConvTranspose2d(2, 3, 2)).eval(), (1, 2, 2, 2), (1, 3, 3, 3)),
]
RANDOM_IN_EVALUATION = {"Noise"}  # a generator's source of variety; its streams are tested in test_noise.py
BY_INDEX = {"Embedding"}  # its input is integers; tested below
WITHOUT_FORWARD = {"Module", "ModuleList", "ModuleDict"}


def ids():
    return [f"{i}-{type(row[0]()).__name__}" for i, row in enumerate(TABLE)]


def made(build):
    """The layer with parameters away from their defaults: a scale of 1, a shift of 0, a gamma of 0 hide mistakes."""
    tinygan.manual_seed(1)
    layer = build()
    for p in layer.parameters():
        p.assign(p.data + 0.3 * random.normal(p.shape, stream="init"))
    return layer


class AsFunction:
    """A layer as a function of its input and its parameters."""

    def __init__(self, layer):
        self.layer = layer
        self.places = [(m, name) for m in layer.modules() for name, p in m._parameters.items() if p is not None]
        self.parameters = [m._parameters[name].data for m, name in self.places]

    def __call__(self, x, *parameters):
        tinygan.manual_seed(0)  # dropout: the same mask at every call
        for (module, name), parameter in zip(self.places, parameters):
            module._parameters[name] = parameter
        return run(self.layer, x)


@pytest.mark.parametrize("build, shape, out", TABLE, ids=ids())
def test_shape_and_dtype(build, shape, out):
    layer = made(build)
    x = tinygan.tensor(np.random.default_rng(0).standard_normal(shape).astype(np.float32))
    before = x.data.copy()
    assert run(layer, x).shape == out and run(layer, x).dtype == np.float32
    assert (x.data == before).all()
    assert run(layer.double(), x.double()).dtype == np.float64
    assert all(p.data.flags.c_contiguous for p in layer.parameters())


@pytest.mark.parametrize("build, shape, out", TABLE, ids=ids())
def test_derivatives_to_second_order(build, shape, out):
    f = AsFunction(made(build).double())
    x = np.random.default_rng(1).standard_normal(shape)
    report = gradcheck(f, [Tensor(x), *map(Tensor, f.parameters)], order=2, name=type(f.layer).__name__)
    assert len(report.errors) == 2


@pytest.mark.parametrize("padding_idx", [None, 2])
def test_embedding(padding_idx):
    layer = nn.Embedding(4, 3, padding_idx=padding_idx).double()
    index = np.array([[0, 2, 2], [1, 0, 0]])
    if padding_idx is None:
        gradcheck(lambda w: AsFunction(layer)(index, w), [Tensor(layer.weight.data.copy())], order=2)
        return
    assert (layer.weight.numpy()[2] == 0).all()
    (g,) = tinygan.grad(layer(index).sum(), [layer.weight])
    assert g.numpy().tolist() == [[3.0] * 3, [1.0] * 3, [0.0] * 3, [0.0] * 3]


@pytest.mark.parametrize("build, shape, out", TABLE, ids=ids())
def test_deepcopy_gives_an_equal_and_independent_layer(build, shape, out):
    layer = made(build)
    other = copy.deepcopy(layer)
    mine, theirs = layer.state_dict(), other.state_dict()
    assert list(mine) == list(theirs) and repr(layer) == repr(other)
    assert all((mine[k] == theirs[k]).all() for k in mine)
    for a, b in zip(layer.parameters(), other.parameters()):
        assert not np.shares_memory(a.data, b.data)


@pytest.mark.parametrize("build, shape, out", [
    row for row in TABLE if type(row[0]()).__name__ not in RANDOM_IN_EVALUATION])
def test_evaluation_is_pure(build, shape, out):
    layer = made(build).eval()
    before, counters = layer.state_dict(), random.get_state()
    x = tinygan.tensor(np.random.default_rng(0).standard_normal(shape).astype(np.float32))
    first, second = run(layer, x), run(layer, x)
    assert (first.numpy() == second.numpy()).all() and random.get_state() == counters
    assert all((value == before[key]).all() for key, value in layer.state_dict().items())


@pytest.mark.parametrize("build, shape, out", [row for row in TABLE if not isinstance(row[0](), nn.Identity)])
def test_an_array_is_refused_by_name(build, shape, out):
    layer = build()
    with pytest.raises(TypeError, match=r"^\w+: expected a Tensor, got ndarray"):
        run(layer, np.zeros(shape, np.float32))


def gradients(layer, x, weights):
    """The output of a layer, and the gradients of its weighted sum in input and parameters."""
    x.requires_grad_()
    y = run(layer, x)
    return [y, *tinygan.grad(y, [x, *layer.parameters()], weights)]


@pytest.mark.parametrize("build, shape, out", [
    row for row in TABLE if not type(row[0]()).__name__.startswith(("Dropout", "Noise"))])  # other streams there
def test_on_the_device_as_on_the_host(build, shape, out, cupy_standin):
    layer = made(build).double()
    x, g = [tinygan.tensor(np.random.default_rng(s).standard_normal(n)) for s, n in ((0, shape), (1, out))]
    there = copy.deepcopy(layer).to("cuda")
    moved = x.to("cuda"), g.to("cuda")
    cupy_standin.counters.reset()
    results = gradients(there, *moved)
    assert cupy_standin.counters.synchronizations == 0  # the host runs ahead of the device
    for a, b in zip(results, gradients(layer, x, g)):
        assert a.device == "cuda"
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-12)
    for (key, a), b in zip(there.to("cpu").state_dict().items(), layer.state_dict().values()):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=key)


def test_every_public_layer_is_in_the_table():
    public = {name for name in nn.__all__ if inspect.isclass(getattr(nn, name))
              and issubclass(getattr(nn, name), nn.Module)}
    shown = {type(build()).__name__ for build, _, _ in TABLE}
    assert public - WITHOUT_FORWARD - BY_INDEX == shown


def test_every_layer_class_is_public():
    defined = {c.__name__ for c in _subclasses(nn.Module) if c.__module__.startswith("tinygan.nn.")
               and not c.__name__.startswith("_")}
    assert defined <= set(nn.__all__)


def _subclasses(cls):
    for c in cls.__subclasses__():
        yield c
        yield from _subclasses(c)
