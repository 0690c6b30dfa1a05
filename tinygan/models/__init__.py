"""Network architectures, without losses."""

from tinygan.models.autoencoder import AutoEncoder
from tinygan.models.autoregressive import AutoregressiveTable
from tinygan.models.builder import NETWORKS, build, default_networks, network_settings
from tinygan.models.dcgan import DCGANDiscriminator, DCGANGenerator
from tinygan.models.infogan import CodeHead
from tinygan.models.mlp import MLPDiscriminator, MLPGenerator
from tinygan.models.rbm import RBM
from tinygan.models.realnvp import RealNVP
from tinygan.models.sngan_resnet import SNGANDiscriminator, SNGANGenerator
from tinygan.models.vae import VAE

__all__ = ["AutoEncoder", "AutoregressiveTable", "CodeHead", "DCGANDiscriminator", "DCGANGenerator",
           "MLPDiscriminator", "MLPGenerator", "NETWORKS", "RBM", "RealNVP", "SNGANDiscriminator", "SNGANGenerator",
           "VAE", "build", "default_networks", "network_settings"]
