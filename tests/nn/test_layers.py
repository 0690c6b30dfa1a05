"""What single layers promise beyond values: running statistics, dropout's stream, attention at gamma 0, bad input."""

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan import nn, random


def batch(shape, seed=0, dtype=np.float64):
    return tinygan.tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype) * 2 + 1)


def test_running_statistics_follow_the_batches():
    norm = nn.BatchNorm2d(3, momentum=0.25).double()
    mean, var = np.zeros(3), np.ones(3)
    for seed in range(3):
        x = batch((4, 3, 2, 5), seed)
        norm(x)
        mean = 0.75 * mean + 0.25 * x.numpy().mean((0, 2, 3))
        var = 0.75 * var + 0.25 * x.numpy().var((0, 2, 3), ddof=1)
    # the variance comes back from 1/sqrt(var + eps): two roundings more than the direct way
    np.testing.assert_allclose(norm.running_mean.numpy(), mean, rtol=1e-12)
    np.testing.assert_allclose(norm.running_var.numpy(), var, rtol=1e-12)
    assert norm.num_batches_tracked.item() == 3 and norm.num_batches_tracked.dtype == np.int64
    y = norm.eval()(x)
    want = (x.numpy() - mean.reshape(3, 1, 1)) / np.sqrt(var.reshape(3, 1, 1) + 1e-5)
    np.testing.assert_allclose(y.numpy(), want, rtol=1e-10, atol=1e-12)


def test_momentum_none_is_the_plain_average():
    norm = nn.BatchNorm1d(2, momentum=None).double()
    batches = [batch((6, 2), seed) for seed in range(4)]
    for x in batches:
        norm(x)
    np.testing.assert_allclose(norm.running_mean.numpy(), np.mean([x.numpy().mean(0) for x in batches], 0), rtol=1e-12)


def test_without_running_statistics_evaluation_uses_the_batch():
    norm = nn.BatchNorm1d(2, track_running_stats=False)
    x = batch((6, 2), dtype=np.float32)
    assert norm.running_mean is None and (norm.eval()(x).numpy() == norm.train()(x).numpy()).all()
    assert list(norm.state_dict()) == ["weight", "bias"]


def test_batch_norm_statistics_are_of_one_call_each():
    # D(x), D(fake), one backward: each call is normalised by its own statistics, as if it were the only one
    norm = nn.BatchNorm1d(2).double()
    x, fake = batch((5, 2), 1), batch((5, 2), 2)
    both = tinygan.grad((norm(x) ** 3).sum() + (norm(fake) ** 3).sum(), [norm.weight])[0].numpy()
    parts = [tinygan.grad((norm(v) ** 3).sum(), [norm.weight])[0].numpy() for v in (x, fake)]
    np.testing.assert_allclose(both, parts[0] + parts[1], rtol=1e-12)


def test_instance_norm_tracks_the_mean_over_images_of_their_statistics():
    norm = nn.InstanceNorm1d(2, momentum=1.0, track_running_stats=True).double()
    x = batch((3, 2, 7))
    y = norm(x)
    np.testing.assert_allclose(norm.running_mean.numpy(), x.numpy().mean((0, 2)), rtol=1e-12)
    np.testing.assert_allclose(norm.running_var.numpy(), x.numpy().var(2, ddof=1).mean(0), rtol=1e-12)
    np.testing.assert_allclose(y.numpy().mean(2), 0, atol=1e-12)
    assert not np.allclose(norm.eval()(x).numpy(), y.numpy())


def test_checkpoint_updates_running_statistics_once():
    plain, replayed = nn.BatchNorm1d(3).double(), nn.BatchNorm1d(3).double()
    x = batch((5, 3))
    a = tinygan.grad((plain(x) ** 3).sum(), [plain.weight])
    from tinygan.replay import checkpoint
    b = tinygan.grad((checkpoint(replayed, x) ** 3).sum(), [replayed.weight])
    assert (a[0].numpy() == b[0].numpy()).all() and replayed.num_batches_tracked.item() == 1
    assert (plain.running_mean.numpy() == replayed.running_mean.numpy()).all()


def test_dropout_draws_from_its_own_stream():
    tinygan.manual_seed(3)
    layer, x = nn.Dropout(0.25), tinygan.tensor(np.ones((100, 100), np.float32))
    before = random.get_state()["counters"]
    y = layer(x).numpy()
    after = random.get_state()["counters"]
    assert after == {**before, "dropout": before["dropout"] + 1}
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02  # 10,000 draws: the standard error is 0.0043
    assert (layer(x).numpy() != y).any()
    tinygan.manual_seed(3)
    assert (layer(x).numpy() == y).all()
    assert (layer.eval()(x).numpy() == 1).all()


def test_attention_with_gamma_zero_is_the_identity():
    attention, x = nn.SelfAttention2d(16), batch((2, 16, 3, 4), dtype=np.float32)
    assert (attention(x).numpy() == x.numpy()).all()
    # at gamma = 0 nothing but gamma moves, and gamma does move
    gradients = dict(zip(dict(attention.named_parameters()),
                         tinygan.grad((attention(x) ** 2).sum(), list(attention.parameters()))))
    assert all((gradients[f"{name}.weight"].numpy() == 0).all() for name in "fghv")
    assert abs(gradients["gamma"].item()) > 1e-3


def test_attention_is_the_papers_formula():
    tinygan.manual_seed(0)
    attention = nn.SelfAttention2d(8).double()
    attention.gamma.assign(0.7)
    x = batch((2, 8, 3, 2))
    flat = x.numpy().reshape(2, 8, 6)
    f, g, h, v = [getattr(attention, name).weight.numpy()[:, :, 0, 0] for name in "fghv"]
    want = np.empty_like(flat)
    for n in range(2):
        for j in range(6):
            scores = np.array([(f @ flat[n, :, i]) @ (g @ flat[n, :, j]) for i in range(6)])
            beta = np.exp(scores) / np.exp(scores).sum()
            o = v @ sum(beta[i] * (h @ flat[n, :, i]) for i in range(6))
            want[n, :, j] = 0.7 * o + flat[n, :, j]
    np.testing.assert_allclose(attention(x).numpy().reshape(2, 8, 6), want, rtol=1e-10)
    assert [p.shape[0] for p in (attention.f.weight, attention.h.weight)] == [1, 4]


def test_attention_takes_spectral_norm_on_its_children():
    attention = nn.SelfAttention2d(8)
    for layer in attention.children():
        nn.spectral_norm(layer)
    assert "f.weight_orig" in attention.state_dict() and "h.weight_u" in attention.state_dict()
    assert attention(batch((1, 8, 2, 2), dtype=np.float32)).shape == (1, 8, 2, 2)


def test_layers_and_functions_agree():
    x = batch((2, 4, 5, 5), dtype=np.float32)
    conv = nn.Conv2d(4, 6, 3, 2, 1)
    assert (conv(x).numpy() == F.conv2d(x, conv.weight, conv.bias, 2, 1).numpy()).all()


@pytest.mark.parametrize("call, match", [
    (lambda: nn.Conv2d(3, 4, 3)(batch((2, 4, 5, 5))), r"Conv2d: expected input \(N, 3, H, W\), got \(2, 4, 5, 5\)"),
    (lambda: nn.Conv1d(3, 4, 3)(batch((3, 5))), r"Conv1d: expected input \(N, 3, L\), got \(3, 5\)"),
    (lambda: nn.ConvTranspose3d(3, 4, 3)(batch((1, 3, 2, 2))), r"ConvTranspose3d: expected input \(N, 3, D, H, W\)"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), r"Conv2d: expected channels divisible by groups, got 3 in, 4 out"),
    (lambda: nn.Conv2d(3, 0, 3), r"Conv2d: expected a positive integer out_channels, got 0"),
    (lambda: nn.Conv2d(3, 4, (3, 3, 3)), r"Conv2d: expected kernel_size as an integer or 2 integers"),
    (lambda: nn.Conv2d(3, 4, 3, stride=0), r"Conv2d: expected stride as .* >= 1, got 0"),
    (lambda: nn.Conv2d(3, 4, 3, padding="same"), r"Conv2d: expected padding as an integer"),
    (lambda: nn.Linear(3, 4)(batch((2, 5))), r"Linear: expected input \(\*, 3\), got \(2, 5\)"),
    (lambda: nn.Linear(3, -1), r"Linear: expected a positive integer out_features, got -1"),
    (lambda: nn.BatchNorm2d(3)(batch((2, 3))), r"BatchNorm2d: expected input \(N, 3, H, W\), got \(2, 3\)"),
    (lambda: nn.BatchNorm1d(3)(batch((2, 4))), r"BatchNorm1d: expected input \(N, 3\) or \(N, 3, L\), got \(2, 4\)"),
    (lambda: nn.BatchNorm1d(3)(batch((1, 3))), r"batch_norm: expected more than one value per channel"),
    (lambda: nn.LayerNorm(4)(batch((2, 3))), r"LayerNorm: expected input whose last dimensions are \(4,\)"),
    (lambda: nn.LayerNorm(()), r"LayerNorm: expected at least one dimension"),
    (lambda: nn.GroupNorm(2, 3), r"GroupNorm: expected num_channels divisible by num_groups, got 3 and 2"),
    (lambda: nn.GroupNorm(2, 4)(batch((2, 3))), r"GroupNorm: expected input \(N, 4, \*\), got \(2, 3\)"),
    (lambda: nn.Dropout(1.5), r"Dropout: expected p in \[0, 1\], got 1.5"),
    (lambda: nn.LeakyReLU(-0.1), r"LeakyReLU: expected negative_slope >= 0"),
    (lambda: nn.Softplus(0.0), r"Softplus: expected beta > 0"),
    (lambda: nn.Unflatten(1, (2, 2))(batch((2, 5))), r"Unflatten: expected \(2, 2\) in dimension 1, got \(2, 5\)"),
    (lambda: nn.Unflatten(2, (2, 2))(batch((2, 5))), r"Unflatten: expected input with dimension 2, got \(2, 5\)"),
    (lambda: nn.MaxPool2d(2)(batch((2, 5, 5))), r"MaxPool2d: expected input \(N, C, H, W\), got \(2, 5, 5\)"),
    (lambda: nn.Upsample(), r"Upsample: expected either size or scale_factor"),
    (lambda: nn.SelfAttention2d(4), r"SelfAttention2d: expected at least 8 channels"),
    (lambda: nn.Embedding(3, 2, padding_idx=3), r"Embedding: expected padding_idx within 3 rows, got 3")])
def test_bad_input_is_named(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_float32_input_to_a_float64_layer_raises():
    with pytest.raises(TypeError, match="float32"):
        nn.Linear(2, 2).double()(batch((1, 2), dtype=np.float32))


@pytest.mark.parametrize("layer, shape, out", [
    (nn.Conv2d(3, 4, 3, 1, 1), (0, 3, 4, 4), (0, 4, 4, 4)), (nn.Linear(3, 2), (0, 3), (0, 2)),
    (nn.Unflatten(1, (-1, 2)), (0, 6), (0, 3, 2)), (nn.Flatten(), (0, 3, 2), (0, 6))])
def test_empty_batches(layer, shape, out):
    assert layer(batch(shape, dtype=np.float32)).shape == out
