"""LSTM and GRU: one step (cells) and whole sequences.

Everything is composed of differentiable operations, so derivatives of any order come for free. The products of the
inputs with their weights do not wait for the state: they are one matrix product for the whole sequence.
"""

from __future__ import annotations

import math

import numpy as np

from tinygan import functional as F
from tinygan.nn.check import check_positive, check_tensor
from tinygan.nn.init import uniform_
from tinygan.nn.module import Module
from tinygan.tensor import Parameter, Tensor


class _LSTMArithmetic:
    """(Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.)

    i, f, g, o = the four parts of W_ih x + b_ih + W_hh h + b_hh;
    c' = sigmoid(f) c + sigmoid(i) tanh(g); h' = sigmoid(o) tanh(c').
    """

    gates, parts = 4, 2

    @staticmethod
    def project(x, weight, bias, state_bias):
        """What the inputs contribute; both biases are only ever added, so they are here."""
        return F.linear(x, weight, None if bias is None else bias + state_bias)

    @staticmethod
    def advance(projected, state, weight, bias):
        """The next state (h, c)."""
        h, c = state
        i, f, g, o = F.unbind(F.reshape(projected + F.linear(h, weight), h.shape[0], 4, h.shape[1]), 1)
        c = F.sigmoid(f) * c + F.sigmoid(i) * F.tanh(g)
        return F.sigmoid(o) * F.tanh(c), c


class _GRUArithmetic:
    """(Cho et al. 2014, arXiv:1406.1078; the variant with the reset gate after the product, as in PyTorch.)

    r, z = sigmoid of two parts of W_ih x + b_ih + W_hh h + b_hh;
    n = tanh(W_in x + b_in + r (W_hn h + b_hn)); h' = (1 - z) n + z h.
    """

    gates, parts = 3, 1

    @staticmethod
    def project(x, weight, bias, state_bias):
        return F.linear(x, weight, bias)

    @staticmethod
    def advance(projected, state, weight, bias):
        (h,) = state
        shape = h.shape[0], 3, h.shape[1]
        xr, xz, xn = F.unbind(F.reshape(projected, shape), 1)
        hr, hz, hn = F.unbind(F.reshape(F.linear(h, weight, bias), shape), 1)
        n = F.tanh(xn + F.sigmoid(xr + hr) * hn)
        return (n + F.sigmoid(xz + hz) * (h - n),)


def _draw(module, name, rows, hidden_size, columns=None):
    """Register a weight (or, without columns, a bias), uniform within 1 / sqrt(hidden_size) as in PyTorch."""
    bound = 1.0 / math.sqrt(hidden_size)
    shape = (rows,) if columns is None else (rows, columns)
    module.register_parameter(name, uniform_(Parameter(np.empty(shape, np.float32)), -bound, bound))


def _zeros(like, *shape):
    """Zeros of a shape in the dtype and on the device of a tensor, outside the graph."""
    return F.expand(F.zeros_like(Tensor(like.data[:1, :1])), *shape)


class _Cell(Module):
    def __init__(self, input_size: int, hidden_size: int, bias: bool = True):
        super().__init__()
        check_positive(self, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        rows = self.gates * hidden_size
        _draw(self, "weight_ih", rows, hidden_size, input_size)
        _draw(self, "weight_hh", rows, hidden_size, hidden_size)
        for name in ("bias_ih", "bias_hh"):
            if bias:
                _draw(self, name, rows, hidden_size)
            else:
                self.register_parameter(name, None)

    def forward(self, input, hx=None):
        check_tensor(self, input)
        batched = input.ndim == 2
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise ValueError(f"{type(self).__name__}: expected input (N, {self.input_size}) or ({self.input_size},), "
                             f"got {input.shape}")
        x = input if batched else F.unsqueeze(input, 0)
        shape = (x.shape[0], self.hidden_size)
        if hx is None:
            state = (_zeros(x, *shape),) * self.parts
        else:
            state = [h if batched else F.unsqueeze(h, 0) for h in (hx if self.parts == 2 else (hx,))]
            if len(state) != self.parts or any(h.shape != shape for h in state):
                raise ValueError(f"{type(self).__name__}: expected a state of {self.parts} x {shape}, got "
                                 f"{[h.shape for h in state]}")
        projected = self.project(x, self.weight_ih, self.bias_ih, self.bias_hh)
        state = self.advance(projected, state, self.weight_hh, self.bias_hh)
        state = tuple([h if batched else h[0] for h in state])
        return state if self.parts == 2 else state[0]

    def extra_repr(self):
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias_ih is not None else ", bias=False")


class LSTMCell(_LSTMArithmetic, _Cell):
    """One step of an LSTM: x (N, input_size) and hx = (h, c), both (N, hidden_size) or zeros -> (h', c').

    i, f, g, o = the four parts of W_ih x + b_ih + W_hh h + b_hh; c' = sigmoid(f) c + sigmoid(i) tanh(g);
    h' = sigmoid(o) tanh(c'). Raises ValueError for other shapes. Source: Hochreiter & Schmidhuber 1997; the forget
    gate: Gers et al. 2000.
    """


class GRUCell(_GRUArithmetic, _Cell):
    """One step of a GRU: x (N, input_size) and h (N, hidden_size) or zeros -> h'.

    r, z = sigmoid of two parts of W_ih x + b_ih + W_hh h + b_hh; n = tanh(W_in x + b_in + r (W_hn h + b_hn));
    h' = (1 - z) n + z h, as in PyTorch (the paper has r inside the product). Raises ValueError for other shapes.
    Source: Cho et al. 2014, arXiv:1406.1078, eqs. 5-8.
    """


class _Recurrent(Module):
    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False):
        super().__init__()
        check_positive(self, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        if not 0 <= dropout <= 1:
            raise ValueError(f"{type(self).__name__}: expected dropout in [0, 1], got {dropout}")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, dropout, bidirectional
        directions, rows = 1 + bool(bidirectional), self.gates * hidden_size
        # the key endings of all runs over a sequence, in the order of the state's first dimension
        self.runs = [f"_l{i}{reverse}" for i in range(num_layers) for reverse in ("", "_reverse")[:directions]]
        for run, suffix in enumerate(self.runs):
            columns = input_size if run < directions else directions * hidden_size
            _draw(self, "weight_ih" + suffix, rows, hidden_size, columns)
            _draw(self, "weight_hh" + suffix, rows, hidden_size, hidden_size)
            if bias:
                _draw(self, "bias_ih" + suffix, rows, hidden_size)
                _draw(self, "bias_hh" + suffix, rows, hidden_size)

    def forward(self, input, hx=None):
        check_tensor(self, input)
        if input.ndim not in (2, 3) or input.shape[-1] != self.input_size:
            lead = "N, T" if self.batch_first else "T, N"
            raise ValueError(f"{type(self).__name__}: expected input ({lead}, {self.input_size}) or "
                             f"(T, {self.input_size}), got {input.shape}")
        batched = input.ndim == 3
        x = input if batched else F.unsqueeze(input, 1)
        x = F.transpose(x, 0, 1) if batched and self.batch_first else x
        if not x.shape[0]:
            raise ValueError(f"{type(self).__name__}: expected a sequence of at least one step, got {input.shape}")
        states, directions, ends = self._states(hx, x, batched), 1 + bool(self.bidirectional), []
        for first in range(0, len(self.runs), directions):
            outputs = []
            for run in range(first, first + directions):
                output, state = self._run(x, self.runs[run], states[run])
                outputs.append(output)
                ends.append(state)
            x = outputs[0] if directions == 1 else F.cat(outputs, 2)
            if self.dropout and first + directions < len(self.runs):
                x = F.dropout(x, self.dropout, self.training)
        ends = tuple([F.stack(part, 0) for part in zip(*ends)])
        if not batched:
            x, ends = x[:, 0], tuple([h[:, 0] for h in ends])
        x = F.transpose(x, 0, 1) if batched and self.batch_first else x
        return x, ends if self.parts == 2 else ends[0]

    def _run(self, x, suffix, state):
        """All outputs (T, N, H) and the last state of one direction of one layer."""
        weight, bias = getattr(self, "weight_hh" + suffix), getattr(self, "bias_hh" + suffix, None)
        projected = self.project(x, getattr(self, "weight_ih" + suffix), getattr(self, "bias_ih" + suffix, None), bias)
        order = -1 if suffix.endswith("_reverse") else 1
        outputs = []
        for step in F.unbind(projected, 0)[::order]:
            state = self.advance(step, state, weight, bias)
            outputs.append(state[0])
        return F.stack(outputs[::order], 0), state

    def _states(self, hx, x, batched) -> list:
        """The first state (of ``parts`` tensors (N, H)) of every run."""
        shape = len(self.runs), x.shape[1], self.hidden_size
        if hx is None:
            return [(_zeros(x[0], *shape[1:]),) * self.parts] * len(self.runs)
        state = [h if batched else F.unsqueeze(h, 1) for h in (hx if self.parts == 2 else (hx,))]
        if len(state) != self.parts or any(h.shape != shape for h in state):
            raise ValueError(f"{type(self).__name__}: expected a state of {self.parts} x {shape} (num_layers x "
                             f"directions, N, hidden_size), got {[h.shape for h in state]}")
        return list(zip(*[F.unbind(h, 0) for h in state]))

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        for name, usual in (("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0.0),
                            ("bidirectional", False)):
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        return text


class LSTM(_LSTMArithmetic, _Recurrent):
    """``num_layers`` LSTMs, each over the outputs of the one before: x (T, N, input_size) -> y, (h, c).

    y (T, N, D hidden_size) holds all outputs of the last layer, h and c (num_layers D, N, hidden_size) every run's last
    state; D is 2 when ``bidirectional``, a second run goes through time backwards, and its outputs stand behind. With
    ``batch_first`` x and y are (N, T, ...); (T, input_size) is one sequence without a batch. ``hx`` = (h, c) is the
    first state, zeros when left out. ``dropout`` acts between layers. The step is that of :class:`LSTMCell`; keys
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l0_reverse, ... Raises ValueError for other shapes.
    """


class GRU(_GRUArithmetic, _Recurrent):
    """``num_layers`` GRUs, each over the outputs of the one before: x (T, N, input_size) -> y, h.

    y (T, N, D hidden_size), h (num_layers D, N, hidden_size), D = 2 when ``bidirectional`` and else 1; all options as
    in :class:`LSTM`. The step is that of :class:`GRUCell`. Raises ValueError for other shapes.
    """


__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell"]
