"""`gpu-lessons doctor`: what is here, what works, what to install."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, packages_distributions, version

__all__ = ["Dependency", "examine", "examine_dependency"]

#: Distribution and the module it brings; the course does not run without them.
_REQUIRED = {
    "numpy": "numpy",
    "array-api-compat": "array_api_compat",
    "psutil": "psutil",
    "threadpoolctl": "threadpoolctl",
    "jupyterlab": "jupyterlab",
    "ipywidgets": "ipywidgets",
    "anywidget": "anywidget",
    "matplotlib": "matplotlib",
    "altair": "altair",
    "vl-convert-python": "vl_convert",
}
_CUPY_NAMES = ("cupy-cuda12x", "cupy-cuda13x", "cupy")


@dataclass(frozen=True, slots=True)
class Dependency:
    """One package the course builds on; ``problem`` is empty if it works."""

    name: str
    version: str
    problem: str = ""


def examine() -> tuple[str, bool]:
    """Return what is here as text, and whether the course can run.

    A missing GPU is no problem: lessons then show predictions and say so.
    """
    found = [examine_dependency(name, module) for name, module in _REQUIRED.items()]
    blocks = [*_machine_block(), "\n".join(_line(each) for each in [*found, _cupy()])]
    advice = [f"{each.name}: {each.problem}." for each in found if each.problem]
    broken = bool(advice)
    try:
        from gpu_lessons.hardware.course import course_root

        blocks.append(f"Course files: {course_root() / 'notebooks'}")
    except FileNotFoundError as error:
        advice.append(f"{error}.")
        broken = True
    advice += _gpu_advice()
    advice.append("The course cannot start yet." if broken else "The course can start: gpu-lessons")
    return "\n\n".join([*blocks, "\n".join(advice)]), not broken


def examine_dependency(name: str, module: str) -> Dependency:
    """Return whether distribution ``name`` is installed, imports as ``module`` and fits."""
    try:
        found = version(name)
    except PackageNotFoundError:
        return Dependency(name, "", f"missing; install it with: pip install {_wanted(name)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module(module)
    except Exception as error:  # a broken binary raises anything
        return Dependency(name, found, f"does not import ({type(error).__name__}: {error}); install it again")
    if name == "altair" and int(found.partition(".")[0]) >= 6:
        problem = "JupyterLab cannot draw the charts of version 6 and later"
        return Dependency(name, found, f"{problem}; install an older one with: pip install {_wanted(name)}")
    return Dependency(name, found)


def _wanted(name: str) -> str:
    return "'altair<6'" if name == "altair" else name


def _machine_block() -> list[str]:
    try:
        from gpu_lessons.hardware.detect import this_machine
    except ImportError:  # NumPy is missing or broken; its own line says so
        return []
    return [this_machine().describe()]


def _cupy() -> Dependency:
    """Return CuPy's state. It is optional, and two of its wheels installed together break each other."""
    installed = sorted(set(_CUPY_NAMES) & set(packages_distributions().get("cupy", [])))
    if not installed:
        return Dependency("cupy", "", "not installed; only a GPU needs it")
    from gpu_lessons.hardware.arrays import cuda_status

    versions = ", ".join(version(name) for name in installed)
    if len(installed) > 1:
        return Dependency(" and ".join(installed), versions, "installed together; uninstall all but one")
    usable, why = cuda_status()
    return Dependency(installed[0], versions, "" if usable else why)


def _line(dependency: Dependency) -> str:
    state = dependency.problem or "works"
    return f"{dependency.name:<18} {dependency.version:<11} {state}".rstrip()


def _gpu_advice() -> list[str]:
    """Return the GPU's sentence and what to install for it."""
    try:
        from gpu_lessons.hardware.arrays import cuda_status
    except ImportError:
        return []
    usable, sentence = cuda_status()
    advice = [f"{sentence[0].upper()}{sentence[1:]}."]
    if usable:
        return advice
    cuda_version = _driver_cuda_version()
    if cuda_version is None:
        advice.append("No NVIDIA driver answers, so lessons show predicted numbers for GPUs and say so.")
    elif _cupy().version == "":
        extra = "cuda13" if cuda_version >= 13 else "cuda12"
        advice.append(
            f"An NVIDIA driver for CUDA {cuda_version} is here: install CuPy with pip install "
            f"'gpu-lessons[{extra}]', or in the repository with pip install -e '.[{extra}]'."
        )
    return advice


def _driver_cuda_version() -> int | None:
    """Return the newest CUDA major version that the driver runs; None without a driver."""
    from gpu_lessons.hardware.driver import driver_cuda_version

    version = driver_cuda_version()
    return None if version is None else int(version.partition(".")[0])
