"""Checkpoints: bit-exact round trips, one clear error for bad files, and no file lost when a write fails."""
import errno
import io
import json
import math
import os
import pickle
import random
import signal
import stat
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygan.train import CheckpointError, load_checkpoint, save_checkpoint
from tinygan.train.checkpoint import STRUCTURE

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"G": {"w": np.arange(6, dtype=np.float32).reshape(2, 3)}, "step": 3, "k": 0.1, "betas": (0.0, 0.9), "x": None}


def same(a, b):
    """Whether two states are equal in type, dtype, shape and every bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(type(k) is type(m) and same(a[k], b[m]) for k, m in zip(a, b))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    return a == b


def test_same_sees_bits():
    assert same(math.nan, math.nan) and same({"a": [1, None]}, {"a": [1, None]})
    for a, b in [(0.0, -0.0), (1, 1.0), (True, 1), ([1], (1,)), ({1: 0}, {"1": 0}), (np.float32(1), 1.0),
                 (np.zeros(2, "f4"), np.zeros(2, "f8")), (np.zeros(2), np.zeros((2, 1))),
                 ({"a": 0, "b": 0}, {"b": 0, "a": 0})]:
        assert not same(a, b)


DTYPES = st.sampled_from(["?", "i1", "u1", "<i4", "<i8", "<u8", "<f2", "<f4", "<f8", ">f8", "<c8", "<U3", "S2"])
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), ARRAYS,
                   st.sampled_from([np.float32(0.1), np.int64(-3), np.bool_(True), np.float64(math.nan)]))
STATES = st.recursive(LEAVES, lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple),
    st.dictionaries(st.one_of(st.text(max_size=4), st.integers()), inner, max_size=3)), max_leaves=8)


@given(state=STATES)
def test_round_trip(state, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "round_trip.npz"
    save_checkpoint(path, state)
    assert same(load_checkpoint(path), state)


@pytest.mark.parametrize("value", [math.inf, -math.inf, -0.0, 5e-324, 0.1, 2.0 ** 1023,
                                   struct.unpack(">d", bytes.fromhex("fff8000000000123"))[0]])
def test_floats_keep_every_bit(tmp_path, value):
    save_checkpoint(tmp_path / "a.npz", [value, np.float32(value) if abs(value) < 1e30 else None])
    assert struct.pack("d", load_checkpoint(tmp_path / "a.npz")[0]) == struct.pack("d", value)


def test_loaded_arrays_are_writable_and_contiguous(tmp_path):
    save_checkpoint(tmp_path / "a.npz", SMALL)
    weight = load_checkpoint(tmp_path / "a.npz")["G"]["w"]
    assert weight.flags.writeable and weight.flags.c_contiguous and weight.flags.aligned


def test_the_same_state_gives_the_same_bytes(tmp_path):
    for name in "ab":
        save_checkpoint(tmp_path / name, SMALL)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_numpy_opens_the_file(tmp_path):
    save_checkpoint(tmp_path / "a.npz", SMALL)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert np.array_equal(archive["arrays/0"], SMALL["G"]["w"])


@pytest.mark.parametrize("value, error, place", [
    (np.zeros((3, 4)).T, ValueError, "state['D']['x'][0]"),
    (np.zeros((2, 4, 4, 3)).transpose(0, 3, 1, 2), ValueError, "state['D']['x'][0]"),
    (np.array([None]), TypeError, "state['D']['x'][0]"),
    (np.zeros(2, [("a", "f4")]), TypeError, "state['D']['x'][0]"),
    (object(), TypeError, "state['D']['x'][0]"),
    ({1.5: 0}, TypeError, "state['D']['x'][0]"),
    ({None: 0}, TypeError, "state['D']['x'][0]"),
    ({1}, TypeError, "state['D']['x'][0]"),
])
def test_what_cannot_be_saved_is_named_and_nothing_is_written(tmp_path, value, error, place):
    path = tmp_path / "a.npz"
    save_checkpoint(path, SMALL)
    before = path.read_bytes()
    with pytest.raises(error, match="save_checkpoint: expected") as caught:
        save_checkpoint(path, {"D": {"x": [value]}})
    assert place in str(caught.value)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.npz"]


def refused(path, *words):
    """Assert that the file is refused with a message that names it and says `words`."""
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_every_truncation_is_refused(tmp_path):
    whole, cut = tmp_path / "whole.npz", tmp_path / "cut.npz"
    save_checkpoint(whole, SMALL)
    content = whole.read_bytes()
    for length in range(len(content)):
        cut.write_bytes(content[:length])
        refused(cut, "expected a tinygan checkpoint", f"got {length} bytes that are truncated")


def test_a_changed_byte_is_refused_or_harmless(tmp_path):
    """Every byte of a small file is changed in turn; dates and the like may change, the state never."""
    whole, changed = tmp_path / "whole.npz", tmp_path / "changed.npz"
    save_checkpoint(whole, SMALL)
    content, draw, refused_at = whole.read_bytes(), random.Random(0), set()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= draw.randrange(1, 256)
        changed.write_bytes(damaged)
        try:
            assert same(load_checkpoint(changed), SMALL)
        except CheckpointError as error:
            assert str(changed) in str(error)
            refused_at.add(position)
    with zipfile.ZipFile(whole) as archive:
        for name in archive.namelist():
            member = archive.read(name)
            start = content.index(member)
            assert refused_at >= set(range(start, start + len(member)))


def test_missing_and_empty_files_and_folders_are_refused(tmp_path):
    refused(tmp_path / "none.npz", "No such file")
    (tmp_path / "empty.npz").touch()
    refused(tmp_path / "empty.npz", "got 0 bytes")
    refused(tmp_path, "Is a directory")


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "foreign.npz"
    np.savez(path, a=np.zeros(3))
    refused(path, f"archive without {STRUCTURE}")
    path.write_bytes(pickle.dumps({"a": 1}))
    refused(path, "expected a tinygan checkpoint")
    path.write_text("hello\n" * 100)
    refused(path, "expected a tinygan checkpoint")


def rewritten(path, **documents):
    """Write a checkpoint with other members."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in documents.items():
            archive.writestr(name, content)


def document(state, version=1, name="tinygan checkpoint"):
    return {STRUCTURE: json.dumps({"format": name, "version": version, "state": state})}


def test_other_formats_and_versions_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    rewritten(path, **document(None, version=7))
    refused(path, "expected version 1", "got version 7")
    rewritten(path, **document(None, name="other"))
    refused(path, "got the format 'other'")


@pytest.mark.parametrize("state", [{"array": "arrays/5.npy"}, {"float": "12"}, {"set": []}, {"a": 1, "b": 2}, {}, 1.5,
                                   {"dict": [[[], 1]]}, {"dict": [1]}, {"float": None}, {"array": STRUCTURE}])
def test_damaged_structures_are_refused(tmp_path, state):
    path = tmp_path / "a.npz"
    rewritten(path, **document(state))
    refused(path, "damaged")
    rewritten(path, **{STRUCTURE: "{"})
    refused(path, "damaged")


class Dangerous:
    """Pickled, it runs a program when it is loaded."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_loading_executes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    objects = np.empty(1, object)
    objects[0] = Dangerous()
    member = io.BytesIO()
    np.lib.format.write_array(member, objects, allow_pickle=True)
    rewritten("a.npz", **document({"array": "arrays/0.npy"}), **{"arrays/0.npy": member.getvalue()})
    refused("a.npz", "allow_pickle=False")
    assert not Path("executed").exists()
    np.load("a.npz", allow_pickle=True)["arrays/0"]      # the file is as dangerous as it is meant to be
    assert Path("executed").exists()


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_earlier_file(tmp_path, monkeypatch, function, error):
    path = tmp_path / "a.npz"
    save_checkpoint(path, SMALL)

    def fail(*args):
        raise error
    monkeypatch.setattr(os, function, fail)
    with pytest.raises(CheckpointError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        save_checkpoint(path, {"other": 1})
    monkeypatch.undo()
    if isinstance(error, OSError):
        assert str(path) in str(caught.value) and "No space left on device" in str(caught.value)
    assert os.listdir(tmp_path) == ["a.npz"] and same(load_checkpoint(path), SMALL)


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be flushed")
def test_the_file_is_flushed_before_it_is_renamed_and_the_folder_after(tmp_path, monkeypatch):
    calls, fsync, replace = [], os.fsync, os.replace

    def log_fsync(descriptor):
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else os.fstat(descriptor).st_size)
        fsync(descriptor)

    def log_replace(source, target):
        calls.append("rename")
        replace(source, target)
    monkeypatch.setattr(os, "fsync", log_fsync)
    monkeypatch.setattr(os, "replace", log_replace)
    save_checkpoint(tmp_path / "a.npz", SMALL)
    assert calls == [(tmp_path / "a.npz").stat().st_size, "rename", "folder"]


def test_a_full_disk(tmp_path):
    """A limit on the size of files makes a real write fail in the middle, as a full disk does."""
    path = tmp_path / "a.npz"
    save_checkpoint(path, SMALL)
    script = (f"import resource, signal, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
              "import numpy as np\nfrom tinygan.train import CheckpointError, save_checkpoint\n"
              "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
              "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
              f"try:\n    save_checkpoint({str(path)!r}, {{'a': np.zeros(100_000)}})\n"
              "except CheckpointError as error:\n    print(error)\n")
    pytest.importorskip("resource", reason="no limits on file sizes on this system")
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "File too large; nothing was changed" in result.stdout, result.stderr
    assert os.listdir(tmp_path) == ["a.npz"] and same(load_checkpoint(path), SMALL)


def test_a_path_that_cannot_be_written(tmp_path):
    with pytest.raises(CheckpointError, match="No such file or directory"):
        save_checkpoint(tmp_path / "none" / "a.npz", SMALL)
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="Not a directory"):
        save_checkpoint(tmp_path / "file" / "a.npz", SMALL)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(CheckpointError, match="Is a directory"):
        save_checkpoint(tmp_path / "folder.npz", SMALL)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.npz"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_an_unwritable_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(CheckpointError, match="Permission denied"):
            save_checkpoint(tmp_path / "a.npz", SMALL)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_process_leaves_a_whole_file(tmp_path):
    path = tmp_path / "a.npz"
    script = (f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
              "import numpy as np\nfrom tinygan.train import save_checkpoint\n"
              "for n in range(10**9):\n"
              f"    save_checkpoint({str(path)!r}, {{'n': n, 'a': np.full(200_000, n)}})\n"
              "    print(n, flush=True)\n")
    for delay in (0.0, 0.003, 0.011):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        process.stdout.readline()                        # one checkpoint is complete
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        state = load_checkpoint(path)
        assert (state["a"] == state["n"]).all()
