"""What a server of a class runs: JupyterHub's configuration with hub and spawner played, and Binder's image."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from traitlets.config import Config

from gpu_lessons.hardware.course import course_root

DEPLOY = course_root() / "deploy"


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """Return what JupyterHub reads from the file, and the names the file defines, for a class in ``tmp_path``."""

    def run(**variables):
        for name, value in ({"CLASS": str(tmp_path), "PASSWORD": "rehearsal1"} | variables).items():
            monkeypatch.setenv(f"GPU_LESSONS_{name}", value)
        c = Config()
        names = {"get_config": lambda: c}
        exec(compile((DEPLOY / "jupyterhub_config.py").read_text(), "jupyterhub_config.py", "exec"), names)
        return c, names

    return run


def spawner(name):
    return SimpleNamespace(user=SimpleNamespace(name=name), cmd=["jupyterhub-singleuser"])


def test_each_learner_gets_a_folder_of_their_own_with_the_lessons(configured, tmp_path):
    c, _ = configured(SOLUTIONS="no")
    c.Spawner.pre_spawn_hook(spawner("ada"))
    assert (tmp_path / "ada" / "00_start_here.ipynb").is_file()
    assert not (tmp_path / "ada" / "solutions").exists()
    configured(SOLUTIONS="yes")[0].Spawner.pre_spawn_hook(spawner("ada"))
    assert (tmp_path / "ada" / "solutions").is_dir()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system gives no cores to a process")
def test_learners_share_a_core_only_where_there_are_too_few_and_leave_theirs_to_the_next(configured, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4, 5, 6})
    c, names = configured()
    for name in ("ada", "ben", "eve"):
        c.Spawner.pre_spawn_hook(spawner(name))
    assert names["cores_of"] == {"ada": [4], "ben": [5], "eve": [6]}
    c.Spawner.post_stop_hook(spawner("ben"))
    for name in ("gil", "hal"):
        c.Spawner.pre_spawn_hook(spawner(name))
    assert names["cores_of"]["gil"] == [5]
    assert len(names["cores_of"]["hal"]) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
def test_a_learners_server_runs_with_their_limit_of_memory_on_their_cores(configured):
    c, names = configured(MEMORY_GB="0.5")
    learner = spawner("ada")
    c.Spawner.pre_spawn_hook(learner)
    asked = "import os, resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0], *sorted(os.sched_getaffinity(0)))"
    command = [*learner.cmd[:-1], sys.executable, "-c", asked]
    limit, *cores = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert limit == pytest.approx(0.5e9, rel=1e-5)
    assert cores == names["cores_of"]["ada"]


def test_a_class_without_a_password_does_not_start(configured, monkeypatch):
    monkeypatch.delenv("GPU_LESSONS_PASSWORD", raising=False)
    with pytest.raises(SystemExit, match="GPU_LESSONS_PASSWORD"):
        configured(PASSWORD="")
