"""NumPy or CuPy: which arrays this machine can compute with. The only floor that asks for CuPy."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

__all__ = [
    "CudaDevice",
    "cuda_device",
    "cuda_status",
    "cupy_namespace",
    "cupy_versions",
    "pinned_array",
    "to_numpy",
]

_NO_DRIVER, _NO_DEVICE = 35, 100  # cudaErrorInsufficientDriver, cudaErrorNoDevice
_CLOCK_RATE, _MEMORY_CLOCK_RATE, _BUS_WIDTH = 13, 36, 37  # cudaDeviceAttr, for kHz, kHz and bits


@dataclass(frozen=True, slots=True)
class CudaDevice:
    """What the CUDA runtime says of the current device; None where it says nothing."""

    name: str
    compute_capability: str
    sm_count: int
    memory_bytes: int
    cache_bytes: int | None
    max_threads_per_sm: int | None
    clock_hz: float | None
    memory_bandwidth_bytes_per_s: float | None
    shares_memory_with_cpu: bool
    pci_bus_id: str | None


@cache
def cuda_status() -> tuple[bool, str]:
    """Return whether CuPy can compute on a CUDA device here, and one sentence that says why or why not.

    A device is believed only after one real operation, because CuPy imports and answers most questions on
    machines with no driver at all. Never raises. Asked once a process: the first operation takes a second.

    Examples
    --------
    >>> usable, sentence = cuda_status()
    >>> isinstance(usable, bool) and bool(sentence)
    True
    """
    try:
        import cupy
    except ModuleNotFoundError as error:
        if error.name == "cupy":
            return False, "no CUDA device here: CuPy is not installed"
        return False, f"no CUDA device here: CuPy is installed but {error.name} is missing"
    except Exception as error:
        return False, f"no CUDA device here: CuPy is installed but does not import ({_short(error)})"
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except Exception as error:
        return False, f"no CUDA device here: {_why_no_device(error)}"
    if count == 0:
        return False, "no CUDA device here: the NVIDIA driver shows none"
    return _tried(cupy)


def _why_no_device(error: Exception) -> str:
    status = getattr(error, "status", None)
    if status == _NO_DRIVER:
        return "CuPy is installed but finds no NVIDIA driver that is recent enough"
    if status == _NO_DEVICE:
        return "the NVIDIA driver shows none"
    return f"CuPy cannot ask the driver ({_short(error)})"


def _tried(cupy: ModuleType) -> tuple[bool, str]:
    """Compute once for real: an addition needs NVRTC, the compiler, and a matrix product needs cuBLAS."""
    name = "the CUDA device"
    try:
        name = _text(cupy.cuda.runtime.getDeviceProperties(cupy.cuda.runtime.getDevice())["name"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CuPy 13 may warn that it compiles for the first time
            x = cupy.arange(4, dtype="float32").reshape(2, 2)
            total = float(((x + 1) @ x).sum())
    except Exception as error:
        for library in ("NVRTC", "cuBLAS"):
            if library.lower() in str(error).lower():
                return False, f"{name} is here but unusable: {library} is missing; install {_ctk_extra(cupy)}"
        return False, f"{name} is here but unusable: {_short(error)}"
    if total != 34.0:
        return False, f"{name} is here but computes wrongly: it says 34 is {total}"
    return True, f"CUDA device here: {name}"


def _ctk_extra(cupy: ModuleType) -> str:
    try:
        return f"cupy-cuda{int(cupy.cuda.runtime.runtimeGetVersion()) // 1000}x[ctk]"
    except Exception:
        return "CuPy's [ctk] extra"


def cupy_namespace() -> Any:  # noqa: ANN401  (CuPy has no types of its own)
    """Return the module ``cupy``.

    Raises
    ------
    RuntimeError
        If there is no usable CUDA device; the message is the sentence of ``cuda_status``.
    """
    usable, sentence = cuda_status()
    if not usable:
        raise RuntimeError(sentence)
    import cupy

    return cupy


def cuda_device() -> CudaDevice:
    """Return what the CUDA runtime says of the current device.

    Raises
    ------
    RuntimeError
        If there is no usable CUDA device.
    """
    runtime = cupy_namespace().cuda.runtime
    index = runtime.getDevice()
    told = runtime.getDeviceProperties(index)

    def number(key: str, attribute: int | None = None) -> int | None:
        value = told.get(key)
        if value is None and attribute is not None:  # CUDA 13 moved the clocks out of the properties
            value = runtime.deviceGetAttribute(attribute, index)
        return int(value) if value else None

    clock_khz = number("clockRate", _CLOCK_RATE)
    memory_khz, bus_bits = number("memoryClockRate", _MEMORY_CLOCK_RATE), number("memoryBusWidth", _BUS_WIDTH)
    return CudaDevice(
        name=_text(told["name"]),
        compute_capability=f"{told['major']}.{told['minor']}",
        sm_count=int(told["multiProcessorCount"]),
        memory_bytes=int(told["totalGlobalMem"]),
        cache_bytes=number("l2CacheSize"),
        max_threads_per_sm=number("maxThreadsPerMultiProcessor"),
        clock_hz=clock_khz * 1e3 if clock_khz else None,
        # two transfers a clock: the rate is that of a double-data-rate memory
        memory_bandwidth_bytes_per_s=2 * memory_khz * 1e3 * bus_bits / 8 if memory_khz and bus_bits else None,
        shares_memory_with_cpu=bool(told.get("integrated")),
        pci_bus_id=_text(runtime.deviceGetPCIBusId(index)),
    )


def cupy_versions() -> tuple[str, str]:
    """Return the versions of CuPy and of the CUDA runtime it uses, such as 13.6.0 and 12.9.

    Raises
    ------
    RuntimeError
        If there is no usable CUDA device.
    """
    cupy = cupy_namespace()
    runtime = int(cupy.cuda.runtime.runtimeGetVersion())
    return str(cupy.__version__), f"{runtime // 1000}.{runtime % 1000 // 10}"


def pinned_array(xp: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:  # noqa: ANN401
    """Return an uninitialized NumPy array in pinned memory, from where a copy engine fetches without the CPU.

    Parameters
    ----------
    xp : array namespace
        CuPy, or a simulated GPU's, which brings its own ``empty_pinned``.
    shape, dtype : tuple of int, str
        As for ``numpy.empty``.

    Raises
    ------
    ValueError
        If ``xp`` computes on the host, where nothing is pinned.
    """
    import array_api_compat

    if hasattr(xp, "empty_pinned"):
        return xp.empty_pinned(shape, dtype)  # type: ignore[no-any-return]
    if not array_api_compat.is_cupy_namespace(xp):
        raise ValueError(f"xp must compute on a device to pin memory for it, got {xp.__name__}")
    import cupyx

    return cupyx.empty_pinned(shape, dtype)  # type: ignore[no-any-return]


def to_numpy(x: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401  (any library's array)
    """Return ``x`` in the CPU's memory as a NumPy array; a NumPy array is returned as it is.

    From a GPU this waits for the device and copies over the bus.
    """
    if not isinstance(x, np.ndarray) and hasattr(x, "get") and hasattr(x, "shape"):
        x = x.get()
    return np.asarray(x)


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _short(error: Exception) -> str:
    first_line = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first_line[:120]}" if first_line else type(error).__name__
