"""The weights of Inception-v3: the names in TensorFlow's graph, its file format, the cache, and damaged files."""
import io
import os
import tarfile

import numpy as np
import pooch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan import nn
from tinygan.data import DataError
from tinygan.metrics import InceptionV3
from tinygan.metrics.inception import find_weights, load_weights, save_weights
from tinygan.metrics.inception import weights as module
from tinygan.metrics.inception.graphdef import read_constants
from tinygan.metrics.inception.weights import checked, shapes, tensorflow_scopes

# A writer of GraphDefs: field (number, wire type) and value.


def varint(n: int) -> bytes:
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number: int, value) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + bytes(value)


def tensor_proto(array, how="content") -> bytes:
    kind = {"f4": 1, "i4": 3}[array.dtype.str[1:]]
    shape = b"".join(field(2, field(1, n)) for n in array.shape)
    data = {"content": lambda: field(4, array.tobytes()), "packed": lambda: field(5, array.tobytes()),
            "one by one": lambda: b"".join(varint(5 << 3 | 5) + x.tobytes() for x in array.ravel())}[how]()
    return field(1, kind) + field(2, shape) + field(3, 0) + data


def const(name: str, array, how="content") -> bytes:
    def attr(key, value):
        return field(5, field(1, key.encode()) + field(2, value))
    return field(1, field(1, name.encode()) + field(2, b"Const") + attr("dtype", field(6, 1))
                 + attr("value", field(8, tensor_proto(array, how))))


def other_node() -> bytes:
    """A node with inputs, an integer, a float, a double and a shape: all of it to be passed over."""
    attrs = [field(1, b"T") + field(2, field(6, 1)), field(1, b"f") + field(2, varint(4 << 3 | 5) + b"\0\0\0\0"),
             field(1, b"strides") + field(2, field(1, field(3, 2) + varint(9 << 3 | 1) + bytes(8)))]
    return field(1, field(1, b"conv/Conv2D") + field(2, b"Conv2D") + field(3, b"Mul") + field(4, b"/cpu:0")
                 + b"".join(field(5, a) for a in attrs))


def graph_of(weights) -> bytes:
    """The weights as TensorFlow's frozen graph has them."""
    names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    parts = [const("softmax/weights", np.ascontiguousarray(weights["fc.weight"].T)),
             const("softmax/biases", weights["fc.bias"]), other_node()]
    for name, scope in tensorflow_scopes().items():
        kernel = weights[f"{name}.conv.weight"].transpose(2, 3, 1, 0)
        parts.append(const(f"{scope}/conv2d_params", np.ascontiguousarray(kernel)))
        parts += [const(f"{scope}/batchnorm/{names[key]}", weights[f"{name}.bn.{key}"]) for key in names]
    return b"".join(parts)


@pytest.fixture
def weights(monkeypatch):
    """All 472 of them, but with a 16th of the channels: the files are small, and so is the network that is expected."""
    small = {key: tuple([n if n < 16 else n // 16 for n in shape]) for key, shape in shapes().items()}
    monkeypatch.setattr(module, "shapes", lambda: small)
    rng = np.random.default_rng(0)
    return {key: rng.random(shape, np.float32) for key, shape in small.items()}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder of the user's."""
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / name)
    return tmp_path / "tinygan" / "inception"


def same(a, b):
    return list(a) == list(b) and all(a[key].dtype == b[key].dtype and (a[key] == b[key]).all() for key in a)


def test_names_in_tensorflows_graph():
    scopes = tensorflow_scopes()
    assert len(set(scopes.values())) == 94
    stem = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"]
    assert [scopes[name] for name in stem] == ["conv", "conv_1", "conv_2", "conv_3", "conv_4"]
    blocks = dict(zip(("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"),
                      ["mixed", *[f"mixed_{i}" for i in range(1, 11)]]))
    a = {"branch1x1": "conv", "branch5x5_1": "tower/conv", "branch5x5_2": "tower/conv_1", "branch_pool": "tower_2/conv",
         **{f"branch3x3dbl_{i}": f"tower_1/conv{end}" for i, end in ((1, ""), (2, "_1"), (3, "_2"))}}
    b = {"branch3x3": "conv", **{f"branch3x3dbl_{i}": f"tower/conv{end}" for i, end in ((1, ""), (2, "_1"), (3, "_2"))}}
    c = {"branch1x1": "conv", "branch_pool": "tower_2/conv",
         **{f"branch7x7_{i}": f"tower/conv{end}" for i, end in ((1, ""), (2, "_1"), (3, "_2"))},
         **{f"branch7x7dbl_{i}": f"tower_1/conv{end}" for i, end in zip(range(1, 6), ("", "_1", "_2", "_3", "_4"))}}
    d = {"branch3x3_1": "tower/conv", "branch3x3_2": "tower/conv_1",
         **{f"branch7x7x3_{i}": f"tower_1/conv{end}" for i, end in zip(range(1, 5), ("", "_1", "_2", "_3"))}}
    e = {"branch1x1": "conv", "branch3x3_1": "tower/conv", "branch3x3_2a": "tower/mixed/conv",
         "branch3x3_2b": "tower/mixed/conv_1", "branch3x3dbl_1": "tower_1/conv", "branch3x3dbl_2": "tower_1/conv_1",
         "branch3x3dbl_3a": "tower_1/mixed/conv", "branch3x3dbl_3b": "tower_1/mixed/conv_1",
         "branch_pool": "tower_2/conv"}
    kinds = {"5": a, "6": c, "7": e}
    for block, scope in blocks.items():
        expected = {"6a": b, "7a": d}.get(block, kinds[block[0]])
        found = {name.split(".")[1]: of.removeprefix(scope + "/") for name, of in scopes.items()
                 if name.startswith(f"Mixed_{block}.")}
        assert found == expected, block


@pytest.mark.parametrize("how", ["content", "packed", "one by one"])
def test_constants_of_a_graph(how):
    a, b = np.arange(6, dtype=np.float32).reshape(1, 2, 3), np.float32([[7.5]])
    found = read_constants(const("x/a", a, how) + other_node() + const("b", b, how) + field(4, field(1, 21))
                           + const("scalar", np.float32(3).reshape(()), how) + const("int", np.ones(2, np.int32)))
    assert list(found) == ["x/a", "b", "scalar"]
    assert (found["x/a"] == a).all() and found["x/a"].shape == a.shape and found["x/a"].dtype == np.float32
    assert (found["b"] == b).all() and found["scalar"] == 3 and found["scalar"].shape == ()


SMALL = const("a", np.arange(12, dtype=np.float32).reshape(3, 4)) + other_node() + const("b", np.ones(2, np.float32))


def test_every_truncation_of_a_graph_is_an_error_or_a_shorter_graph():
    ends = [len(const("a", np.zeros((3, 4), np.float32)))]
    ends.append(ends[0] + len(other_node()))
    for n in range(len(SMALL)):
        if n in (0, *ends):
            assert len(read_constants(SMALL[:n])) == (n > 0)
            continue
        with pytest.raises(ValueError, match="^GraphDef: expected"):
            read_constants(SMALL[:n])


@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_graphs_are_arrays_or_one_error(changes):
    damaged = bytearray(SMALL)
    for at, value in changes:
        damaged[at] = value
    try:
        found = read_constants(bytes(damaged))
    except ValueError as error:
        assert str(error).startswith("GraphDef: expected")
    else:
        assert all(array.dtype == np.float32 and array.size <= 12 for array in found.values())


@given(st.binary(max_size=200))
def test_other_bytes_are_no_graph(content):
    try:
        assert read_constants(content) == {}
    except ValueError as error:
        assert str(error).startswith("GraphDef: expected")


def test_the_graph_is_read_from_the_cache_and_kept_as_npz(weights, cache):
    cache.mkdir(parents=True)
    graph = cache / "classify_image_graph_def.pb"
    graph.write_bytes(graph_of(weights))
    assert same(find_weights(), weights)
    assert sorted(os.listdir(cache)) == ["classify_image_graph_def.pb", "inception-2015-12-05.npz"]
    graph.unlink()
    assert same(find_weights(), weights) and same(load_weights(cache / "inception-2015-12-05.npz"), weights)


def test_a_cache_that_cannot_be_written_costs_time_alone(weights, cache, monkeypatch):
    cache.mkdir(parents=True)
    (cache / "classify_image_graph_def.pb").write_bytes(b"graph")
    monkeypatch.setattr(module, "load_weights", lambda path: weights)

    def full(*_):
        raise OSError(28, "No space left")
    monkeypatch.setattr(module, "save_weights", full)
    with pytest.warns(UserWarning, match="cannot write .*npz .No space left.; classify_image_graph_def.pb will be"):
        assert find_weights() is weights


def test_tensorflows_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_from_graph", lambda content: {"found": content})
    monkeypatch.setattr(module, "checked", lambda state: state)
    path = tmp_path / "inception-2015-12-05.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("LICENSE", b"x"), ("classify_image_graph_def.pb", b"graph")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert load_weights(path) == {"found": b"graph"}
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="InceptionV3: expected weights of Inception-v3 in .*tgz, got"):
        load_weights(path)


def test_without_weights_there_is_one_message(cache):
    with pytest.raises(DataError) as caught:
        InceptionV3()
    message = str(caught.value)
    assert message.startswith("InceptionV3: expected the weights pt_inception-2015-12-05-6726825d.pth (96 MB) in ")
    assert str(cache) in message
    assert "https://github.com/" in message and "download=True" in message and "\n" not in message
    assert not cache.exists()


def test_a_download_is_checked_by_its_whole_checksum(cache, monkeypatch):
    asked = {}

    def retrieve(url, **options):
        asked.update(options, url=url)
        raise ValueError("SHA256 hash of downloaded file does not match")
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(DataError, match="InceptionV3: expected to download https.*got ValueError: SHA256 .* put it in"):
        InceptionV3(download=True)
    assert asked["known_hash"].startswith("sha256:6726825d") and len(asked["known_hash"]) == 7 + 64
    assert asked["url"].endswith(asked["fname"]) and "-6726825d.pth" in asked["fname"] and asked["path"] == cache


def test_other_content_under_the_official_name_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "weights-inception-2015-12-05-6726825d.pth"
    path.write_bytes(b"PK")
    monkeypatch.setattr(nn, "load_torch", lambda path: pytest.fail("it was read"))
    with pytest.raises(DataError, match="expected weights of Inception-v3 in .*, got another SHA-256"):
        load_weights(path)


@pytest.mark.parametrize("name, content", [
    ("x.pb", SMALL), ("x.pb", b""), ("x.pb", b"\xff" * 40), ("x.pth", b"PK\3\4"), ("x.pth", b""), ("x.npz", b"PK\3\4"),
    ("x.npz", b""), ("x.tgz", b"\x1f\x8b"), ("x.tgz", b""), ("x.pth", b"cos\nsystem\n(S'echo'\ntR.")])
def test_damaged_files_get_one_error(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"InceptionV3: expected weights of Inception-v3 in .*{name}, got"):
        load_weights(path)


@pytest.mark.parametrize("name, match", [("none.pth", "in .*none.pth, got no such file"),
                                         ("x.bin", "in a file .pth, .npz, .tgz, .pb, got .*x.bin")])
def test_files_that_are_not_there_or_of_no_known_kind(tmp_path, name, match):
    with pytest.raises(DataError, match="InceptionV3: expected weights " + match):
        load_weights(tmp_path / name)


def test_pickled_arrays_are_not_loaded(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.array([{}], object))
    with pytest.raises(DataError, match="x.npz, got .*allow_pickle"):
        load_weights(tmp_path / "x.npz")


def changed(weights, **changes):
    state = {**weights, **{key.replace("__", "."): value for key, value in changes.items()}}
    return {key: value for key, value in state.items() if value is not None}


NAN, NEGATIVE = np.full(63, np.nan, np.float32), np.full(2, -1, np.float32)


@pytest.mark.parametrize("changes, match", [
    ({"fc__bias": None}, "1 keys missing .fc.bias. and 0 foreign ones"),
    ({"AuxLogits__fc__bias": NAN}, "0 keys missing .* 1 foreign ones .AuxLogits.fc.bias."),
    ({"fc__bias": NAN[:60]}, r"float32 \(60,\) in fc.bias where floats of shape \(63,\) belong"),
    ({"fc__bias": np.zeros(63, np.int64)}, "int64 .* in fc.bias"), ({"fc__bias": [0.0]}, "list in fc.bias"),
    ({"fc__bias": NAN}, "values in fc.bias that are not finite"),
    ({"Conv2d_1a_3x3__bn__running_var": NEGATIVE}, "negative variances")])
def test_other_weights_are_refused(weights, changes, match):
    state = changed(weights, **changes)
    with pytest.raises(ValueError, match=match):
        checked(state)


def test_counters_and_order_and_float64_do_not_matter(weights):
    state = {"Mixed_5b.branch1x1.bn.num_batches_tracked": np.array(7), **dict(reversed(weights.items()))}
    state["fc.bias"] = state["fc.bias"].astype(np.float64)
    assert same(checked(state), weights)


def test_a_dict_of_weights_is_checked_too():
    with pytest.raises(ValueError, match="InceptionV3: expected weights of Inception-v3, got 472 keys missing"):
        InceptionV3({})


def test_saving_leaves_no_half_file(tmp_path, weights, monkeypatch):
    def savez(file, **_):
        file.write(b"half")
        raise OSError(28, "full")
    monkeypatch.setattr(np, "savez", savez)
    with pytest.raises(OSError, match="full"):
        save_weights(tmp_path / "x.npz", weights)
    assert os.listdir(tmp_path) == []
