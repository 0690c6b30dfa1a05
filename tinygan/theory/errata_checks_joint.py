"""Errata, chapter 6: mutual information and its bound, joint distributions, conditions, pairs of image and text."""

from __future__ import annotations

import numpy as np

from tinygan import losses
from tinygan.tensor import Tensor
from tinygan.theory.checked import Checked, check
from tinygan.theory.mutual_information import CHANNEL, CODE, bound, entropy, information, kl_gap, posterior

GUESS = np.random.default_rng(0).dirichlet(np.ones(3), 3)  # Q(c | x), a row for each x, of a net that nobody trained


@check("6.1")
def the_last_line_is_an_equality():
    resampled = entropy(CODE) + (CODE @ CHANNEL) @ (posterior(CODE, CHANNEL) * np.log(GUESS)).sum(axis=1)
    yield Checked("what is lost from the fourth line to the fifth, marked like the loss from the third to the fourth",
                  kl_gap(GUESS, CODE, CHANNEL), resampled - bound(GUESS, CODE, CHANNEL), 0.0,
                  "both are means over p(c, x)", 1e-12)


@check("6.2")
def the_bound_needs_q_in_the_minimiser():
    known = information(CODE, CHANNEL)
    yield Checked("the information that the generator is paid for while Q stays untrained, in nats", known,
                  bound(GUESS, CODE, CHANNEL), known - kl_gap(GUESS, CODE, CHANNEL), "I - E KL(P || Q)", 1e-12)


@check("6.4")
def marginals_do_not_tell_the_joint():
    couplings = [np.array([[0.5, 0], [0, 0.5]]), np.array([[0, 0.5], [0.5, 0]]), np.full((2, 2), 0.25)]
    # each discriminator sees its own side, so all losses are functions of the marginals, and those are equal
    assert np.ptp([joint.sum(axis=side) for joint in couplings for side in (0, 1)]) == 0
    agreement = [np.trace(joint) for joint in couplings]
    yield Checked("range of P(both bits agree) over three joints with equal marginals and equal losses, 'constrained'",
                  0.0, max(agreement) - min(agreement), 1.0, "(c, c) agrees always, (c, 1 - c) never")


@check("6.5")
def parts_of_a_sum_are_not_unique():
    x, n = np.random.default_rng(0).normal(size=(2, 6))
    shift = 0.7
    yield Checked("change of what D sees, and of the first part, when X + .7 and N - .7 take the places of X and N",
                  (shift, shift), (np.abs((x + shift) + (n - shift) - (x + n)).max(), np.abs((x + shift) - x).max()),
                  (0, shift), "a + .7 - .7", 1e-12)


@check("6.6")
def a_blind_discriminator_cannot_punish():
    asked = np.arange(4)
    wrong = (asked + 1) % 4
    scores = np.array([0.5, -1.0, 2.0, 0.3])  # of the four classes, by a D that does not see what was asked for

    def punishment(score):
        return (float(losses.non_saturating.g(Tensor(score(wrong)))) -
                float(losses.non_saturating.g(Tensor(score(asked)))))
    yield Checked("extra loss of a generator that swaps all classes: D without the label, D with it",
                  punishment(lambda made: scores[made]), punishment(lambda made: np.where(made == asked, 3.0, -3.0)),
                  3.0, "sp(3) - sp(-3) = 3", 1e-12)


@check("6.8")
def weights_of_the_three_pairs():
    grid = np.linspace(1e-4, 1 - 1e-4, 9999)

    def best(negatives):
        return grid[np.argmin(-np.log(grid) - negatives * 2 * np.log(1 - grid))]
    # the grid has steps of 1e-4
    yield Checked("best score where real, wrong-text and fake pairs are equally likely", best(1.0), best(0.5), 0.5,
                  "1 / (1 + 1/2 + 1/2)", 1e-4)
