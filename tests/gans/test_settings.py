"""Settings: which value wins, what is refused, and their text form."""
import numpy as np
import pytest

from tinygan import gans, losses, models, nn, random
from tinygan.gans import SettingError
from tinygan.tensor import Tensor


def test_user_before_recipe_before_class_before_networks():
    row = gans.find("r1-gan")
    assert row.resolved((1, 28, 28))["channels"] == 32                  # the networks' default
    assert row.resolved((1, 28, 28))["n_critic"] == 1                   # the class's
    assert row.resolved((1, 28, 28))["betas"] == (0.0, 0.99)            # the recipe's, before the class's (0.5, 0.999)
    assert row.resolved((1, 28, 28))["d_norm"] is None                  # the recipe's, before the networks' "batch"
    assert row.resolved((1, 28, 28), betas=(0.5, 0.9), channels=8)["betas"] == (0.5, 0.9)
    assert gans.WGANGP.defaults["n_critic"] == 5 and gans.GAN.defaults["n_critic"] == 1


def test_the_shape_of_the_data_chooses_the_networks():
    assert type(gans.make("hinge-gan", (2,)).G) is models.MLPGenerator
    assert type(gans.make("hinge-gan", (1, 8, 8), channels=4).G) is models.DCGANGenerator
    assert type(gans.make("hinge-gan", (1, 8, 8), networks="mlp").D) is models.MLPDiscriminator
    with pytest.raises(ValueError, match=r"dcgan: expected square images .* got data of shape \(2,\)"):
        gans.make("dcgan", (2,))


@pytest.mark.parametrize("settings, message", [
    ({"n_critc": 3}, "wgan-gp: unknown setting 'n_critc'; did you mean 'n_critic'?"),
    ({"qqqq": 3}, "unknown setting 'qqqq'; known are .*z_dim"),
    ({"channels": 3}, "unknown setting 'channels' .networks 'mlp' have no such setting."),
    ({"loss": "hinge"}, "wgan-gp: loss: expected 'wasserstein', which its step is written for, got 'hinge'"),
    ({"penalty": "r3(1)"}, "wgan-gp: penalty: expected a penalty such as 'r1.10.', got 'r3.1.'"),
    ({"lr": "fast"}, "wgan-gp: lr: expected a number like 0.0001, got 'fast'"),
    ({"lr": None}, "wgan-gp: lr: expected a number like 0.0001, got None"),
    ({"d_lr": "fast"}, "wgan-gp: d_lr: expected a number, or none for lr, got 'fast'"),
    ({"n_critic": 2.5}, "n_critic: expected a whole number like 5, got 2.5"),
    ({"betas": 0.5}, r"betas: expected numbers like \(0.0, 0.9\), got 0.5"),
    ({"simultaneous": 1}, "simultaneous: expected True or False like False, got 1"),
    ({"networks": "vgg"}, "networks: expected one of mlp, dcgan, .* got 'vgg'"),
    ({"d_norm": "bach"}, r"norm: expected one of None, batch, .*, spectral, batch\+spectral, .* got 'bach'"),
])
def test_what_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        gans.make("wgan-gp", (2,), **settings)


def test_an_unknown_loss_names_the_known_ones():
    with pytest.raises(SettingError, match="gan: loss: expected one of minimax, non_saturating, .* got 'hing'"):
        gans.make("gan", (2,), loss="hing")
    with pytest.raises(SettingError, match="gan: loss: expected one of"):
        gans.make("gan", (2,), loss=None)


def test_networks_made_by_hand():
    G, D = models.MLPGenerator(7, (2,)), models.MLPDiscriminator((2,))
    gan = gans.GAN(G, D, loss=losses.hinge, penalty=losses.r1(2))
    assert gan.z_dim == 7 and gan.noise(5).shape == (5, 7) and gan.config["penalty"] == "r1(gamma=2)"
    assert "d_norm" not in gan.config and "networks" not in gan.config
    with pytest.raises(SettingError, match="z_dim: expected 7, as the generator has, got 3"):
        gans.GAN(G, D, z_dim=3)
    with pytest.raises(SettingError, match="no setting of networks beside networks that are given, got 'd_norm'"):
        gans.WGANGP(G, D, d_norm="layer")
    with pytest.raises(TypeError, match="GAN: expected the networks G, D, got 1 networks"):
        gans.GAN(G)


def test_games_share_no_penalty():
    first, second = [gans.make("gan", (2,), penalty=losses.every(2, losses.r1(1))) for _ in range(2)]
    first.penalty.calls = 5
    assert second.penalty.calls == 0 and first.settings["penalty"].calls == 0


@pytest.mark.parametrize("text, value", [("1e-4", 1e-4), ("5", 5), ("0, 0.9", (0, 0.9)), ("(0, 0.9)", (0, 0.9)),
                                         ("true", True), ("None", None), ("none", None), ("hinge", "hinge"),
                                         ("r1(1) + r2(1)", "r1(1) + r2(1)"), ("128, 128", (128, 128))])
def test_the_text_form_of_settings(text, value):
    assert gans.from_text(text) == value


def test_texts_make_the_settings_they_say():
    texts = {"penalty": "every(4, gp(2))", "betas": "0, 0.9", "hidden": "6, 5", "loss": "hinge", "lr": "1"}
    gan = gans.make("gan", (2,), **{key: gans.from_text(text) for key, text in texts.items()})
    assert repr(gan.penalty) == "every(4, gp(weight=2))" and gan.betas == (0, 0.9) and gan.loss is losses.hinge
    assert gan.lr == 1.0 and gan.D.feature_size == 5


@pytest.mark.parametrize("norm, layer", [("batch", nn.BatchNorm2d), ("layer", nn.GroupNorm),
                                         ("instance", nn.InstanceNorm2d)])
def test_the_norm_of_the_critic(norm, layer):
    def layers(network):
        return [type(m) for m in network.modules()]
    gan = gans.make("dcgan", (1, 16, 16), channels=2, d_norm=norm)
    assert layers(gan.D).count(layer) == 1 and layers(gan.G).count(nn.BatchNorm2d) == 2
    assert layer not in layers(gans.make("dcgan", (1, 16, 16), channels=2, d_norm=None).D)


def test_spectral_norm_is_on_every_layer_of_the_critic_with_dcgans_initial_weights():
    gan = gans.make("sngan", (1, 16, 16))
    weights = [m for m in gan.D.modules() if isinstance(m, nn.Conv2d)]
    assert len(weights) == 3 and all("weight" in m._reparametrizations for m in weights)
    std = weights[1].weight_orig.numpy().std()  # of 32,768 draws: within 5 / sqrt(2 n) = 2 % of 0.02
    assert abs(std / 0.02 - 1) < 0.02
    plain = [gans.make("dcgan", (1, 16, 16), d_norm=norm).D.main[2].bias is None for norm in ("batch", "spectral")]
    assert plain == [True, False]


def test_priors_and_truncation():
    gan = gans.make("gan", (2,), prior="uniform", z_dim=3)
    z = gan.noise(1000).numpy()
    assert abs(z).max() <= 1 and z.min() < -0.9 and z.max() > 0.9
    with pytest.raises(SettingError, match="the normal prior, got 0.5 and 'uniform'"):
        gan.sample(4, truncation=0.5)
    normal = gans.make("gan", (2,), z_dim=3)
    kept = normal.truncated(normal.noise(4000), 0.7, "preview").numpy()
    assert abs(kept).max() <= 0.7 and kept.dtype == np.float32
    # a normal cut at 0.7 has the standard deviation 0.3853 (integral of its density); 12,000 draws: 5 deviations
    assert abs(kept.std() - 0.3853) < 5 * 0.3853 / np.sqrt(2 * 12000)
    for name, shape, size in (("infogan", (1, 28, 28), 62), ("bs-gan", (1, 14, 14), 64)):
        gan = gans.make(name, shape)  # codes, and what says which sample of g(x | z) is shown, are not noise
        whole = gan.noise(50)
        cut = gan.truncated(whole, 0.7, "preview").numpy()
        assert whole.shape[1] > size and np.array_equal(cut[:, size:], whole.numpy()[:, size:])
        assert abs(cut[:, :size]).max() <= 0.7 and (cut[:, :size] != whole.numpy()[:, :size]).any()
    with pytest.raises(SettingError, match="prior: expected one of normal, uniform, got 'cauchy'"):
        gans.make("gan", (2,), prior="cauchy").noise(1)


def test_a_setting_may_not_hide_a_method():
    with pytest.raises(TypeError, match="Noisy: expected settings with names of their own, got 'noise'"):
        type("Noisy", (gans.GAN,), {"defaults": {"noise": 0.1}})


def test_both_norms_at_once_are_batch_norm_after_layers_whose_weights_have_norm_one():
    G = gans.make("dcgan", (1, 16, 16), g_norm="batch+spectral", channels=4).G
    convolutions = [m for m in G.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [type(m).__name__ for m in G.main].count("BatchNorm2d") == len(convolutions) - 1
    for _ in range(200):
        G(Tensor(random.normal((4, 64))))
    for m in convolutions:
        matrix = np.moveaxis(m.weight.numpy(), 1, 0).reshape(m.weight.shape[1], -1)
        # 200 power iterations leave (s2 / s1)^400 of the start; 1e-3 allows for a second value 1 % below the first
        assert np.linalg.norm(matrix, 2) == pytest.approx(1.0, abs=1e-3)
