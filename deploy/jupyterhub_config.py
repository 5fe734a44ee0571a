"""JupyterHub for a class on one server; README.md beside this file says how to start it, and what it does not do."""

import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from gpu_lessons.lab import fill_folder

#: Holds a folder of each learner: lessons, answers, recordings.
CLASS = Path(os.environ.get("GPU_LESSONS_CLASS", "class")).resolve()
#: What a kernel may take before NumPy says that there is no more; lessons take half of it, see README.md.
MEMORY_BYTES = int(float(os.environ.get("GPU_LESSONS_MEMORY_GB", "2")) * 1e9)
#: Cores that a learner's kernels see. Each learner has the same ones all the time, so that neighbours who measure
#: disturb each other as little as there are cores for.
CORES = int(os.environ.get("GPU_LESSONS_CORES", "1"))
SOLUTIONS = os.environ.get("GPU_LESSONS_SOLUTIONS", "yes") == "yes"
PASSWORD = os.environ.get("GPU_LESSONS_PASSWORD")
if not PASSWORD:
    sys.exit("Set GPU_LESSONS_PASSWORD, the class's password: eight characters or more.")

c = get_config()  # noqa: F821, JupyterHub runs this file with it

c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = PASSWORD
c.Authenticator.allow_all = True
# A name becomes a folder.
c.Authenticator.username_pattern = "[a-z0-9][a-z0-9_-]{0,30}"

c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(CLASS / "{username}")
c.Spawner.notebook_dir = str(CLASS / "{username}")
c.Spawner.default_url = "/lab/tree/00_start_here.ipynb"
c.Spawner.args = ["--KernelSpecManager.ensure_native_kernel=True", "--MappingKernelManager.cull_idle_timeout=3600"]
if os.geteuid() == 0:
    c.Spawner.args.append("--allow-root")

cores_of: dict[str, list[int]] = {}


def prepare(spawner: Any) -> None:  # noqa: ANN401
    """Bring the learner's lessons up to date, and give the learner the cores that the fewest have."""
    fill_folder(CLASS / spawner.user.name, solutions=SOLUTIONS)
    usable = sorted(os.sched_getaffinity(0))
    used = Counter(core for cores in cores_of.values() for core in cores)
    cores = sorted(usable, key=lambda core: used[core])[:CORES]
    cores_of[spawner.user.name] = cores
    limited = f'ulimit -d {MEMORY_BYTES // 1024}; exec taskset --cpu-list {",".join(map(str, cores))} "$@"'
    spawner.cmd = ["sh", "-c", limited, "sh", "jupyterhub-singleuser"]


def forget(spawner: Any) -> None:  # noqa: ANN401
    """Give the cores of a learner who has gone to the next one."""
    cores_of.pop(spawner.user.name, None)


c.Spawner.pre_spawn_hook = prepare
c.Spawner.post_stop_hook = forget
