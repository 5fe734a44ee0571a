"""Rows of public data sets of GPU timings: what was run, on which card, how it was called, how long it took."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpu_lessons.work.kernels import Kernel, elementwise_kernel, matmul_kernel

#: Cards of the rows by their slug here. DeepBench's V100 multiplies at more than the peak of the PCIe card.
CARDS = {
    ("NeuSight", "A100-PCIe-40GB"): "nvidia-a100-pcie-40gb",
    ("NeuSight", "A100-PCIe-80GB"): "nvidia-a100-pcie-80gb",
    ("NeuSight", "H100-SXM-80GB"): "nvidia-h100-sxm",
    ("NeuSight", "L4"): "nvidia-l4",
    ("NeuSight", "P100-PCIe-16GB"): "nvidia-p100-pcie-16gb",
    ("NeuSight", "T4"): "nvidia-t4",
    ("NeuSight", "V100-PCIe-32GB"): "nvidia-v100-pcie-32gb",
    ("DeepBench", "GTX-1080Ti"): "nvidia-gtx-1080-ti",
    ("DeepBench", "P100"): "nvidia-p100-pcie-16gb",
    ("DeepBench", "T4"): "nvidia-t4",
    ("DeepBench", "V100"): "nvidia-v100-sxm-32gb",
}
_DTYPES = {"fp32": "float32", "fp16_tensor": "float16"}
#: Numbers read for each one written. Other operations (softmax, layer norm) pass over their data more than once.
_READ = {"add": 2, "mul": 2, "addu": 1, "relu": 1, "tanh": 1, "gelu": 1}


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One published time.

    ``call`` names the rows of a card that were called the same way and share one overhead; ``size`` is the same for
    rows that belong to one half of a split.
    """

    source: str
    slug: str
    call: str
    size: tuple[int, ...]
    kernel: Kernel
    time_s: float


def read_rows(folder: Path) -> tuple[list[PublishedRow], Counter[str]]:
    """Read the products and elementwise operations of a folder; return them, and how many were skipped and why.

    Raises
    ------
    ValueError
        If the folder holds no such file, or a field is missing or impossible; the message names file, line and field.
    """
    rows: list[PublishedRow] = []
    skipped: Counter[str] = Counter()
    files = [(path, made) for name, made in _FILES.items() for path in sorted(folder.glob(f"{name}*.csv"))]
    if not files:
        raise ValueError(f"{folder} holds no file such as gemm_neusight_fit.csv")
    for path, kernel_of in files:
        for where, line in _lines(path):
            slug = CARDS.get((_text(where, line, "source"), _text(where, line, "device")))
            kernel = kernel_of(where, line)
            if slug is None:
                skipped[f"{line['device']} is not in the catalogue"] += 1
            elif kernel is None:
                skipped[f"{line['op']} is not one pass over its data"] += 1
            else:
                call = f"{line['source']} {line['op']} {kernel.dtype}"
                size = tuple(_count(where, line, name) for name in ("batch_count", "M", "N", "K") if name in line)
                time_s = _number(where, line, "time_us") * 1e-6
                rows.append(PublishedRow(line["source"], slug, call, size, kernel, time_s))
    return rows, skipped


def _lines(path: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        for number, line in enumerate(csv.DictReader(file), start=2):
            yield f"{path.name}, line {number}", line


def _product(where: str, line: Mapping[str, str]) -> Kernel:
    m, n, k = (_count(where, line, name) for name in "MNK")
    batch = _count(where, line, "batch_count") if "batch_count" in line else 1
    return matmul_kernel("product", m, n, k, _dtype(where, line), batch)


def _elementwise(where: str, line: Mapping[str, str]) -> Kernel | None:
    op, n = _text(where, line, "op"), _count(where, line, "M") * _count(where, line, "N")
    dtype = _dtype(where, line)
    return elementwise_kernel(op, n, read=_READ[op] * n, written=n, dtype=dtype) if op in _READ else None


_FILES: Mapping[str, Callable[[str, Mapping[str, str]], Kernel | None]] = {
    "gemm_neusight": _product,
    "bmm_neusight": _product,
    "gemm_deepbench": _product,
    "elementwise_neusight": _elementwise,
}


def _text(where: str, line: Mapping[str, str], field: str) -> str:
    value = line.get(field)
    if not value:
        raise ValueError(f"{where}: {field} is missing")
    return value


def _number(where: str, line: Mapping[str, str], field: str) -> float:
    text = _text(where, line, field)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{where}: {field} must be a number above 0, got {text!r}")
    return value


def _count(where: str, line: Mapping[str, str], field: str) -> int:
    value = _number(where, line, field)
    if value != int(value):
        raise ValueError(f"{where}: {field} must be a whole number, got {line[field]!r}")
    return int(value)


def _dtype(where: str, line: Mapping[str, str]) -> str:
    name = _text(where, line, "dtype")
    if name not in _DTYPES:
        raise ValueError(f"{where}: dtype must be one of {', '.join(_DTYPES)}, got {name!r}")
    return _DTYPES[name]


def sources_of(rows: Sequence[PublishedRow]) -> list[str]:
    """Return the publishers of some rows with their repository and licence."""
    known = {
        "NeuSight": "NeuSight (sitar-lab/NeuSight, MIT)",
        "DeepBench": "DeepBench (baidu-research/DeepBench, Apache-2.0)",
    }
    return [known.get(source, source) for source in sorted({row.source for row in rows}, reverse=True)]
