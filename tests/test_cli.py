"""The commands, called as the shell calls them; JupyterLab is started once for real."""

import importlib.metadata
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from gpu_lessons import __version__, cli, doctor, lab
from gpu_lessons.hardware.detect import this_machine
from gpu_lessons.lab import jupyterlab_arguments

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture
def started(monkeypatch):
    """Return the arguments that JupyterLab would have been started with."""
    arguments = []
    monkeypatch.setattr(lab, "_start_jupyterlab", arguments.extend)
    return arguments


@pytest.fixture
def course(tmp_path):
    """Return a course as it lies in an installed wheel, without a repository around it."""
    root = tmp_path / "course"
    (root / "notebooks" / "solutions").mkdir(parents=True)
    (root / "notebooks" / "source").mkdir()
    for name in (
        "00_start_here.ipynb",
        "README.md",
        "build.py",
        "solutions/00_start_here.ipynb",
        "source/00.py",
    ):
        (root / "notebooks" / name).write_text(f"as shipped: {name}")
    return root


@pytest.fixture
def clone(course):
    """Return the same course in a clone of the repository."""
    (course / "pyproject.toml").write_text("")
    return course


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def refusal(capsys, *words):
    """Return the one sentence on stderr of a command that ends as a user's mistake."""
    try:
        code = cli.main(words)
    except SystemExit as exit_:
        code = exit_.code
    printed = capsys.readouterr()
    assert code == 2
    assert printed.out == ""
    assert printed.err.count("\n") == 1, printed.err
    return printed.err


@pytest.mark.parametrize("words", [[], ["lab"], ["--no-browser"], ["lab", "--no-browser"]])
def test_without_a_command_the_learners_own_course_opens(started, words, clone, monkeypatch):
    monkeypatch.setattr(lab, "course_root", lambda: clone)
    assert cli.main(words) == 0
    assert f"--ServerApp.root_dir={clone / 'my_course'}" in started
    assert ("--no-browser" in started) == ("--no-browser" in words)


def test_jupyterlab_listens_on_this_machine_only_and_keeps_its_own_token(tmp_path):
    arguments = jupyterlab_arguments(tmp_path, None, browser=True)
    assert "--ServerApp.ip=127.0.0.1" in arguments
    assert not [each for each in arguments if "token" in each.lower() or "password" in each.lower()]


@pytest.mark.parametrize(("user", "is_allowed"), [(0, True), (1000, False)])
def test_only_root_is_allowed_to_be_root(tmp_path, monkeypatch, user, is_allowed):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    assert ("--allow-root" in jupyterlab_arguments(tmp_path, None, browser=True)) == is_allowed


def test_a_chosen_port_is_used_or_nothing(started):
    port = free_port()
    assert cli.main(["--port", str(port)]) == 0
    assert f"--ServerApp.port={port}" in started
    assert "--ServerApp.port_retries=0" in started


def test_a_port_in_use_is_refused_in_one_sentence(capsys, started):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"port {port} cannot be used" in refusal(capsys, "lab", "--port", str(port))
    assert started == []


@pytest.mark.parametrize("port", ["0", "-1", "65536", "many"])
def test_an_impossible_port_is_refused_in_one_sentence(capsys, started, port):
    assert port in refusal(capsys, "lab", f"--port={port}")
    assert started == []


def test_a_missing_jupyterlab_is_said_in_one_sentence(capsys, monkeypatch, started):
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    assert "pip install jupyterlab" in refusal(capsys, "lab")
    assert started == []


def answer_of(address):
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_jupyterlab_starts_serves_the_course_and_asks_for_its_token(tmp_path):
    port = free_port()
    log = tmp_path / "log"
    folder = str(tmp_path / "mine")
    command = [sys.executable, "-m", "gpu_lessons.cli", "lab", folder, "--no-browser", "--port", str(port)]
    private = {"JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    environment = {name: value for name, value in os.environ.items() if name != "JUPYTER_TOKEN"} | private
    with log.open("wb") as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment)
    try:
        token = token_in(log, server)
        contents = f"http://127.0.0.1:{port}/api/contents/00_start_here.ipynb?content=0"
        assert answer_of(contents) == 403
        assert answer_of(f"{contents}&token={token}") == 200
        assert f"127.0.0.1:{port}/lab/tree/00_start_here.ipynb?token=" in log.read_text()
    finally:
        server.terminate()
        server.wait(timeout=30)
    assert "Traceback" not in log.read_text()


def token_in(log, server):
    """Wait until the server has printed its address, and return the token in it."""
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s and server.poll() is None:
        found = re.search(r"\?token=([0-9a-f]{32,})", log.read_text())
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab printed no address:\n{log.read_text()}")


@pytest.fixture
def kernel_that_works(monkeypatch):
    """Let doctor start no server; test_jupyter.py starts real ones."""
    monkeypatch.setattr(doctor, "kernel_problem", lambda folder: None)


def test_doctor_finds_what_the_tests_run_with_starts_a_kernel_and_ends_well_without_a_gpu(capsys):
    assert cli.main(["doctor"]) == 0
    report = capsys.readouterr().out
    for name in ("numpy", "jupyterlab", "ipywidgets", "altair", "nvidia-ml-py"):
        assert re.search(rf"^{name} +{re.escape(importlib.metadata.version(name))} +works$", report, re.MULTILINE)
    assert re.search(r"^CPU  ", report, re.MULTILINE)
    assert "CUDA device" in report
    assert report.endswith("The course can start: gpu-lessons\n")


@pytest.mark.usefixtures("kernel_that_works")
def test_doctor_names_the_command_that_opens_the_course_of_a_wheel(capsys, monkeypatch, course):
    monkeypatch.setattr(doctor, "course_root", lambda: course)
    assert cli.main(["doctor"]) == 0
    [last] = capsys.readouterr().out.splitlines()[-1:]
    assert last == "The course can start: gpu-lessons lab DIR, which puts a copy of it into DIR"


def test_doctor_fails_where_jupyterlab_is_missing(capsys, monkeypatch):
    monkeypatch.setitem(doctor._REQUIRED, "no-such-package", "no_such_package")
    assert cli.main(["doctor"]) == 1
    report = capsys.readouterr().out
    assert "pip install no-such-package" in report
    assert report.endswith("The course cannot start yet.\n")


def test_doctor_fails_where_a_notebook_would_not_run(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "kernel_problem", lambda folder: "notebooks get the kernel of somebody else")
    assert cli.main(["doctor"]) == 1
    report = capsys.readouterr().out
    assert "\nNotebooks get the kernel of somebody else.\n" in report
    assert report.endswith("The course cannot start yet.\n")


def test_an_altair_that_jupyterlab_cannot_draw_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor, "version", lambda name: "6.0.1")
    assert "pip install 'altair<6'" in doctor.examine_dependency("altair", "altair").problem


def asked_for():
    """Return the bounds of every dependency in pyproject.toml by its name."""
    lines = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    return {each.name: each.specifier for each in map(Requirement, lines)}


def test_doctor_looks_at_every_package_that_the_course_asks_for():
    assert {*doctor._REQUIRED, *doctor._OPTIONAL} == {*asked_for()}


@pytest.mark.usefixtures("kernel_that_works")
@pytest.mark.parametrize("is_clone", [True, False])
def test_every_package_that_is_too_old_is_named_with_what_installs_it(monkeypatch, course, is_clone):
    """As NumPy 1.24 from the packages of Debian 12."""
    if not is_clone:
        monkeypatch.setattr(doctor, "course_root", lambda: course)
    monkeypatch.setattr(doctor, "version", lambda name: "0.0.1")
    report, can_start = doctor.examine()
    assert not can_start
    for name, bounds in asked_for().items():
        lowest = next(each.version for each in bounds if each.operator == ">=")
        said = f"the course needs {name}>={lowest}; install it with: pip install '{name}>={lowest}'"
        assert f"0.0.1       {said}" in report
        assert (f"\n{name}: {said}." in report) == (name in doctor._REQUIRED)


@pytest.mark.parametrize(
    "found", ["0.9", "1", "2", "2.0", "2.0.0", "2.0.1", "5.4.9", "5.5", "5.5.0", "6", "6.0.0", "13.615.71"]
)
def test_a_version_is_allowed_as_pip_would_allow_it(found):
    for name, bounds in asked_for().items():
        assert (doctor._broken_bounds(name, found) == "") == bounds.contains(found, prereleases=True), name
        assert all(each.operator in (">=", "<") for each in bounds)


def test_a_version_with_more_than_numbers_is_its_release():
    assert doctor._broken_bounds("numpy", "2.2.0rc1") == ""
    assert doctor._broken_bounds("numpy", "1.26.4+mkl") == ">=2.2"
    assert doctor._broken_bounds("altair", "6.0.0") == "<6"


def test_a_package_that_does_not_import_is_a_problem(monkeypatch, tmp_path):
    (tmp_path / "broken_binary.py").write_text("raise OSError('wrong ELF class')")
    (tmp_path / "stops_here.py").write_text("raise SystemExit('no licence')")
    monkeypatch.syspath_prepend(tmp_path)
    assert "wrong ELF class" in doctor.examine_dependency("numpy", "broken_binary").problem
    assert "no licence" in doctor.examine_dependency("numpy", "stops_here").problem


@pytest.fixture
def with_driver(monkeypatch):
    """Return a function: doctor's report with a driver for this CUDA and these CuPys, none of which works."""

    def report(cuda_version, packages):
        monkeypatch.setattr(doctor, "kernel_problem", lambda folder: None)
        monkeypatch.setattr(doctor, "_driver_cuda_version", lambda: cuda_version)
        monkeypatch.setattr(doctor, "cupy_packages", lambda: packages)
        monkeypatch.setattr("gpu_lessons.hardware.arrays.cuda_status", lambda: (False, "no CUDA device here: none"))
        told, can_start = doctor.examine()
        assert can_start
        return told

    return report


@pytest.mark.parametrize(
    ("usable", "sentence", "advice"),
    [
        (True, "WebGPU here: Iris Xe (integrated GPU, Vulkan)", "so lessons run on that GPU"),
        (False, "no WebGPU here: wgpu is not installed; install it with: pip install", "predicted numbers for GPUs"),
    ],
)
def test_doctor_tells_of_webgpu_where_no_nvidia_driver_answers(with_driver, monkeypatch, usable, sentence, advice):
    monkeypatch.setattr("gpu_lessons.hardware.adapters.webgpu_status", lambda: (usable, sentence))
    lines = with_driver(None, {}).splitlines()
    assert f"{sentence[0].upper()}{sentence[1:]}." in lines
    assert any(line.startswith("No NVIDIA driver answers, ") and advice in line for line in lines)
    assert not any("WebGPU here" in line for line in with_driver(12, {}).splitlines() if not line.startswith("wgpu"))


@pytest.mark.parametrize(("driver", "extra"), [(12, "cuda12"), (13, "cuda13")])
def test_a_driver_without_cupy_gets_the_extra_that_fits(with_driver, driver, extra):
    assert f"here: install CuPy with pip install 'gpu-lessons[{extra}]'" in with_driver(driver, {})


@pytest.mark.parametrize("name", ["cupy-cuda11x", "cupy-cuda12x", "cupy"])
def test_a_cupy_that_fits_the_driver_is_named_with_what_keeps_it_from_working(with_driver, name):
    report = with_driver(12, {name: "13.6.0"})
    assert re.search(rf"^{name} +13\.6\.0 +no CUDA device here: none$", report, re.MULTILINE)
    assert "install CuPy" not in report


@pytest.mark.parametrize("name", ["cupy-cuda13x", "cupy-rocm-7-0"])
def test_a_cupy_for_another_driver_is_uninstalled_first(with_driver, name):
    advice = f"uninstall {name}, which does not fit, then install CuPy with pip install 'gpu-lessons[cuda12]'"
    assert advice in with_driver(12, {name: "14.2.0"})


@pytest.mark.parametrize("name", ["cupy-cuda12x", "cupy-cuda11x", "cupy", "cupy-rocm-5-0"])
def test_a_cupy_that_is_too_old_is_a_problem_of_the_gpu_only(with_driver, name):
    assert f"the course needs {name}>=13.3" in with_driver(None, {name: "10.6.0"})


def test_two_cupys_at_once_are_named(with_driver):
    report = with_driver(12, {"cupy-cuda11x": "13.6.0", "cupy-cuda12x": "14.2.0"})
    assert "cupy-cuda11x and cupy-cuda12x 13.6.0, 14.2.0 installed together; uninstall all but one" in report


@pytest.mark.parametrize(
    ("words", "counted"),
    [
        ([], "DenseForward(batch_size=4, n_in=8, n_out=8, dtype='float32')"),
        (
            ["dense-train-step", "--dtype", "float64"],
            "DenseTrainStep(batch_size=4, n_in=8, n_out=8, dtype='float64')",
        ),
    ],
)
def test_measure_says_what_it_measured_and_where(capsys, words, counted):
    words = ["measure", *words, "--batch-size", "4", "--width", "8", "--threads", "1", "--budget", "0.01"]
    assert cli.main(words) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == counted
    assert re.search(r"measured on .+, 1 thread$", second)


def test_measure_takes_an_elementwise_operation(capsys):
    assert cli.main(["measure", "elementwise", "--n", "100", "--budget", "0.01"]) == 0
    assert capsys.readouterr().out.startswith("Elementwise(n=100, dtype='float32', multiply_adds=0)\n")


@pytest.mark.parametrize(
    ("words", "counted"),
    [
        (
            "conv2d-forward --batch-size 2 --channels 3 --image 6 --kernel 3 --dtype float64",
            "Conv2dForward(batch_size=2, c_in=3, c_out=3, height=6, width=6, kernel=3, stride=1, padding=1, "
            "dtype='float64')",
        ),
        ("dependent-chain --steps 3 --n 5", "DependentChain(steps=3, width=5, dtype='float32')"),
    ],
)
def test_measure_takes_every_workload_with_its_own_sizes(capsys, words, counted):
    assert cli.main(["measure", *words.split(), "--budget", "0.01"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == counted


def test_predict_takes_a_copy_with_its_direction_and_memory(capsys):
    words = "predict copy --bytes 1000 --direction d2h --pageable --machine nvidia-t4"
    assert cli.main(words.split()) == 0
    assert capsys.readouterr().out.startswith("Copy(n_bytes=1000, direction='d2h', pinned=False)\n")


def test_predict_prints_what_the_model_says_for_every_machine(capsys):
    import gpu_lessons as gl

    slugs = ["nvidia-t4", "nvidia-h100-sxm"]
    words = ["predict", "--batch-size", "16", "--width", "64", "--launch-overhead", "5e-5"]
    assert cli.main([*words, "--machine", slugs[0], "--machine", slugs[1]]) == 0
    layer = gl.DenseForward(batch_size=16, n_in=64, n_out=64)
    expected = [str(layer), *(str(gl.predict(layer, gl.machine(slug), 5e-5)) for slug in slugs)]
    assert capsys.readouterr().out == "\n".join(expected) + "\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("predict --machine t4", "nvidia-t4"),
        ("predict --machine nvidia-t4 --machine nvidia-t44", "nvidia-t44"),
        ("predict", "--machine"),
        ("predict --machine nvidia-t4 --launch-overhead -1", "at least 0, got -1"),
        ("predict --machine nvidia-t4 --dtype int8", "got 'int8'"),
        ("predict convolution --machine nvidia-t4", "conv2d-forward"),
        ("measure --batch-size 0", "batch_size must be an integer of at least 1, got 0"),
        ("measure --width -3", "width must be an integer of at least 1, got -3"),
        ("measure --width wide", "wide"),
        ("measure --width 10000000", "free here"),
        (f"measure --width {10**200}", "width must be an integer of at most 2**63 - 1, got 1000"),
        ("measure --dtype float16", "float16"),
        ("measure --budget nan", "nan"),
        ("measure --threads 0", "threads must be an integer of at least 1, got 0"),
        ("measure --threads 100000", "100000"),
        ("measure --device cuda --threads 1", "--threads is for the CPU"),
        ("measure --n 100", "--batch-size and --width"),
        ("measure elementwise --width 100", "--n"),
        ("measure conv2d-forward --width 8", "--batch-size and --channels and --image and --kernel"),
        ("measure conv2d-forward --channels 0", "channels must be an integer of at least 1, got 0"),
        ("measure conv2d-forward --kernel -4", "kernel must be an integer of at least 1, got -4"),
        ("measure dependent-chain --n 0", "n must be an integer of at least 1, got 0"),
        ("measure copy", "a copy needs a device"),
        ("measure copy --dtype float32", "copy has no --dtype; its size is given by --bytes"),
        ("predict copy --bytes 0 --machine nvidia-t4", "bytes must be an integer of at least 1, got 0"),
        ("predict copy --direction up --machine nvidia-t4", "h2d"),
        ("measure elementwise --pageable", "elementwise has no --pageable"),
        ("teach", "doctor"),
    ],
)
def test_a_users_mistake_is_one_sentence(capsys, words, says):
    assert says in refusal(capsys, *words.split())


def test_a_gpu_that_is_not_here_is_one_sentence(capsys, monkeypatch):
    here = replace(this_machine(), gpu=None, gpu_status="no CUDA device here: none")
    monkeypatch.setattr("gpu_lessons.measuring.timing.this_machine", lambda: here)
    assert "no CUDA device here: none" in refusal(capsys, "measure", "--device", "cuda")


def test_a_bug_keeps_its_traceback(monkeypatch):
    def buggy(*_arguments, **_options):
        raise AttributeError("a bug")

    monkeypatch.setattr("gpu_lessons.model.predict", buggy)
    with pytest.raises(AttributeError, match="a bug"):
        cli.main(["predict", "--machine", "nvidia-t4"])


def test_version_and_help_are_answered(capsys):
    for word, expected in (("--version", __version__), ("--help", "doctor")):
        with pytest.raises(SystemExit) as ended:
            cli.main([word])
        assert ended.value.code == 0
        assert expected in capsys.readouterr().out


def test_the_command_starts_without_loading_numpy_or_jupyter():
    code = (
        "import sys; from gpu_lessons import cli; cli._parser();"
        "print([m for m in ('numpy', 'jupyterlab', 'altair', 'cupy') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "[]\n"


def test_the_settings_reach_jupyterlab_in_this_environment():
    installed = Path(sys.prefix) / "share/jupyter/lab/settings/overrides.d/gpu_lessons.json"
    if not installed.exists():
        pytest.skip("the package was not installed into this environment, only put on its path")
    assert installed.read_bytes() == (REPOSITORY / "gpu_lessons" / "lab_settings.json").read_bytes()


def shell(*words, **options):
    """Run the command as a process of its own, so that its streams are real ones."""
    options = {"stdout": subprocess.PIPE, "env": os.environ} | options
    command = [sys.executable, "-m", "gpu_lessons.cli", *words]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60, check=False, **options)


PREDICT = ("predict", "--machine", "nvidia-t4")


CONSOLES = [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "cp932"}]
CONSOLES.append({"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
SHOWN = """
import gpu_lessons as gl
from gpu_lessons.units import format_factor
record = gl.Measurement(gl.Elementwise(1), "a CPU", 1, (2e-6,) * 3, (2e-6,), 1)
for each in (record, gl.predict(gl.Elementwise(8), gl.machine("nvidia-t4")), gl.this_machine(), format_factor(84)):
    print(each)
gl.say_devices(gl.machine("nvidia-t4"))
raise ValueError(str(record))
"""


@pytest.mark.parametrize("console", CONSOLES, ids=["ascii", "cp932", "posix"])
def test_a_console_that_has_no_sign_for_micro_gets_plain_letters(console):
    plain = {name: value for name, value in os.environ.items() if name not in ("LANG", "LC_ALL", "PYTHONIOENCODING")}
    ended = shell(*PREDICT, env=plain | console)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert " us (" in ended.stdout
    ran = subprocess.run(
        [sys.executable, "-c", SHOWN],
        capture_output=True, text=True, errors="replace", env=plain | console, cwd=REPOSITORY, check=False,
    )  # fmt: skip
    assert ran.stdout.startswith("2 us (2 us to 2 us, 3 samples), measured on a CPU, 1 thread")
    assert "\n84" in ran.stdout
    assert "UnicodeEncodeError" not in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("ValueError: 2 us")


def test_doctors_page_is_printed_on_any_console():
    stub = "doctor.kernel_problem = lambda folder: 'no kernel in /é/µ'"
    code = f"from gpu_lessons import cli, doctor; {stub}; cli.main(['doctor'])"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, env=os.environ | CONSOLES[0]
    )
    assert ran.stderr == ""
    assert ran.stdout.endswith("The course cannot start yet.\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_an_answer_that_finds_no_room_is_said_and_is_no_success():
    with open("/dev/full", "w") as full:  # noqa: PTH123  (a device, not a path of the course)
        ended = shell(*PREDICT, stdout=full)
    assert ended.returncode == 2
    assert ended.stderr == "gpu-lessons: the answer cannot be written: No space left on device\n"


def test_a_reader_that_has_gone_is_no_error():
    read, write = os.pipe()
    os.close(read)
    try:
        ended = shell(*PREDICT, stdout=write)
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("module", ["threadpoolctl", "array_api_compat"])
def test_a_missing_package_is_named_with_what_installs_it(tmp_path, module):
    missing = f"raise ModuleNotFoundError('no', name='{module}')"
    (tmp_path / f"{module}.py").write_text(missing)
    words = ("measure", "--width", "8", "--batch-size", "1")
    ended = shell(*words, env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}"})
    package = module.replace("_", "-")
    assert ended.returncode == 1
    assert ended.stderr == f"gpu-lessons: {package} is not installed; install it with: pip install {package}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["measure", "--budget", "-1"], "--budget must be a number of seconds above 0, got -1.0"),
        ([*PREDICT, "--launch-overhead", "-1"], "--launch-overhead must be"),
    ],
)
def test_an_option_is_called_in_an_error_as_it_was_typed(capsys, words, said):
    assert said in refusal(capsys, *words)
