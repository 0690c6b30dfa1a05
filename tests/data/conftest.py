import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from tinygan import random
from tinygan.data.idx import TYPES

CODES = {name: code for code, name in TYPES.items()}


def idx_bytes(array):
    """The IDX form of an array, written here from the format's description and not with the package's reader."""
    header = bytes([0, 0, CODES[array.dtype.name], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def write_idx(tmp_path):
    """write_idx(name, array, folder=None) writes an IDX file, compressed when the name ends in .gz."""
    def write(name, array, folder=None):
        path = (folder or tmp_path) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = idx_bytes(np.asarray(array))
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
        return path
    return write


def _official(name):
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / name
    if not folder.is_dir():
        pytest.skip(f"the official files of {name} are not beside this checkout")
    return folder


@pytest.fixture
def official_mnist():
    return _official("mnist")


@pytest.fixture
def official_fashion_mnist():
    return _official("fashion-mnist")


@pytest.fixture(autouse=True)
def _fresh_streams():
    """Every test starts at seed 0 and leaves the global streams as they were."""
    before = random.get_state()
    random.manual_seed(0)
    yield
    random.set_state(before)
