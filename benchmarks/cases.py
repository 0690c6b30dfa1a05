"""What is measured: the cases, their sizes, and the floors and goals they are judged by.

A case has parts (a layer, an operation, a whole iteration), and every part has competitors, each under a label:
"tinygan", and others whose labels begin with the name of their library. The figure of a part is the time of tinygan
divided by the time of its opponent: the fastest competitor whose label begins with ``opponent``. Labels that end in
"(report only)" are measured and shown, and never count: they are not what the target is about.
"""

from __future__ import annotations

from dataclasses import dataclass, field

REPORT_ONLY = "(report only)"


@dataclass(frozen=True)
class Case:
    """One benchmark. ``sides``: the modules on_*.py that take part, in separate processes timed in turn.

    full, quick, tiny: the sizes of the work (tiny is for the tests). seconds: about how long to measure, full and
    quick. floor, goal: the largest ratio that is acceptable, and the one that is aimed at; None where there is none.
    ``judged``: which parts the figure of the case comes from ("all": their worst; "median": their median).
    """

    name: str
    title: str
    opponent: str
    sides: tuple
    full: dict
    quick: dict
    tiny: dict
    seconds: tuple
    floor: float | None = None
    goal: float | None = None
    judged: str = "all"
    kind: str = "time"
    notes: str = ""


DCGAN = {"batch": 64, "channels": 64, "size": 32, "images": 1, "z_dim": 100}
SMALL_DCGAN = {"batch": 4, "channels": 4, "size": 16, "images": 1, "z_dim": 5}
# name: (batch, channels, size, outputs, kernel, stride, padding)
LAYERS = {
    "DCGAN 64x16 to 128": (64, 64, 16, 128, 4, 2, 1),
    "DCGAN 128x8 to 256": (64, 128, 8, 256, 4, 2, 1),
    "DCGAN 64x32 to 64, batch 128": (128, 64, 32, 64, 4, 2, 1),
    "DCGAN 1x32 to 64": (64, 1, 32, 64, 4, 2, 1),
    "SNGAN-ResNet 128x32, 3x3": (16, 128, 32, 128, 3, 1, 1),
    "SNGAN-ResNet 128x8, 3x3": (64, 128, 8, 128, 3, 1, 1),
    "SNGAN-ResNet 3x32 to 128, 3x3": (64, 3, 32, 128, 3, 1, 1),
    "SNGAN-ResNet 128x16, 1x1": (64, 128, 16, 128, 1, 1, 0),
    "StyleGAN2 256x16, 3x3": (8, 256, 16, 256, 3, 1, 1),
    "StyleGAN2 128x64, 3x3": (4, 128, 64, 128, 3, 1, 1),
}
QUICK_LAYERS = ("DCGAN 64x16 to 128", "DCGAN 1x32 to 64", "SNGAN-ResNet 128x8, 3x3", "StyleGAN2 256x16, 3x3")
OPERATIONS = ("add", "mul", "sub", "div", "matmul", "exp", "sum")
ALL_SIDES = ("tinygan", "torch", "jax")

CASES = {case.name: case for case in (
    Case("overhead_forward", "one operation on 2x2 arrays, forward (the worst)", "numpy", ("tinygan", "torch"),
         {"length": 100, "operations": OPERATIONS}, {"length": 100, "operations": OPERATIONS},
         {"length": 3, "operations": ("add", "sum")}, (20, 4), 5.0, 3.0,
         notes="a chain of 100 operations on tensors that require gradients, against the same chain in bare NumPy; exp "
               "and neg in turn, since exp of exp overflows; 100 sums side by side"),
    Case("overhead_backward", "one operation on 2x2 arrays, backward per gradient (the worst)", "numpy",
         ("tinygan", "torch"), {"length": 100, "operations": OPERATIONS}, {"length": 100, "operations": OPERATIONS},
         {"length": 3, "operations": ("add", "mul")}, (20, 4), 7.0, 4.0,
         notes="grad() of the end of the chain for all its leaves, divided by the number of gradients, against one "
               "bare NumPy operation forward"),
    Case("import", "import time", "numpy", (), {}, {}, {"rounds": 1}, (15, 5), 1.5, 1.2, kind="import",
         notes="time inside a fresh process around the import statement, interpreter start not included"),
    Case("convolution", "convolution layers", "torch", ("tinygan", "torch"),
         {"layers": LAYERS}, {"layers": {name: LAYERS[name] for name in QUICK_LAYERS}},
         {"layers": {"tiny": (2, 3, 6, 4, 4, 2, 1)}}, (80, 12), judged="median",
         notes="forward, input gradient and weight gradient of one layer; there is no target for single layers"),
    Case("mlp_gan", "small MLP GAN iteration on 2-D points", "torch", ALL_SIDES,
         {"batch": 256, "hidden": 128, "z_dim": 2}, {"batch": 256, "hidden": 128, "z_dim": 2},
         {"batch": 8, "hidden": 8, "z_dim": 2}, (60, 4), 1.0, 0.6),
    Case("dcgan", "DCGAN iteration, batch 64, 64 channels, 32x32x1, Adam", "torch", (*ALL_SIDES, "blas"),
         DCGAN, {**DCGAN, "batch": 16}, SMALL_DCGAN, (150, 8), 1.3, 1.0),
    Case("wgan_gp", "WGAN-GP critic iteration (second order), same networks without norms in D", "torch", ALL_SIDES,
         DCGAN, {**DCGAN, "batch": 16}, SMALL_DCGAN, (60, 8), 1.3, 0.9),
    Case("sngan_resnet", "SNGAN-ResNet iteration, 32x32x3 (one update of D and one of G), batch 16", "torch",
         ("tinygan", "torch"), {"batch": 16, "g_channels": 256, "d_channels": 128, "z_dim": 128},
         {"batch": 4, "g_channels": 128, "d_channels": 64, "z_dim": 128},
         {"batch": 2, "g_channels": 4, "d_channels": 4, "z_dim": 3}, (80, 8), 1.5, 1.1),
    Case("stylegan2_block", "StyleGAN2 block, 256x32x32 to 128x64x64, batch 4: forward and all gradients", "torch",
         ("tinygan", "torch"), {"batch": 4, "inputs": 256, "outputs": 128, "size": 32, "style": 512},
         {"batch": 2, "inputs": 64, "outputs": 32, "size": 32, "style": 64},
         {"batch": 2, "inputs": 4, "outputs": 3, "size": 4, "style": 5}, (40, 6), 1.5, 1.1),
    Case("inception", "Inception-v3, 299x299, batch 8: images to features", "torch", ("tinygan", "torch"),
         {"batch": 8, "size": 299}, {"batch": 2, "size": 299}, {"batch": 1, "size": 75}, (60, 12), 1.5, 1.1,
         notes="without gradients, random weights; batch norm is folded into the convolutions by tinygan's extractor, "
               "and by PyTorch's torch.nn.utils.fusion where the label says so"),
    Case("memory", "peak memory of a DCGAN iteration", "torch", ("tinygan", "torch"), DCGAN, {**DCGAN, "batch": 16},
         SMALL_DCGAN, (25, 5), 1.2, 0.8, kind="memory",
         notes="growth of the resident set over what the process held after importing the library and running two tiny "
               "iterations; networks, moments and data included"),
    Case("frechet", "Frechet distance in 2048 dimensions", "scipy", ("tinygan", "scipy"),
         {"dimensions": 2048}, {"dimensions": 256}, {"dimensions": 6}, (30, 5), 0.3, 0.1,
         notes="against the formula with scipy.linalg.sqrtm of the product of the covariances; tinygan holds its "
               "LAPACK to one thread"),
    Case("prdc", "precision, recall, density, coverage of 5,000 x 2,048 features within 256 MiB", "numpy",
         ("tinygan", "scipy"), {"samples": 5000, "dimensions": 2048, "k": 5},
         {"samples": 1000, "dimensions": 256, "k": 5}, {"samples": 12, "dimensions": 3, "k": 2}, (30, 4),
         notes="against NumPy with all three matrices of distances in memory; both in float64; there is no target"),
)}


@dataclass
class Result:
    """What was measured in one case: ``parts``: part -> label -> one median time (seconds or bytes) per round."""

    case: Case
    parts: dict
    info: dict = field(default_factory=dict)
    load: dict = field(default_factory=dict)


__all__ = ["CASES", "Case", "REPORT_ONLY", "Result"]
