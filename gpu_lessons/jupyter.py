"""Jupyter with the configuration a user brings along: what it must not change, and the kernel that a notebook gets."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["kernel_problem", "served_folder", "unwritable_folders"]

#: What every lesson says of its kernel.
_KERNEL = "python3"
# A slow disk that starts Python for the first time; a kernel that hangs must end some time.
_LONGEST_START_S = 90.0
_LESSON = """
import gpu_lessons
for name in gpu_lessons.__all__:
    getattr(gpu_lessons, name)
"""


def served_folder(folder: Path) -> list[str]:
    """Return the arguments that let a Jupyter server show ``folder`` and nothing else.

    A ``root_dir`` or ``preferred_dir`` in the user's own configuration would hide it, or keep the server from starting.
    """
    return [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.preferred_dir={folder}",
        f"--FileContentsManager.root_dir={folder}",
        "--FileContentsManager.preferred_dir=",
    ]


def unwritable_folders() -> str | None:
    """Return one sentence about the folders that Jupyter must write and cannot, or None.

    Those that are missing are made, as Jupyter makes them at its first start.
    """
    from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir

    folders = {
        "JUPYTER_CONFIG_DIR": jupyter_config_dir(),
        "JUPYTER_DATA_DIR": jupyter_data_dir(),
        "JUPYTER_RUNTIME_DIR": jupyter_runtime_dir(),
    }
    refused = {name: why for name, folder in folders.items() if (why := _why_unwritable(Path(folder)))}
    if not refused:
        return None
    names = ", ".join(refused)
    return f"Jupyter cannot write {' or '.join(refused.values())}; set {names} to a folder that can be written"


def _why_unwritable(folder: Path) -> str | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return f"{folder} ({error.strerror or type(error).__name__})"


def kernel_problem(folder: Path) -> str | None:
    """Return one sentence why a notebook in ``folder`` would not run the course, or None if it would.

    A server starts in a process of its own, as `gpu-lessons lab` starts it, with all the configuration it finds. The
    kernel that it gives to a notebook then imports what the lessons use.
    """
    if find_spec("jupyterlab") is None:
        return "JupyterLab is not installed, so no notebook opens"
    if (refused := unwritable_folders()) is not None:
        return refused
    try:
        ended = subprocess.run(
            [sys.executable, "-m", __name__, str(folder)],
            capture_output=True, text=True, errors="replace", timeout=_LONGEST_START_S + 30, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "JupyterLab has not started a kernel after two minutes"
    last = (ended.stdout.strip().splitlines() or [""])[-1]
    if not last.startswith("{"):
        return f"JupyterLab does not start: {_last_line(ended.stderr)}"
    told = json.loads(last)
    if not told["error"]:
        return None
    problem = f"notebooks get the kernel in {told['folder']}, which runs {told['python']}: {told['error']}"
    if Path(told["folder"]).is_relative_to(sys.prefix):
        return problem
    return f"{problem}; remove that folder, or set JUPYTER_PREFER_ENV_PATH=1"


def _last_line(text: str) -> str:
    """Return the last line that says something, without the time and name of a log."""
    line = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it says nothing")
    return re.sub(r"^\[[A-Z] [^]]*\] ", "", line)


def _try(folder: str) -> dict[str, str]:
    """Start a server and a kernel; return the kernel's folder and Python, and what was wrong with it, if anything."""
    from jupyterlab.labapp import LabApp

    arguments = ["--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", "--no-browser", "--allow-root"]
    LabApp.load_other_extensions = False  # they start programs of their own, and do not decide on the kernel
    app = LabApp.initialize_server([*served_folder(Path(folder)), *arguments, "--ServerApp.log_level=CRITICAL"])
    spec = app.kernel_spec_manager.get_kernel_spec(_KERNEL)
    python = sys.executable if spec.argv[0].startswith("python") else spec.argv[0]  # as Jupyter takes it
    error = app.io_loop.run_sync(lambda: _error_of_kernel(app.kernel_manager))
    return {"folder": spec.resource_dir, "python": python, "error": error}


async def _error_of_kernel(kernels: Any) -> str:  # noqa: ANN401  (Jupyter's own class, which a user may replace)
    try:
        kernel = await kernels.start_kernel(kernel_name=_KERNEL, path="")
    except Exception as error:
        return _last_line(str(error)) if str(error) else type(error).__name__
    client = kernels.get_kernel(kernel).client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=_LONGEST_START_S)
        reply = await asyncio.wait_for(client.execute_interactive(_LESSON, store_history=False), _LONGEST_START_S)
    except Exception as error:
        return f"it does not answer ({_last_line(str(error)) if str(error) else type(error).__name__})"
    finally:
        client.stop_channels()
        await kernels.shutdown_kernel(kernel, now=True)
    content = reply["content"]
    return "" if content["status"] == "ok" else f"{content['ename']}: {content['evalue']}"


if __name__ == "__main__":
    print(json.dumps(_try(sys.argv[1])), flush=True)
