"""The reader of PyTorch's checkpoints on files written here byte by byte: what it builds, and all that it refuses.

Files of PyTorch itself are read in tests/reference.
"""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from tinygan import nn

BYTES = np.arange(12, dtype="<f4").tobytes()


def literal(x) -> bytes:
    """The instructions that push a plain object."""
    return pickle.dumps(x, 2)[2:-1]


def name(module, of) -> bytes:
    return f"c{module}\n{of}\n".encode()


def storage(key="0", kind="FloatStorage", count=12) -> bytes:
    return b"(" + literal("storage") + name("torch", kind) + literal(key) + literal("cpu") + literal(count) + b"tQ"


def tensor(store, size=(3, 4), stride=(4, 1), offset=0, function="_rebuild_tensor_v2", last=b"") -> bytes:
    hooks = name("collections", "OrderedDict") + b")R"
    return (name("torch._utils", function) + b"(" + store + literal(offset) + literal(size) + literal(stride)
            + b"\x89" + hooks + last + b"tR")


def archive(body: bytes, members=(("data/0", BYTES),), compression=zipfile.ZIP_STORED, folder="x") -> bytes:
    """The bytes of a checkpoint whose pickle has these instructions."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as out:
        for key, content in (("data.pkl", b"\x80\x02" + body + b"."), *members):
            out.writestr(f"{folder}/{key}", content)
    return file.getvalue()


@pytest.fixture
def load(tmp_path):
    def load(content):
        path = tmp_path / "x.pth"
        path.write_bytes(content)
        return nn.load_torch(path)
    return load


def test_a_tensor_is_a_read_only_view_of_its_storage(load):
    x = load(archive(tensor(storage())))
    assert x.dtype == np.float32 and (x == np.arange(12).reshape(3, 4)).all() and not x.flags.writeable
    assert load(archive(tensor(storage(), (2, 2), (1, 8), 2))).tolist() == [[2, 10], [3, 11]]
    assert load(archive(tensor(storage(), (2, 3), (0, 1)))).tolist() == [[0, 1, 2], [0, 1, 2]]
    assert load(archive(tensor(storage(), (), ()))).shape == () and load(archive(tensor(storage(), (0, 5)))).size == 0


@pytest.mark.parametrize("kind, dtype", [
    ("Double", "f8"), ("Float", "f4"), ("Half", "f2"), ("Long", "i8"), ("Int", "i4"), ("Short", "i2"), ("Char", "i1"),
    ("Byte", "u1"), ("Bool", "?"), ("ComplexFloat", "c8"), ("ComplexDouble", "c16")])
def test_dtypes_and_byte_orders(load, kind, dtype):
    values = (np.random.default_rng(0).integers(0, 2, 5)).astype(dtype)
    body = tensor(storage(kind=kind + "Storage", count=5), (5,), (1,))
    for order, member in (("<", b"little"), (">", b"big")):
        content = values.astype(values.dtype.newbyteorder(order)).tobytes()
        x = load(archive(body, [("data/0", content), ("byteorder", member)]))
        assert x.dtype == np.dtype(dtype) and (x == values).all()


def test_bfloat16_becomes_float32_exactly(load):
    upper = np.array([0x3F80, 0xC049, 0x7F80, 0x0001], np.uint16)  # 1, -3.140625, infinity, the smallest subnormal
    x = load(archive(tensor(storage(kind="BFloat16Storage", count=4), (4,), (1,)), [("data/0", upper.tobytes())]))
    assert x.dtype == np.float32 and x.tolist() == [1.0, -3.140625, np.inf, 2.0 ** -133]


def test_storages_of_bytes_with_a_dtype(load):
    store = b"(" + literal("storage") + name("torch.storage", "UntypedStorage") + literal("0") + literal("cpu") \
        + literal(6) + b"tQ"
    x = load(archive(tensor(store, (3,), (1,), 0, "_rebuild_tensor_v3", name("torch", "uint16")),
                     [("data/0", np.array([1, 2, 65535], np.uint16).tobytes())]))
    assert x.dtype == np.uint16 and x.tolist() == [1, 2, 65535]


def test_a_tensor_with_attributes_is_read_without_them(load):
    plain = tensor(storage())
    function, arguments = plain[:plain.index(b"(")], plain[plain.index(b"("):-1]
    wrapped = name("torch._tensor", "_rebuild_from_type_v2") + b"(" + function + name("torch", "Tensor") + arguments
    assert load(archive(wrapped + literal({"_is_buffer": True}) + b"tR")).shape == (3, 4)


def test_calls_within_calls_end_in_one_error(load):
    function = name("torch._tensor", "_rebuild_from_type_v2")
    depth = 5000
    with pytest.raises(ValueError, match="load_torch: expected a pickle as torch.save writes it .*Recursion"):
        load(archive(function + (b"(" + function + b"N") * depth + b")" + b"Nt" * depth + b"R"))


def test_containers_numbers_and_strings(load):
    value = {"epoch": 3, "lr": 0.5, "name": "ü", "big": 2 ** 70, "none": None, "flags": [True, False], 4: (1, (2,), ()),
             "nested": {"a": {}}, "b": b"bytes"}
    for protocol in (2, 3, 4, 5):
        value.pop("b", None) if protocol == 2 else None  # bytes need a function call there
        body = pickle.dumps(value, protocol)
        assert load(archive(body[2:-1])) == value
    ordered = name("collections", "OrderedDict") + b"(]" + literal(("k", 1)) + b"a" + literal(("a", 2)) + b"atR"
    assert list(load(archive(ordered)).items()) == [("k", 1), ("a", 2)]
    assert load(archive(name("torch", "Size") + b"(" + literal((2, 3)) + b"tR")) == (2, 3)


def test_attributes_of_an_ordered_dict_are_left_out(load):
    ordered = name("collections", "OrderedDict") + b")R" + literal("w") + tensor(storage()) + b"s"
    x = load(archive(ordered + literal({"_metadata": {"": {"version": 1}}}) + b"b"))
    assert type(x) is dict and list(x) == ["w"] and x["w"].shape == (3, 4)


def test_a_storage_that_is_shared_is_read_once(load):
    pair = b"(" + tensor(storage()) + tensor(storage(), (4,), (1,), 8) + b"t"
    a, b = load(archive(pair))
    assert np.shares_memory(a, b) and (a[2] == b).all()


def test_a_module_takes_what_was_loaded(load):
    body = b"}(" + literal("weight") + tensor(storage()) + literal("bias") + tensor(storage(), (3,), (2,), 1) + b"u"
    layer = nn.Linear(4, 3)
    layer.load_state_dict(load(archive(body)))
    assert (layer.weight.numpy() == np.arange(12).reshape(3, 4)).all() and layer.bias.numpy().tolist() == [1, 3, 5]
    layer.weight.assign(0.0)  # a copy: the parameter can be written


class Attack:
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize("call, arguments, path", [
    (os.system, ("touch forbidden",), r"(posix|nt)\.system"), (eval, ("1",), r"(__builtin__|builtins)\.eval"),
    (getattr, ({}, "get"), r"(__builtin__|builtins)\.getattr"), (io.open, ("forbidden", "w"), r"io\.open"),
    (pickle.loads, (b"",), r"_?c?[pP]ickle\.loads"), (np.zeros, (3,), r"numpy\.zeros")])
@pytest.mark.parametrize("protocol", [2, 4])
def test_any_other_global_is_refused_by_name(load, call, arguments, path, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"load_torch: expected arrays.* in .*x.pth, got the global " + path):
        load(archive(pickle.dumps({"w": Attack(call, *arguments)}, protocol)[2:-1]))
    assert not (tmp_path / "forbidden").exists()


class Plain:
    pass


@pytest.mark.parametrize("body, match", [
    (pickle.dumps(Plain(), 2)[2:-1], r"got the global .*Plain"),
    (b"(ios\nsystem\n", "instructions of torch.save in .*, got INST"),
    (name("collections", "OrderedDict") + b")\x81", "got NEWOBJ"),
    (b"cos\\c\nx\n", "a pickle"), (b"\x82\x01", "got EXT1"), (literal("x") + b"Q", "a pickle"),
    (name("collections", "OrderedDict") + literal({"__init__": 1}) + b"b", "a dict to be filled"),
    (literal("x") + literal({"y": 1}) + b"b", "a dict to be filled in .*, got str"),
    (literal("x") + b")R", "a function of torch.save .* got str"),
    (name("torch", "FloatStorage") + b")R", "a function of torch.save .* got torch.FloatStorage"),
    (name("torch.storage", "UntypedStorage") + b")R", "pickle as torch.save writes it"),
    (name("torch", "FloatStorage"), "one object"), (literal(1) + literal(2), "one object"),
    (b"}" + literal((1, 2)) + literal(1) + b"s", "keys that are strings or numbers .* got tuple"),
    (b"h\x07", "pickle as torch.save writes it"), (b"0", "pickle"), (b"t", "pickle"), (b"\xff", "a pickle"),
    (tensor(storage(count=13)), "13 elements of f4 in data/0 .* got 48 bytes"),
    (tensor(storage(), (4, 4)), "a tensor within the 12 elements"), (tensor(storage(), offset=1), "within the 12"),
    (tensor(storage(), (3, 4), (4, -1)), "a tensor's dtype, offset"), (tensor(storage(), (3,)), "a tensor's dtype"),
    (tensor(storage(), ("3",), (1,)), "a tensor's dtype"), (tensor(storage(), (True,), (1,)), "a tensor's dtype"),
    (tensor(storage(), (2 ** 62, 2 ** 62), (0, 0)), "a pickle"), (tensor(storage(), (2 ** 70,), (0,)), "pickle"),
    (tensor(storage("1")), "a whole data/1"), (tensor(storage("../data.pkl")), "a whole data/../data.pkl"),
    (tensor(literal("x")), "pickle as torch.save writes it"),
    (tensor(storage(kind="QInt8Storage")), "torch.QInt8Storage")])
def test_an_odd_pickle_gets_one_error(load, body, match):
    with pytest.raises(ValueError, match="load_torch: expected .*" + match):
        load(archive(body))


@pytest.mark.parametrize("content, match", [
    (b"", "a zip file of torch.save"), (pickle.dumps({}), "a zip file of torch.save"),
    (archive(literal(1), folder="a/b"), "one <name>/data.pkl"),
    (archive(tensor(storage()), compression=zipfile.ZIP_DEFLATED), "data.pkl uncompressed"),
    (archive(literal(1), [("byteorder", b"middle")]), "byteorder little or big")])
def test_another_file_gets_one_error(load, content, match):
    with pytest.raises(ValueError, match="load_torch: expected .*" + match):
        load(content)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        nn.load_torch(tmp_path / "none.pth")


def whole() -> bytes:
    return archive(b"}(" + literal("w") + tensor(storage()) + literal("l") + literal([1, 2.5, "x", None]) + b"u")


def test_every_truncation_is_refused(load):
    content = whole()
    for n in range(0, len(content), 3):
        with pytest.raises(ValueError, match="^load_torch: expected"):
            load(content[:n])


@pytest.mark.parametrize("seed", range(8))
def test_damaged_files_load_or_get_one_error(load, seed):
    rng, content, refused = np.random.default_rng(seed), np.frombuffer(whole(), np.uint8), 0
    for _ in range(60):
        damaged = content.copy()
        for at in rng.integers(0, len(content), rng.integers(1, 4)):
            damaged[at] = rng.integers(0, 256)
        try:
            load(damaged.tobytes())
        except ValueError as error:
            assert str(error).startswith("load_torch: expected")
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("seed", range(8))
def test_damaged_pickles_build_plain_objects_or_get_one_error(load, seed):
    # the checksums of the zip file hide most damage from the machine: here they are right
    rng = np.random.default_rng(seed)
    body = np.frombuffer(b"}(" + literal("w") + tensor(storage()) + literal("l") + literal([1, 2.5, "x", None]) + b"u",
                         np.uint8)
    for _ in range(80):
        damaged = body.copy()
        for at in rng.integers(0, len(body), rng.integers(1, 4)):
            damaged[at] = rng.integers(0, 256)
        try:
            load(archive(damaged.tobytes()))
        except ValueError as error:
            assert str(error).startswith("load_torch: expected")
