"""Arrow arrays and scalars without pandas.

``pa.array``, ``pa.scalar`` and a Python value in a compute call would import it, where installed, and a second is lost.
"""

from __future__ import annotations

from array import array as pack
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["FALSE", "integer_scalar", "listed", "number_scalar", "text_scalar"]


def listed(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """An Arrow array of strings, int64 or float64, none of them missing."""
    if kind != pa.string():
        packed = pack("d" if kind == pa.float64() else "q", values)
        return pa.Array.from_buffers(kind, len(packed), [None, pa.py_buffer(packed)])
    encoded = [value.encode() for value in values]
    offsets = pack("i", accumulate(map(len, encoded), initial=0))
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def number_scalar(value: float) -> pa.Scalar:
    """An Arrow float64."""
    return listed([value], pa.float64())[0]


def integer_scalar(value: int) -> pa.Scalar:
    """An Arrow int64."""
    return listed([value], pa.int64())[0]


def text_scalar(value: str) -> pa.Scalar:
    """An Arrow string."""
    return listed([value], pa.string())[0]


FALSE = pc.equal(integer_scalar(0), integer_scalar(1))
"""An Arrow boolean."""
