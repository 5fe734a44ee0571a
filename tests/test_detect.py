"""What is found on a machine: under faked /proc and /sys, and with CuPy absent, broken or fake."""

import builtins
import math
import os
import subprocess
import sys
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import array_api_strict
import numpy as np
import psutil
import pytest
import threadpoolctl

from gpu_lessons.hardware import arrays, detect, processor
from gpu_lessons.hardware.arrays import cuda_device, cuda_status, cupy_namespace, to_numpy
from gpu_lessons.hardware.cgroups import cpu_quota, memory_left_bytes, memory_limit_bytes
from gpu_lessons.hardware.cupy_packages import cupy_packages
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.hardware.graphics import pcie_bandwidth_bytes_per_s, this_gpu
from gpu_lessons.hardware.machines import machine
from gpu_lessons.hardware.processor import available_memory_bytes, this_cpu, usable_cores
from gpu_lessons.hardware.recognition import known_cpu, known_gpu
from gpu_lessons.lessons.setup import say_devices
from gpu_lessons.measuring.provenance import usual_path

GB = 10**9


@pytest.fixture(autouse=True)
def ask_afresh():
    """Forget what was found: the answers are kept for the life of a process."""
    cuda_status.cache_clear()
    detect._hardware.cache_clear()
    yield
    cuda_status.cache_clear()
    detect._hardware.cache_clear()


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


# --- what a container allows ------------------------------------------------------------------------------


def test_without_control_groups_there_is_no_quota_and_no_limit(tmp_path):
    assert cpu_quota(tmp_path) is None
    assert memory_limit_bytes(tmp_path) is None
    assert memory_left_bytes(tmp_path) is None


def test_version_2_quota_and_limit_are_read(tmp_path):
    put(tmp_path, "proc/self/cgroup", "0::/\n")
    put(tmp_path, "sys/fs/cgroup/cpu.max", "250000 100000\n")
    put(tmp_path, "sys/fs/cgroup/memory.max", f"{4 * GB}\n")
    put(tmp_path, "sys/fs/cgroup/memory.current", f"{3 * GB}\n")
    put(tmp_path, "sys/fs/cgroup/memory.stat", f"anon {1 * GB}\ninactive_file {1 * GB}\n")
    assert cpu_quota(tmp_path) == 2.5
    assert memory_limit_bytes(tmp_path) == 4 * GB
    # 3 GB are held, but 1 GB of it is cached file pages that the kernel gives back
    assert memory_left_bytes(tmp_path) == 2 * GB


def test_version_2_without_limits_says_max(tmp_path):
    put(tmp_path, "proc/self/cgroup", "0::/user.slice\n")
    put(tmp_path, "sys/fs/cgroup/user.slice/cpu.max", "max 100000\n")
    put(tmp_path, "sys/fs/cgroup/user.slice/memory.max", "max\n")
    assert cpu_quota(tmp_path) is None
    assert memory_limit_bytes(tmp_path) is None


def test_the_tightest_of_nested_groups_counts(tmp_path):
    put(tmp_path, "proc/self/cgroup", "0::/outer/inner\n")
    put(tmp_path, "sys/fs/cgroup/outer/cpu.max", "150000 100000\n")
    put(tmp_path, "sys/fs/cgroup/outer/inner/cpu.max", "800000 100000\n")
    put(tmp_path, "sys/fs/cgroup/outer/memory.max", f"{8 * GB}\n")
    put(tmp_path, "sys/fs/cgroup/outer/memory.current", f"{7 * GB}\n")
    put(tmp_path, "sys/fs/cgroup/outer/inner/memory.max", f"{2 * GB}\n")
    assert cpu_quota(tmp_path) == 1.5
    assert memory_limit_bytes(tmp_path) == 2 * GB
    # the inner group has all its 2 GB left, but its parent only 1 GB
    assert memory_left_bytes(tmp_path) == 1 * GB


def test_version_1_quota_and_limit_are_read_at_the_mount_of_a_container(tmp_path):
    # the path is the host's and does not exist inside
    put(tmp_path, "proc/self/cgroup", "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n")
    put(tmp_path, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n")
    put(tmp_path, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    put(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", f"{GB}\n")
    put(tmp_path, "sys/fs/cgroup/memory/memory.usage_in_bytes", f"{GB // 2}\n")
    put(tmp_path, "sys/fs/cgroup/memory/memory.stat", f"cache 5\ntotal_inactive_file {GB // 10}\n")
    assert cpu_quota(tmp_path) == 0.5
    assert memory_limit_bytes(tmp_path) == GB
    assert memory_left_bytes(tmp_path) == GB - GB // 2 + GB // 10


def test_version_1_without_limits_says_minus_one_and_a_huge_number(tmp_path):
    put(tmp_path, "proc/self/cgroup", "4:memory:/\n1:cpu:/\n0::/\n")
    put(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    put(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    put(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert cpu_quota(tmp_path) is None
    assert memory_limit_bytes(tmp_path) is None


def test_a_group_path_cannot_lead_out_of_the_control_groups(tmp_path):
    put(tmp_path, "proc/self/cgroup", "0::/../../../secret\n")
    put(tmp_path, "secret/cpu.max", "100000 100000\n")
    put(tmp_path, "sys/fs/cgroup/cpu.max", "300000 100000\n")
    assert cpu_quota(tmp_path) == 3.0


@pytest.mark.parametrize("text", ["", "nonsense", "100000", "100000 0", "-5 100000", "max max"])
def test_a_strange_quota_is_no_quota(tmp_path, text):
    put(tmp_path, "proc/self/cgroup", "0::/\n")
    put(tmp_path, "sys/fs/cgroup/cpu.max", text)
    assert cpu_quota(tmp_path) is None


@pytest.mark.parametrize(
    ("allowed", "quota", "expected"), [(8, None, 8), (8, 2.5, 2), (2, 4.0, 2), (8, 0.5, 1), (1, None, 1)]
)
def test_usable_cores_are_the_affinity_cut_by_the_quota(tmp_path, monkeypatch, allowed, quota, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    if quota:
        put(tmp_path, "proc/self/cgroup", "0::/\n")
        put(tmp_path, "sys/fs/cgroup/cpu.max", f"{int(quota * 100000)} 100000\n")
    assert usable_cores(tmp_path) == expected


def test_usable_cores_are_all_where_affinity_does_not_exist(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cores(tmp_path) == 6


def test_free_memory_stops_at_the_limit_of_the_group(tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=64 * GB, available=50 * GB))
    assert available_memory_bytes(tmp_path) == 50 * GB
    put(tmp_path, "proc/self/cgroup", "0::/\n")
    put(tmp_path, "sys/fs/cgroup/memory.max", f"{8 * GB}\n")
    put(tmp_path, "sys/fs/cgroup/memory.current", f"{3 * GB}\n")
    assert available_memory_bytes(tmp_path) == 5 * GB
    assert this_cpu(tmp_path).memory_bytes == 8 * GB


def test_free_memory_is_known_without_psutil(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert 0 < available_memory_bytes(tmp_path) <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


# --- the CPU ----------------------------------------------------------------------------------------------

RYZEN = """processor	: 0
vendor_id	: AuthenticAMD
model name	: AMD Ryzen 9 7950X 16-Core Processor
flags		: fpu avx avx2 avx512f avx512bw

processor	: 1
model name	: something else
"""


@pytest.fixture
def sixteen_cores(monkeypatch):
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 32 if logical else 16)
    monkeypatch.setattr(os, "cpu_count", lambda: 32)
    monkeypatch.setattr(psutil, "cpu_freq", lambda: SimpleNamespace(current=3000.0, min=400.0, max=5881.0))


def test_a_cpu_of_the_catalogue_brings_its_peak_and_keeps_what_is_found_here(tmp_path, sixteen_cores):
    put(tmp_path, "proc/cpuinfo", RYZEN)
    put(tmp_path, "sys/devices/system/cpu/cpu0/cache/index3/level", "3\n")
    put(tmp_path, "sys/devices/system/cpu/cpu0/cache/index3/type", "Unified\n")
    put(tmp_path, "sys/devices/system/cpu/cpu0/cache/index3/size", "32768K\n")
    cpu = this_cpu(tmp_path)
    catalogue = machine("amd-ryzen-9-7950x")
    assert (cpu.slug, cpu.name, cpu.vendor) == ("this-cpu", "AMD Ryzen 9 7950X", "AMD")
    assert cpu.peak_flops_per_s == catalogue.peak_flops_per_s
    assert cpu.sources["peak_flops_per_s.float32"] == catalogue.sources["peak_flops_per_s.float32"]
    assert cpu.cache_bytes == 32 * 2**20
    assert cpu.sources["cache_bytes"].startswith("this machine")
    assert cpu.threads == 32


def test_an_unknown_cpu_has_a_name_without_trademarks_and_no_peak(tmp_path, sixteen_cores):
    put(
        tmp_path,
        "proc/cpuinfo",
        "vendor_id : GenuineIntel\nmodel name : Intel(R) Xeon(R) W-2145 CPU @ 3.70GHz\n",
    )
    cpu = this_cpu(tmp_path)
    assert (cpu.name, cpu.vendor) == ("Intel Xeon W-2145", "Intel")
    assert dict(cpu.peak_flops_per_s) == {}
    assert cpu.clock_hz == 5.881e9
    assert set(cpu.sources) >= {"cores", "threads", "clock_hz", "memory_bytes"}


def test_every_value_of_a_detected_cpu_has_a_source():
    cpu = this_cpu()
    kept = {"slug", "name", "kind", "vendor", "notes", "sources"}
    stated = {name for name in cpu.__slots__ if name not in kept and getattr(cpu, name)}
    assert stated == {key.partition(".")[0] for key in cpu.sources}


@pytest.mark.parametrize(
    ("told", "clock_hz", "source"),
    [
        (SimpleNamespace(current=2596.1, min=0.0, max=0.0), 2596.1e6, "this machine: clock just now"),
        (SimpleNamespace(current=0.0, min=0.0, max=0.0), None, None),
        (None, None, None),
    ],
)
def test_a_clock_that_is_told_as_zero_is_unknown(tmp_path, monkeypatch, told, clock_hz, source):
    monkeypatch.setattr(psutil, "cpu_freq", lambda: told)
    cpu = this_cpu(tmp_path)
    assert cpu.clock_hz == clock_hz
    assert (cpu.sources.get("clock_hz") or "").startswith(source or "")
    assert ("clock_hz" in cpu.sources) == (clock_hz is not None)


def test_the_last_cache_is_the_highest_level_that_holds_data(tmp_path):
    for index, (level, kind, size) in enumerate(
        [("1", "Data", "32K"), ("1", "Instruction", "64K"), ("3", "Unified", "2M"), ("2", "Unified", "512K")]
    ):
        folder = f"sys/devices/system/cpu/cpu0/cache/index{index}"
        put(tmp_path, f"{folder}/level", level)
        put(tmp_path, f"{folder}/type", kind)
        put(tmp_path, f"{folder}/size", size)
    put(tmp_path, "sys/devices/system/cpu/cpu0/cache/index9/size", "what")
    assert this_cpu(tmp_path).cache_bytes == 2 * 2**20


def test_a_cache_of_instructions_holds_no_data(tmp_path):
    for index, (kind, size) in enumerate([("Data", "32K"), ("Instruction", "64K")]):
        folder = f"sys/devices/system/cpu/cpu0/cache/index{index}"
        put(tmp_path, f"{folder}/level", "1")
        put(tmp_path, f"{folder}/type", kind)
        put(tmp_path, f"{folder}/size", size)
    assert this_cpu(tmp_path).cache_bytes == 32 * 2**10


def test_macos_is_asked_through_sysctl(tmp_path, monkeypatch):
    answers = {"machdep.cpu.brand_string": "Apple M1 Pro\n", "hw.l2cachesize": "25165824\n"}
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 10)
    monkeypatch.setattr(
        processor.subprocess, "run", lambda command, **_: SimpleNamespace(stdout=answers.get(command[-1], ""))
    )
    cpu = this_cpu(tmp_path)
    assert (cpu.name, cpu.vendor, cpu.shares_memory_with_cpu) == ("Apple M1 Pro", "Apple", True)
    assert cpu.cache_bytes == 24 * 2**20
    assert cpu.sustained_flops_per_s == machine("apple-m1-pro").sustained_flops_per_s


@pytest.mark.parametrize(
    ("name", "cores", "slug"),
    [
        ("Intel(R) Core(TM) i7-9700K CPU @ 3.60GHz", 8, "intel-core-i7-9700k"),
        ("Intel(R) Xeon(R) Platinum 8480+", 56, "intel-xeon-platinum-8480-plus"),
        ("AMD EPYC 9654 96-Core Processor", 96, "amd-epyc-9654"),
        ("AMD EPYC 9654 96-Core Processor", 4, None),  # four cores of a big chip are not the big chip
        ("AMD Ryzen 9 7950X3D 16-Core Processor", 16, None),
        ("Apple M1", 8, None),
        ("Apple M2 Ultra", 24, "apple-m2-ultra"),
        ("AMD EPYC", None, None),
        ("", 8, None),
    ],
)
def test_a_cpu_is_recognized_by_its_whole_model_name_and_cores(name, cores, slug):
    found = known_cpu(name, cores)
    assert (found and found.slug) == slug


# --- the GPU ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sm_count", "memory_bytes", "slug"),
    [
        ("Tesla T4", 40, 15_843_721_216, "nvidia-t4"),
        ("NVIDIA A100-SXM4-40GB", 108, 42_298_834_944, "nvidia-a100-sxm-40gb"),
        ("NVIDIA A100-SXM4-80GB", 108, 85_051_572_224, "nvidia-a100-sxm-80gb"),
        ("NVIDIA A100-PCIE-40GB", 108, 42_298_834_944, "nvidia-a100-pcie-40gb"),
        ("NVIDIA A100 80GB PCIe", 108, 84_987_740_160, "nvidia-a100-pcie-80gb"),
        ("Tesla V100-PCIE-16GB", 80, 16_945_512_448, "nvidia-v100-pcie-16gb"),
        ("Tesla V100-SXM2-32GB", 80, 34_089_730_048, "nvidia-v100-sxm-32gb"),
        ("Tesla V100-SXM2-16GB", 80, 16_945_512_448, None),
        ("NVIDIA H100 80GB HBM3", 132, 85_029_158_912, "nvidia-h100-sxm"),
        ("NVIDIA H100 PCIe", 114, 85_028_765_696, "nvidia-h100-pcie"),
        ("NVIDIA H200", 132, 150_110_011_392, "nvidia-h200-sxm"),
        ("NVIDIA B200", 148, 191_500_000_000, "nvidia-b200-sxm"),
        ("NVIDIA L4", 58, 23_600_000_000, "nvidia-l4"),
        ("NVIDIA A10", 72, 23_700_000_000, "nvidia-a10"),
        ("NVIDIA A10G", 80, 23_700_000_000, None),
        ("NVIDIA GeForce RTX 4090", 128, 25_393_692_672, "nvidia-rtx-4090"),
        ("NVIDIA GeForce RTX 4060 Laptop GPU", 24, 8_585_216_000, "nvidia-rtx-4060-laptop"),
        ("NVIDIA GeForce RTX 4060", 24, 8_585_216_000, "nvidia-rtx-4060"),
        ("NVIDIA GeForce RTX 4060 Ti", 34, 8_585_216_000, None),
        ("NVIDIA GeForce RTX 3060", 28, 12_884_901_888, "nvidia-rtx-3060-12gb"),
        ("NVIDIA GeForce RTX 3060 Laptop GPU", 30, 6_442_450_944, None),
        ("GeForce GTX 1080 Ti", 28, 11_718_230_016, "nvidia-gtx-1080-ti"),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", 14, 5_000_000_000, None),
    ],
)
def test_a_gpu_is_recognized_by_the_name_cuda_gives_it_its_sms_and_its_memory(name, sm_count, memory_bytes, slug):
    found = known_gpu(name, sm_count, memory_bytes)
    assert (found and found.slug) == slug


class FakeCudaError(RuntimeError):
    """Stands for CUDARuntimeError, which carries the status of the failed call."""

    def __init__(self, status: int) -> None:
        super().__init__(f"cudaError{status}: the second line\nis not for a sentence")
        self.status = status


class FakeCupyArray:
    """A NumPy array that, as CuPy's, must be fetched with get()."""

    def __init__(self, held: np.ndarray) -> None:
        self.held = held
        self.shape = held.shape

    def get(self) -> np.ndarray:
        return self.held


TESLA_T4 = {
    "name": b"Tesla T4",
    "major": 7,
    "minor": 5,
    "multiProcessorCount": 40,
    "totalGlobalMem": 15_843_721_216,
    "l2CacheSize": 4_194_304,
    "maxThreadsPerMultiProcessor": 1024,
    "clockRate": 1_590_000,
    "memoryClockRate": 5_001_000,
    "memoryBusWidth": 256,
    "integrated": 0,
}


def fake_cupy(properties=None, *, count=1, error=None, operation=np.arange):
    """Return a module that answers as CuPy does; ``error`` is raised by the first question."""

    def get_device_count():
        if error is not None:
            raise error
        return count

    def get_attribute(attribute, _device):
        return {13: 1_590_000, 36: 5_001_000, 37: 256}[attribute]

    cupy = ModuleType("cupy")
    runtime = SimpleNamespace(
        getDeviceCount=get_device_count,
        getDevice=lambda: 0,
        getDeviceProperties=lambda _: dict(properties or TESLA_T4),
        deviceGetAttribute=get_attribute,
        deviceGetPCIBusId=lambda _: "0000:00:04.0",
        runtimeGetVersion=lambda: 12090,
    )
    cupy.__version__ = "13.6.0"
    cupy.cuda = SimpleNamespace(runtime=runtime)
    cupy.arange = operation
    return cupy


@pytest.fixture
def install(monkeypatch):
    """Return a function that makes ``import cupy`` give this module."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", None)  # no driver library unless a test brings one
    return lambda module: monkeypatch.setitem(sys.modules, "cupy", module)


def test_without_cupy_the_status_says_it_is_not_installed(install):
    install(None)
    assert cuda_status() == (False, "no CUDA device here: CuPy is not installed")


def importing_cupy_raises(monkeypatch, error):
    real_import = builtins.__import__

    def stumble(name, *rest, **named):
        if name == "cupy":
            raise error
        return real_import(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", stumble)


CUPY_FRAMED = ImportError("""
================================================================
Failed to import CuPy.

If you installed CuPy via wheels (cupy-cudaXXX or cupy-rocm-X-X), make sure that the package matches.

Original error:
  ImportError: libcublas.so.12: cannot open shared object file
================================================================
""")


def caused(error, cause):
    error = type(error)(*error.args)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ModuleNotFoundError("No module named 'fastrlock'", name="fastrlock"),
            "installed but fastrlock is missing",
        ),
        (
            ImportError("libfoo.so: cannot open\nmore"),
            "does not import (ImportError: libfoo.so: cannot open)",
        ),
        (OSError(), "does not import (OSError)"),
        (SystemExit(3), "does not import (SystemExit: 3)"),
        (CUPY_FRAMED, "does not import (ImportError: libcublas.so.12: cannot open shared object file)"),
        (caused(CUPY_FRAMED, OSError("libnvrtc.so.12: wrong ELF class")), "(OSError: libnvrtc.so.12: wrong ELF class)"),
        (UserWarning("two CuPy packages"), "does not import (UserWarning: two CuPy packages)"),
    ],
)
def test_a_broken_cupy_is_told_apart_from_a_missing_one(monkeypatch, error, said):
    importing_cupy_raises(monkeypatch, error)
    usable, sentence = cuda_status()
    assert not usable
    assert sentence.startswith("no CUDA device here: CuPy is installed but ")
    assert said in sentence


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (fake_cupy(error=FakeCudaError(35)), "CuPy is installed but finds no NVIDIA driver"),
        (fake_cupy(error=FakeCudaError(100)), "the NVIDIA driver shows none"),
        (fake_cupy(error=FakeCudaError(999)), "CuPy cannot ask the driver (FakeCudaError: cudaError999"),
        (
            fake_cupy(error=AttributeError("no runtime")),
            "CuPy cannot ask the driver (AttributeError: no runtime)",
        ),
        (fake_cupy(count=0), "the NVIDIA driver shows none"),
        (ModuleType("cupy"), "CuPy cannot ask the driver (AttributeError"),
    ],
)
def test_a_cupy_with_no_device_says_what_is_missing_in_one_sentence(install, module, said):
    install(module)
    usable, sentence = cuda_status()
    assert not usable
    assert sentence.startswith("no CUDA device here: ")
    assert said in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("hidden", ["", "-1", "7"])
@pytest.mark.parametrize("module", [fake_cupy(error=FakeCudaError(100)), fake_cupy(count=0)])
def test_devices_hidden_by_the_environment_are_said_to_be_hidden(install, monkeypatch, module, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    install(module)
    said = f'no CUDA device here: the NVIDIA driver shows none while CUDA_VISIBLE_DEVICES is "{hidden}"; '
    assert cuda_status() == (False, f"{said}unset it to see every device")


ASKED_IN_A_FOLDER = """
import sys
from pathlib import Path
from gpu_lessons.hardware import arrays
arrays.cupy_packages = lambda: {packages}
sys.path = [{folder!r}, *(each for each in sys.path if not (Path(each) / "cupy" / "cuda").is_dir())]
print(arrays.cuda_status())
"""


@pytest.mark.parametrize("packages", [{}, {"cupy-cuda12x": "13.6.0"}], ids=["alone", "beside CuPy"])
@pytest.mark.parametrize(
    ("made", "text"),
    [
        ("cupy.py", "x = 1"),
        ("cupy.py", "raise SystemExit('my answers')"),
        ("cupy.py", "x = ("),
        ("cupy.py", "import no_such_module"),
        ("cupy/__init__.py", ""),
        ("cupy/notes.txt", ""),
    ],
)
def test_a_learners_own_file_or_folder_named_cupy_is_named(tmp_path, made, text, packages):
    put(tmp_path, made, text)
    code = ASKED_IN_A_FOLDER.format(packages=packages, folder=str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    theirs = tmp_path / made.partition("/")[0]
    if packages:
        said = f"{theirs} is imported in place of CuPy; give it another name"
    else:
        said = f"CuPy is not installed ({theirs} only has its name)"
    assert ended.stdout == f"(False, 'no CUDA device here: {said}')\n"


def test_two_wheels_that_do_not_work_together_are_named(install, monkeypatch):
    monkeypatch.setattr(arrays, "cupy_packages", lambda: {"cupy-cuda11x": "13.6.0", "cupy-cuda12x": "14.2.0"})
    install(fake_cupy(error=FakeCudaError(999)))
    assert cuda_status()[1].endswith("; cupy-cuda11x and cupy-cuda12x are installed together, so uninstall all but one")


def test_every_package_that_brings_cupy_is_found_and_no_other(tmp_path, monkeypatch):
    names = ["cupy", "cupy-cuda11x", "cupy_cuda13x", "cupy-rocm-7-0", "amd-cupy", "cupy-xarray", "cupyx-tools", "NumPy"]
    for name in names:
        put(tmp_path, f"{name}-9.9.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert cupy_packages() == dict.fromkeys(
        ["amd-cupy", "cupy", "cupy-cuda11x", "cupy-cuda13x", "cupy-rocm-7-0"], "9.9"
    )


def failing(message):
    def operation(*_args, **_named):
        raise RuntimeError(message)

    return operation


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (failing('Failure finding "libnvrtc.so"'), "unusable: NVRTC is missing; install cupy-cuda12x[ctk]"),
        (failing("libcublas.so.12: cannot open"), "unusable: cuBLAS is missing; install cupy-cuda12x[ctk]"),
        (failing("out of memory\nand so on"), "unusable: RuntimeError: out of memory"),
        (lambda n, dtype: np.zeros(n, dtype), "computes wrongly: it says 34 is 0.0"),
    ],
)
def test_a_device_that_cannot_compute_is_not_usable(install, operation, said):
    install(fake_cupy(operation=operation))
    usable, sentence = cuda_status()
    assert not usable
    assert sentence.startswith("Tesla T4 is here but ")
    assert sentence.endswith(said)


def test_the_missing_library_is_named_even_when_cupy_hides_its_version(install):
    module = fake_cupy(operation=failing("nvrtc"))
    del module.cuda.runtime.runtimeGetVersion
    install(module)
    assert cuda_status()[1].endswith("NVRTC is missing; install CuPy's [ctk] extra")


def test_a_device_that_computes_right_is_usable_and_is_asked_once(install):
    calls = []

    def counted(*args, **named):
        calls.append(args)
        return np.arange(*args, **named)

    install(fake_cupy(operation=counted))
    assert cuda_status() == (True, "CUDA device here: Tesla T4")
    assert cuda_status()[0]
    assert len(calls) == 1


def test_a_device_that_warns_while_it_compiles_is_usable(install):
    def warned(*args, **named):
        warnings.warn("Jitify is performing a warm-up", stacklevel=2)
        return np.arange(*args, **named)

    install(fake_cupy(operation=warned))
    assert cuda_status() == (True, "CUDA device here: Tesla T4")


def test_without_a_device_cupy_is_refused_with_the_status(install):
    install(None)
    for ask in (cupy_namespace, cuda_device, this_gpu):
        with pytest.raises(RuntimeError, match="no CUDA device here: CuPy is not installed"):
            ask()


def test_with_a_device_the_namespace_is_cupy_itself(install):
    module = fake_cupy()
    install(module)
    assert cupy_namespace() is module


def test_a_known_gpu_has_the_catalogue_peaks_and_the_memory_found_here(install):
    install(fake_cupy())
    gpu, t4 = this_gpu(), machine("nvidia-t4")
    assert (gpu.slug, gpu.name) == ("this-gpu", "NVIDIA T4")
    assert gpu.peak_flops_per_s == t4.peak_flops_per_s
    assert gpu.memory_bytes == 15_843_721_216
    assert gpu.sources["memory_bytes"] == "this machine: CUDA device properties"
    # no driver library here, so the link is the catalogue's
    assert gpu.link_name == t4.link_name


def test_a_gpu_that_the_catalogue_lacks_has_a_peak_from_its_sms_and_clock(install):
    rtx_3080 = dict(
        TESLA_T4, name="NVIDIA GeForce RTX 3080", major=8, minor=6, multiProcessorCount=68,
        totalGlobalMem=10_496_770_048, clockRate=1_710_000, memoryClockRate=9_501_000, memoryBusWidth=320,
    )  # fmt: skip
    install(fake_cupy(rtx_3080))
    gpu = this_gpu()
    assert (gpu.name, gpu.architecture, gpu.lanes_per_sm) == ("NVIDIA GeForce RTX 3080", "Ampere", 128)
    assert gpu.peak_flops_per_s["float32"] == pytest.approx(29.77e12, rel=0.01)
    assert gpu.peak_flops_per_s["float64"] == pytest.approx(29.77e12 / 64, rel=0.01)
    assert "float16" not in gpu.peak_flops_per_s
    assert gpu.memory_bandwidth_bytes_per_s == pytest.approx(760e9, rel=0.01)


def test_a_gpu_of_an_unheard_of_generation_is_found_without_a_peak(install):
    install(fake_cupy(dict(TESLA_T4, name="NVIDIA X1", major=99, minor=0)))
    gpu = this_gpu()
    assert (gpu.name, gpu.compute_capability, gpu.sm_count) == ("NVIDIA X1", "99.0", 40)
    assert dict(gpu.peak_flops_per_s) == {}


def test_clocks_that_cuda_13_left_out_of_the_properties_are_asked_for(install):
    thirteen = {key: value for key, value in TESLA_T4.items() if "lockRate" not in key and "Bus" not in key}
    install(fake_cupy(thirteen))
    device = cuda_device()
    assert device.clock_hz == 1.59e9
    assert device.memory_bandwidth_bytes_per_s == pytest.approx(320e9, rel=0.001)


def fake_nvml(generation, lanes, generation_now=1):
    shut = []
    nvml = SimpleNamespace(
        nvmlSystemGetDriverVersion=lambda: "550.54.15",
        nvmlSystemGetCudaDriverVersion_v2=lambda: 12040,
        nvmlDeviceGetCurrPcieLinkGeneration=lambda _: generation_now,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: shut.append(True),
        nvmlDeviceGetHandleByPciBusId=lambda bus: bus,
        nvmlDeviceGetMaxPcieLinkGeneration=lambda _: generation,
        nvmlDeviceGetCurrPcieLinkWidth=lambda _: lanes,
        shut=shut,
    )
    return nvml


def test_the_link_is_what_the_driver_tells_of_this_slot(install, monkeypatch):
    install(fake_cupy())
    nvml = fake_nvml(generation=3, lanes=8)  # a T4 in a slot of eight lanes
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    gpu = this_gpu()
    assert gpu.link_name == "PCIe 3.0 x8"
    assert gpu.link_bandwidth_bytes_per_s == pytest.approx(7.877e9, rel=1e-3)
    assert gpu.sources["link_name"] == "this machine: NVIDIA driver"
    assert nvml.shut == [True]


@pytest.mark.parametrize(("generation", "lanes"), [(0, 16), (3, 0)])
def test_a_link_that_the_driver_tells_wrongly_stays_the_catalogues(install, monkeypatch, generation, lanes):
    install(fake_cupy())
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(generation, lanes))
    assert this_gpu().link_name == machine("nvidia-t4").link_name


@pytest.mark.parametrize(
    ("generation", "lanes", "gigabytes_per_s"),
    [(1, 16, 4.0), (2, 16, 8.0), (3, 16, 15.75), (4, 8, 15.75), (5, 16, 63.0)],
)
def test_a_pcie_link_carries_its_textbook_bandwidth(generation, lanes, gigabytes_per_s):
    found = pcie_bandwidth_bytes_per_s(generation, lanes)
    assert found == pytest.approx(gigabytes_per_s * 1e9, rel=2e-3)


def test_an_impossible_link_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="generation must be one of 1, 2, 3, 4, 5, 6, got 7"):
        pcie_bandwidth_bytes_per_s(7, 16)
    with pytest.raises(ValueError, match="lanes must be at least 1, got 0"):
        pcie_bandwidth_bytes_per_s(4, 0)


# --- the whole machine ------------------------------------------------------------------------------------


def test_this_machine_is_found_without_a_gpu(install):
    install(None)
    here = this_machine()
    assert here.cpu.kind == "cpu"
    assert here.gpu is None
    assert here.gpu_status == "no CUDA device here: CuPy is not installed"
    assert 1 <= here.usable_cores <= os.cpu_count()
    assert 0 < here.available_memory_bytes <= here.cpu.memory_bytes
    assert here.numpy_version == np.__version__
    assert here.python_version == sys.version.split()[0]


def test_this_machine_has_the_gpu_that_computes(install):
    install(fake_cupy())
    here = this_machine()
    assert here.gpu.name == "NVIDIA T4"
    assert here.gpu_status == "CUDA device here: Tesla T4"
    # no driver library here
    assert here.gpu_link_now is None
    assert here.describe().splitlines()[2:4] == [
        "GPU     NVIDIA T4; 40 SMs; 1.59 GHz; 15.8 GB; 320 GB/s; PCIe 3.0 x16",
        "CUDA    runtime 12.9, driver unknown, CuPy 13.6.0",
    ]


@pytest.mark.parametrize(("generation_now", "link"), [(1, "PCIe 3.0 x8, now PCIe 1.0 x8"), (3, "PCIe 3.0 x8")])
def test_what_the_driver_tells_is_shown_and_an_idle_link_is_said_to_be_slow(install, monkeypatch, generation_now, link):
    install(fake_cupy())
    nvml = fake_nvml(generation=3, lanes=8, generation_now=generation_now)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    here = this_machine()
    assert (here.cuda.driver, here.cuda.driver_cuda) == ("550.54.15", "12.4")
    assert here.describe().splitlines()[2:4] == [
        f"GPU     NVIDIA T4; 40 SMs; 1.59 GHz; 15.8 GB; 320 GB/s; {link}",
        "CUDA    runtime 12.9, driver 550.54.15 for CUDA up to 12.4, CuPy 13.6.0",
    ]
    assert len(nvml.shut) == 4  # as often as it was opened


def test_a_driver_that_hides_one_thing_tells_the_others(install, monkeypatch):
    install(fake_cupy())
    nvml = fake_nvml(generation=4, lanes=16)
    del nvml.nvmlDeviceGetCurrPcieLinkGeneration
    nvml.nvmlSystemGetDriverVersion = failing("no permission")
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    here = this_machine()
    assert (here.gpu.link_name, here.gpu_link_now) == ("PCIe 4.0 x16", None)
    assert (here.cuda.driver, here.cuda.driver_cuda) == (None, "12.4")


def refused(*_arguments, **_named):
    raise FakeCudaError(1)


@pytest.mark.parametrize("hidden", [*TESLA_T4, None], ids=str)
def test_a_device_that_computes_is_used_whatever_property_it_hides(install, hidden):
    """As a Jetson has no PCI address: what only describes the card must not decide whether there is one."""
    module = fake_cupy({key: value for key, value in TESLA_T4.items() if key != hidden})
    runtime = module.cuda.runtime
    runtime.deviceGetPCIBusId = runtime.deviceGetAttribute = runtime.runtimeGetVersion = refused
    if hidden is None:
        runtime.getDeviceProperties = refused
    install(module)
    here = this_machine()
    name = "a GPU without a name" if hidden in ("name", None) else "Tesla T4"
    assert here.gpu_status == f"CUDA device here: {name}"
    assert here.gpu is not None
    assert here.gpu_link_now is None
    assert here.cuda.runtime is None
    assert "GPU  " in str(here)
    if hidden is None:
        assert (here.gpu.sm_count, here.gpu.memory_bytes, here.gpu.clock_hz) == (None, None, None)


def test_the_memory_of_a_device_without_properties_is_what_its_runtime_counts(install):
    module = fake_cupy()
    module.cuda.runtime.getDeviceProperties = refused
    module.cuda.runtime.memGetInfo = lambda: (3 * GB, 8 * GB)
    install(module)
    assert this_machine().gpu.memory_bytes == 8 * GB


INSTINCT = dict(
    TESLA_T4, name=b"AMD Instinct MI250X", major=9, minor=0, multiProcessorCount=110, totalGlobalMem=64 * GB
)


def test_an_amd_card_is_never_taken_for_an_nvidia_card_of_the_same_number(install):
    module = fake_cupy(INSTINCT)
    module.cuda.runtime.is_hip = True
    module.cuda.runtime.runtimeGetVersion = lambda: 60342134
    install(module)
    here = this_machine()
    assert here.gpu_status == "HIP device here: AMD Instinct MI250X"
    assert (here.gpu.name, here.gpu.vendor, here.gpu.compute_capability) == ("AMD Instinct MI250X", "AMD", None)
    assert (here.gpu.architecture, dict(here.gpu.peak_flops_per_s)) == (None, {})
    assert here.cuda.runtime == "HIP 6.3"


def test_an_nvidia_card_of_that_number_has_the_lanes_of_its_generation(install):
    install(fake_cupy(INSTINCT))
    assert this_machine().gpu.architecture == "Hopper"


def test_this_machine_never_raises_where_nothing_can_be_found_out(install, monkeypatch):
    def nothing(*_args, **_named):
        raise OSError("not on this system")

    install(ModuleType("cupy"))
    for name in ("cpu_count", "virtual_memory", "cpu_freq"):
        monkeypatch.setattr(psutil, name, nothing)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    monkeypatch.setattr(os, "sched_getaffinity", nothing, raising=False)
    monkeypatch.setattr(threadpoolctl, "threadpool_info", nothing)
    monkeypatch.setattr(processor.platform, "processor", lambda: "")
    monkeypatch.setattr(processor.platform, "machine", lambda: "")
    monkeypatch.setattr(processor, "known_cpu", nothing)
    monkeypatch.setattr(processor, "_cpuinfo", lambda _: {})
    here = this_machine()
    assert here.cpu.name == "unknown CPU"
    assert here.usable_cores == 1
    assert (here.blas_name, here.blas_threads) == ("unknown BLAS", None)
    assert "cores unknown" in str(here)
    assert "threads unknown" in str(here)


def test_the_free_memory_is_asked_at_every_call_and_the_hardware_once(install, monkeypatch):
    install(None)
    first = this_machine()
    free = first.available_memory_bytes
    monkeypatch.setattr(detect, "available_memory_bytes", lambda: free - 1)
    monkeypatch.setattr(detect, "this_cpu", lambda: pytest.fail("looked at the hardware again"))
    assert this_machine().available_memory_bytes == free - 1
    assert this_machine().cpu is first.cpu


def test_the_blas_is_numpys_own_and_its_threads_are_counted(install, monkeypatch):
    install(None)
    pools = [
        {"user_api": "openmp", "internal_api": "openmp", "num_threads": 9, "filepath": "numpy/omp"},
        {
            "user_api": "blas",
            "internal_api": "mkl",
            "num_threads": 5,
            "filepath": "/x/scipy/mkl",
            "version": "1",
        },
        {
            "user_api": "blas",
            "internal_api": "openblas",
            "num_threads": 3,
            "filepath": "/x/numpy.libs/b",
            "version": "0.3",
        },
    ]
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: pools)
    here = this_machine()
    assert (here.blas_name, here.blas_threads) == ("OpenBLAS 0.3", 3)


def test_a_blas_that_hides_its_threads_is_named_from_numpys_build(install, monkeypatch):
    install(None)
    monkeypatch.setattr(threadpoolctl, "threadpool_info", list)
    monkeypatch.setattr(np, "show_config", lambda mode: {"Build Dependencies": {"blas": {"name": "accelerate"}}})
    here = this_machine()
    assert (here.blas_name, here.blas_threads) == ("accelerate", None)
    assert "BLAS    accelerate, threads unknown" in str(here)


@pytest.mark.parametrize(
    ("cores", "threads", "usable", "said"),
    [
        (4, 8, 8, "4 cores, 8 threads"),
        (4, 8, 2, "4 cores, 2 of 8 threads usable"),
        (4, 4, 4, "4 cores, 4 threads"),
        (1, 1, 1, "1 core, 1 thread"),
        (None, 8, 8, "cores unknown, 8 threads"),
    ],
)
def test_hyper_threads_are_never_called_cores(cores, threads, usable, said, capsys):
    found = this_machine()
    here = replace(found, cpu=replace(found.cpu, cores=cores, threads=threads), usable_cores=usable)
    assert here.describe().splitlines()[0].startswith(f"CPU     {here.cpu.name}; {said}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gpu_lessons.lessons.setup.this_machine", lambda: here)
        say_devices(machine("nvidia-t4"))
    assert f"{here.cpu.name}, {said}. GPU: " in capsys.readouterr().out
    assert f"-{usable}-thread" in usual_path(replace(here, gpu=None)).name
    assert "core" not in usual_path(replace(here, gpu=None, cpu=replace(here.cpu, name="X"))).name


def test_the_description_is_a_few_aligned_lines(install):
    install(None)
    lines = str(this_machine()).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["CPU", "memory", "GPU", "BLAS", "Python"]
    assert {line[:8].rstrip() for line in lines} == {"CPU", "memory", "GPU", "BLAS", "Python"}
    assert all(line[8] != " " for line in lines)


def test_detection_starts_no_thread_and_leaves_the_blas_alone(install):
    install(None)
    before = threading.active_count(), [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    this_machine()
    assert (threading.active_count(), [p["num_threads"] for p in threadpoolctl.threadpool_info()]) == before


# --- arrays -----------------------------------------------------------------------------------------------


def test_a_numpy_array_comes_back_as_it_is_and_a_device_array_is_fetched():
    x = np.arange(3.0)
    assert to_numpy(x) is x
    assert to_numpy(FakeCupyArray(x)) is x
    strict = to_numpy(array_api_strict.ones(3))
    assert type(strict) is np.ndarray
    assert strict.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.gpu
@pytest.mark.skipif(not cuda_status()[0], reason=cuda_status()[1])
def test_the_cuda_device_here_is_described():
    gpu = this_gpu()
    assert gpu.sm_count >= 1
    assert gpu.memory_bytes > 1e9
    assert math.isfinite(gpu.clock_hz)
    x = arrays.cupy_namespace().arange(5)
    assert to_numpy(x).tolist() == [0, 1, 2, 3, 4]
