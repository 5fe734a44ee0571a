"""`gpu-lessons doctor`: what is here, what works, what to install."""

from __future__ import annotations

import re
import tempfile
import tomllib
import warnings
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from gpu_lessons.hardware.course import course_root, is_learners_folder, learners_folder
from gpu_lessons.hardware.cupy_packages import cupy_packages
from gpu_lessons.jupyter import kernel_problem

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
    "pillow": "PIL",
}
#: Without these it runs: the first tells more of a GPU, the others write pages.
_OPTIONAL = {
    "nvidia-ml-py": "pynvml",
    "jinja2": "jinja2",
    "latex2mathml": "latex2mathml",
    "markupsafe": "markupsafe",
    "mistune": "mistune",
    "nbconvert": "nbconvert",
    "nbformat": "nbformat",
    "pygments": "pygments",
}
#: Distributions that bring arrays on a GPU; a learner installs one of them.
_EXTRAS = ("cupy", "wgpu")


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
    optional = [*(examine_dependency(name, module) for name, module in _OPTIONAL.items()), _cupy(), _wgpu()]
    blocks = [*_machine_block(), "\n".join(_line(each) for each in [*found, *optional])]
    obstacles = [f"{each.name}: {each.problem}." for each in found if each.problem]
    command = "gpu-lessons"
    try:
        blocks.append(f"Course files: {course_root() / 'notebooks'}")
        if not _is_clone():  # in a wheel, of which nobody edits the files
            command = "gpu-lessons lab DIR, which puts a copy of it into DIR"
        obstacles = obstacles or _notebook_obstacles()
    except FileNotFoundError as error:
        obstacles.append(f"{error}.")
    advice = [*obstacles, *_gpu_advice()]
    advice.append("The course cannot start yet." if obstacles else f"The course can start: {command}")
    return "\n\n".join([*blocks, "\n".join(advice)]), not obstacles


def _is_clone() -> bool:
    return (course_root() / "pyproject.toml").is_file()


def _notebook_obstacles() -> list[str]:
    """Return why a notebook would not run, found out by a server and a kernel; nothing if it would."""
    own = learners_folder() or course_root() / "my_course"
    with tempfile.TemporaryDirectory() as empty:
        problem = kernel_problem(own if is_learners_folder(own) else Path(empty))
    return [] if problem is None else [f"{problem[0].upper()}{problem[1:]}."]


def examine_dependency(name: str, module: str) -> Dependency:
    """Return whether distribution ``name`` is installed, imports as ``module`` and has a version that is allowed."""
    try:
        found = version(name)
    except PackageNotFoundError:
        return Dependency(name, "", f"missing; install it with: pip install {_quoted(name, _upper_bounds(name))}")
    if broken := _broken_bounds(name, found):
        problem = f"the course needs {name}{broken}; install it with: pip install {_quoted(name, broken)}"
        return Dependency(name, found, problem)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module(module)
    except (Exception, SystemExit) as error:  # a broken binary raises anything
        return Dependency(name, found, f"does not import ({type(error).__name__}: {error}); install it again")
    return Dependency(name, found)


def _quoted(name: str, bounds: str) -> str:
    return f"'{name}{bounds}'" if bounds else name


def _bounds(name: str) -> str:
    """Return the versions of a distribution that the course allows, such as ">=5.5,<6"; of any CuPy, those of one."""
    lines = _requirement_lines()
    if name.startswith("cupy") and name not in lines:
        name = "cupy-cuda12x"
    return lines.get(name, "")


def _requirement_lines() -> dict[str, str]:
    """Return the bounds by distribution, as pyproject.toml states them: that of a clone, or that of the wheel."""
    if _is_clone():
        project = tomllib.loads((course_root() / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        extras = project["optional-dependencies"]
        lines = [*project["dependencies"], *extras["cuda12"], *extras["cuda13"], *extras["webgpu"]]
    else:
        lines = [line for line in requires("gpu-lessons") or () if "extra ==" not in line or line.startswith(_EXTRAS)]
    named = [re.fullmatch(r"([\w.-]+)([^;]*)(;.*)?", line) for line in lines]
    return {each[1]: each[2].replace(" ", "") for each in named if each}


def _upper_bounds(name: str) -> str:
    return ",".join(bound for bound in _bounds(name).split(",") if bound.startswith("<"))


def _broken_bounds(name: str, found: str) -> str:
    """Return the bounds that version ``found`` breaks, joined by commas; empty if it is allowed."""
    bounds = [bound for bound in _bounds(name).split(",") if bound]
    return ",".join(bound for bound in bounds if not _is_within(_release(found), bound))


def _is_within(release: list[int], bound: str) -> bool:
    """Return whether a release keeps to one bound, which begins with ">=" or "<": pyproject.toml has no others."""
    if bound.startswith(">="):
        return release >= _release(bound[2:])
    return release < _release(bound[1:])


def _release(version: str) -> list[int]:
    """Return the numbers of a version without zeros at the end, so that 2 is 2.0; a candidate counts as its release."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    release = [int(each) for each in numbers[0].split(".")] if numbers else []
    while release and release[-1] == 0:
        release.pop()
    return release


def _machine_block() -> list[str]:
    try:
        from gpu_lessons.hardware.detect import this_machine
    except ImportError:  # NumPy is missing or broken; its own line says so
        return []
    return [this_machine().describe()]


def _cupy() -> Dependency:
    """Return the state of CuPy. It is optional, and two of its wheels break each other."""
    installed = cupy_packages()
    if not installed:
        return Dependency("cupy", "", "not installed; only a GPU needs it")
    if len(installed) > 1:
        problem = "installed together; uninstall all but one"
        return Dependency(" and ".join(installed), ", ".join(installed.values()), problem)
    [(name, found)] = installed.items()
    if broken := _broken_bounds(name, found):
        problem = f"the course needs {name}{broken}; install it with: pip install {_quoted(name, broken)}"
        return Dependency(name, found, problem)
    from gpu_lessons.hardware.arrays import cuda_status

    usable, why = cuda_status()
    return Dependency(name, found, "" if usable else why)


def _wgpu() -> Dependency:
    """Return the state of wgpu, which reaches GPUs without CUDA. It is optional."""
    found = examine_dependency("wgpu", "wgpu")
    if not found.version:
        return Dependency("wgpu", "", "not installed; only a GPU without CUDA needs it")
    if found.problem:
        return found
    from gpu_lessons.hardware.adapters import webgpu_status

    usable, why = webgpu_status()
    return Dependency("wgpu", found.version, "" if usable else why)


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
        return [*advice, *_webgpu_advice()]
    installed = cupy_packages()
    misfits = [name for name in installed if not _fits(name, cuda_version)]
    if misfits or not installed:
        extra = "cuda13" if cuda_version >= 13 else "cuda12"
        first = f"uninstall {' and '.join(misfits)}, which does not fit, then " if misfits else ""
        advice.append(
            f"An NVIDIA driver for CUDA {cuda_version} is here: {first}install CuPy with pip install "
            f"'gpu-lessons[{extra}]', or in the repository with pip install -e '.[{extra}]'."
        )
    return advice


def _webgpu_advice() -> list[str]:
    """Return what a machine without an NVIDIA driver can do: its own GPU through WebGPU, or predictions."""
    from gpu_lessons.hardware.adapters import webgpu_status

    usable, sentence = webgpu_status()
    told = f"{sentence[0].upper()}{sentence[1:]}."
    if usable:
        return [told, "No NVIDIA driver answers, so lessons run on that GPU."]
    return [told, "No NVIDIA driver answers, so lessons show predicted numbers for GPUs and say so."]


def _fits(cupy: str, cuda_version: int) -> bool:
    """Return whether a wheel of CuPy is made for this driver: one of AMD's ROCm is not, nor one for a newer CUDA."""
    needs = re.search(r"-cuda(\d\d)", cupy)
    return int(needs[1]) <= cuda_version if needs else "rocm" not in cupy


def _driver_cuda_version() -> int | None:
    """Return the newest CUDA major version that the driver runs; None without a driver."""
    from gpu_lessons.hardware.driver import driver_cuda_version

    version = driver_cuda_version()
    return None if version is None else int(version.partition(".")[0])
