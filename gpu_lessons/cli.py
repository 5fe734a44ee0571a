"""The command line: ``gpu-lessons`` opens the course, and its other commands answer in the terminal."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gpu_lessons import __version__
from gpu_lessons.course_commands import add_course_commands
from gpu_lessons.terminal import UserError, say
from gpu_lessons.units import format_bytes

if TYPE_CHECKING:
    from gpu_lessons.work import Workload

__all__ = ["main"]

#: Workloads with the options that size them, and their defaults: what a GPU computes well and a laptop in
#: milliseconds.
_WORKLOADS: dict[str, dict[str, Any]] = {
    "dense-forward": {"batch_size": 256, "width": 2048},
    "dense-train-step": {"batch_size": 256, "width": 2048},
    "conv2d-forward": {"batch_size": 32, "channels": 64, "image": 32, "kernel": 3},
    "elementwise": {"n": 10_000_000},
    "dependent-chain": {"n": 1000, "steps": 1000},
    "copy": {"bytes": 100_000_000, "direction": "h2d", "pageable": False},
}
#: The library speaks of n_in and n_out, the command line of both at once; and so on.
_LIBRARY_NAMES = {
    "dense-forward": {"n_in": "width"},
    "dense-train-step": {"n_in": "width"},
    "conv2d-forward": {"c_in": "channels", "height": "image"},
    "dependent-chain": {"width": "n"},
    "copy": {"n_bytes": "bytes"},
}
#: And the library's words for what is an option here.
_OPTIONS = {"budget_s": "--budget", "launch_overhead_s": "--launch-overhead", "device='cpu'": "--device cpu"}
_CANNOT_RUN, _USER_ERROR = 1, 2
_CONTRIBUTE = """\
To contribute a recording to the course:
  1. On a machine that does nothing else, run `gpu-lessons record` in a clone of the repository.
  2. Look into the file it names, in data/recordings: it holds no names of people, hosts or folders.
  3. Run `make unit ARGS=tests/test_data.py`, which checks it, and `make accuracy`, which scores the model on it.
  4. Commit that file and docs/accuracy.md, and open a pull request with them."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(_USER_ERROR, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 if the course cannot run here, 2 for a user's mistake.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``gpu-lessons``; those of this process otherwise.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "lab")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what cannot be written is shown by its code
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(words)
    try:
        return int(options.run(options))
    except UserError as error:
        print(f"gpu-lessons: {error}", file=sys.stderr)
        return _USER_ERROR
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0].replace("_", "-")
        if not package or package == "gpu-lessons":
            raise
        print(f"gpu-lessons: {package} is not installed; install it with: pip install {package}", file=sys.stderr)
        return _CANNOT_RUN
    except KeyboardInterrupt:
        return 130  # what a shell reports for Ctrl-C


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="gpu-lessons",
        description="A course that measures why GPUs suit deep learning, and when they do not.",
        epilog="Without a command, the course opens in JupyterLab.",
    )
    parser.add_argument("--version", action="version", version=f"gpu-lessons {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_course_commands(commands)
    doctor = commands.add_parser("doctor", help="say what is here, what works and what to install")
    doctor.set_defaults(run=_doctor)
    _add_measure(commands.add_parser("measure", help="time a workload on this machine"))
    _add_predict(commands.add_parser("predict", help="predict a workload on machines of the catalogue"))
    _add_record(commands)
    return parser


def _add_measure(parser: argparse.ArgumentParser) -> None:
    _add_workload(parser)
    parser.add_argument(
        "--device", choices=("cpu", "cuda", "webgpu"), default="cpu", help="where to run (default: cpu)"
    )
    parser.add_argument("--threads", type=int, help="BLAS threads on the CPU (default: all usable)")
    parser.add_argument("--budget", type=float, default=0.5, metavar="SECONDS", help="time for samples (default: 0.5)")
    parser.set_defaults(run=_measure)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    _add_workload(parser)
    parser.add_argument(
        "--machine", metavar="SLUG", action="append", required=True, help="such as nvidia-t4; may be repeated"
    )
    parser.add_argument(
        "--launch-overhead", type=float, metavar="SECONDS", help="seconds of one launch, if you know it"
    )
    parser.set_defaults(run=_predict)


def _add_record(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "record",
        help="measure this machine into a file that can be shown anywhere",
        description="Measure this machine's CPU and, if there is one, GPU over many sizes into one file.\n"
        "Ctrl-C keeps what is done; the same command goes on with it.",
        epilog=_CONTRIBUTE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="fewer sizes: less than a minute instead of five")
    parser.add_argument(
        "--output", metavar="FILE", type=Path,
        help="file to write (default: MACHINE-DATE.json in recordings of your own folder, if you are in it, else in "
        "data/recordings of a clone, else in this folder)",
    )  # fmt: skip
    parser.set_defaults(run=_record)


def _add_workload(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "workload", metavar="WORKLOAD", nargs="?", choices=tuple(_WORKLOADS), default="dense-forward",
        help=f"one of {', '.join(_WORKLOADS)} (default: dense-forward)",
    )  # fmt: skip
    for name, text in (
        ("batch_size", "samples in the batch of a layer"),
        ("width", "inputs and neurons of a dense layer"),
        ("channels", "channels and filters of a convolution"),
        ("image", "height and width of its images"),
        ("kernel", "height and width of its filters"),
        ("n", "numbers of an elementwise operation or of each step of a chain"),
        ("steps", "steps of a chain"),
        ("bytes", "bytes of a copy"),
    ):
        defaults = dict.fromkeys(str(sizes[name]) for sizes in _WORKLOADS.values() if name in sizes)
        parser.add_argument(_flag(name), type=int, metavar="N", help=f"{text} (default: {' or '.join(defaults)})")
    parser.add_argument("--direction", choices=("h2d", "d2h"), help="of a copy (default: h2d, host to device)")
    parser.add_argument("--pageable", action="store_true", default=None, help="copy from or to pageable memory")
    parser.add_argument("--dtype", help="float16, float32 or float64 (default: float32); a copy has none")


def _doctor(_options: argparse.Namespace) -> int:
    from gpu_lessons.doctor import examine

    report, can_start = examine()
    say(report)
    return 0 if can_start else _CANNOT_RUN


def _measure(options: argparse.Namespace) -> int:
    from gpu_lessons.measuring import measure

    workload = _workload(options)
    if options.device != "cpu" and options.threads is not None:
        raise UserError(f"--threads is for the CPU; leave it out with --device {options.device}")
    try:
        measurement = measure(workload, options.device, options.budget, threads=options.threads)
    except (TypeError, ValueError, OverflowError, MemoryError, RuntimeError) as error:
        raise UserError(_sentence(error)) from error
    say(f"{workload}\n{measurement}")
    return 0


def _predict(options: argparse.Namespace) -> int:
    from gpu_lessons.hardware.machines import machine
    from gpu_lessons.model import predict

    workload = _workload(options)
    try:
        # All of them before the first line is printed: a wrong last name must not look like a success.
        found = [machine(slug) for slug in options.machine]
        predictions = [predict(workload, each, options.launch_overhead) for each in found]
    except (KeyError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise UserError(_sentence(error)) from error
    say("\n".join(map(str, [workload, *predictions])))
    return 0


def _record(options: argparse.Namespace) -> int:
    from gpu_lessons.hardware.detect import this_machine
    from gpu_lessons.measuring.progress import record_with_progress
    from gpu_lessons.measuring.provenance import usual_path
    from gpu_lessons.recorded import RecordingError

    path = usual_path(this_machine()) if options.output is None else options.output
    try:
        recording = record_with_progress(path, sys.stderr, quick=options.quick)
    except RecordingError as error:
        raise UserError(str(error)) from error
    say(f"{path}, {format_bytes(path.stat().st_size)}\n{recording}\n\n{_CONTRIBUTE}")
    return 0


def _workload(options: argparse.Namespace) -> Workload:
    name: str = options.workload
    sizes = dict(_WORKLOADS[name])
    allowed = set(sizes) if name == "copy" else {*sizes, "dtype"}
    for option in ("dtype", *dict.fromkeys(each for known in _WORKLOADS.values() for each in known)):
        value = getattr(options, option)
        if value is None:
            continue
        if option not in allowed:
            wanted = " and ".join(_flag(each) for each in sizes)
            raise UserError(f"{name} has no {_flag(option)}; its size is given by {wanted}")
        sizes[option] = value
    try:
        return _made(name, **{"dtype": "float32", **sizes})
    except (TypeError, ValueError) as error:
        raise UserError(_sentence(error, _LIBRARY_NAMES.get(name, {}))) from error


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _made(name: str, *, dtype: str, **sizes: Any) -> Workload:  # noqa: ANN401  (numbers, a direction, a switch)
    from gpu_lessons.work import Conv2dForward, Copy, DenseForward, DenseTrainStep, DependentChain, Elementwise

    if name == "conv2d-forward":
        channels, image, kernel = sizes["channels"], sizes["image"], sizes["kernel"]
        # as much padding as keeps the image's size
        padding = max(0, kernel // 2)
        return Conv2dForward(
            sizes["batch_size"], channels, channels, image, image, kernel, padding=padding, dtype=dtype
        )
    if name == "elementwise":
        return Elementwise(sizes["n"], dtype)
    if name == "dependent-chain":
        return DependentChain(sizes["steps"], sizes["n"], dtype)
    if name == "copy":
        return Copy(sizes["bytes"], sizes["direction"], pinned=not sizes["pageable"])
    dense = DenseForward if name == "dense-forward" else DenseTrainStep
    return dense(sizes["batch_size"], sizes["width"], sizes["width"], dtype)


def _sentence(error: Exception, names: Mapping[str, str] = _OPTIONS) -> str:
    """Return the first line of an error's message, in the words of the command line, or its kind if it has none."""
    sentence = next(iter(str(error).splitlines()), "") or type(error).__name__
    for inside, outside in names.items():
        sentence = sentence.replace(inside, outside)
    return sentence


if __name__ == "__main__":
    sys.exit(main())
