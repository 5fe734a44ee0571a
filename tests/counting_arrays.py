"""An array library that computes with NumPy and writes down what every operation touches, number by number.

Each number in memory has a place of its own. A view shares places; an operation that makes or changes an array is one
kernel, with the different places it reads, those it writes, and its floating-point operations.
"""

import itertools
from typing import NamedTuple

import numpy as np

_places = itertools.count()


class Launch(NamedTuple):
    name: str
    flops: int
    bytes_read: int
    bytes_written: int


class CountingNamespace:
    """The part of the array API that the course uses; ``launches`` is what was run since the last ``clear``."""

    __name__ = "counting_arrays"
    int64, float32, float64 = np.int64, np.float32, np.float64

    def __init__(self):
        self.launches = []

    def asarray(self, values):
        return CountingArray(self, np.array(values))

    def launch(self, name, values, *operands, flops=0, into=None):
        """Write down one kernel and return its result."""
        result = CountingArray(self, values) if into is None else into
        arrays = [each for each in operands if isinstance(each, CountingArray)]
        read = {place: each.values.itemsize for each in arrays for place in each.places.ravel().tolist()}
        written = set(result.places.ravel().tolist())
        self.launches.append(Launch(name, flops, sum(read.values()), len(written) * result.values.itemsize))
        return result

    def zeros(self, shape, *, dtype, device):
        return self.launch("zeros", np.zeros(shape, dtype))

    def empty(self, shape, *, dtype, device):
        return CountingArray(self, np.empty(shape, dtype))  # nothing runs

    def arange(self, stop, *, dtype, device):
        return self.launch("arange", np.arange(stop, dtype=dtype))

    def reshape(self, x, shape):
        values = x.values.reshape(shape)
        if np.shares_memory(values, x.values):
            return CountingArray(self, values, x.places.reshape(shape))
        return self.launch("copy", values, x)

    def permute_dims(self, x, axes):
        return CountingArray(self, x.values.transpose(axes), x.places.transpose(axes))

    def stack(self, arrays, axis):
        return self.launch("stack", np.stack([each.values for each in arrays], axis=axis), *arrays)

    def astype(self, x, dtype):
        return self.launch("astype", x.values.astype(dtype), x)

    def where(self, condition, x, y):
        return self.launch("where", np.where(condition.values, raw(x), raw(y)), condition, x, y)

    def any(self, x):
        return self.launch("any", np.any(x.values), x)

    def sum(self, x, **axes):
        return self.launch("sum", np.sum(x.values, **axes), x, flops=x.size)

    def max(self, x, **axes):
        return self.launch("max", np.max(x.values, **axes), x, flops=x.size)

    def maximum(self, x, y):
        return x.each("maximum", np.maximum, x, y)

    def sign(self, x):
        return x.each("sign", np.sign, x)

    def exp(self, x):
        return x.each("exp", np.exp, x)

    def log(self, x):
        return x.each("log", np.log, x)

    def tanh(self, x):
        return x.each("tanh", np.tanh, x)

    @staticmethod
    def isdtype(dtype, kind):
        return np.isdtype(dtype, kind)


class CountingArray:
    device = "counting"

    def __init__(self, xp, values, places=None):
        self.xp = xp
        self.values = np.asarray(values)
        if places is None:
            places = np.empty_like(self.values, dtype=np.int64)  # of the same layout, so that views are the same
            places[...] = np.reshape(list(itertools.islice(_places, self.values.size)), self.values.shape)
        self.places = places

    def __array_namespace__(self, api_version=None):
        return self.xp

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: self.values.dtype)
    size = property(lambda self: self.values.size)
    ndim = property(lambda self: self.values.ndim)

    @property
    def T(self):  # noqa: N802
        return self.xp.permute_dims(self, (1, 0))

    def each(self, name, operation, *operands, into=None):
        """Run an elementwise operation; comparing and combining integers is no floating-point operation."""
        values = operation(*map(raw, operands))
        if into is not None:
            into.values[...] = values
        is_float = any(np.isdtype(each.dtype, "real floating") for each in operands if isinstance(each, CountingArray))
        return self.xp.launch(name, values, *operands, flops=np.size(values) if is_float else 0, into=into)

    def __getitem__(self, index):
        return CountingArray(self.xp, self.values[index], self.places[index])

    def __setitem__(self, index, value):
        part = self[index]
        if np.array_equal(part.places, value.places):
            return  # what x[index] += y ends with
        part.values[...] = value.values
        self.xp.launch("assign", None, value, into=part)

    def __matmul__(self, other):
        (m, k), (_, n) = self.shape, other.shape
        products = np.broadcast_shapes((m, k, 1), (1, k, n))
        return self.xp.launch("matmul", self.values @ other.values, self, other, flops=2 * int(np.prod(products)))

    def __float__(self):
        return float(self.values)

    def __bool__(self):
        return bool(self.values)


def raw(operand):
    return operand.values if isinstance(operand, CountingArray) else operand


def _give_operators():
    for name, operation in {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "or": np.bitwise_or,
        "lt": np.less, "le": np.less_equal, "ge": np.greater_equal, "eq": np.equal,
    }.items():  # fmt: skip

        def binary(self, other, name=name, operation=operation):
            return self.each(name, operation, self, other)

        def reflected(self, other, name=name, operation=operation):
            return self.each(name, operation, other, self)

        def in_place(self, other, name=name, operation=operation):
            return self.each(name, operation, self, other, into=self)

        setattr(CountingArray, f"__{name}__", binary)
        setattr(CountingArray, f"__r{name}__", reflected)
        if name in ("add", "sub"):
            setattr(CountingArray, f"__i{name}__", in_place)
    CountingArray.__neg__ = lambda self: self.each("neg", np.negative, self)


_give_operators()
