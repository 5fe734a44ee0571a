"""How a recording comes about: the machine, the day, the versions. No name of a person, a host or a folder."""

from __future__ import annotations

import datetime
import platform
import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gpu_lessons.hardware.adapters import chosen_adapter
from gpu_lessons.hardware.course import RECORDINGS, course_root, is_learners_folder, learners_folder
from gpu_lessons.hardware.detect import ThisMachine
from gpu_lessons.measuring.webgpu import DEVICE_CLOCK, HOST_CLOCK
from gpu_lessons.recorded import recordings_folder
from gpu_lessons.records import Provenance
from gpu_lessons.units import format_counted

__all__ = ["provenance_of_today", "usual_path"]


def provenance_of_today(here: ThisMachine, *, quick: bool, seed: int) -> Provenance:
    """Return the provenance of a recording that begins now on ``here``."""
    return Provenance(
        date=datetime.date.today().isoformat(),
        command="gpu-lessons record --quick" if quick else "gpu-lessons record",
        seed=seed,
        quick=quick,
        complete=False,
        operating_system=f"{platform.system()} {platform.release()} {platform.machine()}",
        usable_cores=here.usable_cores,
        versions=_versions(here),
    )


def usual_path(here: ThisMachine) -> Path:
    """Return where a recording of ``here`` that begins today belongs, such as amd-epyc-2-threads-2026-11-24.json.

    In a learner's folder that is their ``recordings``, in a clone of the repository the folder of the recordings that
    ship, elsewhere the current folder.
    """
    name = f"{here.cpu.name} {format_counted(here.usable_cores, 'thread')}"
    gpu = here.gpu or here.webgpu
    words = re.findall("[a-z0-9]+", (name if gpu is None else gpu.name).lower())
    file = f"{'-'.join([*words, datetime.date.today().isoformat()])}.json"
    own = learners_folder()
    if own is not None and is_learners_folder(own):
        folder = own / RECORDINGS
    elif (course_root() / "pyproject.toml").is_file():
        folder = recordings_folder()
    else:
        return Path(file)
    with suppress(OSError):  # the recorder says what is wrong with a folder
        folder.mkdir(exist_ok=True)
    return folder / file


def _webgpu_versions() -> dict[str, str]:
    """Return what stands between Python and a GPU that is reached through WebGPU, and what tells the seconds."""
    adapter = chosen_adapter()
    has_clock = "timestamp-query" in adapter.handle.features
    clock = f"{DEVICE_CLOCK}, of copies {HOST_CLOCK}" if has_clock else HOST_CLOCK
    return {"wgpu": version("wgpu"), "driver": f"{adapter.backend}, {adapter.driver}".rstrip(", "), "clock": clock}


def _versions(here: ThisMachine) -> dict[str, str]:
    try:
        own = version("gpu-lessons")
    except PackageNotFoundError:
        own = "not installed"
    cuda = here.cuda
    told = {
        "gpu_lessons": own,
        "python": f"{platform.python_implementation()} {here.python_version}",
        "numpy": here.numpy_version,
        "blas": here.blas_name,
        "cupy": cuda.cupy if cuda else None,
        "cuda_runtime": cuda.runtime if cuda else None,
        "driver": cuda.driver if cuda else None,
        **({} if cuda or here.webgpu is None else _webgpu_versions()),
    }
    return {name: each for name, each in told.items() if each is not None}
