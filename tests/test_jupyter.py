"""Jupyter set up by somebody else: real servers and kernels under configurations that a user may bring along."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from gpu_lessons import jupyter

NOTEBOOK = "00_start_here.ipynb"
MINE = Path(sys.prefix) / "share" / "jupyter" / "kernels" / "python3"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return the home of a user whom Jupyter has never seen, with nothing else of this one."""
    for name in [name for name in os.environ if name.startswith(("JUPYTER", "IPYTHON", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path):
    """Return a folder with one notebook."""
    made = tmp_path / "my course"
    made.mkdir()
    (made / NOTEBOOK).write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    return made


def put_kernel(home, python):
    """Give the user a kernel of their own that is called python3, as `ipykernel install --user` does."""
    made = home / ".local/share/jupyter/kernels/python3"
    made.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (made / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "mine", "language": "python"}))
    return made


def configure(home, text):
    (home / ".jupyter").mkdir(parents=True)
    (home / ".jupyter" / "jupyter_server_config.py").write_text(text)


def test_a_kernel_of_this_environment_runs_the_course(home, folder):
    assert jupyter.kernel_problem(folder) is None


@pytest.mark.parametrize("python", ["/nowhere/python3", "a Python without the course"])
def test_a_kernel_of_the_user_that_cannot_run_the_course_is_named_with_its_folder(home, folder, monkeypatch, python):
    if not python.startswith("/"):
        python = home / "python"
        home.mkdir()
        python.write_text(f'#!/bin/sh\nexport PYTHONPATH={home}/hides\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        (home / "hides" / "gpu_lessons").mkdir(parents=True)
        (home / "hides" / "gpu_lessons" / "__init__.py").write_text("raise ImportError('not the course')")
    theirs = put_kernel(home, python)
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    problem = jupyter.kernel_problem(folder)
    assert problem.startswith(f"notebooks get the kernel in {theirs}, which runs {python}: ")
    assert problem.endswith("; remove that folder, or set JUPYTER_PREFER_ENV_PATH=1")
    if not str(python).startswith("/nowhere"):
        assert "ImportError: not the course" in problem


@pytest.mark.skipif(not MINE.is_dir(), reason="this environment has no kernelspec of its own")
def test_a_kernel_of_the_user_that_is_not_preferred_does_no_harm(home, folder, monkeypatch):
    put_kernel(home, "/nowhere/python3")
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    assert jupyter.kernel_problem(folder) is None


def test_a_file_beside_the_lessons_that_hides_a_module_of_theirs_is_found(home, folder):
    (folder / "numpy.py").write_text("raise ImportError('my own numpy')")
    assert "ImportError: my own numpy" in jupyter.kernel_problem(folder)


def test_a_home_that_cannot_be_written_is_named_with_what_to_set(home, folder, monkeypatch):
    monkeypatch.setenv("HOME", "/proc/no-home")  # not even root makes a folder there
    problem = jupyter.kernel_problem(folder)
    assert problem.startswith("Jupyter cannot write /proc/no-home/.jupyter (")
    names = re.search(r"; set ([A-Z_, ]+) to a folder that can be written$", problem)[1].split(", ")
    assert len(names) == 3
    for name in names:
        monkeypatch.setenv(name, str(home))
    assert jupyter.kernel_problem(folder) is None


def test_a_configuration_with_which_no_server_starts_is_quoted(home, folder):
    configure(home, "c.ServerApp.contents_manager_class = 'no.such.Manager'\n")
    assert re.match(r"JupyterLab does not start: .*no\.such", jupyter.kernel_problem(folder))


ELSEWHERE = [
    "c.ServerApp.preferred_dir = {elsewhere!r}",
    "c.FileContentsManager.preferred_dir = {elsewhere!r}",
    "c.ServerApp.root_dir = {elsewhere!r}",
    "c.FileContentsManager.root_dir = {elsewhere!r}",
]


@pytest.mark.parametrize("line", ELSEWHERE)
def test_the_course_opens_whatever_folder_the_user_prefers_elsewhere(home, folder, tmp_path, line):
    (tmp_path / "elsewhere").mkdir()
    configure(home, line.format(elsewhere=str(tmp_path / "elsewhere")) + "\n")
    assert address_shows_the_course(folder)


def address_shows_the_course(folder):
    """Start JupyterLab as the command does, and ask its own address for the notebook."""
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    log = folder.parent / "log"
    with log.open("wb") as stream:
        server = subprocess.Popen([*command, *jupyter.served_folder(folder)], stdout=stream, stderr=stream)
    try:
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s and server.poll() is None:
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\S*\?token=([0-9a-f]+)", log.read_text()):
                address = f"{found[1]}/api/contents/{NOTEBOOK}?content=0&token={found[2]}"
                with suppress(urllib.error.URLError), urllib.request.urlopen(address, timeout=10) as answer:
                    return answer.status == 200  # before, it has told its address and does not listen yet
            time.sleep(0.1)
        raise AssertionError(f"JupyterLab printed no address:\n{log.read_text()}")
    finally:
        server.terminate()
        server.wait(timeout=30)
