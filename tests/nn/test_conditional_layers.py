"""Layers that know a class, a style or their batch: what the papers promise, and derivatives in all of their inputs."""

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan import nn
from tinygan.replay import checkpoint
from tinygan.tensor import Tensor
from tinygan.testing import gradcheck


def data(shape, seed=0):
    return tinygan.tensor(np.random.default_rng(seed).standard_normal(shape))


def labels(*values):
    return tinygan.tensor(np.array(values))


# Conditional batch norm (R12)

def test_statistics_are_those_of_the_whole_batch_not_of_a_class():
    # two classes far apart stay apart; by statistics of their own both would have mean 0
    x = np.random.default_rng(0).standard_normal((40, 2, 3, 3))
    x[20:] += 10
    y = nn.ConditionalBatchNorm2d(2, 2).double()(tinygan.tensor(x), labels(*[0] * 20, *[1] * 20)).numpy()
    assert y[:20].mean() < -0.9 and y[20:].mean() > 0.9
    np.testing.assert_allclose(y, nn.BatchNorm2d(2).double()(tinygan.tensor(x)).numpy(), rtol=1e-10, atol=1e-12)


def test_running_statistics_and_evaluation_are_batch_norms():
    conditional = nn.ConditionalBatchNorm2d(2, 3, momentum=0.3).double()
    plain = nn.BatchNorm2d(2, momentum=0.3).double()
    for seed in range(3):
        x = data((4, 2, 3, 3), seed) * 2 + 1
        conditional(x, labels(0, 1, 2, 1))
        plain(x)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert (getattr(conditional, name).numpy() == getattr(plain, name).numpy()).all()
    a, b = conditional.eval()(x, labels(0, 1, 2, 1)), plain.eval()(x)
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12, atol=1e-14)


def test_each_sample_gets_the_scale_and_shift_of_its_class():
    layer = nn.ConditionalBatchNorm2d(2, 3).double()
    layer.gamma.weight.assign(np.arange(6.0).reshape(3, 2))
    layer.beta.weight.assign(np.arange(6.0).reshape(3, 2) * 10)
    x, classes = data((5, 2, 2, 3)), [2, 0, 1, 2, 0]
    got, plain = layer(x, labels(*classes)).numpy(), nn.BatchNorm2d(2, affine=False).double()(x).numpy()
    for n, k in enumerate(classes):
        for c in range(2):
            np.testing.assert_allclose(got[n, c], plain[n, c] * (2 * k + c) + 10 * (2 * k + c), rtol=1e-12)


def test_a_shared_embedding_is_one_plus_a_linear_map_and_needs_fewer_parameters():
    embedding, layer = nn.Embedding(5, 4).double(), nn.ConditionalBatchNorm2d(3, code_size=4).double()
    x, y = data((6, 3, 2, 2)), labels(0, 4, 2, 2, 1, 3)
    code = embedding(y)
    plain = nn.BatchNorm2d(3, affine=False).double()(x).numpy()
    e = embedding.weight.numpy()[y.numpy()]
    gamma, beta = 1 + e @ layer.gamma.weight.numpy().T, e @ layer.beta.weight.numpy().T
    np.testing.assert_allclose(layer(x, code).numpy(), plain * gamma[:, :, None, None] + beta[:, :, None, None],
                               rtol=1e-10, atol=1e-12)

    def count(*modules):
        return sum(p.size for module in modules for p in module.parameters())
    # BigGAN's sizes: 1000 classes, codes of 128, layers of 96 ... 1536 channels
    channels = [1536, 768, 384, 192, 96]
    shared = count(nn.Embedding(1000, 128), *[nn.ConditionalBatchNorm2d(c, code_size=128) for c in channels])
    assert shared < 0.2 * count(*[nn.ConditionalBatchNorm2d(c, 1000) for c in channels])
    assert layer.state_dict().keys() == {"gamma.weight", "beta.weight", "running_mean", "running_var",
                                         "num_batches_tracked"}


def test_spectral_norm_takes_the_linear_maps():
    layer = nn.ConditionalBatchNorm2d(3, code_size=4)
    nn.spectral_norm(layer.gamma)
    assert layer(data((2, 3, 2, 2)).float(), data((2, 4)).float()).shape == (2, 3, 2, 2)


# AdaIN (R13)

def test_adain_sets_the_mean_and_the_standard_deviation():
    x, scale, shift = data((3, 4, 8, 8)) * 5 + 2, data((3, 4), 1), data((3, 4), 2)
    y = nn.adain(x, scale, shift).numpy()
    # eps = 1e-5 beside a variance of 25 changes the standard deviation by 2e-7
    np.testing.assert_allclose(y.mean((2, 3)), shift.numpy(), atol=1e-10)
    np.testing.assert_allclose(y.std((2, 3)), abs(scale.numpy()), rtol=1e-5)


def test_adain_starts_as_instance_norm_with_a_little_style():
    layer = nn.AdaIN(3, 4).double()
    assert layer.style.bias.numpy().tolist() == [1, 1, 1, 0, 0, 0]
    x = data((2, 3, 4, 4))
    np.testing.assert_allclose(layer(x, data((2, 4)) * 0).numpy(), F.instance_norm(x).numpy(), rtol=1e-12)


# Modulated convolution (R14)

@pytest.mark.parametrize("transposed", [False, True])
def test_demodulation_keeps_the_variance_for_any_style_and_forgets_its_scale(transposed):
    tinygan.manual_seed(0)
    layer = nn.ModulatedConv2d(16, 8, 3, 4, padding=0, bias=False, transposed=transposed).double()
    x, style = data((4, 16, 62, 62)), data((4, 4), 1) * 3
    y = layer(x, style).numpy()[:, :, 2:-2, 2:-2]  # a transposed convolution has thinner sums at its border
    assert abs(y.std((1, 2, 3)) - 1).max() < 0.05  # 8 x 58^2 values each: the standard error of a std is 0.5 %
    layer.style.bias.assign(np.zeros(16))
    np.testing.assert_allclose(layer(x, style * 7).numpy(), layer(x, style).numpy(), rtol=1e-7, atol=1e-9)


def test_modulated_convolution_is_the_papers_formula_image_by_image():
    layer = nn.ModulatedConv2d(3, 2, 3, 4, padding=1).double()
    layer.bias.assign([0.5, -1.0])
    x, w = data((2, 3, 5, 5)), data((2, 4), 1)
    styles = w.numpy() @ layer.style.weight.numpy().T + layer.style.bias.numpy()
    for n in range(2):
        weight = layer.weight.numpy() * styles[n][:, None, None]
        weight = weight / np.sqrt((weight ** 2).sum((1, 2, 3), keepdims=True) + 1e-8)
        want = F.conv2d(x[n:n + 1], tinygan.tensor(weight), layer.bias, padding=1)
        np.testing.assert_allclose(layer(x, w)[n:n + 1].numpy(), want.numpy(), rtol=1e-9, atol=1e-12)


def test_modulated_convolution_takes_the_equalised_learning_rate():
    layer = nn.equalized_lr(nn.ModulatedConv2d(16, 8, 3, 4, demodulate=False), gain=1.0)
    assert layer.weight.numpy().std() == pytest.approx(1 / 12, rel=0.1)  # 1152 draws: standard error 2 %
    assert layer(data((2, 16, 4, 4)).float(), data((2, 4)).float()).shape == (2, 8, 2, 2)


# Mini-batch layers (R09, R21)

def test_closeness_in_a_batch_of_copies_is_its_size():
    layer = nn.MinibatchDiscrimination(4, 3, 2).double()
    x = np.tile(np.random.default_rng(0).standard_normal(4), (6, 1))
    y = layer(tinygan.tensor(x)).numpy()
    assert (y[:, :4] == x).all() and (y[:, 4:] == 6).all()


def test_minibatch_discrimination_is_the_papers_formula_and_tells_diversity_from_means():
    layer = nn.MinibatchDiscrimination(3, 2, 4).double()
    x = data((5, 3)).numpy()
    m = np.einsum("na,abc->nbc", x, layer.T.numpy())
    want = [[sum(np.exp(-abs(m[i, b] - m[j, b]).sum()) for j in range(5)) for b in range(2)] for i in range(5)]
    np.testing.assert_allclose(layer(tinygan.tensor(x)).numpy()[:, 3:], want, rtol=1e-12)
    # feature matching sees the mean alone; these features see that the second batch has collapsed
    collapsed = np.tile(x.mean(0), (5, 1))
    assert (layer(tinygan.tensor(collapsed)).numpy()[:, 3:] > layer(tinygan.tensor(x)).numpy()[:, 3:] + 0.5).all()


def test_the_standard_deviation_map():
    x = data((6, 3, 4, 4))
    y = nn.MinibatchStdDev()(x).numpy()
    assert y.shape == (6, 4, 4, 4) and (y[:, :3] == x.numpy()).all()
    np.testing.assert_allclose(y[:, 3], x.numpy().std(0).mean(), rtol=1e-12)
    groups = nn.MinibatchStdDev(3)(x).numpy()[:, 3, 0, 0]
    for i in (0, 1):  # samples i, i + 2, i + 4 are one group
        np.testing.assert_allclose(groups[i::2], x.numpy()[i::2].std(0).mean(), rtol=1e-12)


def test_the_map_of_a_batch_of_copies_is_zero_and_differentiable():
    x = tinygan.tensor(np.tile(np.random.default_rng(0).standard_normal((1, 2, 3, 3)), (4, 1, 1, 1)))
    x.requires_grad_()
    y = nn.MinibatchStdDev()(x)
    assert (y.numpy()[:, 2] == 0).all()
    (g,) = tinygan.grad(y.sum(), [x], create_graph=True)
    assert (g.numpy() == 1).all()  # only through the copied channels; the root's slope at 0 counts as 0
    (h,) = tinygan.grad((g * g * x).sum(), [x])
    assert np.isfinite(h.numpy()).all()


def test_pixel_norm_gives_vectors_of_unit_mean_square():
    y = nn.PixelNorm()(data((2, 5, 3, 3)) * 100).numpy()
    np.testing.assert_allclose((y ** 2).mean(1), 1, rtol=1e-9)  # eps 1e-8 beside mean squares of 1e4
    assert (nn.PixelNorm()(data((2, 5)) * 0).numpy() == 0).all()


# Virtual batch norm (R10)

def virtual(reference_size=4):
    tinygan.manual_seed(1)
    return nn.Sequential(nn.Conv2d(2, 3, 2), nn.VirtualBatchNorm(3, reference_size), nn.ReLU(), nn.Conv2d(3, 2, 2),
                         nn.VirtualBatchNorm(2, reference_size)).double()


def test_no_sample_depends_on_its_batch_mates():
    net = nn.VirtualBatch(virtual(), data((4, 2, 5, 5), 9).numpy())
    x = data((3, 2, 5, 5)).numpy()
    other = x.copy()
    other[1:] += 1
    first, second = net(tinygan.tensor(x)).numpy()[0], net(tinygan.tensor(other)).numpy()[0]
    assert (first == second).all()
    np.testing.assert_allclose(net(tinygan.tensor(x[:1])).numpy()[0], first, rtol=1e-12, atol=1e-13)
    plain = nn.BatchNorm2d(2, affine=False).double()
    assert abs(plain(tinygan.tensor(x)).numpy()[0] - plain(tinygan.tensor(other)).numpy()[0]).max() > 1e-3


def test_virtual_statistics_are_batch_statistics_of_the_reference_and_one_sample():
    layer, plain = nn.VirtualBatchNorm(2, 4).double(), nn.BatchNorm2d(2).double()
    x = data((7, 2, 3, 3)) * 2 + 1
    y = layer(x).numpy()
    np.testing.assert_allclose(y[:4], plain(x[:4]).numpy(), rtol=1e-10, atol=1e-12)
    for i in range(4, 7):
        together = F.cat([x[:4], x[i:i + 1]], 0)
        np.testing.assert_allclose(y[i], plain(together).numpy()[4], rtol=1e-10, atol=1e-12)


def test_the_reference_is_a_buffer_that_is_saved():
    reference = data((4, 2, 5, 5), 9).numpy()
    net = nn.VirtualBatch(virtual(), reference)
    state = net.state_dict()
    assert (state["reference"] == reference).all() and "network.1.weight" in state
    assert "reference" not in dict(net.named_parameters())


# Derivatives in the condition too, to third order

LAYERS = {
    "adain": (lambda: nn.AdaIN(2, 3), (2, 2, 2, 3), (2, 3)),
    "conditional": (lambda: nn.ConditionalBatchNorm2d(2, code_size=3), (3, 2, 2, 2), (3, 3)),
    "modulated": (lambda: nn.ModulatedConv2d(2, 2, 2, 3), (2, 2, 2, 3), (2, 3)),
    "discrimination": (lambda: nn.MinibatchDiscrimination(2, 2, 2), (3, 2), None),
    "deviation": (lambda: nn.MinibatchStdDev(), (3, 2, 2), None),
    "virtual": (lambda: nn.VirtualBatchNorm(2, 3), (5, 2, 3), None),
    "pixel": (lambda: nn.PixelNorm(), (2, 3, 2), None),
    "weight norm": (lambda: nn.weight_norm(nn.Linear(2, 3)), (2, 2), None),
    "lstm": (lambda: nn.LSTM(2, 2, bidirectional=True), (2, 2, 2), None),
    "gru": (lambda: nn.GRU(2, 2, 2), (2, 2, 2), None),
    "attention": (lambda: nn.MultiheadAttention(2, 1), (3, 1, 2), None)}


@pytest.mark.parametrize("name", LAYERS)
def test_third_derivatives(name):
    build, *shapes = LAYERS[name]
    tinygan.manual_seed(3)
    layer = build().double()
    places = [(m, key) for m in layer.modules() for key in m._parameters if m._parameters[key] is not None]
    inputs = [data(shape, i).data for i, shape in enumerate(shapes) if shape]

    def f(*tensors):
        given, parameters = tensors[:len(inputs)], tensors[len(inputs):]
        for (module, key), p in zip(places, parameters):
            module._parameters[key] = p
        y = layer(*given * 3) if name == "attention" else layer(*given)
        return y[0] if isinstance(y, tuple) else y

    values = [*inputs, *[m._parameters[key].data.copy() + 0.1 for m, key in places]]
    gradcheck(f, [Tensor(v) for v in values], order=3, name=name)


def test_a_checkpointed_conditional_norm_counts_once():
    plain, other = [nn.ConditionalBatchNorm2d(2, 3).double() for _ in range(2)]
    x, y = data((4, 2, 3, 3)), labels(0, 1, 2, 1)
    a = tinygan.grad((plain(x, y) ** 3).sum(), [plain.gamma.weight])
    b = tinygan.grad((checkpoint(lambda v: other(v, y), x) ** 3).sum(), [other.gamma.weight])
    assert (a[0].numpy() == b[0].numpy()).all() and other.num_batches_tracked.item() == 1


@pytest.mark.parametrize("call, match", [
    (lambda: nn.ConditionalBatchNorm2d(3), "ConditionalBatchNorm2d: expected either num_classes or code_size"),
    (lambda: nn.ConditionalBatchNorm2d(3, 2)(data((2, 3, 2, 2)), labels(0)), r"expected labels of shape \(2,\)"),
    (lambda: nn.ConditionalBatchNorm2d(3, code_size=2)(data((2, 3, 2, 2)), data((2, 3))), r"codes of shape \(2, 2\)"),
    (lambda: nn.AdaIN(3, 2)(data((2, 3, 2, 2)), data((2, 3))), r"AdaIN: expected a style of shape \(2, 2\)"),
    (lambda: nn.adain(data((2, 3, 2, 2)), data((2, 3)), data((2, 1))), r"adain: expected scale and shift"),
    (lambda: nn.ModulatedConv2d(3, 2, 1, 2)(data((2, 3, 2, 2)), data((2, 3))), r"expected a style of shape \(2, 2\)"),
    (lambda: nn.MinibatchDiscrimination(3, 2, 2)(data((2, 4))), r"MinibatchDiscrimination: expected input \(N, 3\)"),
    (lambda: nn.MinibatchStdDev(3)(data((4, 2))), "MinibatchStdDev: expected .* multiple of 3"),
    (lambda: nn.PixelNorm()(data((4,))), r"PixelNorm: expected input \(N, C, \*\)"),
    (lambda: nn.VirtualBatchNorm(2, 3)(data((2, 2, 2))), r"VirtualBatchNorm: expected input \(3 \+ N, 2, \*\)"),
    (lambda: nn.VirtualBatchNorm(2, 1)(data((2, 2))), "several reference values"),
    (lambda: nn.VirtualBatch(virtual(), np.zeros((3, 2, 5, 5))), "expected a reference of 4 samples for 1, got 3"),
    (lambda: nn.VirtualBatch(virtual(), np.zeros((4, 2, 5, 5)))(data((3, 2, 4, 4))), r"VirtualBatch: expected input"),
])
def test_bad_conditions_are_named(call, match):
    with pytest.raises(ValueError, match=match):
        call()


@pytest.mark.parametrize("layer, shape, out", [
    (nn.MinibatchStdDev(), (0, 2, 3), (0, 3, 3)), (nn.MinibatchDiscrimination(3, 2, 2), (0, 3), (0, 5)),
    (nn.PixelNorm(), (0, 2, 3), (0, 2, 3)), (nn.LSTM(2, 3), (4, 0, 2), (4, 0, 3)),
    (nn.VirtualBatchNorm(2, 3), (3, 2), (3, 2))])
def test_empty_batches_of_batch_layers(layer, shape, out):
    y = layer(data(shape).float())
    assert (y[0] if isinstance(y, tuple) else y).shape == out
