"""The layers beyond the basic ones against PyTorch: values, gradients, second gradients, keys of state dicts."""

import itertools

import numpy as np
import pytest

import tinygan
from tinygan import nn, testing

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.reference, pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")]

# float64 on both sides: what remains is the order of additions
CLOSE = dict(rtol=1e-9, atol=1e-11)


def data(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def pair(ours, theirs):
    """Both layers in float64, with torch's parameters, moved away from their defaults, loaded by key."""
    torch.manual_seed(0)
    ours, theirs = ours.double(), theirs.double()
    with torch.no_grad():
        for p in theirs.parameters():
            p.add_(torch.randn_like(p) * 0.1)
    state = {key: value.numpy() for key, value in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    return ours, theirs


def tensors(outputs, kind):
    """The floating tensors in nested outputs."""
    if isinstance(outputs, kind):
        return [outputs] if "float" in str(outputs.dtype) else []
    return [] if outputs is None else list(itertools.chain(*[tensors(y, kind) for y in outputs]))


def agree(mine, other, what=""):
    assert len(mine) == len(other)
    for i, (a, b) in enumerate(zip(mine, other)):
        assert (a is None) == (b is None), (what, i)
        if a is not None:
            np.testing.assert_allclose(a.numpy(), b.detach().numpy(), **CLOSE, err_msg=f"{what} {i}")


def reached(values):
    """The gradients that depend on something."""
    return [g for g in values if g is not None and g.requires_grad]


def same_call(ours, theirs, *inputs, call=lambda layer, *inputs: layer(*inputs), second=True):
    """Values, gradients and second gradients, with random cotangents, in inputs and parameters agree."""
    mine = [tinygan.tensor(x, requires_grad=True) for x in inputs]
    other = [torch.tensor(x, requires_grad=True) for x in inputs]
    y = tensors(call(ours, *mine), tinygan.tensor([0.0]).__class__)
    # clones, because torch's inplace layers overwrite their inputs
    target = tensors(call(theirs, *[x.clone() for x in other]), torch.Tensor)
    agree(y, target, "value")
    cotangents = [data(v.shape, 10 + i) for i, v in enumerate(y)]
    mine, other = [*mine, *ours.parameters()], [*other, *theirs.parameters()]
    c, d = [[make(v, requires_grad=True) for v in cotangents] for make in (tinygan.tensor, torch.tensor)]
    g = tinygan.grad(y, mine, c, create_graph=True, allow_unused=True)
    h = torch.autograd.grad(target, other, d, create_graph=True, allow_unused=True)
    agree(g, h, "gradient")
    if not second:
        return
    directions = [data(v.shape, 20 + i) for i, v in enumerate(g) if v is not None and v.requires_grad]
    g, h = reached(g), reached(h)
    assert len(g) == len(h) > 0
    g = tinygan.grad(g, [*mine, *c], [tinygan.tensor(v) for v in directions], allow_unused=True)
    h = torch.autograd.grad(h, [*other, *d], [torch.tensor(v) for v in directions], allow_unused=True)
    filled = [[np.zeros(x.shape) if v is None else v.numpy() for v, x in zip(values, points)]
              for values, points in ((g, [*mine, *c]), (h, [*other, *d]))]
    for i, (a, b) in enumerate(zip(*filled)):
        np.testing.assert_allclose(a, b, **CLOSE, err_msg=f"second gradient {i}")


LAYERS = [
    ("GELU", (), {}, (3, 4)), ("GELU", ("tanh",), {}, (3, 4)), ("SiLU", (), {}, (3, 4)), ("SELU", (), {}, (3, 4)),
    ("Hardtanh", (-0.5, 0.7), {}, (3, 4)), ("PReLU", (), {}, (3, 4)), ("PReLU", (3, 0.1), {}, (2, 3, 4, 2)),
    ("LogSoftmax", (1,), {}, (3, 4)),
    ("ConstantPad1d", ((1, 2), 0.5), {}, (2, 3, 4)), ("ConstantPad2d", ((1, -1, 0, 2), 1.5), {}, (1, 2, 3, 4)),
    ("ConstantPad3d", (1, -1.0), {}, (1, 1, 2, 1, 2)), ("ZeroPad1d", (2,), {}, (2, 3, 4)),
    ("ZeroPad2d", ((1, 0, 2, 1),), {}, (1, 2, 3, 4)), ("ZeroPad3d", (1,), {}, (1, 1, 2, 1, 2)),
    ("ReflectionPad1d", ((2, 1),), {}, (2, 3, 4)), ("ReflectionPad2d", ((1, 2, 0, 1),), {}, (1, 2, 3, 4)),
    ("ReflectionPad3d", ((1, 0, 0, 1, 1, 1),), {}, (1, 1, 2, 3, 2)), ("ReplicationPad1d", ((2, 1),), {}, (2, 3, 4)),
    ("ReplicationPad2d", ((2, 0, 1, 1),), {}, (1, 2, 3, 4)), ("ReplicationPad3d", (1,), {}, (1, 1, 2, 1, 2)),
    ("CircularPad1d", ((2, 1),), {}, (2, 3, 4)), ("CircularPad2d", ((2, 0, 1, 1),), {}, (1, 2, 3, 4)),
    ("CircularPad3d", (1,), {}, (1, 1, 2, 1, 2)),
    ("AdaptiveAvgPool1d", (3,), {}, (2, 2, 7)), ("AdaptiveAvgPool2d", ((2, None),), {}, (2, 3, 5, 4)),
    ("AdaptiveAvgPool2d", (1,), {}, (2, 3, 5, 4)), ("AdaptiveAvgPool3d", ((2, 3, 1),), {}, (1, 2, 3, 4, 5)),
    ("AdaptiveMaxPool1d", (3,), {}, (2, 2, 7)), ("AdaptiveMaxPool2d", ((2, None),), {}, (2, 3, 5, 4)),
    ("AdaptiveMaxPool3d", (2,), {}, (1, 2, 3, 4, 5)),
    ("PixelShuffle", (3,), {}, (2, 18, 2, 3)), ("PixelUnshuffle", (2,), {}, (2, 3, 4, 6)),
    ("Dropout2d", (0.0,), {}, (2, 3, 4, 4)),
]


@pytest.mark.parametrize("name, arguments, options, shape", LAYERS,
                         ids=[f"{i}-{row[0]}" for i, row in enumerate(LAYERS)])
def test_layer(name, arguments, options, shape):
    ours, theirs = pair(getattr(nn, name)(*arguments, **options), getattr(torch.nn, name)(*arguments, **options))
    for seed in range(2):
        same_call(ours, theirs, data(shape, seed))


@pytest.mark.parametrize("name, arguments, options", [
    ("ZeroPad2d", ((1, 0, 2, 1),), {}), ("ConstantPad1d", (1, 0.5), {}), ("AdaptiveAvgPool2d", ((2, None),), {}),
    ("PixelShuffle", (2,), {}), ("PReLU", (3,), {}), ("GELU", (), {}), ("LSTMCell", (3, 2), {}),
    ("LSTM", (3, 2), {}), ("GRU", (3, 2, 2), dict(batch_first=True, bidirectional=True)), ("Dropout2d", (0.3,), {})])
def test_the_text_starts_as_pytorchs(name, arguments, options):
    ours, theirs = [repr(getattr(library, name)(*arguments, **options)) for library in (nn, torch.nn)]
    assert theirs.startswith(ours[:-1])  # PyTorch adds ", inplace=False" to some


RECURRENT = [dict(), dict(bias=False), dict(num_layers=2), dict(batch_first=True), dict(bidirectional=True),
             dict(num_layers=3, bidirectional=True, batch_first=True), dict(num_layers=2, dropout=0.5)]


@pytest.mark.parametrize("options", RECURRENT, ids=[str(i) for i in range(len(RECURRENT))])
@pytest.mark.parametrize("name", ["LSTM", "GRU"])
@pytest.mark.parametrize("state", [False, True])
def test_recurrent(name, options, state):
    ours, theirs = pair(getattr(nn, name)(3, 4, **options), getattr(torch.nn, name)(3, 4, **options))
    if "dropout" in options:  # the masks differ between the libraries: only that it is off in evaluation
        ours.eval()
        theirs.eval()
    runs = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    x = data((5, 2, 3)).swapaxes(0, 1) if options.get("batch_first") else data((5, 2, 3))
    states = [data((runs, 2, 4), seed) for seed in range(1, 3 if name == "LSTM" else 2)] if state else []

    def call(layer, x, *hx):
        return layer(x, hx if len(hx) == 2 else hx[0] if hx else None)
    same_call(ours, theirs, x, *states, call=call)


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_recurrent_without_a_batch(name):
    ours, theirs = pair(getattr(nn, name)(3, 4, 2), getattr(torch.nn, name)(3, 4, 2))
    same_call(ours, theirs, data((5, 3)))
    shapes = [[y.shape for y in tensors(layer(x), type(x))] for layer, x in (
        (ours, tinygan.tensor(data((5, 3)))), (theirs, torch.tensor(data((5, 3)))))]
    assert shapes[0] == [tuple(shape) for shape in shapes[1]]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ["LSTMCell", "GRUCell"])
def test_cells(name, bias):
    ours, theirs = pair(getattr(nn, name)(3, 4, bias), getattr(torch.nn, name)(3, 4, bias))
    same_call(ours, theirs, data((2, 3)))
    same_call(ours, theirs, data((3,)))
    states = [data((2, 4), seed) for seed in range(1, 3 if name == "LSTMCell" else 2)]
    same_call(ours, theirs, data((2, 3)), *states,
              call=lambda layer, x, *hx: layer(x, hx if len(hx) == 2 else hx[0]))


ATTENTION = [dict(), dict(bias=False), dict(batch_first=True), dict(kdim=5, vdim=3), dict(kdim=5, vdim=3, bias=False)]


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("options", ATTENTION, ids=[str(i) for i in range(len(ATTENTION))])
def test_multihead_attention(options, average):
    ours, theirs = pair(nn.MultiheadAttention(6, 2, **options), torch.nn.MultiheadAttention(6, 2, **options))
    shapes = (4, 2, 6), (5, 2, options.get("kdim", 6)), (5, 2, options.get("vdim", 6))
    inputs = [data(shape, seed) for seed, shape in enumerate(shapes)]
    inputs = [x.swapaxes(0, 1).copy() for x in inputs] if options.get("batch_first") else inputs
    same_call(ours, theirs, *inputs,
              call=lambda layer, q, k, v: layer(q, k, v, average_attn_weights=average))
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # the fused kernel has no second gradient
        same_call(ours, theirs, *[x[0] if options.get("batch_first") else x[:, 0] for x in inputs],
                  call=lambda layer, q, k, v: layer(q, k, v, need_weights=False))


def test_multihead_attention_of_a_sequence_to_itself():
    ours, theirs = pair(nn.MultiheadAttention(6, 3), torch.nn.MultiheadAttention(6, 3))
    same_call(ours, theirs, data((4, 2, 6)), call=lambda layer, x: layer(x, x, x))


HIDDEN = np.random.default_rng(3).random((4, 5)) < 0.4
HIDDEN[:, 0] = False
PADDED = np.array([[False, False, True, False, True], [False] * 5])


@pytest.mark.parametrize("masks", [
    dict(attn_mask=HIDDEN), dict(attn_mask=np.where(HIDDEN, -np.inf, 0.3)), dict(key_padding_mask=PADDED),
    dict(attn_mask=np.stack([HIDDEN, HIDDEN[::-1], HIDDEN, HIDDEN])), dict(attn_mask=HIDDEN, key_padding_mask=PADDED),
    dict(attn_mask=data((4, 5), 7), key_padding_mask=np.where(PADDED, -np.inf, 0.0)),
    dict(attn_mask=data((4, 4, 5), 7))])
def test_masks(masks):
    ours, theirs = pair(nn.MultiheadAttention(6, 2), torch.nn.MultiheadAttention(6, 2))

    def call(layer, *x):
        convert = np.asarray if layer is ours else torch.tensor
        return layer(*x, **{name: convert(np.ascontiguousarray(mask)) for name, mask in masks.items()})
    same_call(ours, theirs, data((4, 2, 6)), data((5, 2, 6), 1), data((5, 2, 6), 2), call=call)


@pytest.mark.parametrize("name, arguments, dim, shape", [
    ("Linear", (3, 4), 0, (2, 3)), ("Linear", (3, 4), 1, (2, 3)), ("Linear", (3, 4), None, (2, 3)),
    ("Conv2d", (2, 3, 2), 0, (1, 2, 3, 4)), ("Conv2d", (2, 3, 2), -2, (1, 2, 3, 4)),
    ("ConvTranspose2d", (2, 3, 2), 1, (1, 2, 3, 2))])
def test_weight_norm(name, arguments, dim, shape):
    ours = nn.weight_norm(getattr(nn, name)(*arguments), dim=dim)
    theirs = torch.nn.utils.weight_norm(getattr(torch.nn, name)(*arguments), dim=dim)
    ours, theirs = pair(ours, theirs)
    same_call(ours, theirs, data(shape), second=False)  # see below
    nn.remove_weight_norm(ours)
    torch.nn.utils.remove_weight_norm(theirs)
    np.testing.assert_allclose(ours.weight.numpy(), theirs.weight.detach().numpy(), **CLOSE)


@pytest.mark.parametrize("fused", [True, False])
def test_pytorchs_fused_weight_norm_has_wrong_second_derivatives(fused):
    # its backward pass takes |v| for a constant when it is differentiated again; finite differences are the judge
    def theirs(v, g):
        return torch._weight_norm(v, g, 0) if fused else v * (g / v.norm(dim=1, keepdim=True))

    def ours(v, g):
        layer._parameters.update(weight_v=v, weight_g=g)
        return layer.weight
    layer = nn.weight_norm(nn.Linear(3, 4)).double()
    v, g = data((4, 3)), data((4, 1), 1)
    testing.gradcheck(ours, [tinygan.tensor(v), tinygan.tensor(g)], order=3)
    points = [torch.tensor(x, requires_grad=True) for x in (v, g)]
    assert torch.autograd.gradcheck(theirs, points)
    assert torch.autograd.gradgradcheck(theirs, points, raise_exception=False) is not fused


class Reference(torch.nn.Module):
    """A layer written in PyTorch's operations from the formula in the paper, with the parameters of ours."""

    def __init__(self, ours, function):
        super().__init__()
        self.function = function
        self.values = torch.nn.ParameterList([torch.tensor(p.data) for p in ours.parameters()])

    def forward(self, *inputs):
        return self.function(dict(zip(self.names, self.values)), *inputs)


def batch_normal(x, axes, eps):
    return (x - x.mean(axes, keepdim=True)) / (x.var(axes, keepdim=True, correction=0) + eps).sqrt()


def conditional(p, x, code):
    gamma, beta = 1 + code @ p["gamma.weight"].T, code @ p["beta.weight"].T
    return batch_normal(x, (0, 2, 3), 1e-5) * gamma[:, :, None, None] + beta[:, :, None, None]


def adaptive(p, x, w):
    scale, shift = (w @ p["style.weight"].T + p["style.bias"])[:, :, None, None].chunk(2, 1)
    return batch_normal(x, (2, 3), 1e-5) * scale + shift


def modulated(p, x, w):
    style = w @ p["style.weight"].T + p["style.bias"]
    weight = p["weight"][None] * style[:, None, :, None, None]
    weight = weight / (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
    n, o, c, *kernel = weight.shape
    y = torch.nn.functional.conv2d(x.reshape(1, n * c, *x.shape[2:]), weight.reshape(n * o, c, *kernel), padding=1,
                                   groups=n)
    return y.reshape(n, o, *y.shape[2:]) + p["bias"][:, None, None]


def discrimination(p, x):
    m = torch.einsum("na,abc->nbc", x, p["T"])
    return torch.cat([x, torch.exp(-(m[:, None] - m[None]).abs().sum(3)).sum(1)], 1)


def deviation(p, x):
    s = x.std(0, correction=0).mean().expand(len(x), 1, *x.shape[2:])
    return torch.cat([x, s], 1)


def virtual(p, x):
    reference, parts = x[:3], []
    for i in range(3, len(x)):
        parts.append(batch_normal(torch.cat([reference, x[i:i + 1]]), (0, 2), 1e-5)[3:])
    y = torch.cat([batch_normal(reference, (0, 2), 1e-5), *parts])
    return y * p["weight"][:, None] + p["bias"][:, None]


def weight_normed(p, x):
    v = p["weight_v"]
    return x @ (v * (p["weight_g"] / v.norm(dim=1, keepdim=True))).T + p["bias"]


def equalised(p, x):
    return x @ p["weight_orig"].T * (2 / 5) ** 0.5 + p["bias"]


PAPERS = [
    (lambda: nn.ConditionalBatchNorm2d(3, code_size=2), conditional, (4, 3, 2, 3), (4, 2)),
    (lambda: nn.AdaIN(3, 2), adaptive, (2, 3, 4, 3), (2, 2)),
    (lambda: nn.ModulatedConv2d(3, 4, 3, 2, padding=1), modulated, (2, 3, 4, 5), (2, 2)),
    (lambda: nn.MinibatchDiscrimination(3, 2, 4), discrimination, (5, 3)),
    (lambda: nn.MinibatchStdDev(), deviation, (5, 3, 2, 2)),
    (lambda: nn.VirtualBatchNorm(2, 3), virtual, (5, 2, 4)),
    (lambda: nn.PixelNorm(), lambda p, x: x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt(), (2, 5, 3)),
    (lambda: nn.weight_norm(nn.Linear(5, 4)), weight_normed, (3, 5)),
    (lambda: nn.equalized_lr(nn.Linear(5, 4)), equalised, (3, 5))]


@pytest.mark.parametrize("build, function, shapes", [(b, f, shapes) for b, f, *shapes in PAPERS],
                         ids=[row[1].__name__ for row in PAPERS])
def test_layers_of_papers(build, function, shapes):
    tinygan.manual_seed(0)
    ours = build().double()
    for i, p in enumerate(ours.parameters()):
        p.assign(p.data + 0.1 * data(p.shape, i))
    theirs = Reference(ours, function)
    theirs.names = [name for name, _ in ours.named_parameters()]
    same_call(ours, theirs, *[data(shape, seed) for seed, shape in enumerate(shapes)])


@pytest.mark.parametrize("name, options", [("LSTM", dict(num_layers=2)), ("GRU", {}), ("MultiheadAttention", {})])
def test_default_initialisation_has_the_same_bounds(name, options):
    torch.manual_seed(0)
    tinygan.manual_seed(0)
    for (key, ours), theirs in zip(getattr(nn, name)(40, 20, **options).named_parameters(),
                                   getattr(torch.nn, name)(40, 20, **options).parameters()):
        theirs = theirs.abs().max().item()
        # at least 60 uniform draws each: the largest is within 10 % of the bound but for probability 0.9^60 = 2e-3
        assert abs(ours.data).max() == pytest.approx(theirs, rel=0.1), key
