"""What Python and NumPy ask of an array on a simulated GPU: operators, numbers on the host, and no silent copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

__all__ = ["Operators"]

_IMPLICIT = (
    "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
)


class Operators:
    """The part of `DeviceArray` that Python calls by signs, not by names."""

    __slots__ = ()
    _numbers: np.ndarray[Any, Any]
    get: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        shape: tuple[int, ...] = self._numbers.shape
        return shape

    @property
    def _xp(self) -> Any:  # noqa: ANN401 - the namespace it belongs to
        raise NotImplementedError

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(_IMPLICIT)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **options: object) -> Any:  # noqa: ANN401
        """Take over where NumPy's own functions and arrays meet a device array."""
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        words: Any = self._xp
        for part in name.split("."):
            words = getattr(words, part)
        return words(*inputs, **options)

    def __array_function__(self, function: Any, _: object, arguments: Any, options: Any) -> Any:  # noqa: ANN401
        words: Any = self._xp
        for module in function.__module__.split(".")[1:]:
            words = getattr(words, module)
        return getattr(words, function.__name__)(*arguments, **options)

    def __len__(self) -> int:
        return len(self._numbers)

    def __eq__(self, other: object) -> Any:  # noqa: ANN401
        return self._compared("equal", other)

    def __ne__(self, other: object) -> Any:  # noqa: ANN401
        return self._compared("not_equal", other)

    def _compared(self, name: str, other: object) -> Any:  # noqa: ANN401
        if other is None or type(other).__eq__ is object.__eq__:  # CuPy: what compares nothing equals no number
            return self._xp.full(self.shape, name == "not_equal")
        return getattr(self._xp, name)(self, other)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __index__(self) -> int:
        return int(self.get().__index__())

    def __complex__(self) -> complex:
        return complex(self.get())

    def __float__(self) -> float:
        return float(self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    def __str__(self) -> str:
        return str(self.get())

    def __format__(self, form: str) -> str:
        return format(self.get(), form)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401  # noqa: ANN401
        return self._xp._get_item(self, index)

    def __setitem__(self, index: Any, value: object) -> None:  # noqa: ANN401
        self._xp._set_item(self, index, value)


_SCALARS = (bool, int, float, complex, np.generic, np.ndarray, Operators)


def _operator(name: str, *, reflected: bool = False) -> Any:  # noqa: ANN401
    def operate(self: Operators, *other: object) -> Any:  # noqa: ANN401
        if other and not isinstance(other[0], _SCALARS):
            return NotImplemented
        arguments = (*other, self) if reflected else (self, *other)
        return getattr(self._xp, name)(*arguments)

    return operate


def _in_place(name: str) -> Any:  # noqa: ANN401
    def operate(self: Operators, other: object) -> Operators:
        getattr(self._xp, name)(self, other, out=self)
        return self

    return operate


for _symbol, _name in (
    ("add", "add"),
    ("sub", "subtract"),
    ("mul", "multiply"),
    ("truediv", "divide"),
    ("floordiv", "floor_divide"),
    ("mod", "remainder"),
    ("pow", "pow"),
    ("and", "bitwise_and"),
    ("or", "bitwise_or"),
    ("xor", "bitwise_xor"),
    ("lshift", "left_shift"),
    ("rshift", "right_shift"),
):
    setattr(Operators, f"__{_symbol}__", _operator(_name))
    setattr(Operators, f"__r{_symbol}__", _operator(_name, reflected=True))
    setattr(Operators, f"__i{_symbol}__", _in_place(_name))
for _symbol, _name in (
    ("lt", "less"),
    ("le", "less_equal"),
    ("gt", "greater"),
    ("ge", "greater_equal"),
    ("neg", "negative"),
    ("pos", "positive"),
    ("divmod", "divmod"),
    ("round", "round"),
    ("abs", "abs"),
    ("invert", "bitwise_invert"),
    ("matmul", "matmul"),
):
    setattr(Operators, f"__{_symbol}__", _operator(_name))
Operators.__rdivmod__ = _operator("divmod", reflected=True)  # type: ignore[attr-defined]
Operators.__rmatmul__ = _operator("matmul", reflected=True)  # type: ignore[attr-defined]
