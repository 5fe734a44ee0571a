"""A matrix product by a kernel of one's own: the steps of the ladder, or a learner's text, on the GPU that is here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpu_lessons.arguments import require_count, shown
from gpu_lessons.devices.cuda import CudaGpu
from gpu_lessons.devices.ladder.cuda_texts import compiled, wait_for_first_run
from gpu_lessons.devices.ladder.texts import kernel_text, require_step
from gpu_lessons.devices.simulated import SimulatedGpu
from gpu_lessons.devices.webgpu.gpu import WebGpu
from gpu_lessons.devices.webgpu.user_kernels import WgslKernel
from gpu_lessons.work.matrix_kernels import MATRIX_KERNELS

__all__ = ["Product", "language_of", "matrix_kernel", "require_gpu"]

#: ``product(a, b)`` returns a @ b; ``product(a, b, out)`` writes it into ``out``.
Product = Callable[..., Any]
Launch = Callable[[tuple[int, int], Any, Any, Any, tuple[int, int, int]], None]
Gpu = CudaGpu | WebGpu | SimulatedGpu

_NAME = "multiply"
_THREADS = 256
#: A load of four numbers begins at a multiple of this.
_FOUR_BYTES = 16


def language_of(gpu: Gpu) -> str:
    """Return what a kernel is written in on this GPU: "cuda", "wgsl", or "python" on a simulated one."""
    return {"cuda": "cuda", "webgpu": "wgsl"}.get(gpu.kind, "python")


def require_gpu(gpu: object) -> None:
    """Refuse what is no GPU to run on.

    Raises
    ------
    TypeError
        If it is none of the GPUs that `gpu_lessons.gpu` opens.
    """
    if not isinstance(gpu, CudaGpu | WebGpu | SimulatedGpu):
        raise TypeError(f"gpu must be what gl.gpu() returns, got {shown(gpu)}")


def matrix_kernel(gpu: Gpu, kernel: int | str, *, tile: int | None = None) -> Product:
    """Return a function ``product(a, b, out=None)`` that computes a @ b by a kernel of one's own.

    Parameters
    ----------
    gpu : CudaGpu or WebGpu
        Where it runs.
    kernel : int or str
        A step of the ladder, 1 to 5; or a text in WGSL or CUDA C with a kernel ``multiply`` for blocks of 256 threads,
        whose parameters are those of the steps. In WGSL the bindings 4 and 5, where there are any, are a and b again.
    tile : int, optional
        With a text: how many rows and columns of the result a block computes.

    Returns
    -------
    callable
        Takes float32 arrays of the GPU of shapes (m, k) and (k, n), and returns one of shape (m, n). The host does
        not wait, but for the first run of each size on a CUDA device, to see that it ends.

    Raises
    ------
    NotImplementedError
        If the GPU is simulated: it runs no text; one sentence says what is possible there.
    WgslError, CudaTextError
        If the text does not compile.
    CudaRunError, KernelTooLongError
        Later, on a CUDA device at the first run and through WebGPU at the next wait, if the kernel does not end.
    TypeError, ValueError
        If it is no GPU, there is no such step, ``tile`` is missing with a text or given with a step, or later the
        arrays do not fit.
    """
    require_gpu(gpu)
    if isinstance(gpu, SimulatedGpu):
        raise NotImplementedError(
            f"the simulated {gpu.machine.name} runs no kernel in CUDA C or WGSL; run one in Python with run_threads, "
            "and predict its time with predict_kernel"
        )
    if isinstance(kernel, str):
        side, code = require_count("tile", tile), kernel
    else:
        if tile is not None:
            raise ValueError(f"tile belongs to a text; a step has its own, got {shown(tile)}")
        side, code = MATRIX_KERNELS[require_step(kernel) - 1].tile, kernel_text(kernel, language_of(gpu))
    launch = _cuda(gpu, code) if isinstance(gpu, CudaGpu) else _webgpu(gpu, code)

    def product(a: Any, b: Any, out: Any = None) -> Any:  # noqa: ANN401
        a, b = (_ready(gpu, name, x) for name, x in (("a", a), ("b", b)))
        if a.shape[1] != b.shape[0]:
            raise ValueError(f"a must have as many columns as b has rows, got {a.shape} and {b.shape}")
        (m, k), n = a.shape, b.shape[1]
        c = gpu.xp.empty((m, n), "float32") if out is None else _written(gpu, out, (m, n))
        launch((-(-n // side), -(-m // side)), a, b, c, (m, n, k))
        return c

    return product


def _webgpu(gpu: WebGpu, code: str) -> Launch:
    kernel = WgslKernel(gpu, code, _NAME)
    known: dict[tuple[int, int, int], Any] = {}  # copied to the device once

    def launch(blocks: tuple[int, int], a: Any, b: Any, c: Any, sizes: tuple[int, int, int]) -> None:  # noqa: ANN401
        if sizes not in known:
            known[sizes] = gpu.xp.asarray(np.array(sizes, np.uint32))
        kernel(blocks, *(a, b, c, known[sizes], a, b)[: max(4, kernel.bindings)])

    return launch


def _cuda(gpu: CudaGpu, code: str) -> Launch:
    kernel = compiled(gpu.xp, code, _NAME)
    ended: set[tuple[int, int, int]] = set()

    def launch(blocks: tuple[int, int], a: Any, b: Any, c: Any, sizes: tuple[int, int, int]) -> None:  # noqa: ANN401
        kernel(blocks, (_THREADS,), (a, b, c, *map(np.int32, sizes)))
        if sizes not in ended:  # CUDA would wait for ever
            wait_for_first_run(gpu.xp)
            ended.add(sizes)

    return launch


def _written(gpu: CudaGpu | WebGpu, out: Any, shape: tuple[int, int]) -> Any:  # noqa: ANN401
    """Refuse an array that a kernel would write outside of, or with numbers of another type."""
    if not isinstance(out, gpu.xp.ndarray):
        raise TypeError(f"out must be an array on the device, got {shown(out)}")
    whole = out.flags.c_contiguous if isinstance(gpu, CudaGpu) else gpu.xp.ascontiguousarray(out) is out
    if out.shape != shape or str(out.dtype) != "float32" or not whole:
        got = f"{out.shape} of {out.dtype}{'' if whole else ', not one row after another'}"
        raise ValueError(f"out must be a whole matrix of float32 of shape {shape}, got {got}")
    return out


def _ready(gpu: CudaGpu | WebGpu, name: str, x: Any) -> Any:  # noqa: ANN401
    """Return a matrix with its rows one after another and begun where four numbers can be loaded at once."""
    if not isinstance(x, gpu.xp.ndarray):
        raise TypeError(f"{name} must be an array on the device, got {shown(x)}")
    if x.ndim != 2 or str(x.dtype) != "float32" or not x.size:
        raise ValueError(f"{name} must be a matrix of float32, got shape {x.shape} of {x.dtype}")
    x = gpu.xp.ascontiguousarray(x)
    begins_whole = not x.data.ptr % _FOUR_BYTES if isinstance(gpu, CudaGpu) else not x._offset
    return x if begins_whole else x.copy()
