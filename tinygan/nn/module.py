"""Module: parameters, buffers and submodules, registered when they are assigned as attributes.

Three dictionaries hold what a module owns; ``__getattr__`` looks there, so ``self.weight`` reads the dictionary.
Buffers (running statistics, spectral norm's vectors) are Tensors without gradients that are *rebound*, never written
in place: a graph that was built with the old value keeps it, so D(x), D(fake) and then one backward is right.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from tinygan import backend, replay
from tinygan.tensor import FLOATS, Parameter, Tensor

IncompatibleKeys = namedtuple("IncompatibleKeys", "missing_keys unexpected_keys")


class Module:
    """The base of every layer and network: write ``__init__`` (calling ``super().__init__()``) and ``forward``.

    Attributes that are Parameters or Modules are registered under their names, which are PyTorch's ``state_dict`` keys.
    ``training`` is True until :meth:`eval`.

    >>> from tinygan import nn
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> list(net.state_dict())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self):
        state = self.__dict__
        state["_parameters"] = {}
        state["_buffers"] = {}
        state["_modules"] = {}
        state["_reparametrizations"] = {}  # name -> how the tensor of that name is computed from parameters
        state["_transient"] = set()  # buffers that state_dict leaves out
        state["training"] = True

    def forward(self, *inputs, **options):
        raise NotImplementedError(f"{type(self).__name__}: expected a forward method, got none")

    def __call__(self, *inputs, **options):
        """``forward(*inputs)``, after the state of reparametrised weights was updated (in training only)."""
        if self.training and self._reparametrizations:
            for reparametrization in self._reparametrizations.values():
                reparametrization.update(self)
        return self.forward(*inputs, **options)

    # Attributes

    def __getattr__(self, name):
        # called only when the normal look-up has failed; copy.copy asks before __init__ ran, hence the defaults
        state = self.__dict__
        if name in state.get("_parameters", ()):
            return state["_parameters"][name]
        if name in state.get("_modules", ()):
            return state["_modules"][name]
        if name in state.get("_buffers", ()):
            return replay.read_buffer(self, name, state["_buffers"][name])
        if name in state.get("_reparametrizations", ()):
            return state["_reparametrizations"][name].compute(self)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __setattr__(self, name, value):
        state = self.__dict__
        if "_parameters" not in state and isinstance(value, (Parameter, Module)):
            raise AttributeError(f"{type(self).__name__}: expected super().__init__() before {name!r} is assigned")
        if isinstance(value, Parameter):
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self.add_module(name, value)
        elif name in state.get("_buffers", ()):
            self._set_buffer(name, value)
        elif name in state.get("_parameters", ()) or name in state.get("_modules", ()):
            group, kind = ("_parameters", "Parameter") if name in state["_parameters"] else ("_modules", "Module")
            if value is not None:
                raise TypeError(f"{type(self).__name__}.{name}: expected a {kind} or None, got "
                                f"{type(value).__name__}")
            state[group][name] = None
        elif name in state.get("_reparametrizations", ()):
            raise AttributeError(f"{type(self).__name__}.{name}: expected no assignment to a tensor that is computed, "
                                 f"got {type(value).__name__}; assign to the parameters it is computed from")
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name):
        for group in ("_parameters", "_buffers", "_modules", "_reparametrizations"):
            if name in self.__dict__.get(group, ()):
                del self.__dict__[group][name]
                self._transient.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self):
        state = self.__dict__
        return [*super().__dir__(), *state["_parameters"], *state["_buffers"], *state["_modules"],
                *state["_reparametrizations"]]

    def _claim(self, name, group):
        """Make room for ``name`` in one of the dictionaries: it may be in no other, nor be a plain attribute."""
        if not isinstance(name, str) or not name or "." in name:
            raise KeyError(f"{type(self).__name__}: expected a name without dots, got {name!r}")
        if name in self._reparametrizations:
            raise KeyError(f"{type(self).__name__}.{name}: expected a free name, got one that is computed")
        for other in ("_parameters", "_buffers", "_modules"):
            if other != group:
                self.__dict__[other].pop(name, None)
        self.__dict__.pop(name, None)

    def register_parameter(self, name: str, parameter) -> None:
        """Register a Parameter (or None: the name exists, the parameter does not)."""
        if parameter is not None and not isinstance(parameter, Parameter):
            raise TypeError(f"{type(self).__name__}.{name}: expected a Parameter or None, got "
                            f"{type(parameter).__name__}")
        self._claim(name, "_parameters")
        self._parameters[name] = parameter
        if parameter is not None and "." not in parameter.name:
            parameter.name = f"{type(self).__name__}.{name}"

    def register_buffer(self, name: str, tensor, persistent: bool = True) -> None:
        """Register a Tensor that is state but is not learnt; it moves with ``to`` and, if persistent, is saved."""
        self._claim(name, "_buffers")
        self._buffers[name] = None
        self._set_buffer(name, tensor)
        (self._transient.discard if persistent else self._transient.add)(name)

    def _set_buffer(self, name, value):
        if value is not None and (type(value) is not Tensor or value.requires_grad):
            got = "a tensor with a graph" if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"{type(self).__name__}.{name}: expected a buffer (a Tensor without gradient, or None), "
                            f"got {got}; use detach()")
        replay.write_buffer(self, name, self._buffers[name], value, lambda new: self._buffers.__setitem__(name, new))

    def add_module(self, name: str, module) -> None:
        """Register a submodule (or None)."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}.{name}: expected a Module or None, got {type(module).__name__}")
        self._claim(name, "_modules")
        self._modules[name] = module

    register_module = add_module

    def register_reparametrization(self, name: str, reparametrization) -> None:
        """Let ``self.name`` be ``reparametrization.compute(self)``; ``update(self)`` runs before training calls.

        The parameter ``name`` is taken out; the caller registers the parameters and buffers that replace it.
        """
        self._claim(name, None)
        self._reparametrizations[name] = reparametrization

    # What is inside

    def named_children(self):
        """(name, module) for every direct submodule."""
        return ((name, module) for name, module in self._modules.items() if module is not None)

    def children(self):
        """Every direct submodule."""
        return (module for _, module in self.named_children())

    def named_modules(self, prefix: str = "", memo=None):
        """(path, module) for this module (path "") and everything below it, each module once."""
        memo = set() if memo is None else memo
        if id(self) not in memo:
            memo.add(id(self))
            yield prefix, self
            for name, module in self.named_children():
                yield from module.named_modules(_join(prefix, name), memo)

    def modules(self):
        """This module and everything below it, each module once."""
        return (module for _, module in self.named_modules())

    def _members(self, group):
        seen = set()
        for prefix, module in self.named_modules():
            for name, value in module.__dict__[group].items():
                if value is not None and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(prefix, name), value

    def named_parameters(self):
        """(path, parameter) for every parameter, shared ones once. Gives each its full name for error messages."""
        root = type(self).__name__
        for path, parameter in self._members("_parameters"):
            # a submodule may be asked later: the longer of the two names says more; what stands in for a parameter
            # while an objective is differentiated numerically has none
            if isinstance(parameter, Parameter) and path.count(".") >= parameter.name.count(".") - 1:
                parameter.name = f"{root}.{path}"
            yield path, parameter

    def parameters(self):
        """Every parameter, shared ones once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self):
        """(path, tensor) for every buffer."""
        return self._members("_buffers")

    def buffers(self):
        """Every buffer."""
        return (tensor for _, tensor in self.named_buffers())

    # Modes

    def train(self, mode: bool = True):
        """Set the mode of this module and everything below it (dropout, batch statistics power iteration)."""
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self):
        """The evaluation mode: a forward pass changes nothing."""
        return self.train(False)

    def apply(self, function):
        """Call ``function`` on every module, the children before their parent (for initialisation), and return self."""
        for module in self.children():
            module.apply(function)
        function(self)
        return self

    def requires_grad_(self, requires_grad: bool = True):
        """Learn the parameters, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self) -> None:
        """Forget the ``.grad`` of every parameter."""
        for parameter in self.parameters():
            parameter.grad = None

    def to(self, target):
        """Move to a device ("cpu", "cuda", a Device), or convert floating values to a dtype; returns self.

        Raises RuntimeError once an optimiser holds a parameter: its moments would stay behind.
        """
        convert = _conversion(type(self).__name__, target)
        for parameter in self.parameters():
            if parameter.owner is not None:
                raise RuntimeError(f"{type(self).__name__}.to: expected parameters that no optimiser holds, got "
                                   f"{parameter.name}, held by {parameter.owner}; call to() first, then make the "
                                   "optimiser")
        for parameter in self.parameters():
            parameter.data = convert(parameter.data)
            parameter.grad = None
            parameter.written("Module.to")
        for module in self.modules():
            for name, tensor in module._buffers.items():
                if tensor is not None:
                    module._buffers[name] = Tensor(convert(tensor.data))
        return self

    def float(self):
        """Parameters and floating buffers in float32."""
        return self.to(np.float32)

    def double(self):
        """Parameters and floating buffers in float64."""
        return self.to(np.float64)

    # State

    def _places(self, prefix: str = ""):
        """(key, tensor, store) for all that state_dict holds, in order; ``store(array)`` puts a value there."""
        for name, parameter in self._parameters.items():
            if parameter is not None:
                yield prefix + name, parameter, lambda array, p=parameter: p.assign(array, "load_state_dict")
        for name, tensor in self._buffers.items():
            if tensor is not None and name not in self._transient:
                yield prefix + name, tensor, lambda array, n=name: self._buffers.__setitem__(n, Tensor(array))
        for name, module in self.named_children():
            yield from module._places(f"{prefix}{name}.")

    def state_dict(self) -> dict:
        """Copies of all parameters and persistent buffers as arrays, under PyTorch's keys.

        They are copies, so a state that was kept does not change when training goes on.
        """
        return {key: tensor.data.copy() for key, tensor, _ in self._places()}

    def load_state_dict(self, state_dict, strict: bool = True):
        """Replace parameters and buffers by the values (arrays or Tensors) of ``state_dict``.

        Everything is checked before anything is written. Raises RuntimeError that names every missing and unexpected
        key (unless not ``strict``) and every value of another shape or kind. Returns (missing_keys, unexpected_keys).
        """
        places = list(self._places())
        known = {key for key, _, _ in places}
        missing = [key for key, _, _ in places if key not in state_dict]
        unexpected = [key for key in state_dict if key not in known]
        problems = []
        if strict and missing:
            problems.append(f"missing keys {missing}")
        if strict and unexpected:
            problems.append(f"unexpected keys {unexpected}")
        values = []
        for key, tensor, store in places:
            if key in state_dict:
                value = _plain(state_dict[key])
                problem = _misfit(value, tensor)
                if problem:
                    problems.append(f"{key}: {problem}")
                else:
                    values.append((store, backend.to_device(value, tensor.device).astype(tensor.dtype, order="C")))
        if problems:
            raise RuntimeError(f"{type(self).__name__}.load_state_dict: expected the state of this architecture, got "
                               + "; ".join(problems) + "; nothing was loaded")
        for store, array in values:
            store(array)
        return IncompatibleKeys(missing, unexpected)

    # Text

    def extra_repr(self) -> str:
        """What stands between the brackets of ``repr``."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        if not lines:
            return f"{type(self).__name__}({extra})"
        lines = [*extra.splitlines(), *lines]
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _conversion(name, target):
    """The function on arrays that ``Module.to(target)`` applies."""
    if isinstance(target, backend.Device) or str(target).partition(":")[0] in ("cpu", "cuda"):
        where = backend.device(target)
        return lambda array: backend.to_device(array, where)
    dtype = np.dtype(target)
    if dtype not in FLOATS:
        raise TypeError(f"{name}.to: expected a device or a floating dtype, got {target!r}")
    return lambda array: array.astype(dtype) if array.dtype.kind == "f" else array


def _plain(value):
    if isinstance(value, Tensor):
        return value.data
    return value if backend.is_array(value) else np.asarray(value)


def _misfit(value, tensor) -> str:
    """Why an array cannot become the value of ``tensor``; empty when it can."""
    kinds = {"f": "f", "i": "iu", "u": "iu", "b": "b"}[tensor.dtype.kind]
    if value.dtype.kind not in kinds:
        return f"expected {tensor.dtype}, got {value.dtype}"
    return "" if value.shape == tensor.shape else f"expected shape {tensor.shape}, got {value.shape}"
