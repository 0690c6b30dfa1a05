"""Inception-v3 against an independent implementation in PyTorch with the same random weights, and weights' files."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import tinygan
from tinygan.metrics import InceptionV3
from tinygan.metrics.inception import InceptionNetwork, load_weights
from tinygan.metrics.inception.resize import bilinear, half_pixel_positions, prepare

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.reference

TAPS = (64, 192, 768, 2048, "logits", "logits without bias")
# Relative to the largest value of a tap. 94 layers each add errors of about the square root of the number of products
# times the rounding unit (6e-8, 1e-16) and pass on those before: 2e-6 and 4e-15 were seen, at random weights.
CLOSE = {np.float32: 1e-4, np.float64: 1e-10}


@pytest.fixture(scope="module")
def theirs():
    spec = importlib.util.spec_from_file_location("torch_inception", Path(__file__).with_name("torch_inception.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    network = module.Inception().eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("conv.weight"):
                torch.nn.init.kaiming_normal_(tensor, nonlinearity="relu")
            elif name.endswith(("bn.weight", "running_var")):
                tensor.uniform_(0.5, 1.5)
            elif name.endswith(("bn.bias", "running_mean")):
                tensor.normal_(0, 0.2)
    return network


@pytest.fixture(scope="module")
def state(theirs):
    return {key: value.numpy().copy() for key, value in theirs.state_dict().items()}


def agree(mine, other, dtype):
    for tap in TAPS:
        expected = other[tap].double().numpy()
        scale = np.abs(expected).max()
        assert scale > 0.05 and expected.std() > 0.01 * scale, tap  # features that say something
        assert mine[tap].dtype == dtype
        np.testing.assert_allclose(mine[tap].numpy(), expected, rtol=0, atol=CLOSE[dtype] * scale, err_msg=str(tap))


@pytest.mark.parametrize("dtype, shape, folded", [
    (np.float32, (1, 3, 299, 299), True), (np.float64, (1, 3, 299, 299), True), (np.float64, (2, 3, 139, 101), False),
    (np.float32, (2, 3, 75, 75), False)])
def test_every_tap(theirs, state, dtype, shape, folded):
    network = InceptionNetwork()
    network.load_state_dict(state)
    network.to(dtype)
    network = network.fold() if folded else network
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)
    kind = torch.float32 if dtype == np.float32 else torch.float64
    with tinygan.no_grad(), torch.no_grad():
        agree(network(tinygan.tensor(x), TAPS), theirs.to(kind)(torch.tensor(x)), dtype)


@pytest.mark.parametrize("shape, tap", [((1, 1, 28, 28), 768), ((1, 3, 33, 301), 192)])
def test_from_images_to_features(theirs, state, shape, tap):
    images = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    features = InceptionV3(state).features(images, tap=tap)
    with torch.no_grad():
        expected = theirs.float()(torch.tensor(prepare(images)))[tap].numpy()
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("size", [(17, 40), (299, 299), (320, 311)])
def test_the_resize_and_scale_of_pytorch_fid(size):
    images = np.random.default_rng(3).integers(0, 256, (2, 3, *size), dtype=np.uint8)
    x = torch.tensor(images).float()
    resized = torch.nn.functional.interpolate(x / 255, (299, 299), mode="bilinear", align_corners=False)
    # a few float32 roundings of numbers up to 1; PyTorch divides before it interpolates
    np.testing.assert_allclose(prepare(images, "pytorch-fid"), (2 * resized - 1).numpy(), rtol=0, atol=2e-6)
    resized = torch.nn.functional.interpolate(x, (299, 299), mode="bilinear", align_corners=False)
    # the same of numbers up to 255; positions that are rounded otherwise give 1e-3
    np.testing.assert_allclose(bilinear(images, 299, half_pixel_positions), resized.numpy(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_pytorch(theirs, state, tmp_path, zipped):
    # the published file is in the format of before 1.6, and its kernels are not contiguous: they are TensorFlow's
    saved = theirs.float().state_dict()
    kernel = saved["Mixed_6b.branch7x7_2.conv.weight"]
    saved["Mixed_6b.branch7x7_2.conv.weight"] = kernel.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1)
    torch.save(saved, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    loaded = load_weights(tmp_path / "x.pth")
    (tmp_path / "x.pth").unlink()  # 96 MB
    assert list(loaded) == [key for key in state if not key.endswith("tracked")]
    for key, value in loaded.items():
        np.testing.assert_array_equal(value, saved[key].numpy(), err_msg=key)
        assert value.flags.c_contiguous
