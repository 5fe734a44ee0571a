"""Number formats of WebGPU's shaders: which there are, and how a shader reads and writes them.

A shader computes with 32-bit numbers. Shorter ones lie packed in words of 32 bits, as NumPy keeps them, and are taken
apart; 64-bit ones do not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["FORMATS", "Format", "fitting", "format_of", "narrowed", "on_host", "result_format"]

Host = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Format:
    """How numbers of one format lie in a buffer.

    Attributes
    ----------
    kind : {"f32", "i32", "u32"}
        What a shader computes with.
    bits : int
        Length of one number.
    word : str
        Type of the buffer's elements, where one number is one element or several lie in one.
    read, bits_of : str
        Turns a word and the number's place into the number; turns a number into bits.
    """

    kind: str
    bits: int
    word: str = "u32"
    read: str = ""
    bits_of: str = ""

    @property
    def is_packed(self) -> bool:
        """Whether several numbers lie in one word."""
        return self.bits < 32


def _packed(kind: str, bits: int, bits_of: str) -> Format:
    per_word = 32 // bits
    read = f"extractBits({kind}({{word}}), {bits}u * u32({{at}} & {per_word - 1}), {bits}u)"
    return Format(kind, bits, "u32", read, bits_of)


FORMATS = {
    "float32": Format("f32", 32, "f32"),
    "int32": Format("i32", 32, "i32"),
    "uint32": Format("u32", 32, "u32"),
    "float16": Format("f32", 16, "u32", "half({word}, {at})", "pack2x16float(vec2<f32>({value}, 0.0))"),
    "int16": _packed("i32", 16, "u32({value})"),
    "uint16": _packed("u32", 16, "{value}"),
    "int8": _packed("i32", 8, "u32({value})"),
    "uint8": _packed("u32", 8, "{value}"),
    "bool": _packed("u32", 8, "{value}"),
}

#: 64 bits become 32, as in other libraries without them.
_NARROWER = {"int64": "int32", "uint64": "uint32"}


def format_of(dtype: np.dtype[Any]) -> Format:
    """Return how a format lies in a buffer."""
    return FORMATS[dtype.name]


def narrowed(dtype: Any) -> np.dtype[Any]:  # noqa: ANN401
    """Return the format that stands for ``dtype`` on the device: 64-bit integers become 32-bit ones.

    Raises
    ------
    TypeError
        If it is float64 or complex, which a shader does not have: another precision is no detail.
    ValueError
        If it is no number format, in the words of CuPy.
    """
    asked = np.dtype(dtype)
    found: np.dtype[Any] = np.dtype(_NARROWER.get(asked.name, asked.name)) if asked.kind in "biufc" else asked
    if found.name in FORMATS:
        return found
    if asked.kind in "fc":
        raise TypeError(f"WebGPU computes in float32 and has no {asked.name}; convert the numbers first, to float32")
    raise ValueError(f"Unsupported dtype {asked}")


def result_format(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the format of a result where NumPy's is ``dtype``: float64 comes from mixing here, and is float32."""
    return np.dtype(np.float32) if dtype == np.float64 else narrowed(dtype)


def fitting(numbers: Host) -> Host:
    """Return host numbers in the format that they have on the device, in native byte order.

    Raises
    ------
    TypeError, ValueError
        As `narrowed`; or if an integer needs more than 32 bits.
    """
    dtype = narrowed(numbers.dtype)
    if numbers.dtype.itemsize > dtype.itemsize and numbers.size:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        for extreme in (int(numbers.min()), int(numbers.max())):
            if not low <= extreme <= high:
                raise ValueError(f"WebGPU has integers of 32 bits; {extreme} needs more")
    return numbers.astype(dtype, copy=False)


def on_host(a: Any, dtype: Any) -> Host:  # noqa: ANN401
    """Return a NumPy array in the format asked for; a list of Python's numbers, which has none, becomes float32."""
    with np.errstate(all="ignore"):
        made = np.asarray(a)
        if dtype is not None:
            return made.astype(narrowed(dtype))
        is_array = isinstance(a, np.ndarray | np.generic)
        return made if is_array or made.dtype != np.float64 else made.astype(np.float32)
