"""The health line: what a training run looks like, in words, from a few numbers."""

from __future__ import annotations

from tinygan import backend
from tinygan.gans.base import untraced

PATIENCE = 500    # steps that a bad state must last before it is called by its name
SEPARATED = 0.99  # accuracy from which D is said to tell everything apart
SPREAD = 0.1      # samples that differ less than this share of what real ones do are said to be collapsed
FAINT = 1e-3      # a gradient shorter than this share of the longest one of the run counts as none
HUGE = 1e6        # losses and gradients beyond this are said to diverge


def measure(gan, x) -> dict:
    """D's accuracies and the diversity of the samples on one batch ``x``, as scalars on the device.

    ``d_real`` (``d_fake``): the share of real (generated) samples whose score is above (below) the middle of the two
    mean scores: that is defined for logits and for critics alike; 0.5 is blind. ``diversity``: the standard deviation
    of the samples over that of the real batch, over all features. The training is left as it was.
    """
    with untraced(*gan.modules().values()):
        real, fake, x, samples = gan.scores(x)
    real, fake = real.data, fake.data
    middle = (real.mean() + fake.mean()) / 2
    return {"d_real": (real > middle).mean(), "d_fake": (fake < middle).mean(),
            "diversity": _spread(samples.data) / (_spread(x.data) + 1e-12)}


def _spread(x):
    return backend.array_module(x).sqrt(x.var(axis=0).mean())


class Health:
    """Turns the figures of a log record into one line, and remembers for how long things have been bad."""

    def __init__(self):
        self.since, self.longest = {}, {}

    def look(self, step: int, record: dict) -> str:
        """The line for the record of this step: what is wrong, or else a line that begins with "ok".

        A critic may tell everything apart and still teach: saturated is only who leaves G without a gradient.
        """
        for key, value in record.items():
            if key.endswith("_gradient"):
                self.longest[key] = max(self.longest.get(key, 0.0), value)
        huge = [key for key, value in record.items() if key.endswith(("_loss", "_gradient")) and not abs(value) < HUGE]
        lines = []
        if huge:
            lines.append(f"diverged: {huge[0]} is {record[huge[0]]:.3g}")
        lasted = self._lasted("separated", step, min(record["d_real"], record["d_fake"]) >= SEPARATED)
        separated = f"accuracy {min(record['d_real'], record['d_fake']):.2f} for {lasted} steps"
        if lasted >= PATIENCE and self._faint(record, "g_gradient"):
            lines.append(f"D saturated: {separated}, G receives no gradient")
        if self._lasted("collapsed", step, record["diversity"] < SPREAD) >= PATIENCE:
            lines.append(f"collapsed: samples differ {record['diversity']:.2f} times as much as real ones")
        return "; ".join(lines) or (f"ok (D tells all apart: {separated}; G still receives gradient)"
                                    if lasted >= PATIENCE else "ok")

    def _lasted(self, name: str, step: int, bad: bool) -> int:
        if not bad:
            self.since.pop(name, None)
            return 0
        return step - self.since.setdefault(name, step)

    def _faint(self, record, key) -> bool:
        return record.get(key, 1.0) <= FAINT * self.longest.get(key, 0.0)

    def state_dict(self) -> dict:
        return {"since": dict(self.since), "longest": dict(self.longest)}

    def load_state_dict(self, state: dict) -> None:
        self.since, self.longest = dict(state["since"]), dict(state["longest"])


__all__ = ["Health", "measure"]
