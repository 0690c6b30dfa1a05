"""Recurrent layers and multi-head attention: layouts, states, masks. Their values are compared with PyTorch's."""

import numpy as np
import pytest

import tinygan
from tinygan import autograd
from tinygan import functional as F
from tinygan import nn, random


def data(shape, seed=0):
    return tinygan.tensor(np.random.default_rng(seed).standard_normal(shape))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_the_lstm_is_its_formula():
    layer = nn.LSTM(3, 2).double()
    w, u, b, d = [getattr(layer, name + "_l0").numpy() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    x, h, c = data((4, 5, 3)), np.zeros((5, 2)), np.zeros((5, 2))
    outputs = []
    for t in range(4):
        i, f, g, o = np.split(x.numpy()[t] @ w.T + b + h @ u.T + d, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    y, (last, cell) = layer(x)
    for got, want in ((y, outputs), (last[0], h), (cell[0], c)):
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-10)


def test_the_gru_is_its_formula():
    layer = nn.GRU(3, 2).double()
    w, u, b, d = [getattr(layer, name + "_l0").numpy() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    x, h = data((4, 5, 3)), np.zeros((5, 2))
    for t in range(4):
        xr, xz, xn = np.split(x.numpy()[t] @ w.T + b, 3, 1)
        hr, hz, hn = np.split(h @ u.T + d, 3, 1)
        z = sigmoid(xz + hz)
        h = (1 - z) * np.tanh(xn + sigmoid(xr + hr) * hn) + z * h
    np.testing.assert_allclose(layer(x)[1].numpy()[0], h, rtol=1e-10)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_layouts_and_parts_of_a_sequence_agree(kind):
    tinygan.manual_seed(0)
    layer = kind(3, 2, 2).double()
    x = data((6, 4, 3))
    y, end = layer(x)
    layer.batch_first = True
    np.testing.assert_allclose(layer(F.transpose(x, 0, 1))[0].numpy(), y.numpy().swapaxes(0, 1), rtol=1e-12)
    layer.batch_first = False
    np.testing.assert_allclose(layer(x[:, 1])[0].numpy(), y.numpy()[:, 1], rtol=1e-12)  # without a batch
    first, state = layer(x[:2])
    rest, state = layer(x[2:], state)
    np.testing.assert_allclose(F.cat([first, rest]).numpy(), y.numpy(), rtol=1e-12)
    for a, b in zip(state, end):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


def test_backwards_through_time_is_the_reversed_sequence():
    layer = nn.GRU(3, 2, bidirectional=True).double()
    forward = nn.GRU(3, 2).double()
    forward.load_state_dict({k.removesuffix("_reverse"): v for k, v in layer.state_dict().items() if "reverse" in k})
    x = data((5, 2, 3))
    want = forward(F.flip(x, 0))[0].numpy()[::-1]
    np.testing.assert_allclose(layer(x)[0].numpy()[:, :, 2:], want, rtol=1e-12)


@pytest.mark.parametrize("cell, kind", [(nn.LSTMCell, nn.LSTM), (nn.GRUCell, nn.GRU)])
def test_cells_are_the_steps_of_layers(cell, kind):
    layer = kind(3, 2).double()
    one = cell(3, 2).double()
    one.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x, state = data((4, 5, 3)), None
    for step in x:
        state = one(step, state)
    end = layer(x)[1]
    for a, b in zip(state if kind is nn.LSTM else [state], end if kind is nn.LSTM else [end]):
        np.testing.assert_allclose(a.numpy(), b.numpy()[0], rtol=1e-12)
    single, batch = one(x[0, 0]), one(x[0, :1])
    single, batch = (single, batch) if kind is nn.GRU else (single[1], batch[1])
    assert single.shape == (2,) and (single.numpy() == batch.numpy()[0]).all()


def test_dropout_acts_between_layers_only():
    single, double = nn.LSTM(3, 2, dropout=0.5), nn.LSTM(3, 2, 2, dropout=0.5)
    x = data((4, 2, 3)).float()
    before = random.get_state()["counters"]["dropout"]
    single(x)
    assert random.get_state()["counters"]["dropout"] == before
    y = double(x)[0].numpy()
    assert random.get_state()["counters"]["dropout"] == before + 1 and (double(x)[0].numpy() != y).any()
    assert (double.eval()(x)[0].numpy() == double(x)[0].numpy()).all()


def test_no_step_writes_an_array_of_the_whole_sequence_in_the_backward_pass():
    # the gradient of the projected inputs is joined from its slices once: the work does not grow with the square of T
    class Sizes:
        def __init__(self):
            self.whole = 0

        def forward(self, node, arrays):
            out = node.forward(*arrays)
            self.whole += getattr(out, "size", 0) >= 60 * 4 * 24 and not node.view
            return out

        def backward(self, node, cotangents):
            return node.backward(*cotangents)

    counts = []
    for steps in (60, 120):
        layer, sizes = nn.GRU(8, 8), Sizes()
        y = layer(data((steps, 4, 8)).float())[0].sum()
        with autograd.watch(sizes):
            tinygan.grad(y, list(layer.parameters()))
        counts.append(sizes.whole)
    assert 0 < counts[0] == counts[1]


def attention(x, key, value, layer):
    """Multi-head attention, written with loops over samples and heads: (N, L, E)."""
    e, heads = layer.embed_dim, layer.num_heads
    d = e // heads
    w, b = np.split(layer.in_proj_weight.numpy(), 3), np.split(layer.in_proj_bias.numpy(), 3)
    out = np.zeros(x.shape)
    for n in range(len(x)):
        q, k, v = [z[n] @ w[i].T + b[i] for i, z in enumerate((x, key, value))]
        for h in range(heads):
            part = slice(h * d, (h + 1) * d)
            scores = np.exp(q[:, part] @ k[:, part].T / np.sqrt(d))
            out[n][:, part] = scores / scores.sum(1, keepdims=True) @ v[:, part]
    return out @ layer.out_proj.weight.numpy().T + layer.out_proj.bias.numpy()


def multihead(seed=0):
    tinygan.manual_seed(seed)
    layer = nn.MultiheadAttention(6, 2, batch_first=True).double()
    for p in layer.parameters():
        p.assign(p.data + 0.2 * random.normal(p.shape, stream="init", dtype=np.float64))
    return layer


def test_multihead_attention_is_its_formula():
    layer = multihead()
    x, key, value = data((2, 3, 6), 1), data((2, 5, 6), 2), data((2, 5, 6), 3)
    np.testing.assert_allclose(layer(x, key, value)[0].numpy(), attention(x.numpy(), key.numpy(), value.numpy(), layer),
                               rtol=1e-10)
    # one tensor in all three places goes through one product: the same numbers
    np.testing.assert_allclose(layer(x, x, x)[0].numpy(), layer(x, x + 0.0, x)[0].numpy(), rtol=1e-12)


def test_masked_keys_do_not_matter():
    layer, x = multihead(), data((2, 4, 6))
    changed = x.numpy().copy()
    changed[:, 3] += 1
    changed = tinygan.tensor(changed)
    hidden = np.array([[False, False, False, True]] * 2)
    for options in (dict(key_padding_mask=hidden), dict(attn_mask=np.tile(hidden[0], (4, 1))),
                    dict(key_padding_mask=np.where(hidden, -np.inf, 0.0)),
                    dict(attn_mask=np.tile(hidden[0], (4, 4, 1)))):
        a, weights = layer(x, x + 0.0, x, **options)
        b, _ = layer(x, changed, changed, **options)
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)
        assert (weights.numpy()[..., 3] == 0).all()
        np.testing.assert_allclose(weights.numpy().sum(-1), 1, rtol=1e-12)
    causal = layer(x, x, x, is_causal=True)[1].numpy()
    assert (np.triu(causal, 1) == 0).all() and (np.tril(causal) == causal).all()


def test_a_query_that_sees_nothing_gets_the_bias_alone():
    layer, x = multihead(), data((1, 2, 6))
    out, weights = layer(x, x, x, key_padding_mask=np.ones((1, 2), bool))
    assert (weights.numpy() == 0).all()
    np.testing.assert_allclose(out.numpy(), np.broadcast_to(layer.out_proj.bias.numpy(), (1, 2, 6)), rtol=1e-12)


def test_attention_drops_weights_in_training_only():
    layer, x = nn.MultiheadAttention(8, 1, dropout=0.5), data((30, 10, 8)).float()
    weights = layer(x, x, x)[1].numpy()
    assert abs((weights == 0).mean() - 0.5) < 0.03  # 9000 weights: the standard error is 0.005
    np.testing.assert_allclose(layer.eval()(x, x, x)[1].numpy().sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize("call, match", [
    (lambda: nn.LSTM(3, 2)(data((4, 2, 4))), r"LSTM: expected input \(T, N, 3\) or \(T, 3\), got \(4, 2, 4\)"),
    (lambda: nn.GRU(3, 2, batch_first=True)(data((4,))), r"GRU: expected input \(N, T, 3\)"),
    (lambda: nn.GRU(3, 2)(data((0, 2, 3))), "GRU: expected a sequence of at least one step"),
    (lambda: nn.LSTM(3, 2, dropout=2.0), r"LSTM: expected dropout in \[0, 1\]"),
    (lambda: nn.LSTM(3, 2, 2).double()(data((4, 5, 3)), (data((1, 5, 2)), data((2, 5, 2)))),
     r"LSTM: expected a state of 2 x \(2, 5, 2\)"),
    (lambda: nn.GRU(3, 2).double()(data((4, 5, 3)), data((1, 4, 2))), r"GRU: expected a state of 1 x \(1, 5, 2\)"),
    (lambda: nn.GRUCell(3, 2)(data((2, 4))), r"GRUCell: expected input \(N, 3\) or \(3,\)"),
    (lambda: nn.LSTMCell(3, 2)(data((2, 3)), (data((2, 2)),)), "LSTMCell: expected a state of 2 x"),
    (lambda: nn.MultiheadAttention(5, 2), "embed_dim divisible by num_heads, got 5 and 2"),
    (lambda: multihead()(data((2, 3, 6)), data((1, 3, 6)), data((1, 3, 6))), "MultiheadAttention: expected query"),
    (lambda: multihead()(data((2, 3, 6)), data((2, 3, 6)), data((2, 4, 6))), "MultiheadAttention: expected query"),
    (lambda: multihead()(*[data((2, 3, 6))] * 3, attn_mask=np.zeros((3, 4), bool)), r"attn_mask of shape \(3, 3\) or"),
    (lambda: multihead()(*[data((2, 3, 6))] * 3, key_padding_mask=np.zeros((3, 3), bool)), "key_padding_mask of shape"),
    (lambda: nn.ZeroPad2d((1, 2)), "ZeroPad2d: expected padding as an integer or 4 integers"),
    (lambda: nn.ReflectionPad1d(4)(data((1, 1, 4))), "pad: expected widths of at most 3"),
    (lambda: nn.AdaptiveAvgPool2d(2)(data((2, 4, 4))), r"AdaptiveAvgPool2d: expected input \(N, C, H, W\)"),
    (lambda: nn.PixelShuffle(0), "PixelShuffle: expected a positive integer upscale_factor"),
    (lambda: nn.Hardtanh(1, 0), "Hardtanh: expected min_val < max_val"),
    (lambda: nn.Dropout2d(-0.1), r"Dropout2d: expected p in \[0, 1\]"),
    (lambda: nn.Dropout2d(0.1)(data((2, 3))), r"Dropout2d: expected input \(N, C, H, W\)")])
def test_what_does_not_fit_is_named(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_channel_dropout_drops_whole_channels():
    tinygan.manual_seed(0)
    y = nn.Dropout2d(0.25)(tinygan.tensor(np.ones((100, 40, 3, 3), np.float32))).numpy()
    assert ((y == y[:, :, :1, :1]).all()) and set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.03  # 4000 channels: the standard error is 0.007
