"""The constants of a frozen TensorFlow graph (GraphDef, .pb), read without TensorFlow.

Protocol buffers in brief: a message is a sequence of fields, each a key (field number times 8 plus wire type, a
varint) and a value - a varint (0), 8 bytes (1), a length and so many bytes (2: strings, and messages in messages) or
4 bytes (5). A varint has 7 bits per byte, the lowest first, and goes on while the top bit is set. The fields needed:

    GraphDef     1 node
    NodeDef      1 name, 2 op, 5 attr: a map, of entries with 1 key, 2 AttrValue
    AttrValue    8 tensor
    TensorProto  1 dtype (1: float), 2 tensor_shape, 4 tensor_content, 5 float_val
    TensorShape  2 dim, with 1 size

Source: protobuf.dev/programming-guides/encoding; graph, node_def, attr_value, tensor and tensor_shape.proto in
tensorflow/core/framework.
"""

from __future__ import annotations

import math

import numpy as np

FLOAT = 1  # DT_FLOAT
WIDTHS = {1: 8, 5: 4}
MOST_DIMENSIONS = 8


def read_constants(content) -> dict:
    """{name: float32 array} of all float constants in the bytes of a GraphDef. Raises ValueError for other bytes."""
    found = {}
    for number, kind, node in _fields(memoryview(content)):
        if (number, kind) == (1, 2):
            parts = _messages(node)
            if parts.get(2) == [b"Const"]:
                array = _constant(parts)
                if array is not None:
                    found[_text(parts.get(1, [b""])[-1])] = array
    return found


def _fields(message):
    """(field number, wire type, value) of every field: int for varints, memoryview for the others."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
        elif kind in (1, 2, 5):
            size, at = _varint(message, at) if kind == 2 else (WIDTHS[kind], at)
            if size > end - at:
                raise ValueError(f"GraphDef: expected {size} more bytes, got {end - at}: truncated, or no GraphDef")
            value, at = message[at:at + size], at + size
        else:
            raise ValueError(f"GraphDef: expected wire type 0, 1, 2 or 5, got {kind}: damaged, or no GraphDef")
        yield key >> 3, kind, value


def _varint(message, at: int) -> tuple[int, int]:
    """The varint at a position, and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("GraphDef: expected the rest of a number, got the end: truncated, or no GraphDef")
        byte, at = message[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("GraphDef: expected a number of at most 10 bytes, got a longer one: damaged, or no GraphDef")


def _messages(message) -> dict:
    """{field number: [values]} of the fields with wire type 2."""
    found = {}
    for number, kind, value in _fields(message):
        if kind == 2:
            found.setdefault(number, []).append(value)
    return found


def _text(value) -> str:
    return bytes(value).decode("utf-8", "replace")


def _constant(node: dict):
    """The array of a Const node, None when it is not of floats."""
    for entry in node.get(5, []):
        pair = _messages(entry)
        if pair.get(1) == [b"value"] and 2 in pair:
            tensor = _messages(pair[2][-1]).get(8)
            return _float_array(tensor[-1], _text(node.get(1, [b"?"])[-1])) if tensor else None
    return None


def _float_array(tensor, name: str):
    """The array of a TensorProto, None when it is not of floats."""
    dtype, shape, content, values = None, (), b"", b""
    for number, kind, value in _fields(tensor):
        if (number, kind) == (1, 0):
            dtype = value
        elif (number, kind) == (2, 2):
            shape = tuple(_sizes(value))
        elif (number, kind) == (4, 2):
            content = value
        elif number == 5 and kind in (2, 5):  # packed, or one by one
            values += bytes(value)
    if dtype != FLOAT:
        return None
    data, size = content or values, math.prod(shape)
    if len(data) != 4 * size or len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"GraphDef: expected {size} floats of {len(shape)} dimensions in constant {name[:80]!r}, got "
                         f"{len(data)} bytes: damaged, or no GraphDef")
    return np.frombuffer(data, "<f4").reshape(shape).astype(np.float32)


def _sizes(shape):
    """The sizes in a TensorShapeProto."""
    for dim in _messages(shape).get(2, []):
        yield next((value for number, kind, value in _fields(dim) if (number, kind) == (1, 0)), 0)


__all__ = ["read_constants"]
