"""Recordings: they come back as they were written, and whatever else a file holds is refused in one sentence."""

import errno
import json
import os
import pickle
import re
import stat
import string
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recording_mutations import CPU, GPU, PROVENANCE, SLUG, a_recording, mutated, outcome

from gpu_lessons.hardware.course import DELIVERED
from gpu_lessons.hardware.machines import machines
from gpu_lessons.recorded import (
    Recording,
    RecordingError,
    files,
    load_recording,
    only_writer,
    recordings,
    require_room,
    write_recording,
)
from gpu_lessons.recorded.schema import SCHEMA, format_recording, parse_recording
from gpu_lessons.records import Measurement, Provenance, Sweep
from gpu_lessons.work import (
    Conv2dForward,
    Copy,
    DenseForward,
    DenseTrainStep,
    DependentChain,
    Elementwise,
    RecurrentForward,
    TrainEpoch,
)

TEXT = format_recording(a_recording())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty folder that stands for the recordings that ship."""
    monkeypatch.setattr(files, "recordings_folder", lambda: tmp_path)
    return tmp_path


def refusal(text, slug=SLUG):
    with pytest.raises(RecordingError) as error:
        parse_recording(slug, text)
    assert "\n" not in str(error.value)
    return str(error.value)


def changed(change):
    """Return the text of a recording after ``change`` was done to its JSON content."""
    content = json.loads(TEXT)
    change(content)
    return json.dumps(content)


# There and back

sizes = st.integers(1, 10**6)
dtypes = st.sampled_from(["float16", "float32", "float64"])
workloads = st.one_of(
    st.builds(DenseForward, sizes, sizes, sizes, dtypes),
    st.builds(DenseTrainStep, sizes, sizes, sizes, dtypes),
    st.builds(Elementwise, sizes, dtypes, st.integers(0, 100_000)),
    st.builds(RecurrentForward, st.integers(1, 20_000), sizes, sizes, sizes, dtypes),
    st.builds(DependentChain, st.integers(1, 100_000), sizes, dtypes),
    st.builds(TrainEpoch, st.integers(1, 1000), sizes, st.lists(sizes, min_size=2, max_size=5), dtypes),
    st.builds(Conv2dForward, sizes, sizes, sizes, *[st.integers(9, 99)] * 2, *[st.integers(1, 9)] * 3, dtypes),
)
copies = st.builds(Copy, sizes, st.sampled_from(["h2d", "d2h"]), st.booleans())
# Four significant digits, as a file keeps them.
times = st.lists(st.floats(1e-9, 1e5).map(lambda time_s: float(f"{time_s:.4g}")), min_size=1, max_size=8).map(tuple)
letters = st.text(string.ascii_letters + string.digits + " .,:;()-_/%µ×é", min_size=1, max_size=40)
texts = letters.filter(str.strip)
provenances = st.builds(
    Provenance, date=st.dates().map(str), command=texts, seed=st.integers(0, 2**31), quick=st.booleans(),
    complete=st.booleans(), operating_system=texts, usable_cores=sizes, versions=st.dictionaries(texts, texts),
)  # fmt: skip
slugs = st.from_regex(r"[a-z0-9]{1,9}(-[a-z0-9]{1,9}){0,4}", fullmatch=True)


@st.composite
def whole_recordings(draw):
    slug = draw(slugs)
    provenance = draw(provenances)
    cpu = replace(draw(st.sampled_from([each for each in machines() if each.kind == "cpu"])), slug=slug)
    gpu = draw(st.none() | st.sampled_from([each for each in machines() if each.kind == "gpu"]))
    gpu = None if gpu is None else replace(gpu, slug=slug)
    sweeps = {}
    for _ in range(draw(st.integers(1, 6))):
        threads = draw(st.integers(1, 64)) if gpu is None else draw(st.none() | st.integers(1, 64))
        workload = draw(workloads | copies if threads is None else workloads)
        measurement = Measurement(
            workload, (cpu if threads else gpu).name, threads, draw(times), draw(times), draw(sizes),
            provenance.date, draw(st.none() | sizes),
        )  # fmt: skip
        sweeps.setdefault((type(workload), threads), []).append(measurement)
    return Recording(slug, provenance, cpu, gpu, tuple(Sweep(tuple(points)) for points in sweeps.values()))


@given(whole_recordings())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_recording_comes_back_as_it_was_written(recording):
    assert parse_recording(recording.slug, format_recording(recording)) == recording


def test_seconds_keep_four_digits():
    recording = a_recording()
    point = replace(recording.sweeps[0].points[0], samples_s=(1.23456789e-6, 1 / 3))
    recording = replace(recording, sweeps=(Sweep((point,)),))
    [back] = parse_recording(SLUG, format_recording(recording)).measurements
    assert back.samples_s == (1.235e-6, 0.3333)


def test_a_file_has_one_point_a_line_so_that_git_shows_what_changed():
    points = [line for line in TEXT.splitlines() if "samples_s" in line]
    assert len(points) == len(a_recording().measurements)
    assert {json.loads(line.rstrip(","))["calls_per_sample"] for line in points} == {10}
    assert TEXT.endswith("}\n")


def test_a_recording_speaks_of_its_gpu_and_without_one_of_its_cpu():
    assert a_recording().machine is GPU
    assert replace(a_recording(), gpu=None).machine is CPU


def test_points_of_a_recording_say_the_day_and_the_machine():
    point = parse_recording(SLUG, TEXT).sweeps[0].points[0]
    assert (point.source, point.recorded_on, point.machine) == ("recorded", "2026-11-24", CPU.name)
    assert str(point).endswith(f"recorded on {CPU.name}, 1 thread, 2026-11-24")


def test_a_recording_says_what_it_holds():
    lines = str(a_recording()).splitlines()
    assert lines[0] == f"{CPU.name} and {GPU.name}, recorded 2026-11-24: 15 points"
    assert lines[1].split() == ["DenseForward", "4", "on", "1", "thread,", "4", "on", "28", "threads"]
    assert "busy" not in str(a_recording())


def test_the_longest_name_of_a_workload_stands_apart_from_its_numbers():
    recording = a_recording()
    names = {type(sweep.points[0].workload).__name__ for sweep in recording.sweeps}
    longest = max(names, key=len)
    assert re.search(rf"^  {longest}  \d", str(recording), re.MULTILINE)


def test_a_recording_of_a_busy_machine_says_so():
    recording = a_recording()
    wide = tuple(
        Sweep(tuple(replace(point, samples_s=(1.0, 2.0, 3.0)) for point in sweep.points)) for sweep in recording.sweeps
    )
    assert "The samples of 15 points spread by more than 10%: the machine was busy" in str(
        replace(recording, sweeps=wide)
    )


def test_points_that_spread_are_named_widest_first_and_no_others():
    recording = a_recording()
    first, *others = recording.sweeps
    points = list(first.points)
    points[1] = replace(points[1], samples_s=(1.0, 2.0, 3.0))
    points[2] = replace(points[2], samples_s=(1.0, 1.2, 1.4))
    lines = str(replace(recording, sweeps=(Sweep(tuple(points)), *others))).splitlines()[-3:]
    assert lines[0] == "The samples of 2 points spread by more than 10%:"
    assert lines[1] == f"  50%  {points[1].workload}, 1 thread"
    assert lines[2] == f"  17%  {points[2].workload}, 1 thread"
    assert "spread" not in str(recording)


def test_threads_that_are_unknown_are_written_read_and_said():
    recording = a_recording()
    unknown = Sweep(tuple(replace(point, threads=0) for point in recording.sweeps[0].points))
    recording = replace(recording, sweeps=(unknown,))
    assert parse_recording(SLUG, format_recording(recording)) == recording
    assert "4 on threads unknown" in str(recording)
    assert str(unknown.points[0]).splitlines()[0].endswith("threads unknown, 2026-11-24")


# What is refused


def set_at(*path, to):
    """Return a change that puts ``to`` at the end of a path of keys."""

    def change(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = to

    return change


def without(*path):
    def change(content):
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return change


POINT = ("sweeps", 0, "points", 2)
AT = "sweeps[0].points[2]"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (set_at("schema", to=SCHEMA + 1), f"schema is version {SCHEMA + 1} and this gpu_lessons reads up to {SCHEMA}"),
        (set_at("schema", to="1"), "schema must be a version from 1"),
        (set_at("schema", to=True), "schema must be a version from 1"),
        (without("schema"), "schema is missing"),
        (set_at("slug", to="other-host"), "slug is 'other-host', so the file must be called other-host.json"),
        (set_at("slug", to="../x"), "slug must be lower-case words"),
        (set_at("surprise", to=1), "surprise is unknown"),
        (set_at("provenance", to=[]), "provenance must be an object, got []"),
        (without("provenance", "seed"), "provenance.seed is missing"),
        (set_at("provenance", "date", to="2026-02-30"), "provenance.date must be a day such as 2026-11-24"),
        (set_at("provenance", "date", to="20261124"), "provenance.date must be a day such as 2026-11-24"),
        (set_at("provenance", "quick", to=0), "provenance.quick must be true or false, got 0"),
        (set_at("provenance", "seed", to=-1), "provenance.seed must be a whole number of at least 0, got -1"),
        (set_at("provenance", "versions", to={"numpy": 2}), "provenance.versions.numpy must be printable text"),
        (set_at("provenance", "command", to="\x1b[2J"), "provenance.command must be printable text"),
        (set_at("provenance", "command", to="<b>"), "provenance.command must be printable text without < and >"),
        (set_at("provenance", "command", to="x" * 301), "provenance.command must be at most 300 letters"),
        (set_at("cpu", to=None), "cpu must be an object with name, kind, vendor and facts, got None"),
        (set_at("cpu", "kind", to="gpu"), "cpu.kind must be 'cpu', got 'gpu'"),
        (set_at("cpu", "cores", to=4), "cpu: cores stands outside"),
        (set_at("gpu", "facts", 0, "sm_count", to=-1), "gpu: sm_count must be a finite number above 0, got -1"),
        (set_at("gpu", "facts", 0, "warp", to=32), "gpu: warp is not a field of a machine"),
        (without("gpu", "facts", 0, "source"), "gpu: facts block 1 has no source"),
        (set_at("gpu", to=None), "sweeps[3].device must be cpu on this machine, got 'cuda'"),
        (set_at("sweeps", to=[]), "sweeps must be a list with at least one entry, got []"),
        (set_at("sweeps", 0, "workload", to="Workload"), "sweeps[0].workload must be one of "),
        (set_at("sweeps", 0, "workload", to="os.system"), "sweeps[0].workload must be one of "),
        (set_at("sweeps", 0, "threads", to=None), "sweeps[0].threads must be a whole number of at least 1, got None"),
        (set_at("sweeps", 3, "threads", to=2), "sweeps[3].threads must be null on a GPU, got 2"),
        (set_at("sweeps", 1, "threads", to=1), "sweeps[1] repeats the workload, device and threads"),
        (set_at(*POINT, "samples_s", 0, to=0), f"{AT}.samples_s[0] must be a finite number of seconds above 0, got 0"),
        (set_at(*POINT, "samples_s", 1, to=float("nan")), f"{AT}.samples_s[1] must be a finite number of seconds"),
        (set_at(*POINT, "samples_s", 1, to=float("inf")), f"{AT}.samples_s[1] must be a finite number of seconds"),
        (set_at(*POINT, "samples_s", 1, to=10**400), f"{AT}.samples_s[1] must be a finite number of seconds"),
        (set_at(*POINT, "samples_s", 1, to=True), f"{AT}.samples_s[1] must be a finite number of seconds"),
        (set_at(*POINT, "samples_s", 1, to="1"), f"{AT}.samples_s[1] must be a finite number of seconds"),
        (set_at(*POINT, "samples_s", to=[]), f"{AT}.samples_s must be a list of 1 to 1000 times"),
        (set_at(*POINT, "samples_s", to=[1.0] * 1001), f"{AT}.samples_s must be a list of 1 to 1000 times"),
        (set_at(*POINT, "warmup_s", to=1e-3), f"{AT}.warmup_s must be a list of 1 to 1000 times"),
        (set_at(*POINT, "calls_per_sample", to=1.5), f"{AT}.calls_per_sample must be a whole number of at least 1"),
        (set_at(*POINT, "peak_bytes", to=0), f"{AT}.peak_bytes must be a whole number of at least 1, got 0"),
        (set_at(*POINT, "sample_s", to=[1]), f"{AT}.sample_s is unknown; the nearest field is samples_s"),
        (without(*POINT, "warmup_s"), f"{AT}.warmup_s is missing"),
        (set_at(*POINT, "arguments", "n_in", to=0), f"{AT}.arguments: n_in must be an integer of at least 1, got 0"),
        (set_at(*POINT, "arguments", "n_in", to=[4]), f"{AT}.arguments: n_in must be an integer of at least 1"),
        (set_at(*POINT, "arguments", "dtype", to="int8"), f"{AT}.arguments: dtype must be one of float16"),
        (set_at(*POINT, "arguments", "seed", to=1), f"{AT}.arguments.seed is unknown"),
        (without(*POINT, "arguments", "dtype"), f"{AT}.arguments.dtype is missing"),
        (set_at("sweeps", 7, "points", 0, "arguments", "pinned", to="no"), "arguments.pinned must be true or false"),
        (
            set_at("sweeps", 4, "points", 0, "arguments", "steps", to=10**17),
            "arguments: at most 100,000 steps one after another can be counted, got 100,000,000,000,000,000",
        ),
        (set_at("sweeps", 6, "points", 0, "arguments", "samples", to=10**17), "arguments: at most 100,000 steps"),
        (set_at("sweeps", 6, "points", 0, "arguments", "layer_sizes", to=[8]), "arguments: layer_sizes must hold at"),
        (set_at("sweeps", 6, "points", 0, "arguments", "layer_sizes", to="88"), "arguments: layer_sizes must hold at"),
        (set_at("sweeps", 5, "points", 0, "arguments", "kernel", to=99), "arguments: "),
    ],
)
def test_a_wrong_field_is_named_with_the_reason(change, says):
    assert says in refusal(changed(change))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not valid JSON in line 1"),
        (TEXT[: len(TEXT) // 2], "not valid JSON in line"),
        ("[]", "the recording must be an object, got []"),
        ("3", "the recording must be an object, got 3"),
        ("null", "the recording must be an object, got None"),
        ("[" * 100_000, "nested deeper than 8 levels"),
        ("[" * 500 + "]" * 500, "nested deeper than 8 levels"),
        ('{"a":' * 20 + "1" + "}" * 20, "nested deeper than 8 levels"),
        (TEXT.replace('"seed": 7', '"seed": 7, "seed": 8'), "the field 'seed' is given twice"),
        (TEXT.replace('"seed": 7', f'"seed": {"9" * 5000}'), "provenance.seed must be a whole number"),
        (TEXT.replace('"quick"', '"qu\\u001bick"'), "a field's name in provenance must be printable text"),
    ],
)
def test_text_that_is_no_recording_is_refused(text, says):
    assert says in refusal(text)


def test_a_name_of_a_million_letters_is_not_repeated_in_the_sentence():
    assert len(refusal(changed(set_at("cpu", "facts", 0, "x" * 200_000, to=1)))) < 500
    assert len(refusal(changed(set_at("cpu", "facts", 0, "x" * 250, to=[["y" * 250] * 1000])))) < 500


def test_nothing_in_a_file_is_executed(folder, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    (folder / f"{SLUG}.json").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(RecordingError):
        load_recording(SLUG)
    refusal(changed(set_at("sweeps", 0, "workload", to=f"__import__('os').mkdir({str(tmp_path / 'executed')!r})")))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("seed", range(400))
def test_a_damaged_file_is_refused_in_one_sentence_or_loads_whole(seed, tmp_path):
    outcome(tmp_path / f"{SLUG}.json", mutated(TEXT, seed))


# Files


def test_the_folder_is_listed_and_loaded_by_name(folder):
    write_recording(folder / f"{SLUG}.json", a_recording())
    assert recordings() == [SLUG]
    assert load_recording(SLUG) == a_recording()


def test_where_no_folder_is_there_are_no_recordings(folder, monkeypatch):
    monkeypatch.setattr(files, "recordings_folder", lambda: folder / "missing")
    assert recordings() == []
    with pytest.raises(RecordingError, match=r"^no recording 'some-host' here; there are: none$"):
        load_recording("some-host")


@pytest.mark.parametrize("slug", ["../some-host", "some host", "", "Some-Host", "some-host/", None, 3, "x" * 200])
def test_a_slug_that_names_no_file_here_is_refused(folder, slug):
    with pytest.raises(RecordingError, match="slug must be lower-case words"):
        load_recording(slug)


@pytest.fixture
def own(folder, tmp_path, monkeypatch):
    """Return the folder of a learner's own recordings; ``folder`` is that of the recordings that ship."""
    own = tmp_path / "mine" / "recordings"
    own.mkdir(parents=True)
    (tmp_path / "mine" / DELIVERED).write_text("{}")
    (tmp_path / "mine" / "solutions").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    return own


def named(slug, **changes):
    return replace(a_recording(), slug=slug, **changes)


@pytest.mark.parametrize("place", [".", "solutions", "recordings"])
def test_a_recording_in_the_learners_folder_is_found_beside_those_that_ship(folder, own, monkeypatch, place):
    write_recording(folder / f"{SLUG}.json", a_recording())
    write_recording(own / "lab-server.json", named("lab-server"))
    monkeypatch.chdir(own.parent / place)
    assert recordings() == sorted([SLUG, "lab-server"])
    assert load_recording("lab-server").slug == "lab-server"
    assert load_recording(SLUG) == a_recording()


def test_of_two_files_of_one_name_the_learners_own_is_meant_unless_it_is_bad(folder, own):
    newer = replace(a_recording(), provenance=replace(a_recording().provenance, seed=77))
    write_recording(folder / f"{SLUG}.json", a_recording())
    write_recording(own / f"{SLUG}.json", newer)
    assert recordings() == [SLUG]
    assert load_recording(SLUG) == newer
    (own / f"{SLUG}.json").write_text("{")
    with pytest.warns(UserWarning, match="other recordings are not affected"):
        assert recordings() == [SLUG]
    assert load_recording(SLUG) == a_recording()


def test_a_recording_is_loaded_from_any_file(folder, tmp_path, monkeypatch):
    (tmp_path / "handed out").mkdir()
    path = tmp_path / "handed out" / f"{SLUG}.json"
    write_recording(path, a_recording())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(path.parent)
    for named_so in (path, str(path), path.name, f"./{path.name}", f"~/handed out/{path.name}", Path(path.name)):
        assert load_recording(named_so) == a_recording()


def test_a_file_name_alone_is_looked_for_in_the_folders_of_recordings_too(folder, own):
    write_recording(own / "lab-server.json", named("lab-server"))
    write_recording(folder / f"{SLUG}.json", a_recording())
    assert load_recording("lab-server.json").slug == "lab-server"
    assert load_recording(f"{SLUG}.json") == a_recording()


@pytest.mark.parametrize("given", ["none.json", "./none.json", "none/of/it.json", Path("none.json"), Path("none")])
def test_a_file_that_is_not_there_is_one_sentence(folder, own, given):
    with pytest.raises(RecordingError, match=rf"^{Path(given).name}: there is no such file$"):
        load_recording(given)


def test_a_file_that_was_renamed_says_its_name(folder, tmp_path):
    write_recording(tmp_path / f"{SLUG}.json", a_recording())
    (tmp_path / f"{SLUG}.json").rename(tmp_path / "of-my-teacher.json")
    with pytest.raises(RecordingError, match=rf"the file must be called {SLUG}.json: it was renamed"):
        load_recording(tmp_path / "of-my-teacher.json")


def test_a_file_written_anew_is_read_anew(folder):
    write_recording(folder / f"{SLUG}.json", a_recording())
    assert load_recording(SLUG) == a_recording()
    newer = replace(a_recording(), provenance=replace(a_recording().provenance, seed=77))
    write_recording(folder / f"{SLUG}.json", newer)
    assert load_recording(SLUG) == newer


def test_a_bad_file_never_hides_the_good_ones(folder):
    write_recording(folder / f"{SLUG}.json", a_recording())
    (folder / "aaa.json").write_text("{")
    (folder / "renamed.json").write_text(TEXT)
    (folder / "zzz.json").write_bytes(b"\xff\xfe")
    (folder / "odd\nname.json").write_text(TEXT)
    (folder / "folder.json").mkdir()
    (folder / "dangling.json").symlink_to(folder / "nowhere")
    (folder / "loop.json").symlink_to(folder / "loop.json")
    with pytest.warns(UserWarning, match="other recordings are not affected") as warned:
        assert recordings() == [SLUG]
    sentences = sorted(str(each.message).split(":")[0] for each in warned)
    assert sentences == [
        "'odd\\nname.json'", "aaa.json", "dangling.json", "folder.json", "loop.json", "renamed.json", "zzz.json",
    ]  # fmt: skip
    assert all("\n" not in str(each.message) for each in warned)


def test_an_unfinished_recording_is_loaded_but_not_offered(folder):
    unfinished = replace(a_recording(), provenance=replace(PROVENANCE, complete=False))
    write_recording(folder / f"{SLUG}.json", unfinished)
    assert recordings() == []
    assert load_recording(SLUG) == unfinished
    assert ", not complete: 15 points" in str(unfinished)


def test_a_file_above_eight_megabytes_is_refused_before_it_is_read(folder):
    with (folder / f"{SLUG}.json").open("wb") as file:
        file.truncate(10**12)  # a hole: reading it would fill the memory
    with pytest.raises(RecordingError, match=rf"^{SLUG}\.json: larger than 8 MB"):
        load_recording(SLUG)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_not_waited_for(folder):
    os.mkfifo(folder / f"{SLUG}.json")
    with pytest.raises(RecordingError, match="not a regular file"):
        load_recording(SLUG)


def test_a_link_to_a_recording_is_followed(folder, tmp_path_factory):
    real = tmp_path_factory.mktemp("elsewhere") / f"{SLUG}.json"
    write_recording(real, a_recording())
    (folder / f"{SLUG}.json").symlink_to(real)
    assert load_recording(SLUG) == a_recording()


def test_a_file_that_may_not_be_read_is_refused(folder, monkeypatch):
    write_recording(folder / f"{SLUG}.json", a_recording())

    def refuse(*_arguments, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(RecordingError, match="cannot be read: Permission denied"):
        load_recording(SLUG)


def test_a_recording_is_written_under_its_own_name_only(tmp_path):
    with pytest.raises(RecordingError, match=rf"slug '{SLUG}' is called {SLUG}\.json"):
        write_recording(tmp_path / "other.json", a_recording())
    assert list(tmp_path.iterdir()) == []


def full_disk(*_arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call):
    path = tmp_path / f"{SLUG}.json"
    path.write_text("the old one")
    monkeypatch.setattr(*((os, "fsync") if call == "fsync" else (Path, "replace")), full_disk)
    with pytest.raises(RecordingError, match=rf"{SLUG}\.json cannot be written: No space left on device$"):
        write_recording(path, a_recording())
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "the old one"


def test_others_may_read_what_was_written(tmp_path):
    write_recording(tmp_path / f"{SLUG}.json", a_recording())
    assert stat.S_IMODE((tmp_path / f"{SLUG}.json").stat().st_mode) & stat.S_IRGRP


def test_room_is_tried_out_and_given_back(tmp_path, monkeypatch):
    require_room(tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(RecordingError, match=r"x\.json cannot be written: No space left on device"):
        require_room(tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    for name in (".x.json.abc.part", ".y.json.abc.part", "x.json"):
        (tmp_path / name).write_text("half")
    require_room(tmp_path / "x.json")
    assert {each.name for each in tmp_path.iterdir()} == {".y.json.abc.part", "x.json"}


@pytest.mark.parametrize("name", ["x.txt", "x", "A.json", "a b.json", ".json", "-.json", "x..json"])
def test_a_file_name_that_is_no_slug_is_refused_before_measuring(tmp_path, name):
    with pytest.raises(RecordingError, match="no name of a recording; name it like"):
        require_room(tmp_path / name)


def test_a_folder_that_is_missing_or_not_writable_is_refused_before_measuring(tmp_path):
    with pytest.raises(RecordingError, match=r"there is no folder .*missing; make it first"):
        require_room(tmp_path / "missing" / "x.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(RecordingError, match="it is a folder; name a file in it"):
        require_room(tmp_path / "folder.json")
    if sys.platform == "linux":  # not even root may make a file there
        with pytest.raises(RecordingError, match=r"^/proc/x.json cannot be written: "):
            require_room(Path("/proc/x.json"))


def test_no_second_recording_is_written_into_a_folder_meanwhile(tmp_path):
    with only_writer(tmp_path / "one.json"):
        with (
            pytest.raises(RecordingError, match=r"two\.json cannot be written: another recording is being made"),
            only_writer(tmp_path / "two.json"),
        ):
            pass
        with only_writer(tmp_path / "missing" / "three.json"):  # what is wrong there is said by `require_room`
            pass
    with only_writer(tmp_path / "two.json"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_is_given_back_after_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), only_writer(tmp_path / "one.json"):
        raise KeyboardInterrupt
    with only_writer(tmp_path / "one.json"):
        pass


@pytest.mark.parametrize("name", ["a\x1b[31mb.json", "a\nb.json", "\u202egnp.json"])
def test_a_name_that_would_paint_the_terminal_is_shown_as_its_codes(tmp_path, name):
    with pytest.raises(RecordingError, match="is no name of a recording") as error:
        require_room(tmp_path / name)
    assert str(error.value).isprintable()


def test_a_recording_of_the_first_schema_had_no_multiply_adds():
    recording = a_recording()
    text = format_recording(recording)
    first = text.replace('"schema": 2', '"schema": 1').replace(', "multiply_adds": 0', "")
    assert len(first) < len(text)
    assert parse_recording(recording.slug, first) == parse_recording(recording.slug, text)
