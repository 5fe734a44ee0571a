"""Residuals of published times as figures: bands, what was compared, and scores; data/accuracy/gpus.toml."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from benchmarks.published_rows import PublishedRow
from gpu_lessons.model.compared_cards import ANY, LEFT_OUT, accuracy_file
from gpu_lessons.model.tested import kind_of

Name = TypeVar("Name")

#: Share of the held-out times that a band is made to hold: a little more than it promises.
INSIDE = 0.84
#: No band is narrower: the same chip differs by 2 to 20 % from one session to the next, and calls from one to another.
LEAST_BAND = 0.08
#: Fewer times than this have no band of their own.
LEAST_TIMES = 15

_HEAD = """# How far the model is off on published times of GPUs that it was not fitted to: figures, made by
# `python -m benchmarks.refit FOLDER --write`; do not edit. data/README.md says what the columns mean.
"""


@dataclass(frozen=True, slots=True)
class Missed:
    """One published time beside what the model, not fitted to it, and plain roofline say of it."""

    slug: str
    row: PublishedRow
    bottleneck: str
    predicted_s: float
    roofline_s: float

    @property
    def kind(self) -> str:
        """Kind of kernel."""
        return kind_of(self.row.kernel)

    @property
    def factor(self) -> float:
        """How many times too long or too short, at least 1."""
        ratio = self.predicted_s / self.row.time_s
        return max(ratio, 1 / ratio)


def tables_of(
    missed: Sequence[Missed], left_out: Sequence[Missed], overheads: Mapping[str, Mapping[str, float]]
) -> str:
    """Return the file as text."""
    blocks = [_HEAD]
    errors: dict[tuple[str, str, str], float] = {}
    for name, group in [*_by(missed, lambda each: each.slug).items(), (LEFT_OUT, list(left_out))]:
        for kind, bottleneck, times, error in _bands(group):
            errors[name, kind, bottleneck] = error
            fields = {"machine": name, "kind": kind, "bottleneck": bottleneck, "times": times, "error": error}
            blocks.append(_block("band", fields))
    for slug, group in _by(missed, lambda each: each.slug).items():
        for kind, times in _by(group, lambda each: each.kind).items():
            blocks.append(_block("compared", {"machine": slug, "kind": kind, **_range(times)}))
    for slug, calls in overheads.items():
        blocks += [_block("call", {"machine": slug, "call": call, "overhead_s": s}) for call, s in calls.items()]
    for owner, rows in (("", missed), (LEFT_OUT, left_out)):
        for (slug, source, kind), times in _by(rows, lambda each: (each.slug, each.row.source, each.kind)).items():
            regimes = {ANY: times, **dict(sorted(_by(times, lambda each: each.bottleneck).items()))}
            for bottleneck, some in regimes.items():
                named = {"machine": slug, "owner": owner or slug, "source": source, "kind": kind}
                score = _score(some, errors, owner or slug)
                blocks.append(_block("score", {**named, "bottleneck": bottleneck, **score}))
    return "\n".join(blocks)


def write_accuracy(text: str) -> None:
    """Write the file."""
    accuracy_file().parent.mkdir(exist_ok=True)
    accuracy_file().write_text(text, encoding="utf-8")


def _bands(group: Sequence[Missed]) -> Iterator[tuple[str, str, int, float]]:
    yield ANY, ANY, len(group), _band(group)
    for kind, of_kind in sorted(_by(group, lambda each: each.kind).items()):
        yield kind, ANY, len(of_kind), _band(of_kind)
        for bottleneck, times in sorted(_by(of_kind, lambda each: each.bottleneck).items()):
            if len(times) >= LEAST_TIMES:
                yield kind, bottleneck, len(times), _band(times)


def _band(group: Sequence[Missed]) -> float:
    """Return the half-width that holds enough of the times; a hundred rows of a publisher count ten times one."""
    sets = _by(group, lambda each: (each.slug, each.row.source))
    pairs = sorted((each.factor - 1, len(times) ** -0.5) for times in sets.values() for each in times)
    total = np.cumsum([weight for _, weight in pairs])
    return max(LEAST_BAND, pairs[int(np.searchsorted(total, INSIDE * total[-1]))][0])


def _range(times: Sequence[Missed]) -> dict[str, int]:
    flops = [each.row.kernel.flops for each in times]
    moved = [each.row.kernel.bytes_moved for each in times]
    least, most = (
        {"least_flops": min(flops), "most_flops": max(flops)},
        {"least_bytes": min(moved), "most_bytes": max(moved)},
    )
    return {"times": len(times), **least, **most}


def _score(times: Sequence[Missed], errors: Mapping[tuple[str, str, str], float], owner: str) -> dict[str, float]:
    off = [abs(each.predicted_s / each.row.time_s - 1) for each in times]
    roofline = [abs(each.roofline_s / each.row.time_s - 1) for each in times]
    bands = [
        errors.get((owner, each.kind, each.bottleneck), errors.get((owner, each.kind, ANY), 0.0)) for each in times
    ]
    return {
        "times": len(times),
        "median": statistics.median(off),
        "mean": statistics.fmean(off),
        "roofline_median": statistics.median(roofline),
        "roofline_mean": statistics.fmean(roofline),
        "inside": statistics.fmean(each.factor <= 1 + band for each, band in zip(times, bands, strict=True)),
        "width": statistics.median(bands),
    }


def _by(rows: Iterable[Missed], name_of: Callable[[Missed], Name]) -> dict[Name, list[Missed]]:
    groups: dict[Name, list[Missed]] = defaultdict(list)
    for row in rows:
        groups[name_of(row)].append(row)
    return dict(groups)


def _block(table: str, fields: Mapping[str, object]) -> str:
    lines = [
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {_digits(value)}" for key, value in fields.items()
    ]
    return "\n".join([f"[[{table}]]", *lines, ""])


def _digits(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
