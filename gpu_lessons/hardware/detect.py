"""What is inside this machine, and what of it this process may use."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gpu_lessons.hardware.adapters import chosen_adapter, this_webgpu
from gpu_lessons.hardware.arrays import cuda_status
from gpu_lessons.hardware.graphics import CudaSoftware, cuda_software, link_now, this_gpu
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.hardware.processor import available_memory_bytes, this_cpu, usable_cores
from gpu_lessons.units import format_bytes, format_counted, format_rate

__all__ = ["ThisMachine", "this_machine"]

_BLAS_NAMES = {"openblas": "OpenBLAS", "mkl": "MKL", "blis": "BLIS", "flexiblas": "FlexiBLAS"}


@dataclass(frozen=True, slots=True)
class ThisMachine:
    """The machine this process runs on.

    Attributes
    ----------
    cpu, gpu : Machine
        Detected values over those of the catalogue, where it knows the model. ``gpu`` is None without a CUDA
        device that works.
    gpu_status : str
        One sentence: which CUDA device, or why none.
    blas_name, blas_threads : str, int or None
        The library behind NumPy's matrix product and how many threads it uses; None if it does not tell.
    usable_cores : int
        Hardware threads, as `Machine.threads` counts them, that this process may keep busy, by affinity and by a
        container's quota. A core with hyper-threading runs two.
    available_memory_bytes : int
        Memory that was free when asked, within a container's limit.
    cuda : CudaSoftware or None
        Versions of CuPy, the CUDA runtime and the driver; None without a GPU.
    gpu_link_now : str or None
        The link at which the GPU ran when it was looked at: an idle card is slower to save power. None if unknown.
    webgpu : Machine or None
        The GPU that answers WebGPU; looked for only where there is no CUDA device and the extra ``webgpu`` is
        installed. Software is none, unless the environment variable ``GPU_LESSONS_GPU`` is "webgpu".
    """

    cpu: Machine
    gpu: Machine | None
    gpu_status: str
    blas_name: str
    blas_threads: int | None
    usable_cores: int
    available_memory_bytes: int
    python_version: str
    numpy_version: str
    cuda: CudaSoftware | None = None
    gpu_link_now: str | None = None
    webgpu: Machine | None = None

    def describe(self) -> str:
        """Return a few aligned lines that say what is here."""
        blas = f"{self.blas_name}, {_counted(self.blas_threads, 'thread')}"
        rows = [
            ("CPU", self._cpu_line()),
            ("memory", f"{_size(self.cpu.memory_bytes)}, {format_bytes(self.available_memory_bytes)} free"),
            ("GPU", _gpu_line(self.gpu, self.gpu_link_now) if self.gpu else self.gpu_status),
            *([("CUDA", str(self.cuda))] if self.cuda else []),
            *([("WebGPU", _webgpu_line(self.webgpu))] if self.webgpu else []),
            ("BLAS", blas),
            ("Python", f"{self.python_version}, NumPy {self.numpy_version}"),
        ]
        width = max(len(label) for label, _ in rows)
        return "\n".join(f"{label:<{width}}  {text}" for label, text in rows)

    def cores_and_threads(self) -> str:
        """Return what there is to compute with, such as "4 cores, 8 threads" or "4 cores, 2 of 8 threads usable"."""
        threads = _counted(self.cpu.threads, "thread")
        if self.cpu.threads not in (None, self.usable_cores):
            threads = f"{self.usable_cores} of {threads} usable"
        return f"{_counted(self.cpu.cores, 'core')}, {threads}"

    def _cpu_line(self) -> str:
        parts = [self.cpu.name, self.cores_and_threads()]
        if self.cpu.clock_hz:
            parts.append(format_rate(self.cpu.clock_hz, "Hz"))
        if self.cpu.simd:
            parts.append(self.cpu.simd)
        if self.cpu.cache_bytes:
            parts.append(f"last cache {format_bytes(self.cpu.cache_bytes)}")
        return "; ".join(parts)

    def __str__(self) -> str:
        return self.describe()


def this_machine() -> ThisMachine:
    """Return what is in this machine. Never raises: what cannot be found out is None.

    The hardware is looked at once a process, the free memory at every call.

    Examples
    --------
    >>> this_machine().usable_cores >= 1
    True
    """
    cpu, gpu, gpu_status, cuda, gpu_link_now = _hardware()
    blas_name, blas_threads = _blas()
    return ThisMachine(
        cpu=cpu,
        gpu=gpu,
        gpu_status=gpu_status,
        blas_name=blas_name,
        blas_threads=blas_threads,
        usable_cores=usable_cores(),
        available_memory_bytes=available_memory_bytes(),
        python_version=platform.python_version(),
        numpy_version=np.__version__,
        cuda=cuda,
        gpu_link_now=gpu_link_now,
        webgpu=None if gpu is not None else _webgpu(),
    )


@cache
def _hardware() -> tuple[Machine, Machine | None, str, CudaSoftware | None, str | None]:
    cpu = this_cpu()
    usable, sentence = cuda_status()
    if not usable:
        return cpu, None, sentence, None, None
    return cpu, this_gpu(), sentence, cuda_software(), link_now()


def _webgpu() -> Machine | None:
    if os.environ.get("GPU_LESSONS_GPU") in ("cuda", "simulated"):
        return None
    try:
        return this_webgpu(chosen_adapter())
    except RuntimeError:
        return None


def _webgpu_line(gpu: Machine) -> str:
    return f"{gpu.name}; {'shares the memory of the CPU' if gpu.shares_memory_with_cpu else 'memory of its own'}"


def _blas() -> tuple[str, int | None]:
    """Return the name of NumPy's BLAS and its threads; Accelerate on macOS hides its threads."""
    try:
        from threadpoolctl import threadpool_info

        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        pools.sort(key=lambda pool: "numpy" not in str(pool["filepath"]))  # SciPy may bring a second one
        if pools:
            name = _BLAS_NAMES.get(pools[0]["internal_api"], pools[0]["internal_api"])
            return f"{name} {pools[0].get('version') or ''}".strip(), int(pools[0]["num_threads"])
        built: Any = np.show_config(mode="dicts")
        return str(built["Build Dependencies"]["blas"]["name"]), None
    except Exception:
        return "unknown BLAS", None


def _gpu_line(gpu: Machine, link_now: str | None) -> str:
    parts = [gpu.name, _counted(gpu.sm_count, "SM")]
    if gpu.clock_hz:
        parts.append(format_rate(gpu.clock_hz, "Hz"))
    parts.append(_size(gpu.memory_bytes))
    if gpu.memory_bandwidth_bytes_per_s:
        parts.append(format_rate(gpu.memory_bandwidth_bytes_per_s, "B/s"))
    if gpu.link_name:
        parts.append(gpu.link_name if link_now in (None, gpu.link_name) else f"{gpu.link_name}, now {link_now}")
    return "; ".join(parts)


def _counted(count: int | None, noun: str) -> str:
    return f"{noun}s unknown" if count is None else format_counted(count, noun)


def _size(size_bytes: int | None) -> str:
    return "size unknown" if size_bytes is None else format_bytes(size_bytes)
