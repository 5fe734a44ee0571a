"""NumPy or CuPy: which arrays this machine can compute with. The only floor that asks for CuPy."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from gpu_lessons.hardware.asking import asked
from gpu_lessons.hardware.cupy_packages import cupy_packages, cupys_namesake

__all__ = [
    "CudaDevice",
    "cuda_device",
    "cuda_status",
    "cupy_namespace",
    "cupy_versions",
    "cupyx_namespace",
    "pinned_array",
    "to_numpy",
]

_NO_DRIVER, _NO_DEVICE = 35, 100  # cudaErrorInsufficientDriver, cudaErrorNoDevice
_CLOCK_RATE, _MEMORY_CLOCK_RATE, _BUS_WIDTH = 13, 36, 37  # cudaDeviceAttr, for kHz, kHz and bits
# Letters of a foreign error that fit into a sentence.
_LONGEST_CAUSE = 160
# HIP writes its version 6.3.42134 as 60342134.
_HIP_MAJOR, _HIP_MINOR = 10_000_000, 100_000


@dataclass(frozen=True, slots=True)
class CudaDevice:
    """What the CUDA runtime says of the current device; None where it says nothing.

    CuPy drives AMD's GPUs through HIP, under the same names. Their "compute capability" numbers AMD's own generations,
    which CUDA's do not know, so it is None there.
    """

    name: str
    is_hip: bool
    compute_capability: str | None
    sm_count: int | None
    memory_bytes: int | None
    cache_bytes: int | None
    max_threads_per_sm: int | None
    clock_hz: float | None
    memory_bandwidth_bytes_per_s: float | None
    shares_memory_with_cpu: bool
    pci_bus_id: str | None


@cache
def cuda_status() -> tuple[bool, str]:
    """Return whether CuPy can compute on a GPU here, and one sentence that says why or why not.

    Whether this machine has a GPU is decided here and nowhere else. A device is believed after one real operation,
    because CuPy imports and answers most questions on machines with no driver at all; what else the device tells is
    optional. Never raises. Asked once a process: the first operation takes a second.

    Examples
    --------
    >>> usable, sentence = cuda_status()
    >>> isinstance(usable, bool) and bool(sentence)
    True
    """
    cupy, why_not = _imported()
    usable, sentence = (False, why_not) if cupy is None else _asked_for_a_device(cupy)
    packages = [] if usable else list(cupy_packages())
    if len(packages) > 1:
        sentence += f"; {' and '.join(packages)} are installed together, so uninstall all but one"
    return usable, sentence


def _imported() -> tuple[ModuleType | None, str]:
    """Return CuPy, or None and the sentence that says why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of two wheels at once, which matters only if it does not work
            import cupy

        if hasattr(cupy, "cuda") or cupys_namesake() is None:
            return cupy, ""
        why = "has no module cuda"
    except ModuleNotFoundError as error:
        why = "is not installed" if error.name == "cupy" else f"is installed but {error.name} is missing"
    except (Exception, SystemExit) as error:
        why = f"is installed but does not import ({_short(error)})"
    namesake = cupys_namesake()
    if namesake is None:
        return None, f"no CUDA device here: CuPy {why}"
    if cupy_packages():
        return None, f"no CUDA device here: {namesake} is imported in place of CuPy; give it another name"
    return None, f"no CUDA device here: CuPy is not installed ({namesake} only has its name)"


def _asked_for_a_device(cupy: ModuleType) -> tuple[bool, str]:
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except Exception as error:
        return False, f"no CUDA device here: {_why_no_device(error)}"
    return _tried(cupy) if count else (False, f"no CUDA device here: {_none_shown()}")


def _why_no_device(error: Exception) -> str:
    status = getattr(error, "status", None)
    if status == _NO_DRIVER:
        return "CuPy is installed but finds no NVIDIA driver that is recent enough"
    return _none_shown() if status == _NO_DEVICE else f"CuPy cannot ask the driver ({_short(error)})"


def _none_shown() -> str:
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shown is None:
        return "the NVIDIA driver shows none"
    return f'the NVIDIA driver shows none while CUDA_VISIBLE_DEVICES is "{shown}"; unset it to see every device'


def _tried(cupy: ModuleType) -> tuple[bool, str]:
    """Compute once for real: an addition needs NVRTC, the compiler, and a matrix product needs cuBLAS."""
    name = _name(cupy)
    try:
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
    return True, f"{'HIP' if _is_hip(cupy) else 'CUDA'} device here: {name}"


def _properties(cupy: ModuleType) -> dict[str, Any]:
    runtime = cupy.cuda.runtime
    return asked(lambda: runtime.getDeviceProperties(runtime.getDevice())) or {}


def _name(cupy: ModuleType) -> str:
    return asked(lambda: _text(_properties(cupy)["name"])) or "a GPU without a name"


def _is_hip(cupy: ModuleType) -> bool:
    return bool(getattr(cupy.cuda.runtime, "is_hip", False))


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


def cupyx_namespace() -> Any:  # noqa: ANN401
    """Return the module ``cupyx`` with its profiler and special functions; see `cupy_namespace`."""
    cupy_namespace()
    import cupyx.profiler
    import cupyx.scipy.special

    return cupyx


def cuda_device() -> CudaDevice:
    """Return what the CUDA runtime says of the current device.

    Raises
    ------
    RuntimeError
        If there is no usable CUDA device.
    """
    cupy = cupy_namespace()
    runtime, told, is_hip = cupy.cuda.runtime, _properties(cupy), _is_hip(cupy)

    def number(key: str, attribute: int | None = None) -> int | None:
        value = asked(lambda: int(told[key]))
        if value is None and attribute is not None and not is_hip:  # CUDA 13 moved the clocks out of the properties
            value = asked(lambda: int(runtime.deviceGetAttribute(attribute, runtime.getDevice())))
        return value or None

    clock_khz = number("clockRate", _CLOCK_RATE)
    memory_khz, bus_bits = number("memoryClockRate", _MEMORY_CLOCK_RATE), number("memoryBusWidth", _BUS_WIDTH)
    return CudaDevice(
        name=_name(cupy),
        is_hip=is_hip,
        compute_capability=None if is_hip else asked(lambda: f"{told['major']}.{told['minor']}"),
        sm_count=number("multiProcessorCount"),
        memory_bytes=number("totalGlobalMem") or asked(lambda: int(runtime.memGetInfo()[1])),
        cache_bytes=number("l2CacheSize"),
        max_threads_per_sm=number("maxThreadsPerMultiProcessor"),
        clock_hz=clock_khz * 1e3 if clock_khz else None,
        # two transfers a clock: the rate is that of a double-data-rate memory
        memory_bandwidth_bytes_per_s=2 * memory_khz * 1e3 * bus_bits / 8 if memory_khz and bus_bits else None,
        shares_memory_with_cpu=bool(number("integrated")),
        pci_bus_id=asked(lambda: _text(runtime.deviceGetPCIBusId(runtime.getDevice()))),
    )


def cupy_versions() -> tuple[str, str | None]:
    """Return the versions of CuPy and of the CUDA or HIP runtime it uses, such as 13.6.0 and 12.9.

    Raises
    ------
    RuntimeError
        If there is no usable CUDA device.
    """
    cupy = cupy_namespace()
    runtime = asked(lambda: int(cupy.cuda.runtime.runtimeGetVersion()))
    if runtime is None:
        return str(cupy.__version__), None
    if _is_hip(cupy):
        return str(cupy.__version__), f"HIP {runtime // _HIP_MAJOR}.{runtime % _HIP_MAJOR // _HIP_MINOR}"
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


def _short(error: BaseException) -> str:
    """Return the kind and the first telling line of what stands behind an error.

    CuPy frames its own with rules and advice, and puts what went wrong below "Original error:", or makes it the cause.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    told = str(error).partition("Original error:")
    lines = [line.strip() for line in (told[2] or told[0]).splitlines() if re.search(r"\w", line)]
    if not lines:
        return type(error).__name__
    return lines[0][:_LONGEST_CAUSE] if told[2] else f"{type(error).__name__}: {lines[0][:_LONGEST_CAUSE]}"
