"""The shipped data: complete, sourced, and possible."""

import re
import tomllib

import pytest

from gpu_lessons.hardware.course import course_root
from gpu_lessons.hardware.graphics import pcie_bandwidth_bytes_per_s
from gpu_lessons.hardware.machines import machine, machines
from gpu_lessons.recorded import load_recording, recordings

DATA = course_root() / "data"
FILES = sorted((DATA / "machines").glob("*.toml"))
GPUS = [each for each in machines() if each.kind == "gpu"]
CPUS = [each for each in machines() if each.kind == "cpu"]
RECORDINGS = sorted((DATA / "recordings").glob("*.json"))
FORMATS = {".json", ".npz", ".toml"}
TABLES = ("peak_flops_per_s", "sustained_share_of_peak", "sustained_flops_per_s")


def named(each):
    return each.slug


every_machine = pytest.mark.parametrize("found", machines(), ids=named)
every_gpu = pytest.mark.parametrize("gpu", GPUS, ids=named)
every_cpu = pytest.mark.parametrize("cpu", CPUS, ids=named)


def test_every_file_is_a_machine_of_the_catalogue():
    assert sorted(each.slug for each in machines()) == sorted(path.stem for path in FILES)
    assert len(GPUS) == 26
    assert len(CPUS) == 21


@pytest.mark.parametrize(
    "slug",
    [
        "nvidia-t4",
        "nvidia-v100-pcie-32gb",
        "nvidia-a100-pcie-40gb",
        "nvidia-h100-sxm",
        "nvidia-h200-sxm",
        "nvidia-gtx-1080-ti",
        "nvidia-rtx-4060-laptop",
        "nvidia-rtx-4090",
        "nvidia-jetson-agx-orin-64gb",
        "amd-epyc-9654",
        "amd-ryzen-9-7950x",
        "apple-m4-max",
        "intel-core-i9-10900k",
        "intel-xeon-platinum-8480-plus",
    ],
)
def test_the_machines_that_lessons_name_are_there(slug):
    assert machine(slug).slug == slug


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_slug_is_lower_case_words_and_digits_with_dashes(path):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", path.stem)


@every_machine
def test_every_value_has_a_source_and_every_source_a_value(found):
    stated = set()
    for name in found.__slots__:
        value = getattr(found, name)
        if name in {"slug", "name", "kind", "vendor", "notes", "sources"} or value is None or value is False:
            continue
        stated |= {f"{name}.{dtype}" for dtype in value} if name in TABLES else {name}
    assert stated == set(found.sources)
    assert all(len(source) > 8 for source in found.sources.values())


def test_names_are_unique_and_start_with_the_vendor():
    names = [each.name for each in machines()]
    assert len(set(names)) == len(names)
    assert [each.name for each in machines() if not each.name.startswith(each.vendor)] == []


@every_gpu
def test_float32_peak_is_sms_times_lanes_times_two_times_clock(gpu):
    expected = gpu.sm_count * gpu.lanes_per_sm * 2 * gpu.clock_hz
    assert gpu.peak_flops_per_s["float32"] == pytest.approx(expected, rel=0.03)


@every_machine
def test_float64_is_never_faster_than_float32_nor_float32_than_float16(found):
    rates = [
        found.peak_flops_per_s[dtype] for dtype in ("float64", "float32", "float16") if dtype in found.peak_flops_per_s
    ]
    assert rates == sorted(rates)


@every_gpu
def test_float64_runs_at_a_simple_fraction_of_float32(gpu):
    ratio = gpu.peak_flops_per_s["float32"] / gpu.peak_flops_per_s["float64"]
    assert min(abs(ratio / fraction - 1) for fraction in (1, 2, 32, 64)) < 0.03


@every_machine
def test_nothing_sustained_is_more_than_a_boost_above_its_peak(found):
    for dtype, rate in found.sustained_flops_per_s.items():
        if dtype in found.peak_flops_per_s:
            assert rate <= 1.25 * found.peak_flops_per_s[dtype]
    assert all(dtype in found.peak_flops_per_s for dtype in found.sustained_share_of_peak)
    if found.memory_bandwidth_bytes_per_s and found.sustained_memory_bandwidth_bytes_per_s:
        assert found.sustained_memory_bandwidth_bytes_per_s <= found.memory_bandwidth_bytes_per_s
    assert (found.sustained_share_of_memory_bandwidth or 0) <= 1


@every_gpu
def test_the_link_is_slower_than_the_memory_and_the_cache_is_faster(gpu):
    if gpu.link_bandwidth_bytes_per_s:
        assert gpu.link_bandwidth_bytes_per_s < gpu.memory_bandwidth_bytes_per_s / 5
    if gpu.cache_bandwidth_bytes_per_s:
        assert gpu.cache_bandwidth_bytes_per_s > gpu.memory_bandwidth_bytes_per_s
    if gpu.sustained_link_bandwidth_bytes_per_s:
        assert gpu.sustained_link_bandwidth_bytes_per_s < gpu.link_bandwidth_bytes_per_s


@every_gpu
def test_the_link_carries_what_its_name_says(gpu):
    if gpu.shares_memory_with_cpu:
        assert gpu.link_name is None
        assert gpu.link_bandwidth_bytes_per_s is None
        return
    generation, lanes = map(int, re.fullmatch(r"PCIe (\d)\.0 x(\d+)", gpu.link_name).groups())
    expected = pcie_bandwidth_bytes_per_s(generation, lanes)
    assert gpu.link_bandwidth_bytes_per_s == pytest.approx(expected, rel=1e-3)


def test_a_third_generation_link_of_sixteen_lanes_carries_15_75_gigabytes_a_second():
    assert machine("nvidia-t4").link_bandwidth_bytes_per_s == pytest.approx(15.75e9, rel=1e-3)


@every_gpu
def test_the_sizes_of_a_gpu_are_of_the_right_magnitude(gpu):
    assert 4e9 <= gpu.memory_bytes <= 400e9
    assert 1e6 <= gpu.cache_bytes <= 200e6
    assert 16 * 1024 <= gpu.l1_bytes_per_sm <= 256 * 1024
    assert gpu.base_clock_hz <= gpu.clock_hz <= 3e9
    assert gpu.max_threads_per_sm in {1024, 1536, 2048}
    assert gpu.lanes_per_sm in {64, 128}
    assert 1e-6 <= (gpu.launch_overhead_s or 5e-6) <= 20e-6


@every_cpu
def test_the_sizes_of_a_cpu_are_of_the_right_magnitude(cpu):
    if cpu.threads:
        assert cpu.cores <= cpu.threads <= 2 * cpu.cores
    if cpu.base_clock_hz and cpu.clock_hz:
        assert cpu.base_clock_hz <= cpu.clock_hz <= 6.5e9
    assert 20e9 <= (cpu.memory_bandwidth_bytes_per_s or 100e9) <= 1e12
    assert cpu.sm_count is None


@every_cpu
def test_a_cpu_core_does_16_to_64_float32_flop_a_clock(cpu):
    if cpu.peak_flops_per_s:
        per_clock = cpu.peak_flops_per_s["float32"] / (cpu.cores * cpu.base_clock_hz)
        assert round(per_clock) in {32, 64}
        assert cpu.peak_flops_per_s["float64"] == pytest.approx(cpu.peak_flops_per_s["float32"] / 2, rel=1e-3)


def test_a_chip_with_two_kinds_of_core_has_no_single_peak():
    for slug in (
        "intel-core-i7-12700h",
        "intel-core-i7-13700k",
        "intel-core-i9-14900ks",
        "intel-core-ultra-9-285k",
    ):
        assert dict(machine(slug).peak_flops_per_s) == {}


@every_machine
def test_only_a_machine_with_one_memory_shares_it(found):
    assert found.shares_memory_with_cpu == (found.vendor == "Apple" or "Jetson" in found.name)


@pytest.mark.parametrize(
    ("slug", "field", "expected"),
    [  # figures people in the field know by heart: a shifted row or a slip of a unit shows here
        ("nvidia-t4", "memory_bandwidth_bytes_per_s", 320e9),
        ("nvidia-t4", "sm_count", 40),
        ("nvidia-a100-sxm-80gb", "memory_bandwidth_bytes_per_s", 2039e9),
        ("nvidia-a100-sxm-80gb", "cache_bytes", 40 * 2**20),
        ("nvidia-h100-sxm", "sm_count", 132),
        ("nvidia-l4", "sm_count", 58),
        ("nvidia-rtx-4090", "power_w", 450),
        ("nvidia-rtx-4060", "link_name", "PCIe 4.0 x8"),
        ("nvidia-gtx-1080-ti", "compute_capability", "6.1"),
        ("amd-epyc-9654", "cores", 96),
        ("intel-core-i9-10900k", "clock_hz", 5.3e9),
        ("intel-xeon-platinum-8280", "max_memory_bytes", 1024e9),
    ],
)
def test_well_known_figures_are_as_people_know_them(slug, field, expected):
    assert getattr(machine(slug), field) == expected


@pytest.mark.parametrize(
    ("slug", "dtype", "expected"),
    [
        ("nvidia-t4", "float16", 65e12),
        ("nvidia-a100-pcie-40gb", "float16", 312e12),
        ("nvidia-a100-pcie-40gb", "float64", 19.5e12),
        ("nvidia-h100-sxm", "float64", 67e12),
        ("nvidia-v100-pcie-32gb", "float64", 7e12),
        ("nvidia-rtx-4090", "float64", 1.29e12),
        ("amd-ryzen-9-7950x", "float32", 2.3e12),
    ],
)
def test_well_known_peaks_are_as_people_know_them(slug, dtype, expected):
    assert machine(slug).peak_flops_per_s[dtype] == pytest.approx(expected, rel=0.015)


def test_no_float16_rate_is_claimed_where_none_was_found():
    for slug in ("nvidia-gtx-1080-ti", "nvidia-rtx-2080-ti", "nvidia-rtx-3060-12gb", "nvidia-rtx-4060"):
        assert "float16" not in machine(slug).peak_flops_per_s
        assert machine(slug).notes


def test_the_readme_speaks_of_every_folder_of_data():
    told = (DATA / "README.md").read_text(encoding="utf-8")
    folders = {path.name for path in DATA.iterdir() if path.is_dir()}
    assert {name for name in folders if f"## {name}/" not in told} == set()


def test_the_readme_example_is_the_catalogue():
    told = (DATA / "README.md").read_text(encoding="utf-8")
    example = told.split("```toml\n")[1].split("```")[0]
    real = (DATA / "machines" / "nvidia-t4.toml").read_text(encoding="utf-8")
    assert [line for line in example.splitlines() if line not in real] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_machine_file_is_short_and_lets_git_show_changes_by_line(path):
    text = path.read_text(encoding="utf-8")
    assert text.isascii()
    assert text.endswith("\n")
    assert len(text.splitlines()) < 90


def test_every_recording_is_complete_and_offered():
    assert recordings() == [path.stem for path in RECORDINGS]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_says_where_and_when_and_by_what_it_was_made(path):
    recording = load_recording(path.stem)
    provenance = recording.provenance
    assert path.stem.endswith(provenance.date), "a recording is called MACHINE-DATE, as `gpu-lessons record` does"
    assert provenance.command.startswith("gpu-lessons record")
    assert {"gpu_lessons", "python", "numpy", "blas"} <= provenance.versions.keys()
    assert recording.gpu is None or {"cupy", "cuda_runtime"} <= provenance.versions.keys()
    assert provenance.usable_cores <= recording.cpu.threads
    assert all(len(source) > 8 for source in recording.cpu.sources.values())


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_the_times_of_a_recording_are_possible(path):
    recording = load_recording(path.stem)
    assert len(recording.measurements) >= 50
    for point in recording.measurements:
        assert 1e-8 < min(point.samples_s) <= point.median_s < 60
        assert len(point.samples_s) >= 3
        assert point.workload.flops / point.median_s < 1e16
    wide = [point for point in recording.measurements if point.spread > 0.1]
    assert len(wide) < 0.25 * len(recording.measurements), "the machine was busy"


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_is_small_and_names_no_person_host_or_folder(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < 1_000_000
    assert re.search(r"/home/|/root|/Users/|[A-Z]:\\\\", text) is None


def test_every_file_of_the_data_travels_in_the_wheel():
    project = tomllib.loads((course_root() / "pyproject.toml").read_text("utf-8"))
    taken = project["tool"]["hatch"]["build"]["targets"]["wheel"]["include"]
    needed = {"/data/" + path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.suffix in FORMATS}
    assert {path for path in needed if not any(path == each or path.startswith(f"{each}/") for each in taken)} == set()
