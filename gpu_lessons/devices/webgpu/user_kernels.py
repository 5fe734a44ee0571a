"""Kernels of the learner's own, in WGSL: compiled once, checked for what a device allows, run on arrays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gpu_lessons.arguments import require_count, shown
from gpu_lessons.devices.webgpu.arrays import WebGpuArray

if TYPE_CHECKING:
    from gpu_lessons.devices.webgpu.gpu import WebGpu

__all__ = ["WgslKernel"]

_SIZE = re.compile(r"@workgroup_size\(([^)]*)\)")
_BINDING = re.compile(r"@binding\((\d+)\)\s*var<storage(?:,\s*(\w+))?>")


class WgslKernel:
    """A kernel written in WGSL, as ``RawKernel`` is one in CUDA C.

    Its arrays are ``@group(0) @binding(0)``, ``@binding(1)`` and so on, in the order in which they are given.

    Parameters
    ----------
    gpu : WebGpu
        Where it runs; ``gpu.xp.WgslKernel(code)`` gives it.
    code : str
        The text.
    name : str
        Its entry point.

    Attributes
    ----------
    bindings : int
        Arrays that it takes.

    Raises
    ------
    WgslError
        If it does not compile; the message shows the line and a caret.
    ValueError
        If its workgroup has more threads than the device allows, or a number among its bindings is left out.

    Examples
    --------
    >>> kernel = gpu.xp.WgslKernel(code)  # doctest: +SKIP
    >>> kernel((16, 16), a, b, c)  # doctest: +SKIP
    """

    def __init__(self, gpu: WebGpu, code: str, name: str = "main") -> None:
        if not isinstance(code, str):
            raise TypeError(f"code must be WGSL as a string, got {shown(code)}")
        self._gpu, self.code, self.name = gpu, code, name
        _require_small_workgroup(gpu, code)
        self._bindings = {int(place): mode or "read" for place, mode in _BINDING.findall(code)}
        self.bindings = len(self._bindings)
        _require_consecutive(sorted(self._bindings))
        kinds = ["read-only-storage" if self._bindings[i] == "read" else "storage" for i in range(self.bindings)]
        gpu.engine.pipeline(code, name, kinds)

    def __call__(self, groups: int | tuple[int, ...], *arrays: Any) -> None:  # noqa: ANN401
        """Run it with so many workgroups along each axis. The host does not wait.

        Raises
        ------
        TypeError, ValueError
            If an array is none of this device, their number is another than the kernel's, one is written and given
            twice, or there are too many workgroups.
        """
        sizes = (groups,) if isinstance(groups, int) else tuple(groups)
        most = int(self._gpu.engine.limits["max-compute-workgroups-per-dimension"])
        for size in sizes:
            if require_count("a number of workgroups", size) > most:
                raise ValueError(f"this device runs at most {most} workgroups along one axis, got {size}")
        if len(arrays) != self.bindings:
            raise TypeError(f"the kernel has {self.bindings} bindings, got {len(arrays)} arrays")
        for array in arrays:
            self._require_whole(array)
        self._require_apart(arrays)
        buffers = [array._memory.buffer for array in arrays]
        padded = (*sizes, 1, 1)[:3]
        self._gpu.engine.run_own(self.code, self.name, buffers, padded)  # type: ignore[arg-type]

    def _require_whole(self, array: Any) -> None:  # noqa: ANN401
        if not isinstance(array, WebGpuArray):
            raise TypeError(f"a kernel takes arrays on the device, got {shown(array)}")
        array.require_on(self._gpu)
        if array._offset or not array.is_packed:
            raise ValueError(
                "a kernel takes arrays whose numbers follow each other; copy this view first, with .copy()"
            )

    def _require_apart(self, arrays: tuple[Any, ...]) -> None:
        places = sorted(self._bindings)
        for place, array in zip(places, arrays, strict=True):
            others = [each for each in arrays if each is not array and each._memory is array._memory]
            twice = sum(each is array for each in arrays) > 1 or others
            if twice and self._bindings[place] == "read_write":
                raise ValueError(f"binding {place} is written, so its memory cannot be given to another binding too")


def _require_consecutive(places: list[int]) -> None:
    if places != list(range(len(places))):
        raise ValueError(
            f"the bindings of a kernel are numbered from 0 without a gap, got {', '.join(map(str, places))}"
        )


def _require_small_workgroup(gpu: WebGpu, code: str) -> None:
    limits = gpu.engine.limits
    most = int(limits["max-compute-invocations-per-workgroup"])
    for text in _SIZE.findall(code):
        sizes = [int(part) for part in re.findall(r"(?<![\w.])\d+", text)]
        threads = 1
        for axis, size in zip("xyz", sizes, strict=False):
            threads *= size
            along = int(limits[f"max-compute-workgroup-size-{axis}"])
            if size > along:
                raise ValueError(f"this device runs at most {along} threads along {axis} in a workgroup, got {size}")
        if threads > most:
            raise ValueError(f"this device runs at most {most} threads in a workgroup, got {threads}")
