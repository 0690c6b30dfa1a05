"""The classic GANs whose step is that of GAN: each is a loss, a penalty and a norm.

Where a paper's networks are larger than these, only the sizes shrank. Where a row names no optimiser it has DCGAN's,
Adam(2e-4, 0.5, 0.999): the papers of 2014 and 2016 had momentum, RMSprop or other rates.
"""

from tinygan.gans.registry import recipe

recipe("minimax-gan", paper="Goodfellow et al. 2014, Algorithm 1", arxiv="1406.2661", loss="minimax", networks="mlp")

recipe("gan", paper="Goodfellow et al. 2014, section 3 (non-saturating)", arxiv="1406.2661", networks="mlp")

recipe("dcgan", paper="Radford, Metz, Chintala 2015", arxiv="1511.06434", networks="dcgan")

recipe("lsgan", paper="Mao et al. 2016 (a0, b, c = 0, 1, 1)", arxiv="1611.04076", loss="least_squares")

recipe("lsgan-pearson", paper="Mao et al. 2016 (a0, b, c = -1, 1, 0)", arxiv="1611.04076",
       loss="least_squares_pearson")

recipe("hinge-gan", paper="Lim & Ye 2017 (geometric GAN)", arxiv="1705.02894", loss="hinge")

# The paper's CNN settings C with its hinge loss (section 4, table 1); only D is normalised.
recipe("sngan", paper="Miyato et al. 2018", arxiv="1802.05957", loss="hinge", d_norm="spectral")

# RMSprop with alpha 0.99 in the paper; Adam with betas (0, 0.99) is the same up to its correction of early steps.
recipe("r1-gan", paper="Mescheder, Geiger, Nowozin 2018", arxiv="1801.04406", penalty="r1(10)", d_norm=None,
       lr=1e-4, betas=(0.0, 0.99), ema=0.999)

# R3GAN's loss and penalties; its networks, without any norm, are much larger than these.
recipe("rpgan-r1-r2", paper="Huang et al. 2024 (the loss of R3GAN)", arxiv="2501.05441", loss="relativistic",
       penalty="r1(1) + r2(1)", g_norm=None, d_norm=None, lr=2e-4, betas=(0.0, 0.99), ema=0.999)
