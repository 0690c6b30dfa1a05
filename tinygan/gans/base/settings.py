"""Settings: from which layers a value comes, what it may be, and the text form that config.json and --set hold."""

from __future__ import annotations

import ast
import difflib

from tinygan.losses import ADVERSARIAL, AdversarialLoss, Penalty
from tinygan.losses.penalties import none, parse
from tinygan.models import NETWORKS, default_networks, network_settings


PENALTY_KEYS = ("penalty", "g_penalty")  # of D and, in variants that have one, of G


class SettingError(ValueError):
    """A setting that does not exist, or a value that it cannot have."""


def known_settings(gan, networks: str | None = None) -> dict:
    """Every setting of a class of GANs (with networks of a family) and its default, before recipes and users."""
    return {**(network_settings(networks) if networks else {}), **gan.defaults}


def resolve(gan, name: str, row: dict, given: dict, shape=None) -> dict:
    """The settings of a run: defaults of the networks < of the class < the recipe's ``row`` < what the user ``given``.

    With ``shape`` the networks are built by name, and their settings belong to the result; without, the caller has
    networks, and settings of building them are refused. Network settings of the class or the row that the chosen
    family does not have are left out; the user's own must be known. Raises SettingError, naming the nearest known one.
    """
    merged = {**gan.defaults, **row, **given}
    family, buildable = None, network_keys()
    if shape is not None:
        family = merged["networks"] = merged["networks"] or default_networks(shape)
    known = known_settings(gan, family)
    allowed = set(known) if family else {key for key in known if key not in buildable}
    for key in given:
        if key not in allowed:
            raise SettingError(_unknown(name, key, allowed, family, buildable))
        if key in gan.fixed and given[key] != gan.defaults[key]:
            raise SettingError(f"{name}: {key}: expected {gan.defaults[key]!r}, which its step is written for, got "
                               f"{given[key]!r}")
    settings = {**known, **{key: value for key, value in merged.items() if key in allowed}}
    return {key: check(name, key, settings[key], known[key]) for key in known if key in allowed}


def network_keys() -> set:
    """The settings of all families of networks, and the name of the family."""
    return {"networks"}.union(*map(network_settings, NETWORKS))


def _unknown(name, key, allowed, family, buildable) -> str:
    if family is None and key in buildable:
        return f"{name}: expected no setting of networks beside networks that are given, got {key!r}"
    near = difflib.get_close_matches(key, allowed, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(allowed))}"
    others = f" (networks {family!r} have no such setting)" if key in buildable else ""
    return f"{name}: unknown setting {key!r}{others}; {hint}"


def check(name: str, key: str, value, default):
    """``value`` in the form that the step uses: losses and penalties as objects, lists as tuples.

    Raises SettingError when its kind is not that of ``default`` (None accepts everything).
    """
    try:
        if key == "loss" and value is None and default is None:
            return None  # the step has a loss of its own
        if key == "loss":
            return value if isinstance(value, AdversarialLoss) else ADVERSARIAL[value]
        if key in PENALTY_KEYS:
            return none if value is None else value if isinstance(value, Penalty) else parse(value)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        expected = f"one of {', '.join(ADVERSARIAL)}" if key == "loss" else "a penalty such as 'r1(10)'"
        raise SettingError(f"{name}: {key}: expected {expected}, got {value!r}") from error
    if isinstance(default, (tuple, list)):
        whole = all(isinstance(part, int) for part in default)
        if not isinstance(value, (tuple, list)) or not value or not all(_is_number(part, whole) for part in value):
            raise SettingError(f"{name}: {key}: expected {'whole ' if whole else ''}numbers like {tuple(default)}, "
                               f"got {value!r}" + (f"; {value}, is a list of one" if _is_number(value, whole) else ""))
        return tuple(value)
    number = _is_number(value)
    if key == "d_lr" and default is None and not (value is None or number):
        raise SettingError(f"{name}: {key}: expected a number, or none for lr, got {value!r}")
    fits = (isinstance(value, bool) if isinstance(default, bool) else
            isinstance(value, int) and number if isinstance(default, int) else
            number if isinstance(default, float) else True)
    if not fits:
        kind = {bool: "True or False", int: "a whole number", float: "a number"}[type(default)]
        raise SettingError(f"{name}: {key}: expected {kind} like {default}, got {value!r}")
    return float(value) if isinstance(default, float) else value


def _is_number(value, whole: bool = False) -> bool:
    return isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)


def plain(settings: dict) -> dict:
    """Settings that JSON can hold; :func:`resolve` takes them back."""
    return {key: value.name if isinstance(value, AdversarialLoss) else repr(value) if isinstance(value, Penalty) else
            list(value) if isinstance(value, tuple) else value for key, value in settings.items()}


def from_text(text: str):
    """The value of the right-hand side of ``--set key=value``: a number, True, None, a tuple, else the text itself.

    >>> from_text("1e-4"), from_text("0, 0.9"), from_text("none"), from_text("r1(10)")
    (0.0001, (0, 0.9), None, 'r1(10)')
    """
    word = {"true": True, "false": False, "none": None}
    if text.strip().lower() in word:
        return word[text.strip().lower()]
    try:
        return ast.literal_eval(text.strip())
    except (SyntaxError, ValueError):
        return text.strip()


__all__ = ["SettingError", "check", "from_text", "known_settings", "network_keys", "plain", "resolve"]
