"""What a layer accepts: arrays of one library, one dtype, one shape. The rest is refused in one sentence."""

from __future__ import annotations

from typing import Any, TypeAlias

from array_api_compat import array_namespace, is_array_api_obj

__all__ = [
    "Array",
    "Namespace",
    "dtype_name",
    "require_floats",
    "require_library",
    "require_like",
    "require_shape",
]

# The array API standard has no static types yet: any library's array, any library's namespace.
Array: TypeAlias = Any
Namespace: TypeAlias = Any


def require_floats(name: str, array: Array) -> Namespace:
    """Return the namespace of ``array``, or refuse what is not an array of floating-point numbers."""
    if not is_array_api_obj(array):
        raise TypeError(f"{name} must be an array, got {_type_name(array)}")
    xp = array_namespace(array)
    if not xp.isdtype(array.dtype, "real floating"):
        raise TypeError(f"{name} must hold floating-point numbers, got dtype {dtype_name(array)}")
    return xp


def require_library(name: str, array: Array, like_name: str, like: Array) -> None:
    """Refuse an ``array`` of another library than ``like``: it lies in another memory, or is no array."""
    if not isinstance(array, type(like)):
        raise TypeError(f"{name} must be of type {_type_name(like)} like {like_name}, got {_type_name(array)}")


def require_like(name: str, array: Array, like_name: str, like: Array) -> None:
    """Refuse an ``array`` of another library or dtype than ``like``."""
    require_library(name, array, like_name, like)
    if array.dtype != like.dtype:
        raise TypeError(f"{name} must have dtype {dtype_name(like)} like {like_name}, got dtype {dtype_name(array)}")


def require_shape(name: str, array: Array, expected: tuple[int | str, ...]) -> None:
    """Refuse an ``array`` of another shape; a size given as a word, ``"batch_size"``, is any from 1 on."""
    shape = tuple(array.shape)
    if len(shape) == len(expected) and all(
        size >= 1 if isinstance(wanted, str) else size == wanted for size, wanted in zip(shape, expected, strict=True)
    ):
        return
    sizes = ", ".join(map(str, expected)) + ("," if len(expected) == 1 else "")
    free = " and ".join(wanted for wanted in expected if isinstance(wanted, str))
    at_least = f" with {free} at least 1" if free else ""
    raise ValueError(f"{name} must have shape ({sizes}){at_least}, got {shape}")


def _type_name(value: object) -> str:
    """Return ``numpy.ndarray``, ``cupy.ndarray``, ``list``: the library's name tells where an array lives."""
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    return kind.__qualname__ if library == "builtins" else f"{library}.{kind.__qualname__}"


def dtype_name(array: Array) -> str:
    """Return ``float32``, without the library's name that some print before it."""
    return str(array.dtype).rpartition(".")[2]
