"""Module: registration, state, modes, copies, names and text."""

import copy

import numpy as np
import pytest

import tinygan
from tinygan import nn, optim
from tinygan.tensor import Parameter, Tensor


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.scale = nn.Parameter(np.ones(1, np.float32))
        self.register_buffer("steps", Tensor(np.zeros(2, np.float32)))
        self.register_buffer("scratch", Tensor(np.zeros(2, np.float32)), persistent=False)

    def forward(self, x):
        return self.norm(self.conv(x)) * self.scale


def images(seed=0, n=2):
    return tinygan.tensor(np.random.default_rng(seed).standard_normal((n, 2, 4, 5)).astype(np.float32))


def test_attributes_are_registered_in_pytorchs_order():
    block = Block()
    assert list(block.state_dict()) == [
        "scale", "steps", "conv.weight", "conv.bias", "norm.weight", "norm.bias", "norm.running_mean",
        "norm.running_var", "norm.num_batches_tracked"]
    assert [n for n, _ in block.named_parameters()] == ["scale", "conv.weight", "conv.bias", "norm.weight", "norm.bias"]
    assert [n for n, _ in block.named_buffers()] == [
        "steps", "scratch", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]
    assert [n for n, _ in block.named_modules()] == ["", "conv", "norm"]
    assert list(block.children()) == [block.conv, block.norm]
    assert {"conv", "scale", "steps"} <= set(dir(block))


def test_attributes_can_be_replaced_and_deleted():
    block = Block()
    block.conv = nn.Identity()
    assert isinstance(block.conv, nn.Identity) and len(list(block.parameters())) == 3
    block.scale = None
    assert block.scale is None and len(list(block.parameters())) == 2
    del block.conv, block.steps
    assert not hasattr(block, "conv") and not hasattr(block, "steps")
    block.plain = 3
    block.plain = nn.Parameter(np.zeros(2))  # a plain attribute gives way
    assert "plain" in dict(block.named_parameters())


@pytest.mark.parametrize("change, error, match", [
    (lambda b: setattr(b, "scale", Tensor(np.ones(1))), TypeError, r"Block.scale: expected a Parameter or None, got T"),
    (lambda b: setattr(b, "conv", 3), TypeError, r"Block.conv: expected a Module or None, got int"),
    (lambda b: setattr(b, "steps", np.zeros(2)), TypeError, r"Block.steps: expected a buffer .* got ndarray"),
    (lambda b: setattr(b, "steps", b.scale * 2.0), TypeError, r"Block.steps: .*a tensor with a graph; use detach"),
    (lambda b: b.register_parameter("p", Tensor(np.ones(1))), TypeError, "Block.p: expected a Parameter"),
    (lambda b: b.add_module("m", 1), TypeError, "Block.m: expected a Module"),
    (lambda b: b.add_module("a.b", nn.ReLU()), KeyError, "without dots"),
    (lambda b: b.missing, AttributeError, "Block has no attribute 'missing'"),
    (lambda b: nn.Module()(1), NotImplementedError, "forward")])
def test_misuse_is_refused_by_name(change, error, match):
    with pytest.raises(error, match=match):
        change(Block())


def test_assignment_before_init_is_refused():
    class Hasty(nn.Module):
        def __init__(self):
            self.layer = nn.ReLU()

    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\) before 'layer'"):
        Hasty()


def test_state_dict_round_trip_and_its_values_are_copies():
    tinygan.manual_seed(1)
    a, b = Block(), Block()
    a(images())
    state = a.state_dict()
    kept = copy.deepcopy(state)
    assert b.load_state_dict(state) == ([], [])
    assert (a.eval()(images(1)).numpy() == b.eval()(images(1)).numpy()).all()
    a.train()(images(2))
    optim.SGD(a.parameters(), 0.1).minimize((a(images()) ** 2).mean())
    for key, value in kept.items():
        assert (state[key] == value).all() and (b.state_dict()[key] == value).all()
        assert state[key].dtype == value.dtype and state[key].flags.c_contiguous


def test_loading_keeps_the_parameters_arrays_and_rebinds_buffers():
    block = Block()
    array, buffer = block.conv.weight.data, block.norm.running_mean
    state = {k: v + 1 for k, v in block.state_dict().items()}
    block.load_state_dict(state)
    assert block.conv.weight.data is array and block.conv.weight.version.writer == "load_state_dict"
    assert block.norm.running_mean is not buffer and (buffer.data == 0).all()
    state["norm.running_mean"][:] = 7
    assert (block.norm.running_mean.data == 1).all()


@pytest.mark.parametrize("damage, match", [
    (lambda s: s.pop("conv.bias"), r"missing keys \['conv.bias'\]"),
    (lambda s: s.update(extra=np.zeros(1)), r"unexpected keys \['extra'\]"),
    (lambda s: s.update({"norm.bias": np.zeros(4)}), r"norm.bias: expected shape \(3,\), got \(4,\)"),
    (lambda s: s.update({"norm.bias": np.array(["a", "b", "c"])}), r"norm.bias: expected float32, got <U1"),
    (lambda s: s.update({"norm.num_batches_tracked": np.array(1.5)}), r"expected int64, got float64")])
def test_a_state_that_does_not_fit_is_refused_and_nothing_is_loaded(damage, match):
    block = Block()
    before = block.state_dict()
    state = {k: v + 1 for k, v in before.items()}
    damage(state)
    with pytest.raises(RuntimeError, match="Block.load_state_dict: .*" + match + ".*nothing was loaded"):
        block.load_state_dict(state)
    assert all((value == before[key]).all() for key, value in block.state_dict().items())


def test_all_problems_are_named_at_once_and_strict_false_forgives_keys_but_not_shapes():
    block = Block()
    state = block.state_dict()
    del state["scale"]
    state["strange"] = np.zeros(2)
    with pytest.raises(RuntimeError, match=r"missing keys \['scale'\]; unexpected keys \['strange'\]"):
        block.load_state_dict(state)
    assert block.load_state_dict(state, strict=False) == (["scale"], ["strange"])
    state["steps"] = np.zeros(3)
    with pytest.raises(RuntimeError, match="steps"):
        block.load_state_dict(state, strict=False)


def test_float64_values_load_into_float32_and_the_dtype_stays():
    layer = nn.Linear(2, 2)
    layer.load_state_dict({"weight": np.eye(2), "bias": tinygan.tensor([1.0, 2.0])})
    assert layer.weight.dtype == np.float32 and layer.weight.numpy().tolist() == [[1, 0], [0, 1]]


def test_modes_belong_to_each_module():
    net = nn.Sequential(Block(), nn.Dropout())
    assert net.eval() is net and not any(m.training for m in net.modules())
    net[1].train()
    assert net[1].training and not net.training and not net[0].norm.training
    net.train()
    assert all(m.training for m in net.modules())


def test_apply_visits_children_first():
    seen = []
    net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU()))
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "ReLU", "Sequential", "Sequential"]


def test_requires_grad_and_zero_grad():
    layer = nn.Linear(2, 1)
    layer(tinygan.tensor(np.ones((1, 2), np.float32))).sum().backward()
    assert layer.weight.grad is not None
    layer.zero_grad()
    assert layer.weight.grad is None
    layer.requires_grad_(False)
    assert not layer(tinygan.tensor(np.ones((1, 2), np.float32))).requires_grad


def test_parameters_have_full_names_and_a_later_call_on_a_part_does_not_shorten_them():
    block = Block()
    assert block.conv.weight.name == "Conv2d.weight"
    net = nn.Sequential(block)
    list(net.parameters())
    assert block.conv.weight.name == "Sequential.0.conv.weight"
    list(block.parameters())
    assert block.conv.weight.name == "Sequential.0.conv.weight"


def test_a_stale_weight_names_layer_and_writer():
    class Critic(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(2, 1, 3)

        def forward(self, x):
            return self.layer(x)

    critic, x = Critic(), images()
    opt = optim.Adam(critic.parameters())
    x.requires_grad_()
    score = critic(x).mean()
    opt.minimize(critic(x).mean())
    with pytest.raises(RuntimeError, match=r"Critic\.layer\.weight was written by Adam\.apply"):
        tinygan.grad(score, x)


def test_shared_parameters_are_listed_once_and_saved_under_both_keys():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    assert len(list(net.parameters())) == 3
    assert set(net.state_dict()) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    other = copy.deepcopy(net)
    assert other[1].weight is other[0].weight and other[0].weight is not net[0].weight


def test_deepcopy_is_independent_and_not_held_by_the_optimiser():
    block = Block()
    optim.SGD(block.parameters(), 0.1)
    other = copy.deepcopy(block)
    before = other.state_dict()
    assert all(p.owner is None for p in other.parameters())
    block(images())
    for p in block.parameters():
        p.assign(p.data + 1)
    assert all((value == before[key]).all() for key, value in other.state_dict().items())
    other.to("cpu")


def test_to_converts_floats_and_leaves_integers():
    block = Block().double()
    assert block.conv.weight.dtype == np.float64 and block.norm.running_var.dtype == np.float64
    assert block.norm.num_batches_tracked.dtype == np.int64
    assert block.float().scale.dtype == np.float32
    with pytest.raises(TypeError, match="Block.to: expected a device or a floating dtype, got"):
        block.to(np.int64)


@pytest.mark.parametrize("target", ["cpu", np.float64])
def test_to_raises_once_an_optimiser_holds_a_parameter(target):
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    optim.Adam(net[1].parameters())
    with pytest.raises(RuntimeError, match=r"Sequential.to: .*1.weight, held by Adam"):
        net.to(target)
    assert net[0].weight.dtype == np.float32


def test_buffers_are_rebound_so_an_older_graph_keeps_its_values():
    norm = nn.BatchNorm2d(2).eval()
    x = images()
    y = norm(x).sum()  # evaluation mode uses the running statistics
    old = norm.running_mean
    norm.train()(images(1) + 5.0)
    assert norm.running_mean is not old and (old.data == 0).all()
    (g,) = tinygan.grad(y, [norm.weight])
    np.testing.assert_allclose(g.numpy(), x.numpy().sum((0, 2, 3)) / np.sqrt(1 + 1e-5), rtol=1e-5)


def test_containers():
    net = nn.Sequential({"a": nn.Linear(2, 3), "b": nn.ReLU()})
    assert [n for n, _ in net.named_children()] == ["a", "b"] and net[-1] is net.b and len(net[:1]) == 1
    assert isinstance(net[0:1], nn.Sequential) and net[:1].a is net.a
    net[1] = nn.Tanh()
    assert isinstance(net.b, nn.Tanh)
    with pytest.raises(IndexError, match=r"Sequential: expected an index in \[-2, 1\], got 2"):
        net[2]
    blocks = nn.ModuleList([nn.ReLU()]).append(nn.Linear(1, 1)).extend([nn.Tanh()])
    assert [type(m).__name__ for m in blocks] == ["ReLU", "Linear", "Tanh"] and len(blocks[1:]) == 2
    assert list(blocks.state_dict()) == ["1.weight", "1.bias"]
    named = nn.ModuleDict({"x": nn.Linear(1, 1)})
    named["y"] = nn.ReLU()
    assert "y" in named and list(named) == list(named.keys()) == ["x", "y"] and len(named) == 2
    assert [k for k, _ in named.items()] == ["x", "y"] and list(named.values())[1] is named["y"]
    del named["x"]
    assert list(named.state_dict()) == []
    with pytest.raises(NotImplementedError, match="ModuleList"):
        blocks(1)


def test_repr():
    assert repr(nn.Sequential(Block(), nn.LeakyReLU(0.2))) == """Sequential(
  (0): Block(
    (conv): Conv2d(2, 3, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    (norm): BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
  )
  (1): LeakyReLU(negative_slope=0.2)
)"""


def test_parameters_may_be_made_from_tensors_and_stay_c_contiguous():
    layer = nn.Linear(2, 3)
    layer.weight = Parameter(np.ones((2, 3), np.float32).T)
    assert layer.weight.data.flags.c_contiguous and dict(layer.named_parameters())["weight"] is layer.weight
