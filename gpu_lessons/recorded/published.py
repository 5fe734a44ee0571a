"""What others measured and published: files of figures with their source, read strictly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu_lessons.hardware.course import course_root
from gpu_lessons.recorded.blocks import blocks_of, choice_of, is_above_zero, parse_toml, require_known, text_of
from gpu_lessons.records import Counted
from gpu_lessons.work import Copy, DenseForward, MatrixProduct, Workload

__all__ = ["Published", "published", "read_published"]

#: Workloads that a figure can be a time of, and the argument that changes along a series.
_WORKLOADS: Mapping[str, tuple[Callable[..., Workload], str]] = {
    "Copy": (Copy, "n_bytes"),
    "DenseForward": (DenseForward, "batch_size"),
    "MatrixProduct": (MatrixProduct, "m"),
}
_UNITS = ("s", "images/s", "bytes/s", "FLOP/s", "times as fast", "layers", "per cent")
_ALONG = ("batch", "bytes", "cards", "per cent")
_HEAD = {"publisher", "repository", "licence", "year", "notes", "figures"}
_SERIES = {"title", "machine", "card", "unit", "along", "workload", "points"}


@dataclass(frozen=True, slots=True)
class Published:
    """A figure that somebody else measured and published.

    Where ``workload`` and ``card`` are known and `time_s` is not None, an explorer of that card draws it as a hollow
    diamond at the size of the workload, labelled with `credit`: a `MatrixProduct` of m rows by (n, n) weights is the
    product of a layer of width n at batch m, without its bias.

    Attributes
    ----------
    title : str
        What was measured, as ``"ResNet-50 inference, float32"``.
    machine : str
        On what, as the publisher names it.
    card : str or None
        Slug of the catalogue, where it is certainly that card.
    value : float
        The figure.
    unit : {"s", "images/s", "bytes/s", "FLOP/s", "times as fast", "layers", "per cent"}
        Of the figure.
    along : {"batch", "bytes", "cards", "per cent"} or None
        What changes from figure to figure of a series.
    at : int or None
        How much of that.
    publisher, repository : str
        Who, and the name of the repository that holds it.
    licence : str or None
        Of the repository; None where the source names none for figures.
    year : int or None
        Of the publication, if it is said.
    workload : Counted or None
        The same work here, where there is one.
    """

    title: str
    machine: str
    card: str | None
    value: float
    unit: str
    along: str | None
    at: int | None
    publisher: str
    repository: str
    licence: str | None
    year: int | None
    workload: Counted | None

    source = "published"

    @property
    def time_s(self) -> float | None:
        """Seconds: the figure itself, or those of a copy at the rate it is; None for other rates."""
        if self.unit == "s":
            return self.value
        return None if self.workload is None or self.unit != "bytes/s" else self.workload.bytes_moved / self.value

    @property
    def credit(self) -> str:
        """Who and when, for a label."""
        return self.publisher if self.year is None else f"{self.publisher}, {self.year}"


def published() -> list[Published]:
    """Return what others published, file by file.

    Raises
    ------
    ValueError
        If a file is not as data/README.md says; the message names file, field and reason.

    Examples
    --------
    >>> {found.source for found in published()}
    {'published'}
    """
    folder = course_root() / "data" / "published"
    return [found for path in sorted(folder.glob("*.toml")) for found in read_published(path)]


def read_published(path: Path) -> list[Published]:
    """Read one file of figures.

    Raises
    ------
    ValueError
        As in `published`.
    """
    content = parse_toml(path.name, path.read_bytes())
    require_known(path.name, content, _HEAD)
    head: dict[str, Any] = {key: text_of(path.name, content, key) for key in ("publisher", "repository")}
    head["licence"] = text_of(path.name, content, "licence") if "licence" in content else None
    year = content.get("year")
    if year is not None and (isinstance(year, bool) or not isinstance(year, int) or not 1990 <= year <= 2100):
        raise ValueError(f"{path.name}: year must be a year such as 2021, got {year!r}")
    return [
        Published(**head, year=year, **figure)
        for number, each in enumerate(blocks_of(path.name, content, "figures"), start=1)
        for figure in _figures(f"{path.name}: figures {number}", each)
    ]


def _figures(where: str, series: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    require_known(where, series, _SERIES)
    unit, along = choice_of(where, series, "unit", _UNITS), None
    if "along" in series:
        along = choice_of(where, series, "along", _ALONG)
    same = {
        "title": text_of(where, series, "title"),
        "machine": text_of(where, series, "machine"),
        "card": text_of(where, series, "card") if "card" in series else None,
        "unit": unit,
        "along": along,
    }
    points = series.get("points")
    if not isinstance(points, list) or not points:
        raise ValueError(f"{where}: points must be a list of figures, got {points!r}")
    for point in points:
        place, value = (None, point) if along is None else _pair(where, point)
        if not is_above_zero(value):
            raise ValueError(f"{where}: points must hold finite numbers above 0, got {value!r}")
        workload = _workload(where, series["workload"], place) if "workload" in series else None
        yield {**same, "at": place, "value": float(value), "workload": workload}


def _pair(where: str, point: object) -> tuple[int, Any]:
    whole = isinstance(point, list) and len(point) == 2 and isinstance(point[0], int) and not isinstance(point[0], bool)
    if not whole or point[0] < 1:  # type: ignore[index]
        raise ValueError(f"{where}: points must be pairs such as [256, 0.084], got {point!r}")
    return point[0], point[1]  # type: ignore[index]


def _workload(where: str, described: object, place: int | None) -> Workload:
    if not isinstance(described, dict) or described.get("kind") not in _WORKLOADS:
        raise ValueError(f"{where}: workload must have a kind of {', '.join(_WORKLOADS)}, got {described!r}")
    if place is None:
        raise ValueError(f"{where}: along is missing, so the size of the workload is not known")
    make, name = _WORKLOADS[described["kind"]]
    try:
        return make(**{key: value for key, value in described.items() if key != "kind"}, **{name: place})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: workload: {error}") from error
