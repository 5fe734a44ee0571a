"""Random numbers made on a simulated GPU, under the names of ``cupy.random``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_lessons.devices.arrays import DeviceArray
from gpu_lessons.devices.calls import lowered
from gpu_lessons.devices.charging import charge
from gpu_lessons.devices.memory import allocate, require_room, sizes_of
from gpu_lessons.devices.rows import Row, read_rows
from gpu_lessons.devices.unknown import UnknownOperationError

if TYPE_CHECKING:
    from gpu_lessons.devices.simulated import SimulatedGpu

__all__ = ["Generator", "Random", "RandomState"]

#: Of ``cupy.random`` and of ``RandomState``.
_LEGACY = """
beta(a, b, size=None, dtype=float)
binomial(n, p, size=None, dtype=int)
chisquare(df, size=None, dtype=float)
choice(a, size=None, replace=True, p=None) x2
dirichlet(alpha, size=None, dtype=float) x2
exponential(scale=1.0, size=None, dtype=float)
f(dfnum, dfden, size=None, dtype=float)
gamma(shape, scale=1.0, size=None, dtype=float)
geometric(p, size=None, dtype=int)
gumbel(loc=0.0, scale=1.0, size=None, dtype=float)
hypergeometric(ngood, nbad, nsample, size=None, dtype=int)
laplace(loc=0.0, scale=1.0, size=None, dtype=float)
logistic(loc=0.0, scale=1.0, size=None, dtype=float)
lognormal(mean=0.0, sigma=1.0, size=None, dtype=float) x2
multinomial(n, pvals, size=None)
multivariate_normal(mean, cov, size=None, check_valid='ignore', tol=1e-08, method='cholesky', dtype=float) x3
normal(loc=0.0, scale=1.0, size=None, dtype=float) x3
pareto(a, size=None, dtype=float)
permutation(a) x2
poisson(lam=1.0, size=None, dtype=int)
power(a, size=None, dtype=float)
rand(*size, dtype=float) x2
randint(low, high=None, size=None, dtype=int) x3
randn(*size, dtype=float)
random(size=None, dtype=float) x2
random_sample(size=None, dtype=float) x2
ranf(size=None, dtype=float) x2
rayleigh(scale=1.0, size=None, dtype=float)
sample(size=None, dtype=float) x2
shuffle(a) x3
standard_cauchy(size=None, dtype=float)
standard_exponential(size=None, dtype=float)
standard_gamma(shape, size=None, dtype=float)
standard_normal(size=None, dtype=float)
standard_t(df, size=None, dtype=float)
triangular(left, mode, right, size=None, dtype=float)
uniform(low=0.0, high=1.0, size=None, dtype=float) x3
vonmises(mu, kappa, size=None, dtype=float)
wald(mean, scale, size=None, dtype=float)
weibull(a, size=None, dtype=float)
zipf(a, size=None, dtype=int)
"""

#: Of ``cupy.random.Generator``; ``normal`` and ``permutation``, which it lacks in version 14, are NumPy's.
_GENERATOR = """
beta(a, b, size=None, dtype=float)
binomial(n, p, size=None, dtype=int)
chisquare(df, size=None, dtype=float)
dirichlet(alpha, size=None, dtype=float)
exponential(scale=1.0, size=None)
f(dfnum, dfden, size=None, dtype=float)
gamma(shape, scale=1.0, size=None)
geometric(p, size=None)
hypergeometric(ngood, nbad, nsample, size=None)
integers(low, high=None, size=None, dtype=int, endpoint=False)
logseries(p, size=None)
normal(loc=0.0, scale=1.0, size=None)
permutation(x) x2
poisson(lam=1.0, size=None)
power(a, size=None)
random(size=None, dtype=float, out=None)
standard_exponential(size=None, dtype=float, method='inv', out=None)
standard_gamma(shape, size=None, dtype=float, out=None)
standard_normal(size=None, dtype=float, out=None)
uniform(low=0.0, high=1.0, size=None, dtype=float)
"""
_LEGACY_ROWS, _GENERATOR_ROWS = read_rows("random", _LEGACY), read_rows("random", _GENERATOR)
# What NumPy's own function makes in the format asked for; for the others its result is converted.
_OWN_DTYPE = frozenset({"integers", "random", "randint", "standard_exponential", "standard_gamma", "standard_normal"})
_OLD_NAMES = {"random": "random_sample", "ranf": "random_sample", "sample": "random_sample"}


class _Source:
    """Functions that draw from one generator of NumPy; its numbers are NumPy's for that seed, CuPy's are others."""

    def __init__(self, gpu: SimulatedGpu, rows: dict[str, Row], rng: Any, place: str) -> None:  # noqa: ANN401
        self._gpu = gpu
        self._rows = rows
        self._rng = rng
        self._place = place

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        row = self._rows.get(name)
        if row is not None:
            return lambda *arguments, **options: self._draw(row, arguments, options)
        if name.startswith("_"):
            raise AttributeError(f"{self._place} has no attribute {name!r}")
        raise UnknownOperationError(f"{self._place}.{name}", [f"{self._place}.{each}" for each in dir(self)])

    def __dir__(self) -> list[str]:
        own = (name for name in (*vars(type(self)), *vars(Random)) if name[0] != "_" and hasattr(type(self), name))
        return sorted({*own, *self._rows})

    def _draw(self, row: Row, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:  # noqa: ANN401
        given = row.bind(arguments, options).arguments
        out, dtype = given.pop("out", None), given.pop("dtype", None)
        read: list[DeviceArray] = []
        given = {name: lowered(self._gpu, value, read, refuse=False) for name, value in given.items()}
        require_room(self._gpu, _bytes_of(given, dtype))
        numbers = np.asarray(self._numbers(row.name, given, dtype))
        if row.name == "shuffle":
            read[0]._numbers[...] = numbers
            charge(self._gpu, row.name, read, read[:1], kernels=row.kernels, compiles=False)
            return None
        if dtype is not None:
            numbers = numbers.astype(dtype, copy=False)
        made = DeviceArray(self._gpu, numbers, allocate(self._gpu, numbers.nbytes))
        charge(self._gpu, row.name, read, [made], kernels=row.kernels, compiles=False)
        if out is None:
            return made
        out[...] = made
        return out

    def _numbers(self, name: str, given: dict[str, Any], dtype: Any) -> Any:  # noqa: ANN401
        function = getattr(self._rng, name, None) or getattr(self._rng, _OLD_NAMES[name])
        if name in ("rand", "randn"):
            return function(*given.get("size", ()))
        if name == "shuffle":
            mixed = given["a"].copy()
            function(mixed)
            return mixed
        if name in ("permutation", "choice"):
            [first, *others] = given.values()
            return function(first, **dict(list(given.items())[1:])) if others else function(first)
        size = given.pop("size", None)
        given = {key: value for key, value in given.items() if key not in ("check_valid", "tol", "method")}
        if dtype is not None and name in _OWN_DTYPE and self._takes(name):
            given["dtype"] = np.dtype(dtype).type
        return function(*_ordered(given, name), size=size, **_named(given, name))

    def _takes(self, name: str) -> bool:
        return isinstance(self._rng, np.random.Generator) or name == "randint"


class Generator(_Source):
    """``default_rng(seed)``: random numbers, made by one kernel a call."""

    def __init__(self, gpu: SimulatedGpu, seed: Any = None) -> None:  # noqa: ANN401
        super().__init__(gpu, _GENERATOR_ROWS, np.random.default_rng(seed), "Generator")


class RandomState(_Source):
    """The older kind of generator, with the functions of ``xp.random`` as its methods."""

    def __init__(self, gpu: SimulatedGpu, seed: Any = None, method: Any = None) -> None:  # noqa: ANN401
        super().__init__(gpu, _LEGACY_ROWS, np.random.RandomState(seed), "RandomState")

    def seed(self, seed: Any = None) -> None:  # noqa: ANN401
        """Begin anew."""
        self._rng.seed(seed)


class Random(RandomState):
    """``gpu.xp.random``: functions that draw from one generator of the device, and makers of others."""

    def __init__(self, gpu: SimulatedGpu) -> None:
        super().__init__(gpu)
        self._place = "random"

    def default_rng(self, seed: Any = None) -> Generator:  # noqa: ANN401
        """Return a generator. Its numbers are NumPy's for this seed; CuPy's are others."""
        return Generator(self._gpu, seed)

    def RandomState(self, seed: Any = None, method: Any = None) -> _Source:  # noqa: ANN401, N802 - CuPy's name
        """Return a generator of the older kind."""
        return RandomState(self._gpu, seed, method)

    def get_random_state(self) -> Random:
        """Return the generator that these functions draw from."""
        return self


# Arguments that NumPy takes by name only, or whose names differ.
_BY_NAME = frozenset({"dtype", "endpoint", "method"})


def _ordered(given: dict[str, Any], name: str) -> list[Any]:
    return [value for key, value in given.items() if key not in _BY_NAME]


def _named(given: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key in _BY_NAME and not (key == "method" and name)}


def _bytes_of(given: dict[str, Any], dtype: Any) -> int:  # noqa: ANN401
    size = given.get("size")
    if size is None:
        return 0
    count = 1
    for length in sizes_of(size):
        count *= length
    return count * np.dtype(dtype or float).itemsize
