"""WebGPU: which GPUs of this machine answer it. The only module that asks for wgpu."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from typing import Any

from gpu_lessons.hardware.machines import Machine
from gpu_lessons.hardware.processor import this_cpu
from gpu_lessons.hardware.recognition import Found, with_found

__all__ = [
    "Adapter",
    "adapters",
    "chosen_adapter",
    "quiet_stderr",
    "this_webgpu",
    "webgpu_adapter",
    "webgpu_module",
    "webgpu_status",
]

#: What wgpu calls the kinds of adapters, the best one first.
_KINDS = {"DiscreteGPU": "discrete GPU", "IntegratedGPU": "integrated GPU", "unknown": "GPU", "CPU": "software"}
#: Software that some drivers report as a GPU.
_SOFTWARE_NAMES = ("llvmpipe", "swiftshader", "basic render")
#: OpenGL shows the same GPUs again, and computes on few of them.
_LEFT_OUT = frozenset({"OpenGL", "OpenGLES", "Null"})
_STDERR = threading.Lock()


@dataclass(frozen=True, slots=True)
class Adapter:
    """A GPU, or software in its place, that WebGPU can compute on.

    Attributes
    ----------
    name : str
        As its driver calls it.
    kind : {"discrete GPU", "integrated GPU", "GPU", "software"}
        Software computes on the CPU: it is right, and as slow as the CPU.
    backend : str
        What lies below WebGPU: Vulkan, Metal or D3D12.
    driver : str
        Its version, as far as it is told.
    handle : wgpu.GPUAdapter
        What wgpu knows it by.
    """

    name: str
    kind: str
    backend: str
    driver: str
    handle: Any = field(repr=False, compare=False)

    @property
    def is_software(self) -> bool:
        """Whether it computes on the CPU."""
        return self.kind == "software"

    @property
    def shares_memory_with_cpu(self) -> bool:
        """Whether its memory is the CPU's."""
        return self.kind in ("integrated GPU", "software")

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}, {self.backend})"


def webgpu_module() -> Any:  # noqa: ANN401
    """Return the module ``wgpu``.

    Raises
    ------
    RuntimeError
        If it is not installed, or does not import.
    """
    if find_spec("wgpu") is None:
        raise RuntimeError("no WebGPU here: wgpu is not installed; install it with: pip install 'gpu-lessons[webgpu]'")
    try:
        import wgpu
    except Exception as error:
        raise RuntimeError(f"no WebGPU here: wgpu does not import ({type(error).__name__}: {error})") from None
    log = logging.getLogger("wgpu")
    log.propagate = False  # every error is raised; what is only logged would reach the notebook
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    return wgpu


@cache
def adapters() -> tuple[Adapter, ...]:
    """Return the adapters of this machine, GPUs of their own first, software last.

    Raises
    ------
    RuntimeError
        If wgpu is not there.
    """
    wgpu = webgpu_module()
    try:
        with quiet_stderr():
            found = [_described(each) for each in wgpu.gpu.enumerate_adapters_sync()]
    except Exception as error:
        raise RuntimeError(f"no WebGPU here: it cannot ask for adapters ({type(error).__name__}: {error})") from None
    usable = [each for each in found if each.backend not in _LEFT_OUT]
    return tuple(sorted(usable, key=lambda each: list(_KINDS.values()).index(each.kind)))


def webgpu_adapter(*, software: bool) -> Adapter:
    """Return the adapter to compute on; one that is software only if that is allowed.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    found = adapters()
    hardware = [each for each in found if not each.is_software]
    if hardware:
        return hardware[0]
    if found and software:
        return found[0]
    if found:
        raise RuntimeError(f"no WebGPU here but in software: {found[0]}; GPU_LESSONS_GPU=webgpu takes it")
    raise RuntimeError(
        "no WebGPU here: no driver for Vulkan, Metal or Direct3D 12 answers; install or renew the GPU's driver"
    )


def chosen_adapter() -> Adapter:
    """Return the adapter to compute on; software only where the environment variable ``GPU_LESSONS_GPU`` asks for it.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    return webgpu_adapter(software=os.environ.get("GPU_LESSONS_GPU") == "webgpu")


@cache
def webgpu_status() -> tuple[bool, str]:
    """Return whether a GPU, not software, computes through WebGPU here, and one sentence that says so or why not.

    A GPU is believed after it gave a device. Never raises, and never imports wgpu where it is not installed.

    Examples
    --------
    >>> usable, sentence = webgpu_status()
    >>> isinstance(usable, bool) and bool(sentence)
    True
    """
    try:
        adapter = webgpu_adapter(software=False)
    except RuntimeError as error:
        return False, str(error)
    try:
        with quiet_stderr():
            adapter.handle.request_device_sync().destroy()
    except Exception as error:
        return False, f"{adapter} is here but gives no device ({type(error).__name__}: {error}); renew its driver"
    return True, f"WebGPU here: {adapter}"


def this_webgpu(adapter: Adapter) -> Machine:
    """Return the machine that an adapter is. WebGPU tells its name, and whether its memory is the CPU's."""
    here = f"this machine: WebGPU, {adapter.backend}"
    machine = Machine(slug="this-webgpu", name=adapter.name, kind="gpu", vendor=adapter.handle.info["vendor"])
    shared = adapter.shares_memory_with_cpu
    return with_found(
        machine,
        {
            "shares_memory_with_cpu": Found(shared, here),
            "memory_bytes": Found(this_cpu().memory_bytes if shared else None, "this machine: the CPU's memory"),
        },
    )


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Throw away what libraries below Python write to standard error, such as "XDG_RUNTIME_DIR is invalid"."""
    with _STDERR:
        sys.stderr.flush()
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def _described(handle: Any) -> Adapter:  # noqa: ANN401  (wgpu's classes are not imported here)
    info = handle.info
    name = info["device"] or info["description"] or "a GPU without a name"
    is_software = any(word in name.lower() for word in _SOFTWARE_NAMES)
    kind = "software" if is_software else _KINDS.get(info["adapter_type"], "GPU")
    return Adapter(name, kind, info["backend_type"], info["description"], handle)
