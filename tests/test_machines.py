"""The catalogue's loader: what it finds, and what it refuses."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_lessons.hardware.course import course_root
from gpu_lessons.hardware.machines import Machine, UnknownMachineError, load_machine, machine, machines

GOOD = """
name = "Some GPU"
kind = "gpu"
vendor = "Some"

[[facts]]
source = "its data sheet"
sm_count = 40
clock_hz = 1.5e9
peak_flops_per_s.float32 = 8e12

[[facts]]
source = "somebody's timing"
sustained_share_of_peak.float32 = 0.5
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "some-gpu.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_becomes_a_machine_with_a_source_for_every_value(tmp_path):
    loaded = load_machine(write(tmp_path, GOOD))
    assert (loaded.slug, loaded.name, loaded.kind) == ("some-gpu", "Some GPU", "gpu")
    assert loaded.sm_count == 40
    assert dict(loaded.peak_flops_per_s) == {"float32": 8e12}
    assert dict(loaded.sources) == {
        "sm_count": "its data sheet",
        "clock_hz": "its data sheet",
        "peak_flops_per_s.float32": "its data sheet",
        "sustained_share_of_peak.float32": "somebody's timing",
    }


def test_what_a_file_leaves_out_is_unknown_and_not_zero(tmp_path):
    loaded = load_machine(write(tmp_path, GOOD))
    assert loaded.memory_bytes is None
    assert loaded.link_name is None
    assert "float16" not in loaded.peak_flops_per_s


def test_one_table_can_be_filled_by_two_sources(tmp_path):
    more = GOOD + '\n[[facts]]\nsource = "a white paper"\npeak_flops_per_s.float16 = 65e12\n'
    loaded = load_machine(write(tmp_path, more))
    assert dict(loaded.peak_flops_per_s) == {"float32": 8e12, "float16": 65e12}
    assert loaded.sources["peak_flops_per_s.float16"] == "a white paper"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('source = "its data sheet"', "", "facts block 1 has no source for sm_count"),
        ('source = "its data sheet"', 'source = " "', "facts block 1 has no source"),
        ("sm_count = 40", "sm_cuont = 40", "sm_cuont is not a field of a machine; the nearest is sm_count"),
        ("sm_count = 40", "slug = 'mine'", "slug is not a field"),
        ("sm_count = 40", "sm_count = 0", "sm_count must be a finite number above 0, got 0"),
        ("sm_count = 40", "sm_count = 40.5", "sm_count must be a whole number, got 40.5"),
        ("sm_count = 40", "sm_count = true", "sm_count must be a finite number above 0, got True"),
        ("sm_count = 40", 'sm_count = "40"', "sm_count must be a finite number above 0, got '40'"),
        ("clock_hz = 1.5e9", "clock_hz = inf", "clock_hz must be a finite number above 0, got inf"),
        ("clock_hz = 1.5e9", "clock_hz = nan", "clock_hz must be a finite number above 0, got nan"),
        ("clock_hz = 1.5e9", "clock_hz = -1", "clock_hz must be a finite number above 0, got -1"),
        (
            "clock_hz = 1.5e9",
            "shares_memory_with_cpu = 1",
            "shares_memory_with_cpu must be true or false, got 1",
        ),
        ("clock_hz = 1.5e9", "link_name = 4", "link_name must be text, got 4"),
        ("clock_hz = 1.5e9", 'launch_date = "May 2020"', "launch_date must be like 2018-09-13"),
        ("float32 = 8e12", "float23 = 8e12", "peak_flops_per_s must be a table by float16, float32, float64"),
        ("peak_flops_per_s.float32 = 8e12", "peak_flops_per_s = 8e12", "peak_flops_per_s must be a table"),
        (
            "float32 = 0.5",
            "float32 = 54",
            "sustained_share_of_peak.float32 must be a finite number above 0 and at",
        ),
        ('kind = "gpu"', 'kind = "tpu"', "kind must be 'gpu' or 'cpu', got 'tpu'"),
        ('name = "Some GPU"', "", "name must be text, got None"),
        ('vendor = "Some"', "vendor = 7", "vendor must be text, got 7"),
        ('vendor = "Some"', 'vendor = "Some"\npower_w = 70', "power_w stands outside a [[facts]] block"),
        ('kind = "gpu"', "kind = gpu", "not valid TOML"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_the_field(tmp_path, old, new, said):
    assert old in GOOD
    with pytest.raises(ValueError, match=r"^some-gpu\.toml: ") as refusal:
        load_machine(write(tmp_path, GOOD.replace(old, new, 1)))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_value_given_twice_is_refused_naming_both_sources(tmp_path):
    twice = GOOD + '\n[[facts]]\nsource = "another sheet"\nsm_count = 42\n'
    with pytest.raises(ValueError, match="sm_count is given twice, by 'its data sheet' and by 'another sheet'"):
        load_machine(write(tmp_path, twice))


def test_a_facts_table_in_the_place_of_blocks_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"facts must be \[\[facts\]\] blocks"):
        load_machine(write(tmp_path, GOOD.split("[[facts]]")[0] + "[facts]\nsm_count = 40\n"))


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "some-gpu.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(ValueError, match=r"^some-gpu\.toml: not valid TOML"):
        load_machine(path)


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("t4", "nvidia-t4"),
        ("RTX 4090", "nvidia-rtx-4090"),
        ("nvidia-h100", "nvidia-h100-sxm"),
        ("nvidia-rxt-3090", "nvidia-rtx-3090"),
        ("../nvidia-t4", "nvidia-t4"),
    ],
)
def test_an_unknown_slug_is_a_plain_sentence_with_the_nearest_slugs(typed, nearest):
    with pytest.raises(UnknownMachineError) as refusal:
        machine(typed)
    said = str(refusal.value)
    assert said.startswith(f"no machine {typed!r} in the catalogue; nearest: ")
    assert nearest in said.split("nearest: ")[1].split(", ")
    assert isinstance(refusal.value, KeyError)


def test_a_slug_that_is_no_string_is_a_type_error():
    with pytest.raises(TypeError, match="slug must be a string such as 'nvidia-t4', got 4"):
        machine(4)


def test_the_catalogue_lists_gpus_first_each_kind_by_launch_date():
    kinds = [each.kind for each in machines()]
    assert kinds == sorted(kinds, reverse=True)
    years = [each.launch_date[:4] for each in machines() if each.kind == "gpu"]
    assert years == sorted(years)
    cpus = [each.slug for each in machines() if each.kind == "cpu"]
    dated = ["intel-core-i9-10900k", "amd-ryzen-9-5950x", "amd-epyc-9654", "intel-core-i7-13700k"]
    # 2020-Q2, 2020-11-05, 2022-11-10, 2022-Q4, and last what has no date
    expected = [*dated, "apple-m2-ultra"]
    assert [slug for slug in cpus if slug in expected] == expected


def test_changing_the_list_of_machines_leaves_the_catalogue_alone():
    machines().clear()
    assert machines()


def test_a_machine_cannot_be_changed():
    t4 = machine("nvidia-t4")
    with pytest.raises(dataclasses.FrozenInstanceError):
        t4.sm_count = 41
    with pytest.raises(TypeError):
        t4.peak_flops_per_s["float32"] = 1.0


def test_a_machine_can_key_a_dictionary_and_equals_itself_loaded_again():
    t4 = machine("nvidia-t4")
    again = load_machine(course_root() / "data" / "machines" / "nvidia-t4.toml")
    assert again == t4
    assert {t4: "found"}[again] == "found"


def test_every_field_of_a_machine_can_be_stated_in_a_file(tmp_path):
    values = {"bool": "true", "str | None": '"2020"', "int | None": "3", "float | None": "0.5"}
    lines = ['name = "All"', 'kind = "gpu"', 'vendor = "Some"', "[[facts]]", 'source = "one"']
    lines += [
        f"{each.name} = {values.get(each.type, '{ float32 = 0.5 }')}"
        for each in dataclasses.fields(Machine)
        if each.name not in {"slug", "name", "kind", "vendor", "notes", "sources"}
    ]
    loaded = load_machine(write(tmp_path, "\n".join(lines)))
    unset = [each.name for each in dataclasses.fields(Machine) if not getattr(loaded, each.name)]
    assert unset == ["notes"]


def test_the_course_root_is_inside_a_wheel_before_it_is_beside_the_package(tmp_path):
    package = tmp_path / "gpu_lessons"
    package.mkdir()
    with pytest.raises(FileNotFoundError, match="the course files are missing: no data/machines in "):
        course_root(package)
    (tmp_path / "data" / "machines").mkdir(parents=True)
    assert course_root(package) == tmp_path
    (package / "course" / "data" / "machines").mkdir(parents=True)
    assert course_root(package) == package / "course"


def test_the_catalogue_is_read_without_numpy():
    script = (
        "import sys; from gpu_lessons.hardware.machines import machine; machine('nvidia-t4'); "
        "print('numpy' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
