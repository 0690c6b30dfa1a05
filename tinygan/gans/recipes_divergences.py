"""GANs whose loss is another divergence, ratio or comparison: each is a pair of losses, with the step of GAN.

Networks and optimiser are those of ``gan``, so that the rows differ in the loss alone; the papers had their own.
"""

from tinygan.gans.registry import recipe

# f-GAN: loss="f_kl_ns" etc. is the same row with the generator's other form (section 3.2).
recipe("f-gan-kl", paper="Nowozin, Cseke, Tomioka 2016 (KL)", arxiv="1606.00709", loss="f_kl", networks="mlp")

recipe("f-gan-reverse-kl", paper="Nowozin, Cseke, Tomioka 2016 (reverse KL)", arxiv="1606.00709",
       loss="f_reverse_kl", networks="mlp")

recipe("f-gan-pearson", paper="Nowozin, Cseke, Tomioka 2016 (Pearson)", arxiv="1606.00709", loss="f_pearson",
       networks="mlp")

recipe("f-gan-hellinger", paper="Nowozin, Cseke, Tomioka 2016 (squared Hellinger)", arxiv="1606.00709",
       loss="f_hellinger", networks="mlp")

recipe("f-gan-js", paper="Nowozin, Cseke, Tomioka 2016 (Jensen-Shannon)", arxiv="1606.00709", loss="f_js",
       networks="mlp")

recipe("f-gan-gan", paper="Nowozin, Cseke, Tomioka 2016 (GAN)", arxiv="1606.00709", loss="f_gan", networks="mlp")

recipe("f-gan-tv", paper="Nowozin, Cseke, Tomioka 2016 (total variation)", arxiv="1606.00709", loss="f_tv",
       networks="mlp")

recipe("b-gan", paper="Uehara et al. 2016 (Pearson)", arxiv="1610.02920", loss="b_pearson", networks="mlp")

recipe("b-gan-relative", paper="Uehara et al. 2016 (relative ratio, alpha = 0.1)", arxiv="1610.02920",
       loss="b_relative", networks="mlp")

recipe("bs-gan-continuous", paper="Hjelm et al. 2017 (continuous data)", arxiv="1702.08431", loss="boundary_seeking",
       networks="mlp")

recipe("smoothed-gan", paper="Salimans et al. 2016, section 3.4 (one-sided label smoothing)", arxiv="1606.03498",
       loss="non_saturating_smoothed", networks="mlp")

recipe("hinge-gan-both", paper="Lim & Ye 2017 (the margin in G's loss as well)", arxiv="1705.02894", loss="hinge_both",
       networks="mlp")

recipe("ra-gan", paper="Jolicoeur-Martineau 2018 (average)", arxiv="1807.00734", loss="relativistic_average",
       networks="mlp")

# The paper's loss is that of the GAN, not Wasserstein's, which some libraries combine with this penalty.
recipe("dragan", paper="Kodali, Abernethy, Hays, Kira 2017", arxiv="1705.07215", penalty="dragan(10)", d_norm=None,
       networks="mlp")
