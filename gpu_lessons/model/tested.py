"""The range a calibration was tested in: the workloads whose measured times it was compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gpu_lessons.units import format_bytes, format_rate
from gpu_lessons.work import Kernel, Workload

__all__ = ["ComparedKernels", "Tested", "kind_of"]


class _Range(NamedTuple):
    least_flops: int
    most_flops: int
    least_bytes: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Tested:
    """Smallest and largest tested work, by kind of workload and number format.

    Two counts span it, FLOP and bytes moved: whoever is inside both is no larger and no smaller than what was
    compared with a clock.
    """

    ranges: Mapping[tuple[str, str], _Range]

    @classmethod
    def of(cls, workloads: Iterable[Workload]) -> Tested:
        """Return the range that these workloads span."""
        ranges: dict[tuple[str, str], _Range] = {}
        for workload in workloads:
            kind, flops, moved = _kind(workload), workload.flops, workload.bytes_moved
            old = ranges.get(kind, _Range(flops, flops, moved, moved))
            ranges[kind] = _Range(
                min(old.least_flops, flops),
                max(old.most_flops, flops),
                min(old.least_bytes, moved),
                max(old.most_bytes, moved),
            )
        return cls(ranges)

    def why_not(self, workload: Workload) -> str | None:
        """Return the sentence that says how ``workload`` lies outside, or None if it lies inside."""
        label, dtype = kind = _kind(workload)
        tested = self.ranges.get(kind)
        if tested is None:
            return f"Not tested for {label} in {dtype}."
        inside_flops = tested.least_flops <= workload.flops <= tested.most_flops
        if inside_flops and tested.least_bytes <= workload.bytes_moved <= tested.most_bytes:
            return None
        return (
            f"Outside the tested range: {label} in {dtype} was tested from {_size(tested, 'least')} "
            f"to {_size(tested, 'most')}."
        )


@dataclass(frozen=True, slots=True)
class ComparedKernels:
    """Kinds of kernel that other people timed on a card, and the least and most FLOP and bytes of each."""

    ranges: Mapping[str, _Range]

    @classmethod
    def of_rows(cls, rows: Iterable[Mapping[str, Any]]) -> ComparedKernels:
        """Return the kinds of these rows, each with its ``least_flops`` and so on."""
        return cls({row["kind"]: _Range(*(row[field] for field in _Range._fields)) for row in rows})

    def why_not(self, workload: Workload) -> str | None:
        """Return the sentence that says what of ``workload`` nobody compared, or None."""
        for kernel in workload.kernels:
            tested = self.ranges.get(kind_of(kernel))
            if tested is None:
                return f"Not tested on this card: {kind_of(kernel)}."
            if kernel.flops > tested.most_flops or kernel.bytes_moved > tested.most_bytes:
                return f"Outside the tested range: {kind_of(kernel)} was tested up to {_size(tested, 'most')}."
        return None


def kind_of(kernel: Kernel) -> str:
    """Return the kind of a kernel that times are compared by, as ``"product, float32"``."""
    if kernel.matmul is None:
        return "elementwise"
    return f"{'product' if kernel.batch == 1 else 'batched product'}, {kernel.dtype}"


def _kind(workload: Workload) -> tuple[str, str]:
    return workload.label, getattr(workload, "dtype", "bytes")


def _size(tested: _Range, end: str) -> str:
    flops, moved = getattr(tested, f"{end}_flops"), getattr(tested, f"{end}_bytes")
    return f"{format_rate(flops, 'FLOP')} and {format_bytes(moved)}"
