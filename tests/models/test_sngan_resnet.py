"""SNGAN-ResNet: shapes and sizes of the paper's table, spectral norm on every layer of D, and gradients that arrive."""
import numpy as np
import pytest

import tinygan
from tinygan import losses, nn, optim, random
from tinygan.models.sngan_resnet import DiscriminatorBlock, sngan_resnet


def parameters(network):
    return sum(p.size for p in network.parameters())


def test_sizes_of_the_published_networks():
    G, D = sngan_resnet((3, 32, 32), 128)
    c = 256
    conv = 9 * c * c + c
    block = 2 * conv + (c * c + c) + 2 * 2 * c                   # two 3x3, the shortcut, two batch norms
    assert parameters(G) == (128 * 16 * c + 16 * c) + 3 * block + 2 * c + (9 * c * 3 + 3)
    c = 128
    conv = 9 * c * c + c
    first, down = (9 * 3 * c + c) + conv + (3 * c + c), 2 * conv + (c * c + c)
    assert parameters(D) == first + down + 2 * (2 * conv) + c + 1


def test_shapes_and_range():
    random.manual_seed(0)
    G, D = sngan_resnet((3, 16, 16), 5, g_channels=4, d_channels=6)
    x = G(tinygan.Tensor(random.normal((2, 5))))
    assert x.shape == (2, 3, 16, 16) and np.abs(x.numpy()).max() <= 1
    assert D.features(x).shape == (2, 6) and D(x).shape == (2,)


def test_every_layer_of_the_discriminator_is_normalised_and_none_of_the_generator():
    G, D = sngan_resnet((3, 8, 8), 5, g_channels=4, d_channels=4)
    layers = [m for m in D.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(layers) == 2 * 4 + 2 + 1                          # two shortcuts change the shape
    assert all("weight" in layer._reparametrizations for layer in layers)
    assert not any(m._reparametrizations for m in G.modules())


def test_a_block_adds_its_shortcut():
    random.manual_seed(0)
    block = DiscriminatorBlock(3, 3)
    for layer in block.main:
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
    x = random.normal((2, 3, 4, 4))
    np.testing.assert_array_equal(block(tinygan.Tensor(x)).numpy(), x)


def test_one_step_moves_every_parameter():
    random.manual_seed(0)
    G, D = sngan_resnet((3, 8, 8), 5, g_channels=4, d_channels=4)
    before = [[p.numpy().copy() for p in net.parameters()] for net in (G, D)]
    x = tinygan.Tensor(random.normal((4, 3, 8, 8)))
    fake = G(tinygan.Tensor(random.normal((4, 5))))
    optim.Adam(D.parameters(), lr=0.1).minimize(losses.hinge.d(D(x), D(fake.detach())))
    optim.Adam(G.parameters(), lr=0.1).minimize(losses.hinge.g(D(fake)))
    still = [[p.name for p, old in zip(net.parameters(), olds) if (p.numpy() == old).all()]
             for net, olds in zip((G, D), before)]
    assert still == [[], []]


@pytest.mark.parametrize("size", [4, 12, 0])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match="expected an image size out of 8, 16, 32"):
        sngan_resnet((3, size, size), 5)
    with pytest.raises(ValueError, match="expected square images, got 8x9"):
        sngan_resnet((3, 8, 9), 5)


def test_other_norms_by_name():
    _, D = sngan_resnet((3, 8, 8), 5, 4, 4, d_norm="layer")
    assert sum(isinstance(m, nn.GroupNorm) for m in D.modules()) == 7 and not any(
        m._reparametrizations for m in D.modules())
    with pytest.raises(ValueError, match="norm: expected one of"):
        sngan_resnet((3, 8, 8), 5, 4, 4, d_norm="unheard")
