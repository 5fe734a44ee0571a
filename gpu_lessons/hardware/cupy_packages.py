"""What is installed under the name of CuPy, found without importing it."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

__all__ = ["cupy_packages", "cupys_namesake"]

#: CuPy comes as one wheel for each CUDA or ROCm; two of them write over each other's files.
_BRINGS_CUPY = re.compile(r"(amd-)?cupy|cupy-(cuda|rocm)[\w-]*")


def cupy_packages() -> dict[str, str]:
    """Return name and version of every installed distribution that brings the module ``cupy``."""
    found: dict[str, str] = {}
    for each in distributions():
        name = str(each.metadata["Name"] or "").lower().replace("_", "-").replace(".", "-")
        if _BRINGS_CUPY.fullmatch(name):
            found.setdefault(name, each.version)
    return dict(sorted(found.items()))


def cupys_namesake() -> Path | None:
    """Return the file or folder that Python imports as ``cupy`` without being CuPy, such as a learner's own cupy.py."""
    try:
        spec = find_spec("cupy")
    except ValueError:  # a module that somebody made in memory
        return None
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or ())
    if any((Path(folder) / "cuda").is_dir() for folder in folders):
        return None
    return Path(folders[0] if folders else str(spec.origin))
