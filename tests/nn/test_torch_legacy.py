"""PyTorch's files of before 1.6, written here byte by byte: what is read, and that nothing else is or can do harm."""
import os
import pickle

import numpy as np
import pytest

from tinygan import nn

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2)  # the numbers are those of torch/serialization.py
VALUES = np.arange(12, dtype="<f4")


def literal(x) -> bytes:
    """The instructions that push a plain object."""
    return pickle.dumps(x, 2)[2:-1]


def storage(key="0", kind="FloatStorage", count=12, view=None) -> bytes:
    return (b"(" + literal("storage") + f"ctorch\n{kind}\n".encode() + literal(key) + literal("cpu") + literal(count)
            + literal(view) + b"tQ")


def tensor(store, size=(3, 4), stride=(4, 1), offset=0) -> bytes:
    return (b"ctorch._utils\n_rebuild_tensor_v2\n(" + store + literal(offset) + literal(size) + literal(stride)
            + b"\x89ccollections\nOrderedDict\n)RtR")


def stored(count, data=VALUES.tobytes()) -> bytes:
    return count.to_bytes(8, "little") + data


def old_file(body, keys=("0",), storages=stored(12), version=1001, little=True, magic=MAGIC) -> bytes:
    types = {"protocol_version": 1001, "little_endian": little, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    return (magic + pickle.dumps(version, 2) + pickle.dumps(types, 2) + b"\x80\x02" + body + b"."
            + pickle.dumps(list(keys), 2) + storages)


def two() -> bytes:
    body = b"}(" + literal("a") + tensor(storage("7")) + literal("b") + \
        tensor(storage("12", "LongStorage", 1), (), ()) + literal("c") + tensor(storage("7"), (2,), (5,), 1) + b"u"
    return old_file(body, ("12", "7"), stored(1, (5).to_bytes(8, "little")) + stored(12))


@pytest.fixture
def load(tmp_path):
    def load(content):
        path = tmp_path / "x.pth"
        path.write_bytes(content)
        return nn.load_torch(path)
    return load


def test_storages_come_in_the_order_of_the_keys_and_are_shared(load):
    state = load(two())
    assert (state["a"] == VALUES.reshape(3, 4)).all() and state["a"].dtype == np.float32
    assert state["b"].shape == () and state["b"] == 5 and state["b"].dtype == np.int64
    assert state["c"].tolist() == [1, 6] and np.shares_memory(state["a"], state["c"])
    assert not state["a"].flags.writeable


@pytest.mark.parametrize("content, match", [
    (old_file(tensor(storage()), version=1002), "version 1001"),
    (old_file(tensor(storage()), little=False), "little-endian"),
    (old_file(tensor(storage()), magic=pickle.dumps(7, 2)), "a zip file of torch.save, or one in its format before"),
    (old_file(tensor(storage(view=("v", 0, 2)))), "a reference to a storage"),
    (old_file(tensor(storage(kind="QInt8Storage"))), "QInt8Storage"),
    (old_file(tensor(storage(count=1 << 70)), storages=stored(12)), "1180591620717411303424 elements"),
    (old_file(tensor(storage()), storages=stored(11)), "12 elements of f4 in storage '0'"),
    (old_file(tensor(storage(), (3, 5))), "within the 12 elements"),
    (old_file(tensor(storage()), ("1",)), "the 1 storages of the object"),
    (old_file(tensor(storage()), ("0", "0")), "the 1 storages of the object"),
    (old_file(b"cos\nsystem\n(" + literal("echo") + b"tR"), "the global os.system, which is not loaded")])
def test_another_file_gets_one_error(load, content, match):
    with pytest.raises(ValueError, match="^load_torch: expected .*" + match):
        load(content)


def test_every_truncation_is_refused(load):
    content = two()
    for n in range(0, len(content), 2):
        with pytest.raises(ValueError, match="^load_torch: expected"):
            load(content[:n])


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_load_or_get_one_error_and_nothing_runs(load, seed, monkeypatch):
    monkeypatch.setattr(os, "system", lambda *_: pytest.fail("a file ran a command"))
    rng, content, refused = np.random.default_rng(seed), np.frombuffer(two(), np.uint8), 0
    for _ in range(120):
        damaged = content.copy()
        for at in rng.integers(0, len(content), rng.integers(1, 4)):
            damaged[at] = rng.integers(0, 256)
        try:
            load(damaged.tobytes())
        except ValueError as error:
            assert str(error).startswith("load_torch: expected")
            refused += 1
    assert refused > 40
