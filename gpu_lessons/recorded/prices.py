"""What machines cost by the hour: a list of offers with date and source, which a learner can change in a copy."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu_lessons.arguments import shown
from gpu_lessons.hardware.course import course_root
from gpu_lessons.hardware.machines import Machine, UnknownMachineError, machine
from gpu_lessons.recorded.blocks import blocks_of, parse_toml

__all__ = ["Offer", "copy_prices", "prices"]

_FIELDS = {"machine", "usd_per_hour", "date", "source"}
_LARGEST_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Offer:
    """A machine to rent.

    Attributes
    ----------
    machine : Machine
        Of the catalogue.
    usd_per_hour : float
        US dollars for one hour of one such machine; 0 for one that is yours already.
    date : datetime.date
        When the price was read.
    source : str
        Who asks it, and where that was read.
    """

    machine: Machine
    usd_per_hour: float
    date: datetime.date
    source: str

    def __str__(self) -> str:
        return f"{self.machine.name}: {self.usd_per_hour:.2f} USD an hour, published {self.date}: {self.source}"


def prices(file: str | Path | None = None) -> list[Offer]:
    """Return what machines cost by the hour, in the order of the file.

    Parameters
    ----------
    file : str or Path, optional
        Your own list, such as `copy_prices` makes; that of the course otherwise.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not as data/README.md says, or names a machine that is not in the catalogue; the message names file,
        offer and reason.

    Examples
    --------
    >>> prices()[0].machine.kind
    'gpu'
    """
    path = _shipped() if file is None else Path(file)
    if not path.is_file():
        raise FileNotFoundError(f"there is no price file {path}; gl.copy_prices() makes one to change")
    content = _read(path)
    for key in sorted(content.keys() - {"offers"}):
        raise ValueError(f"{path.name}: {key} is not a field here; prices are [[offers]] blocks")
    blocks = blocks_of(path.name, content, "offers")
    offers = [_offer(f"{path.name}: offer {number}", each) for number, each in enumerate(blocks, start=1)]
    seen: set[str] = set()
    for number, offer in enumerate(offers, start=1):
        if offer.machine.slug in seen:
            raise ValueError(f"{path.name}: offer {number}: {offer.machine.slug} has an offer already; keep one")
        seen.add(offer.machine.slug)
    return offers


def copy_prices(file: str | Path = "my_prices.toml") -> str:
    """Write the price list of the course into a file that you can change, and return what to do with it.

    A file that is there already stays as it is.

    Parameters
    ----------
    file : str or Path
        Where to write; beside the lesson if it is only a name.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = Path(file)
    use = f"Change it in any editor, then use it with prices={str(file)!r}."
    try:
        with path.open("x", encoding="utf-8") as copy:
            copy.write(_shipped().read_text(encoding="utf-8"))
    except FileExistsError:
        return f"{path.name} is there already and stays as it is. {use}"
    return f"{path.name} holds the prices of the course now. {use}"


def _shipped() -> Path:
    return course_root() / "data" / "prices.toml"


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        content = file.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise ValueError(f"{path.name}: a price file has at most {_LARGEST_BYTES:,} bytes")
    return parse_toml(path.name, content)


def _offer(where: str, block: Mapping[str, Any]) -> Offer:
    for key in sorted(block.keys() ^ _FIELDS):
        is_known = key in _FIELDS
        raise ValueError(f"{where}: {key} {'is missing' if is_known else 'is not a field here'}; {_NEEDED}")
    try:
        found = machine(block["machine"])
    except (UnknownMachineError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from error
    rent = block["usd_per_hour"]
    is_number = isinstance(rent, int | float) and not isinstance(rent, bool)
    if not is_number or not math.isfinite(rent) or rent < 0:
        raise ValueError(
            f"{where}: usd_per_hour of {found.slug} must be a finite number of at least 0, got {shown(rent)}"
        )
    return Offer(found, float(rent), _date(where, block["date"]), _source(where, block["source"]))


_NEEDED = "an offer has machine, usd_per_hour, date and source"


def _date(where: str, value: object) -> datetime.date:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    try:
        return datetime.date.fromisoformat(value)  # type: ignore[arg-type]  # the TypeError is caught
    except (TypeError, ValueError):
        raise ValueError(f'{where}: date must be a day such as "2026-09-20", got {shown(value)}') from None


def _source(where: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: source must say who asks that price, got {shown(value)}")
    return value.strip()
