"""min over x, max over y of x y: gradient steps do not find the saddle (0, 0).

The flow x' = -y, y' = x keeps r^2 = x^2 + y^2. Steps of size h taken at the same time multiply r^2 by exactly 1 + h^2
each, so the players spiral out. Steps in turn (x first) keep x^2 + y^2 - h x y, so they go round for ever. Historical
averaging, c |theta - mean|^2 in each player's loss, ends it. The picture: the three orbits, and r over the steps.
"""

from __future__ import annotations

import numpy as np

from tinygan.losses import HistoricalAveraging
from tinygan.optim import SGD, minimize
from tinygan.tensor import Parameter
from tinygan.theory.registry import entry

START = (1.0, 1.0)


def orbit(steps: int, h: float = 0.1, simultaneous: bool = True, averaging: float = 0.0) -> np.ndarray:
    """(steps + 1, 2): the positions (x, y) of the two players, who step down x y and -x y with rate h."""
    x, y = (Parameter(np.array(value)) for value in START)
    x_opt, y_opt = SGD([x], lr=h), SGD([y], lr=h)
    x_past, y_past = (HistoricalAveraging([p], averaging) for p in (x, y))

    def x_loss():
        return x * y + x_past.term() if averaging else x * y

    def y_loss():
        return y_past.term() - x * y if averaging else -(x * y)

    path = [START]
    for _ in range(steps):
        if simultaneous:
            minimize((x_opt, x_loss()), (y_opt, y_loss()))
        else:
            x_opt.minimize(x_loss())
            y_opt.minimize(y_loss())
        if averaging:
            x_past.update()
            y_past.update()
        path.append((x.item(), y.item()))
    return np.array(path)


def radius(path) -> np.ndarray:
    """r = sqrt(x^2 + y^2) at every step."""
    return np.hypot(path[:, 0], path[:, 1])


def invariant(path, h: float) -> np.ndarray:
    """x^2 + y^2 - h x y, which steps in turn keep."""
    return (path ** 2).sum(1) - h * path[:, 0] * path[:, 1]


@entry("T16", "bilinear-game", title="min over x, max over y of x y: orbits instead of convergence",
       paper="Salimans et al. 2016, section 3", arxiv="1606.03498")
def bilinear_game(found, seed=0, steps=5000, h=0.1):
    together, turns = orbit(steps, h), orbit(steps, h, simultaneous=False)
    averaged = orbit(steps, h, averaging=0.1)
    growth = radius(together) ** 2 / (2 * (1 + h * h) ** np.arange(steps + 1))
    found.equal("r^2 / (2 (1 + h^2)^k), simultaneous, worst k", growth[np.argmax(abs(growth - 1))], 1, 1e-9)
    if steps >= 100:
        found.equal("r^2 after 100 simultaneous steps", radius(together)[100] ** 2, 2 * (1 + h * h) ** 100, 1e-9)
    kept = invariant(turns, h)
    found.equal("x^2 + y^2 - h x y, in turn, worst step", kept[np.argmax(abs(kept - 1.9))], 2 - h, 1e-9)
    found.at_most("r with historical averaging c = 0.1, last step", radius(averaged)[-1], 1e-2)
    found.at_least("r without it (c = 0), last step", radius(together)[-1], 2 ** 0.5)
    found.picture(lambda: draw(together, turns, averaged), "bilinear-game.png")


def draw(together, turns, averaged):
    """Orbits in the plane, and their radii."""
    from tinygan.theory.pictures import figure, finish
    made, (plane, radii) = figure(2, title="min over x, max over y of x y, steps of size 0.1 from (1, 1)")
    for path, name, colour in ((together, "simultaneous", "C3"), (turns, "in turn", "C0"),
                               (averaged, "simultaneous, historical averaging", "C2")):
        plane.plot(*path[:250].T, color=colour, label=name, linewidth=1)
        radii.semilogy(radius(path), color=colour, label=name, linewidth=1)
    plane.plot(*START, "k.", label="start")
    plane.plot(0, 0, "k+", markersize=10, label="the saddle")
    plane.set_aspect("equal")
    radii.set_ylim(1e-4, 1e4)
    finish(plane, "The first 250 steps", "x", "y")
    finish(radii, "Distance to the saddle", "step", "r")
    return made
