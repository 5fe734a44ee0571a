"""Fit each card to other people's published times, and say how far off the model is on times it was not fitted to.

Run from the repository root: ``python -m benchmarks.refit FOLDER`` prints what it would write into data/machines and
data/accuracy, and ``--write`` writes it. The rows themselves are not part of the repository; CONTRIBUTING says where
they come from. A card is fitted to all its rows for the catalogue; its errors are those of four fits, each without the
quarter of the sizes that it is scored on. What a card without rows does is tried on each card with rows: predicted
from its class, without its own.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.published_rows import PublishedRow, read_rows, sources_of
from benchmarks.residual_tables import Missed, tables_of, write_accuracy
from benchmarks.toml_facts import facts_block, replace_facts
from gpu_lessons.hardware.machines import Machine, machine
from gpu_lessons.model import GpuCalibration, calibrate
from gpu_lessons.model.fitting import descend
from gpu_lessons.model.gpu_classes import waits_for_sectors
from gpu_lessons.model.prediction import bottleneck_of
from gpu_lessons.units import format_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FOLDS = 4
#: A card whose twin, with the same chip and clocks, was timed.
TWINS = {"nvidia-v100-pcie-16gb": "nvidia-v100-pcie-32gb"}
#: Boards of so few watts lower their clock while they multiply.
THROTTLING_W = 75
#: Rows count as this many, however many there are: NeuSight's products are six times as many as DeepBench's.
_ROWS_OF = {"elementwise": 75.0, "batched": 75.0, "NeuSight": 450.0, "DeepBench": 300.0}


@dataclass(frozen=True, slots=True)
class Fit:
    """Sustained numbers of a card, and the host seconds of each way it was called."""

    device: GpuCalibration
    overheads_s: Mapping[str, float]

    def seconds(self, row: PublishedRow) -> float:
        """Return the predicted time of a row."""
        return self.overheads_s[row.call] + self.device.kernel_time(row.kernel).total_s


def fit_card(card: Machine, rows: Sequence[PublishedRow]) -> Fit:
    """Return the numbers that explain the rows best: rates, bandwidth, power, and one overhead for each call."""
    start = start_of(card)
    calls = sorted({row.call for row in rows})
    names = _names(card, start, rows)
    least_s = {call: min(row.time_s for row in rows if row.call == call) for call in calls}
    begin = np.log([_get(start, name) for name in names] + [0.85 * least_s[call] for call in calls])
    measured = np.array([row.time_s for row in rows])
    weights = _weights(rows)
    place = np.array([calls.index(row.call) for row in rows])
    known: dict[bytes, Floats] = {}

    def kernels_at(logs: Floats) -> Floats:
        key = logs[: len(names)].tobytes()
        if key not in known:
            device = _with(start, names, logs)
            known.clear()
            known[key] = np.array([device.kernel_time(row.kernel).total_s for row in rows])
        return known[key]

    def errors_at(logs: Floats) -> Floats:
        return weights * np.log((kernels_at(logs) + np.exp(logs[len(names) :])[place]) / measured)

    def ordered(logs: Floats) -> Floats:
        """Keep a share below one, and a bandwidth below that of the data sheet."""
        logs = logs.copy()
        for at, (field, _) in enumerate(names):
            most = _most(card, field)
            logs[at] = min(logs[at], np.log(most)) if most else logs[at]
        return logs

    logs = descend(begin, errors_at, ordered)
    overheads_s = dict(zip(calls, np.exp(logs[len(names) :]).tolist(), strict=True))
    return Fit(_with(start, names, logs), overheads_s)


def start_of(card: Machine) -> GpuCalibration:
    """Return the card as its class makes it, with nothing that was fitted to its own times."""
    bare = replace(
        card,
        sustained_share_of_peak=MappingProxyType({}),
        sustained_share_of_memory_bandwidth=None,
        throttles_after_s=None,
        throttled_share=None,
        unaligned_share=None,
        long_row_share=None,
    )
    found = calibrate(bare)
    assert isinstance(found, GpuCalibration)  # the rows are of GPUs
    return found


def _names(card: Machine, start: GpuCalibration, rows: Sequence[PublishedRow]) -> list[tuple[str, str]]:
    names = [("flops_per_s", dtype) for dtype in sorted({row.kernel.dtype for row in rows})]
    if any(row.kernel.matmul is None for row in rows):  # products alone do not tell it from the rest
        names.append(("memory_bandwidth_bytes_per_s", ""))
    if card.power_w is not None and card.power_w <= THROTTLING_W:
        names += [("throttles_after_s", ""), ("throttled_share", "")]
    products = [row.kernel.matmul for row in rows if row.source == "NeuSight" and row.kernel.matmul]
    if waits_for_sectors(card) and products:  # DeepBench has too few sizes that are no multiple of 8
        names.append(("unaligned_share", ""))
    if card.architecture == "Pascal" and any(k >= 2**14 for _, _, k in products):
        names.append(("long_row_share", ""))
    return names


_STARTS = {"throttles_after_s": 1e-3, "throttled_share": 0.75, "unaligned_share": 0.95, "long_row_share": 0.5}


def _get(device: GpuCalibration, name: tuple[str, str]) -> float:
    field, dtype = name
    return _STARTS[field] if field in _STARTS else float(device.flops_per_s[dtype] if dtype else getattr(device, field))


def _with(start: GpuCalibration, names: Sequence[tuple[str, str]], logs: Floats) -> GpuCalibration:
    values = np.exp(logs[: len(names)]).tolist()
    rates = {dtype: value for (_, dtype), value in zip(names, values, strict=True) if dtype}
    plain = {field: value for (field, dtype), value in zip(names, values, strict=True) if not dtype}
    return replace(start, **plain, flops_per_s=MappingProxyType({**start.flops_per_s, **rates}))


def _most(card: Machine, field: str) -> float | None:
    return (
        1.0 if field.endswith("_share") else card.memory_bandwidth_bytes_per_s if field.startswith("memory") else None
    )


def _weights(rows: Sequence[PublishedRow]) -> Floats:
    def group(row: PublishedRow) -> str:
        return "elementwise" if row.kernel.matmul is None else "batched" if row.kernel.batch > 1 else row.source

    groups = [(group(row), row.kernel.dtype) for row in rows]
    counts = Counter(groups)
    return np.array([_ROWS_OF[each[0]] / counts[each] for each in groups])


def missed_without(
    card: Machine, rows: Sequence[PublishedRow], fitted: Callable[[list[PublishedRow]], Fit]
) -> list[Missed]:
    """Return every row beside its prediction by a fit to the sizes of the other folds."""
    folds = _folds(rows)
    found = []
    for held_out in folds:
        others = [row for fold in folds if fold is not held_out for row in fold]
        fit = fitted(others)
        found += [_missed(card, row, fit) for row in held_out if row.call in fit.overheads_s]
    return found


def overheads_only(card: Machine, rows: list[PublishedRow]) -> Fit:
    """Return the card as its class makes it, with only the overhead of each call found from rows."""
    device = start_of(card)
    kernels_s = np.array([device.kernel_time(row.kernel).total_s for row in rows])
    measured = np.array([row.time_s for row in rows])
    overheads_s = {}
    for call in sorted({row.call for row in rows}):
        mine = np.array([row.call == call for row in rows])
        tried = measured[mine].min() * np.linspace(0.2, 1.0, 41)
        off = [np.abs(np.log((kernels_s[mine] + each) / measured[mine])).sum() for each in tried]
        overheads_s[call] = float(tried[int(np.argmin(off))])
    return Fit(device, overheads_s)


def _folds(rows: Sequence[PublishedRow]) -> list[list[PublishedRow]]:
    """Deal the rows into folds by size: what was timed twice at one size stays together."""
    sizes = sorted({(row.call, row.size) for row in rows})
    random.Random(0).shuffle(sizes)
    fold_of = {size: number % FOLDS for number, size in enumerate(sizes)}
    folds: list[list[PublishedRow]] = [[] for _ in range(FOLDS)]
    for row in rows:
        folds[fold_of[row.call, row.size]].append(row)
    return folds


def _missed(card: Machine, row: PublishedRow, fit: Fit) -> Missed:
    kernel_s = fit.device.kernel_time(row.kernel)
    overhead_s = fit.overheads_s[row.call]
    bottleneck = bottleneck_of(kernel_s.total_s + overhead_s, overhead_s, kernel_s)
    bandwidth = card.memory_bandwidth_bytes_per_s
    assert bandwidth is not None  # a card without a bandwidth cannot be calibrated
    roofline_s = max(row.kernel.flops / card.peak_flops_per_s[row.kernel.dtype], row.kernel.bytes_moved / bandwidth)
    return Missed(card.slug, row, bottleneck, overhead_s + kernel_s.total_s, roofline_s)


def facts_of(card: Machine, fit: Fit, rows: Sequence[PublishedRow], twin: str = "") -> str:
    """Return the block of a card's file that holds what was fitted."""
    values = {
        f"sustained_share_of_peak.{dtype}": fit.device.flops_per_s[dtype] / card.peak_flops_per_s[dtype]
        for dtype in sorted({row.kernel.dtype for row in rows})
    }
    fitted = {field for field, _ in _names(card, fit.device, rows)}
    if "memory_bandwidth_bytes_per_s" in fitted:
        bandwidth = card.memory_bandwidth_bytes_per_s
        values["sustained_share_of_memory_bandwidth"] = fit.device.memory_bandwidth_bytes_per_s / (bandwidth or 1.0)
    values |= {field: getattr(fit.device, field) for field in _STARTS if field in fitted}
    source = f"Fitted by benchmarks/refit.py to {len(rows):,} published times: {', '.join(sources_of(rows))}{twin}"
    return facts_block(source, values)


def main(arguments: Iterable[str] | None = None) -> None:
    """Read, fit, score, print; and write, if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refit", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="where the rows lie, as gemm_neusight_fit.csv and so on")
    parser.add_argument("--write", action="store_true", help="write what is printed into data/")
    options = parser.parse_args(None if arguments is None else list(arguments))
    try:
        rows, skipped = read_rows(options.folder)
    except (ValueError, OSError) as error:
        parser.exit(2, f"{error}\n")
    for reason, count in skipped.most_common():
        print(f"skipped {count:,} rows: {reason}")
    by_card: dict[str, list[PublishedRow]] = defaultdict(list)
    for row in rows:
        by_card[row.slug].append(row)
    missed, left_out, overheads = [], [], {}
    for slug, mine in sorted(by_card.items()):
        card = machine(slug)
        fit = fit_card(card, mine)
        overheads[slug] = fit.overheads_s
        missed += missed_without(card, mine, lambda others, card=card: fit_card(card, others))  # type: ignore[misc]
        left_out += missed_without(card, mine, lambda others, card=card: overheads_only(card, others))  # type: ignore[misc]
        _print_card(card, fit)
        for twin, timed in [(slug, slug), *TWINS.items()]:
            if timed == slug:
                words = "" if twin == slug else f", on its sister card with the same chip, {card.name}"
                block = facts_of(card, fit, mine, words)
                print(f"data/machines/{twin}.toml\n{block}")
                if options.write:
                    replace_facts(twin, block)
    text = tables_of(missed, left_out, overheads)
    print(text)
    if options.write:
        write_accuracy(text)


def _print_card(card: Machine, fit: Fit) -> None:
    print(f"\n{card.name}; host time of a call:")
    for call, overhead_s in fit.overheads_s.items():
        print(f"  {call}: {format_time(overhead_s)}")


if __name__ == "__main__":
    main()
