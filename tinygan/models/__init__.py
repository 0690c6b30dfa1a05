"""Network architectures, without losses."""

from tinygan.models.autoencoder import AutoEncoder
from tinygan.models.builder import NETWORKS, build, default_networks, network_settings
from tinygan.models.dcgan import DCGANDiscriminator, DCGANGenerator
from tinygan.models.infogan import CodeHead
from tinygan.models.mlp import MLPDiscriminator, MLPGenerator
from tinygan.models.sngan_resnet import SNGANDiscriminator, SNGANGenerator

__all__ = ["AutoEncoder", "CodeHead", "DCGANDiscriminator", "DCGANGenerator", "MLPDiscriminator", "MLPGenerator",
           "NETWORKS", "SNGANDiscriminator", "SNGANGenerator", "build", "default_networks", "network_settings"]
