"""Which sizes a recording holds: wide sweeps, cut off where this machine would take too long or lacks memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from gpu_lessons.records import Measurement, format_threads
from gpu_lessons.work import (
    Conv2dForward,
    Copy,
    DenseForward,
    DenseTrainStep,
    DependentChain,
    Elementwise,
    RecurrentForward,
    TrainEpoch,
    Workload,
)

__all__ = ["Point", "PointPlan", "all_points", "choose_points", "point_of"]

# A sample of a short call lasts this long, see `timing`; three samples are the least.
_SAMPLE_S = 1e-3
_WARMUP_CALLS, _LEAST_SAMPLES, _WANTED_SAMPLES = 2, 3, 30
# Drawing random numbers and copying them into place, measured on a 2-core AMD EPYC: 1 to 5 ns a byte.
_SETUP_S_PER_BYTE = 5e-9
# No point may take more than this share of the time, and the least samples of all no more than that one: the rest is
# for more samples of what is short, and for what the prediction got wrong.
_MOST_OF_ONE, _MOST_OF_LEAST = 1 / 40, 0.6


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to measure: a workload on a device, on the CPU with a number of threads, or `UNKNOWN_THREADS`.

    ``is_waited_for``: on a GPU, whether every single call is waited for, and not only the last of a sample.
    """

    workload: Workload
    device: str
    threads: int | None
    is_waited_for: bool = False

    @property
    def looks_at_memory(self) -> bool:
        """Whether its memory is measured beside its time: a training step shows what must fit into memory."""
        return isinstance(self.workload, DenseTrainStep)

    @property
    def place(self) -> str:
        """The GPU, or the number of threads."""
        return "GPU" if self.threads is None else format_threads(self.threads)

    def __str__(self) -> str:
        return f"{self.workload.label}, {self.place}"


def point_of(measurement: Measurement, gpu_device: str = "cuda") -> Point:
    """Return the point that a measurement is of; ``gpu_device`` is how the GPU of its recording was reached."""
    assert isinstance(measurement.workload, Workload)  # made by `measure` or read from a recording
    device = gpu_device if measurement.threads is None else "cpu"
    is_single = device != "cpu" and measurement.calls_per_sample == 1
    return Point(
        measurement.workload, device, measurement.threads, is_single and measurement.workload == Elementwise(1)
    )


@dataclass(frozen=True, slots=True)
class PointPlan:
    """A point and the seconds that one call is expected to take."""

    point: Point
    call_s: float

    def budget_s(self, share: float) -> float:
        """Return seconds for samples, between the least number of samples (``share`` 0) and the wanted one (1)."""
        count = _LEAST_SAMPLES + share * (_WANTED_SAMPLES - _LEAST_SAMPLES)
        return count * max(self.call_s, _SAMPLE_S)

    def expected_s(self, share: float) -> float:
        """Return seconds of the point with that budget, preparation and warm-up and memory included."""
        looks = 2 if self.point.looks_at_memory else 1
        setup_s = self.point.workload.memory_bytes * _SETUP_S_PER_BYTE
        return looks * (setup_s + _WARMUP_CALLS * self.call_s) + self.budget_s(share)


def choose_points(
    points: Iterable[Point], call_s: Callable[[Point], float], limit_s: float, free_bytes: dict[str, float]
) -> list[PointPlan]:
    """Return the points that fit into ``limit_s`` seconds, in their order; the longest ones are left out first.

    Parameters
    ----------
    points : iterable of Point
        All that would be worth measuring.
    call_s : callable
        Returns the seconds one call of a point is expected to take.
    limit_s : float
        Seconds for all of them; every device and number of threads gets the same share.
    free_bytes : dict
        By device, the memory that may be used.
    """
    places: dict[tuple[str, int | None], list[PointPlan]] = {}
    for point in points:
        if point.workload.memory_bytes <= free_bytes[point.device]:
            places.setdefault((point.device, point.threads), []).append(PointPlan(point, call_s(point)))
    chosen = set()
    for plans in places.values():
        spent_s = 0.0
        for plan in sorted(plans, key=lambda each: each.expected_s(0.0)):
            spent_s += plan.expected_s(0.0)
            if plan.expected_s(0.0) > limit_s * _MOST_OF_ONE or spent_s > limit_s * _MOST_OF_LEAST / len(places):
                break
            chosen.add(plan)
    return [plan for plans in places.values() for plan in plans if plan in chosen]


def all_points(device: str, threads: int | None, *, quick: bool) -> list[Point]:
    """Return every point worth measuring on one device, however large."""
    workloads = [
        *_dense(device, quick=quick),
        *_train_steps(quick=quick),
        *_elementwise(device, quick=quick),
        *_multiply_adds(device, quick=quick),
        *_chains(quick=quick),
        *_recurrent(quick=quick),
        *_convolutions(quick=quick),
        *(TrainEpoch(1797, batch_size, (64, 128, 10)) for batch_size in ((64,) if quick else (16, 64, 256))),
    ]
    if device != "cpu":
        workloads += _copies(quick=quick)
    if device == "webgpu":
        workloads = [each for each in workloads if not _is_beyond_webgpu(each)]
    points = [Point(workload, device, threads) for workload in dict.fromkeys(workloads)]
    if device != "cpu":
        points.append(Point(Elementwise(1), device, threads, is_waited_for=True))  # the latency of a launch
    return points


def _is_beyond_webgpu(workload: Workload) -> bool:
    """Return whether a workload needs what WebGPU does not have: float64, or pinned memory."""
    return getattr(workload, "dtype", None) == "float64" or (isinstance(workload, Copy) and workload.pinned)


def _dense(device: str, *, quick: bool) -> Iterator[Workload]:
    widths = [2**power for power in range(6, 14 if device != "cpu" else 13, 2 if quick else 1)]
    batches = [2**power for power in range(0, 15 if device != "cpu" else 13, 2)]
    for width, batch_size in product(widths, batches):
        yield DenseForward(batch_size, width, width)
    for width, batch_size in product(widths[1::2] if quick else widths, batches):
        yield DenseForward(batch_size, width, width, "float64")
    # Layers as networks have them, not square.
    shapes = [(256, 784, 512), (32, 4096, 1000)]
    if not quick:
        shapes += [(64, 784, 512), (128, 512, 4096), (512, 100, 3000), (1000, 3000, 100), (16, 300, 5000)]
    for batch_size, n_in, n_out in shapes:
        yield DenseForward(batch_size, n_in, n_out)


def _train_steps(*, quick: bool) -> Iterator[Workload]:
    widths, batches = ((256, 1024), (16, 256, 4096)) if quick else ((64, 256, 1024, 2048, 4096), (1, 16, 64, 256, 4096))
    for width, batch_size in product(widths, batches):
        yield DenseTrainStep(batch_size, width, width)
        if width == 1024 or not quick:
            yield DenseTrainStep(batch_size, width, width, "float64")


def _elementwise(device: str, *, quick: bool) -> Iterator[Workload]:
    for power in range(0, 29 if device != "cpu" else 27, 4 if quick else 2):
        yield Elementwise(2**power)


def _multiply_adds(device: str, *, quick: bool) -> Iterator[Workload]:
    """Yield the same numbers with more and more arithmetic on each: far more bytes than a cache holds."""
    for power in range(0, 11, 4 if quick else 2):
        yield Elementwise(2**26 if device != "cpu" else 2**24, multiply_adds=2**power)


def _chains(*, quick: bool) -> Iterator[Workload]:
    for steps, power in product((10, 1000) if quick else (1, 10, 100, 1000), (0, 16) if quick else (0, 8, 16, 20)):
        yield DependentChain(steps, 2**power)


def _recurrent(*, quick: bool) -> Iterator[Workload]:
    for batch_size, width in product((1, 16) if quick else (1, 16, 256), (256,) if quick else (64, 256, 1024)):
        yield RecurrentForward(100, batch_size, width, width)


def _convolutions(*, quick: bool) -> Iterator[Workload]:
    """Yield layers as networks have them: the first of a big image, and the later small ones with many channels."""
    shapes = [(1, 3, 64, 224, 7, 2), (1, 64, 64, 56, 3, 1), (16, 256, 256, 14, 3, 1), (64, 1, 8, 28, 3, 1)]
    if not quick:
        shapes += [(1, 1, 8, 28, 3, 1), (1, 3, 16, 224, 3, 1), (16, 3, 64, 224, 7, 2), (16, 64, 64, 56, 3, 1)]
        shapes += [(1, 256, 256, 14, 3, 1), (64, 256, 256, 14, 3, 1), (256, 3, 32, 32, 3, 1), (64, 16, 32, 32, 5, 1)]
    for batch_size, c_in, c_out, size, kernel, stride in shapes:
        yield Conv2dForward(batch_size, c_in, c_out, size, size, kernel, stride, padding=kernel // 2)


def _copies(*, quick: bool) -> Iterator[Workload]:
    for power in range(10, 31, 4 if quick else 2):
        for direction, pinned in product(("h2d", "d2h"), (True, False)):
            yield Copy(2**power, direction, pinned)  # type: ignore[arg-type]  # product forgets the literals
