"""What all optimisers share: parameter groups, gradients for their own parameters only, state that can be saved."""

from __future__ import annotations

import itertools

from tinygan import backend
from tinygan.autograd import grad
from tinygan.kernels import kernels_for
from tinygan.tensor import Parameter, Tensor


TOGETHER = 1 << 14  # parameters of at most so many elements are stepped as one array


class Optimizer:
    """The base of the optimisers; ``params`` are Parameters, or dicts {"params": Parameters, option: value} (groups).

    ``minimize(loss)`` is the whole step: gradients for this optimiser's parameters alone, then ``apply``. Whatever
    else may depend on the loss (the other player) costs nothing and stays untouched. ``backward()``, ``step()`` and
    ``zero_grad()`` work as in PyTorch. ``param_groups`` may be changed between steps; ``lr`` sets that of all groups.
    Raises ValueError for no parameters, or one given twice.

    >>> import numpy as np
    >>> from tinygan import nn, optim
    >>> w = nn.Parameter(np.array([1.0, -2.0]))
    >>> optim.SGD([w], lr=0.25).minimize((w * w).sum())
    >>> w.numpy()
    array([ 0.5, -1. ])
    """

    def __init__(self, params, **defaults):
        self.name = type(self).__name__
        given = list(params)
        groups = given if given and isinstance(given[0], dict) else [{"params": given}]
        self.defaults = defaults
        self.param_groups = []
        for group in groups:
            unknown = set(group) - {"params"} - set(defaults)
            if unknown:
                raise ValueError(f"{self.name}: expected options out of {sorted(defaults)}, got {sorted(unknown)}")
            members = group["params"]
            members = [members] if isinstance(members, Parameter) else list(members)
            self.param_groups.append({**defaults, **group, "params": members})
            self.check_options(self.param_groups[-1])
        self.params = [p for group in self.param_groups for p in group["params"]]
        if not self.params:
            raise ValueError(f"{self.name}: expected at least one parameter, got none")
        for p in self.params:
            if not isinstance(p, Parameter):
                raise TypeError(f"{self.name}: expected Parameters, got {type(p).__name__}")
        if len({id(p) for p in self.params}) < len(self.params):
            raise ValueError(f"{self.name}: expected every parameter once, got {len(self.params)} of which "
                             f"{len({id(p) for p in self.params})} are different")
        self.state = [{} for _ in self.params]
        self._joint = {}  # (index, ...) -> the moments of these parameters, end to end in one array each
        for p in self.params:
            p.owner = self.name

    # What a subclass defines

    def check_options(self, group: dict) -> None:
        """Raise ValueError for an option out of its range."""
        for name in ("lr", "eps", "weight_decay", "momentum"):
            if name in group and not group[name] >= 0:
                raise ValueError(f"{self.name}: expected {name} >= 0, got {group[name]}")

    moments: tuple = ()  # the names of all arrays that a parameter's state may hold

    def used_moments(self, group: dict) -> tuple:
        """The moments that these options need."""
        return self.moments

    def first_moment(self, parameter, group: dict):
        """A moment of ``parameter`` before its first step: C-contiguous zeros in its shape, dtype and device."""
        return _zeros_like(parameter)

    def update(self, kernels, p, g, state: dict, group: dict) -> None:
        """Step number ``state["step"]`` (from 1) on the array ``p`` in place, with the gradient ``g``.

        On a GPU ``p``, ``g`` and the moments in ``state`` are lists of arrays, which the kernels take too.
        """
        raise NotImplementedError(f"{self.name}.update")

    # The step

    def gradients(self, loss, retain_graph=None) -> list:
        """The gradient of ``loss`` for every parameter: None where it is not reached, or frozen.

        Raises RuntimeError when no parameter is reached, ValueError when the loss is no scalar.
        """
        learnt = [p for p in self.params if p.requires_grad]
        found = {}
        if isinstance(loss, Tensor) and loss.requires_grad and learnt:
            found = dict(zip(map(id, learnt), grad(loss, learnt, retain_graph=retain_graph, allow_unused=True)))
        gradients = [found.get(id(p)) for p in self.params]
        if all(g is None for g in gradients):
            raise RuntimeError(f"{self.name}.minimize: expected a loss that depends on a parameter of this optimiser "
                               f"({self.params[0].name}, ...), got one that reaches none; is there a detach() or a "
                               "no_grad() on the way?")
        return gradients

    def check(self, gradients) -> list:
        """The gradients' arrays, aligned with ``params``; raises unless each fits its parameter and one is there."""
        gradients = list(gradients)
        if len(gradients) != len(self.params):
            raise ValueError(f"{self.name}.apply: expected one gradient (or None) for each of {len(self.params)} "
                             f"parameters, got {len(gradients)}")
        arrays = [g.data if isinstance(g, Tensor) else g for g in gradients]
        for p, g in zip(self.params, arrays):
            if g is not None and (g.shape != p.shape or g.dtype != p.dtype or backend.device_of(g) != p.device):
                raise ValueError(f"{self.name}.apply: expected a gradient like {p.name} ({p.shape}, {p.dtype}, "
                                 f"{p.device}), got ({g.shape}, {g.dtype}, {backend.device_of(g)})")
        if all(g is None for g in arrays):
            raise RuntimeError(f"{self.name}.apply: expected a gradient for at least one parameter, got none; is "
                               "there a detach() on the way from the parameters to the loss?")
        return arrays

    def apply(self, gradients) -> None:
        """One step with given gradients (Tensors or arrays, None: skip), checked before anything is written."""
        arrays = self.check(gradients)
        numbers = itertools.count()
        for group in self.param_groups:
            some = [i for _, i in zip(group["params"], numbers) if arrays[i] is not None]
            for i in some:
                state = self.state[i]
                state["step"] = state.get("step", 0) + 1
                for name in self.used_moments(group):
                    if name not in state:  # the first step, or the first since an option was changed
                        state[name] = self.first_moment(self.params[i], group)
            if some and self.params[some[0]].device.type == "cuda":
                self._step_in_one_launch(some, arrays, group)
                continue
            small = tuple([i for i in some if self.params[i].size <= TOGETHER])
            if len(small) > 1 and len({(self.state[i]["step"], self.params[i].dtype) for i in small}) == 1:
                self._step_together(small, arrays, group)
                some = [i for i in some if i not in small]
            for i in some:
                p = self.params[i]
                self.update(kernels_for(p.data), p.data, arrays[i], self.state[i], group)
                p.written(f"{self.name}.apply")

    def _step_in_one_launch(self, indices, arrays, group) -> None:
        """The step of all parameters on a GPU, whose kernels take lists: one launch for those at the same step number.

        A launch costs as much as the arithmetic of a million elements.
        """
        for step in dict.fromkeys(self.state[i]["step"] for i in indices):
            chosen = [i for i in indices if self.state[i]["step"] == step]
            params = [self.params[i] for i in chosen]
            state = {name: [self.state[i][name] for i in chosen] for name in self.used_moments(group)}
            self.update(kernels_for(params[0].data), [p.data for p in params], [arrays[i] for i in chosen],
                        {"step": step, **state}, group)
            for p in params:
                p.written(f"{self.name}.apply")

    def _step_together(self, indices, arrays, group) -> None:
        """The step of several small parameters on a CPU as one: the calls of a step cost more than its arithmetic.

        Every kernel works element by element, so the bits are those of one step each.
        """
        params = [self.params[i] for i in indices]
        xp = backend.array_module(params[0].data)
        state = {"step": self.state[indices[0]]["step"], **self._joint_moments(indices, group, xp)}
        p = xp.concatenate([p.data.reshape(-1) for p in params])
        g = xp.concatenate([arrays[i].reshape(-1) for i in indices])
        self.update(kernels_for(p), p, g, state, group)
        for parameter, start in zip(params, _starts(params)):
            parameter.data[...] = p[start:start + parameter.size].reshape(parameter.shape)
            parameter.written(f"{self.name}.apply")

    def _joint_moments(self, indices, group, xp) -> dict:
        """The moments of several parameters end to end; from now on the state of each holds views of these arrays."""
        names = self.used_moments(group)
        joint = self._joint.get(indices)
        if joint is None or joint.keys() != set(names):
            joint = {name: xp.concatenate([self.state[i][name].reshape(-1) for i in indices]) for name in names}
            self._joint = {key: value for key, value in self._joint.items() if not set(key) & set(indices)}
            self._joint[indices] = joint
            params = [self.params[i] for i in indices]
            for i, p, start in zip(indices, params, _starts(params)):
                for name in names:
                    self.state[i][name] = joint[name][start:start + p.size].reshape(p.shape)
        return joint

    def minimize(self, loss) -> None:
        """One step down the scalar ``loss``; its graph is freed. Raises RuntimeError when it reaches no parameter."""
        self.apply(self.gradients(loss))

    def step(self) -> None:
        """One step with the gradients that ``loss.backward()`` left in ``.grad``."""
        self.apply([p.grad for p in self.params])

    def zero_grad(self) -> None:
        """Forget the ``.grad`` of every parameter."""
        for p in self.params:
            p.grad = None

    # Options and state

    @property
    def lr(self) -> float:
        """The learning rate (of the first group; assigning sets that of all groups)."""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, value):
        for group in self.param_groups:
            group["lr"] = value

    def state_dict(self) -> dict:
        """{"state": {index: {name: array copy or number}}, "param_groups": options with the parameters' indices}."""
        numbers = iter(range(len(self.params)))
        groups = [{**group, "params": [next(numbers) for _ in group["params"]]} for group in self.param_groups]
        state = {i: {k: v.copy() if backend.is_array(v) else v for k, v in entry.items()}
                 for i, entry in enumerate(self.state) if entry}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict) -> None:
        """Take over a state of :meth:`state_dict`, bit for bit; everything is checked before anything is changed.

        Raises ValueError when groups, names or shapes differ.
        """
        groups = state_dict["param_groups"]
        sizes, here = [len(g["params"]) for g in groups], [len(g["params"]) for g in self.param_groups]
        if sizes != here:
            raise ValueError(f"{self.name}.load_state_dict: expected groups of {here} parameters, got {sizes}")
        options = [{k: v for k, v in group.items() if k != "params"} for group in groups]
        for option in options:
            if set(option) != set(self.defaults):
                raise ValueError(f"{self.name}.load_state_dict: expected the options {sorted(self.defaults)}, got "
                                 f"{sorted(option)}")
            self.check_options(option)
        strangers = set(state_dict["state"]) - set(range(len(self.params)))
        if strangers:
            raise ValueError(f"{self.name}.load_state_dict: expected state of {len(self.params)} parameters, got "
                             f"also {sorted(strangers, key=str)}")
        which = [option for option, size in zip(options, sizes) for _ in range(size)]
        state = [self._loaded(p, option, state_dict["state"].get(i, {}))
                 for i, (p, option) in enumerate(zip(self.params, which))]
        self.state, self._joint = state, {}
        for group, option in zip(self.param_groups, options):
            group.update(option)

    def _loaded(self, p, option, entry) -> dict:
        """A copy of one parameter's saved state, on its device."""
        if not entry:
            return {}
        needed = {"step", *self.used_moments(option)}
        if not needed <= set(entry) <= {"step", *self.moments}:
            raise ValueError(f"{self.name}.load_state_dict: expected {sorted(needed)} for {p.name}, got "
                             f"{sorted(entry)}")
        out = {"step": int(entry["step"])}
        for key in [key for key in self.moments if key in entry]:
            value = entry[key].data if isinstance(entry[key], Tensor) else entry[key]
            if value.shape != p.shape or value.dtype != p.dtype:
                raise ValueError(f"{self.name}.load_state_dict: expected {key} of {p.name} with {p.shape}, "
                                 f"{p.dtype}, got {value.shape}, {value.dtype}")
            out[key] = _zeros_like(p)
            out[key][...] = backend.to_device(value, p.device)
        return out

    def __repr__(self) -> str:
        groups = [", ".join(f"{k}={v}" for k, v in group.items() if k != "params") for group in self.param_groups]
        text = "; ".join(f"{len(group['params'])} parameters: {options}"
                         for group, options in zip(self.param_groups, groups))
        return f"{self.name}({text})"


def _starts(params) -> list:
    """Where each parameter begins when they lie end to end."""
    return list(itertools.accumulate([p.size for p in params[:-1]], initial=0))


def _zeros_like(parameter):
    """An array of zeros for a moment: C-contiguous in the parameter's shape, dtype and device."""
    return backend.array_module(parameter.data).zeros(parameter.shape, parameter.dtype)


def minimize(*pairs) -> None:
    """One simultaneous step of several players: ``minimize((d_opt, d_loss), (g_opt, g_loss))``.

    All gradients are taken before any parameter is written, so every player answers the others' old parameters. The
    losses may share parts of a graph. Raises RuntimeError, and writes nothing, when a loss reaches no parameter.
    """
    taken = [optimizer.gradients(loss, retain_graph=i + 1 < len(pairs)) for i, (optimizer, loss) in enumerate(pairs)]
    for (optimizer, _), gradients in zip(pairs, taken):
        optimizer.apply(gradients)
