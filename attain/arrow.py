"""Columns between NumPy and Arrow, by their bytes.

pyarrow's own conversions (`pa.array`, `to_numpy`, Python scalars in `pyarrow.compute`) import pandas where it is
installed, which takes longer than a small run. What a run keeps is plain, so its bytes are handed over as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MOST_TEXT = 2**31 - 1  # bytes of a column of Arrow's `string`, whose offsets are int32


def to_arrow(columns: Mapping[str, NDArray[Any]] | pa.Table) -> pa.Table:
    """Columns as plain types that every reader knows: int64, float64, bool, string."""
    if isinstance(columns, pa.Table):
        return columns
    return pa.table({name: _plain(name, np.asarray(values)) for name, values in columns.items()})


def _plain(name: str, values: NDArray[Any]) -> pa.Array:
    match values.dtype.kind:
        case "b":
            return _of_bytes(pa.bool_(), len(values), np.packbits(values, bitorder="little"))
        case "i" | "u":
            if values.dtype.kind == "u" and len(values) and int(values.max()) > np.iinfo(np.int64).max:
                raise ValueError(f"the column {name!r} holds integers beyond 2^63: write keys as text")
            return _of_bytes(pa.int64(), len(values), values.astype(np.int64))
        case "f":
            return _of_bytes(pa.float64(), len(values), values.astype(np.float64))
        case "U" | "O":
            return _text(values)
    raise ValueError(f"the column {name!r} has the type {values.dtype}, which tables do not keep")


def _of_bytes(kind: pa.DataType, n: int, *parts: NDArray[Any]) -> pa.Array:
    return pa.Array.from_buffers(kind, n, [None, *(pa.py_buffer(np.ascontiguousarray(part)) for part in parts)])


def _text(values: NDArray[Any]) -> pa.Array:
    texts = [text.encode() for text in values.tolist()]
    ends = np.cumsum([0, *map(len, texts)])
    if ends[-1] > MOST_TEXT:
        return pa.array(values.tolist(), type=pa.string())  # in several chunks
    return _of_bytes(pa.string(), len(texts), ends.astype(np.int32), np.frombuffer(b"".join(texts), dtype=np.uint8))


def to_numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column of a stored table, without nulls, as an array of its own."""
    return np.concatenate([_values(chunk) for chunk in column.chunks or [column.combine_chunks()]])


def _values(chunk: pa.Array) -> NDArray[Any]:
    if pa.types.is_string(chunk.type):
        return np.array(chunk.to_pylist(), dtype=object)
    if pa.types.is_boolean(chunk.type):
        first, last = chunk.offset, chunk.offset + len(chunk)
        bits = np.frombuffer(chunk.buffers()[1] or b"", dtype=np.uint8)
        return np.unpackbits(bits, count=last, bitorder="little")[first:].astype(np.bool_)
    return np.from_dlpack(chunk)
