"""Files of PyTorch, read without it: the same arrays, and networks that give the same outputs."""

import collections
import warnings

import numpy as np
import pytest

import tinygan
from tinygan import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.reference


def same(mine, theirs):
    """Whether what was loaded is what was saved: types, order, shapes, bits."""
    if isinstance(theirs, torch.Tensor):
        theirs = theirs.detach()
        theirs = theirs.float() if theirs.dtype == torch.bfloat16 else theirs
        theirs = theirs.resolve_conj().resolve_neg().numpy()
        return mine.dtype == theirs.dtype and mine.shape == theirs.shape and mine.tobytes() == theirs.tobytes()
    if isinstance(theirs, dict):
        return list(mine) == list(theirs) and all(same(mine[key], theirs[key]) for key in theirs)
    if isinstance(theirs, (list, tuple)):
        return len(mine) == len(theirs) and all(map(same, mine, theirs)) and \
            type(mine) is (tuple if isinstance(theirs, torch.Size) else type(theirs))
    return mine == theirs and type(mine) is type(theirs)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8",
                                   "uint8", "uint16", "uint32", "uint64", "bool", "complex64", "complex128"])
def test_dtypes(dtype, tmp_path):
    x = (torch.randn(3, 4, generator=torch.Generator().manual_seed(0)) * 3).abs().to(getattr(torch, dtype))
    torch.save(x, tmp_path / "x.pth")
    assert same(nn.load_torch(tmp_path / "x.pth"), x)


def checkpoint():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Flatten(),
                              torch.nn.Linear(27, 2))
    opt = torch.optim.Adam(net.parameters(), betas=(0.5, 0.9))
    net(torch.randn(4, 2, 5, 5)).sum().backward()
    opt.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(opt, [2, 3])
    w = torch.randn(4, 5)
    return {"model": net.state_dict(), "optimizer": opt.state_dict(), "schedule": schedule.state_dict(), "epoch": 3,
            "name": "ü", "loss": 0.25, "none": None, "flags": (True, False), "size": w.shape,
            "parameter": torch.nn.Parameter(w), "buffer": torch.nn.Buffer(torch.ones(2)), "scalar": torch.tensor(2.5),
            "empty": torch.zeros(0, 3), "views": [w, w.t(), w[1:, ::2], w[3], w.expand(2, 4, 5), w.flip(0)],
            "nested": collections.OrderedDict(b={"x": [torch.arange(3)]}, a={}), "big": 2 ** 70}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_whole_checkpoints(protocol, tmp_path):
    state = checkpoint()
    torch.save(state, tmp_path / "x.pth", pickle_protocol=protocol)
    loaded = nn.load_torch(tmp_path / "x.pth")
    assert same(loaded, state)
    assert np.shares_memory(loaded["views"][0], loaded["views"][1])


def test_what_weights_only_loads_is_what_is_loaded_here(tmp_path):
    state = checkpoint()["optimizer"]
    torch.save(state, tmp_path / "x.pth")
    assert same(nn.load_torch(tmp_path / "x.pth"), torch.load(tmp_path / "x.pth", weights_only=True))


def test_files_of_before_1_6_hold_the_same(tmp_path):
    base = torch.arange(12.0)
    state = {**checkpoint()["optimizer"], "bf16": torch.randn(3).bfloat16().float(), "views": [base.view(3, 4)[:, 1:3],
             base], "count": torch.tensor(3), "parameter": torch.nn.Parameter(base[:2]).detach()}
    torch.save(state, tmp_path / "x.pth", _use_new_zipfile_serialization=False)
    loaded = nn.load_torch(tmp_path / "x.pth")
    assert same(loaded, state) and np.shares_memory(*loaded["views"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_models_and_sparse_tensors_are_refused(tmp_path):
    path = tmp_path / "x.pth"
    torch.save(torch.nn.Linear(2, 2), path)
    with pytest.raises(ValueError, match="load_torch: .* got the global torch.nn.modules.linear.Linear"):
        nn.load_torch(path)
    torch.save({"x": torch.zeros(2).to_sparse()}, path)
    with pytest.raises(ValueError, match="load_torch: .* got the global torch._utils._rebuild_sparse_tensor"):
        nn.load_torch(path)


def generator(lib):
    return lib.Sequential(
        lib.Linear(6, 8 * 2 * 2), lib.Unflatten(1, (8, 2, 2)), lib.BatchNorm2d(8), lib.ReLU(),
        lib.ConvTranspose2d(8, 8, 4, 2, 1, bias=False), lib.InstanceNorm2d(8, affine=True), lib.PReLU(8),
        lib.Conv2d(8, 4 * 4, 3, padding=1), lib.PixelShuffle(2), lib.GroupNorm(2, 4), lib.GELU(),
        lib.ReflectionPad2d(1), lib.Conv2d(4, 3, 3), lib.Tanh())


def critic(lib, spectral, weight):
    return lib.Sequential(
        spectral(lib.Conv2d(3, 8, 4, 2, 1)), lib.LeakyReLU(0.2), weight(lib.Conv2d(8, 8, 3, padding=1)), lib.SiLU(),
        lib.AdaptiveAvgPool2d(2), lib.Flatten(), lib.LayerNorm(32), spectral(lib.Linear(32, 1)))


def networks(lib, spectral, weight):
    return [generator(lib), critic(lib, spectral, weight), lib.LSTM(6, 5, 2, bidirectional=True), lib.GRU(6, 5),
            lib.MultiheadAttention(6, 2), lib.Embedding(4, 3, padding_idx=1)]


INPUTS = [(4, 6), (2, 3, 8, 8), (3, 2, 6), (3, 2, 6), (3, 2, 6), None]


@pytest.mark.parametrize("which", range(len(INPUTS)))
def test_a_saved_network_gives_the_same_outputs(which, tmp_path):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch.nn.utils.weight_norm is on its way out
        theirs = networks(torch.nn, torch.nn.utils.spectral_norm, torch.nn.utils.weight_norm)[which]
    ours = networks(nn, nn.spectral_norm, nn.weight_norm)[which]
    x = np.random.default_rng(0).standard_normal(INPUTS[which] or (2, 3)).astype(np.float32)
    arguments = (x,) * 3 if which == 4 else (x,) if which < 5 else (np.array([[0, 1, 3]]),)
    theirs(*map(torch.tensor, arguments))  # running statistics and power iterations have moved
    torch.save(theirs.state_dict(), tmp_path / "x.pth")
    ours.load_state_dict(nn.load_torch(tmp_path / "x.pth"))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    mine, other = ours.eval()(*map(tinygan.tensor, arguments)), theirs.eval()(*map(torch.tensor, arguments))
    mine, other = [y[0] if isinstance(y, tuple) else y for y in (mine, other)]
    # float32: a dozen layers of sums of at most 72 products of size 1
    np.testing.assert_allclose(mine.numpy(), other.detach().numpy(), rtol=1e-4, atol=2e-6)


def test_every_truncation_of_a_real_file_is_refused(tmp_path):
    torch.save(checkpoint(), tmp_path / "x.pth")
    content = (tmp_path / "x.pth").read_bytes()
    for n in np.linspace(0, len(content) - 1, 60).astype(int):
        (tmp_path / "y.pth").write_bytes(content[:n])
        with pytest.raises(ValueError, match="^load_torch: expected"):
            nn.load_torch(tmp_path / "y.pth")
