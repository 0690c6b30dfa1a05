import pytest

from tinygan import random


@pytest.fixture(autouse=True)
def _fresh_streams():
    """Every test starts at seed 0 and leaves the global streams as they were."""
    before = random.get_state()
    random.manual_seed(0)
    yield
    random.set_state(before)
