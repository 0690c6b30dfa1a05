"""Modules that hold modules: a chain, a list, a dictionary."""

from __future__ import annotations

from tinygan.nn.module import Module


class _Indexed(Module):
    """What Sequential and ModuleList share: submodules named "0", "1", ..."""

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def _key(self, index) -> str:
        if not -len(self) <= index < len(self):
            raise IndexError(f"{type(self).__name__}: expected an index in [{-len(self)}, {len(self) - 1}], "
                             f"got {index}")
        return list(self._modules)[index]

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self._sliced(list(self._modules.items())[index])
        return self._modules[self._key(index)]

    def __setitem__(self, index, module):
        self.add_module(self._key(index), module)

    def append(self, module):
        """Add a module at the end, and return self."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules):
        """Add modules at the end, and return self."""
        for module in modules:
            self.append(module)
        return self


class Sequential(_Indexed):
    """Modules applied one after the other: ``Sequential(a, b)(x) = b(a(x))``. A dict gives the names."""

    def __init__(self, *modules):
        super().__init__()
        named = modules[0].items() if len(modules) == 1 and isinstance(modules[0], dict) else \
            ((str(i), module) for i, module in enumerate(modules))
        for name, module in named:
            self.add_module(name, module)

    def _sliced(self, items):
        return type(self)(dict(items))

    def forward(self, input):
        for module in self._modules.values():
            input = module(input)
        return input


class ModuleList(_Indexed):
    """A list whose modules are registered; it has no forward."""

    def __init__(self, modules=()):
        super().__init__()
        self.extend(modules)

    def _sliced(self, items):
        return type(self)(module for _, module in items)


class ModuleDict(Module):
    """A dictionary whose modules are registered; it has no forward."""

    def __init__(self, modules=()):
        super().__init__()
        for name, module in dict(modules).items():
            self.add_module(name, module)

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, name):
        return name in self._modules

    def __getitem__(self, name):
        return self._modules[name]

    def __setitem__(self, name, module):
        self.add_module(name, module)

    def __delitem__(self, name):
        del self._modules[name]

    def keys(self):
        """The names."""
        return self._modules.keys()

    def values(self):
        """The modules."""
        return self._modules.values()

    def items(self):
        """(name, module) pairs."""
        return self._modules.items()
