"""Settings and fixtures shared by all tests."""
from hypothesis import HealthCheck, settings

# Derandomised: a red run is red again on the next machine. No deadline and no complaint about slow generation: CI
# machines are slow at times, and a timed test states nothing about the code.
settings.register_profile("tinygan", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tinygan")
