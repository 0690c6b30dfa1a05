"""The entries of ``tinygan theory`` as systems: what is computed there is judged over several seeds here."""

from system import System

from tinygan.theory.registry import entries

SYSTEMS = {number: System(number, entry.title, entry, seeds=5, minutes=0.25) for number, entry in entries().items()}
