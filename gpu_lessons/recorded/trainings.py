"""Whole trainings that others published: how large, on what, how long, and who says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu_lessons.hardware.course import course_root
from gpu_lessons.hardware.machines import UnknownMachineError, machine
from gpu_lessons.recorded.blocks import blocks_of, choice_of, is_above_zero, parse_toml, require_known, text_of

__all__ = ["FLOP_PER_USE", "Training", "read_trainings", "trainings"]

#: Of one weight for one sample that uses it once: a multiply-add forward, and two backward.
FLOP_PER_USE = 6
_WORDS = ("name", "sample", "card", "publisher", "source")
_COUNTS = ("parameters", "samples", "cards", "year")
_SAMPLES = ("token", "image")


@dataclass(frozen=True, slots=True)
class Training:
    """A training that somebody ran or computed from a rate, and published.

    Attributes
    ----------
    name : str
        Of the network, as ``"GPT-3"``.
    parameters : int
        Weights and biases.
    sample : {"token", "image"}
        What the network learns from.
    samples : int
        How many it was shown, all epochs together.
    uses : float
        How often a weight is used for one sample: 1 in a dense network; a filter is used at many places of an image.
    card : str
        Slug of the catalogue.
    cards : int
        How many of them worked at once.
    time_s : float
        Seconds of the whole training.
    year : int
        Of the publication.
    publisher, source : str
        Who says so; where, and what stands there.
    """

    name: str
    parameters: int
    sample: str
    samples: int
    uses: float
    card: str
    cards: int
    time_s: float
    year: int
    publisher: str
    source: str

    @property
    def flops(self) -> float:
        """Floating-point operations: six a parameter and use."""
        return FLOP_PER_USE * self.parameters * self.uses * self.samples

    @property
    def utilisation(self) -> float:
        """Share of the float16 peak of all its cards that the training reached."""
        return self.flops / (self.cards * machine(self.card).peak_flops_per_s["float16"] * self.time_s)

    @property
    def credit(self) -> str:
        """Who and when, for a label."""
        return f"{self.publisher}, {self.year}"


def trainings() -> list[Training]:
    """Return the trainings that others published, in the order of the file.

    Raises
    ------
    ValueError
        If data/trainings.toml is missing or not as data/README.md says; the message names the field and the reason.

    Examples
    --------
    >>> gpt3 = next(each for each in trainings() if each.name == "GPT-3")
    >>> f"{gpt3.flops:.3g} FLOP in {gpt3.time_s / 86400:.0f} days on {gpt3.cards:,} cards"
    '3.15e+23 FLOP in 34 days on 1,024 cards'
    """
    return read_trainings(course_root() / "data" / "trainings.toml")


def read_trainings(path: Path) -> list[Training]:
    """Read a file of trainings.

    Raises
    ------
    ValueError
        As in `trainings`.
    """
    try:
        content = path.read_bytes()
    except OSError:
        again = "install gpu-lessons again, or get data/trainings.toml from its repository"
        raise ValueError(f"the published trainings are missing: there is no {path}; {again}") from None
    blocks = blocks_of(path.name, parse_toml(path.name, content), "trainings")
    return [_training(f"{path.name}: training {number}", each) for number, each in enumerate(blocks, start=1)]


def _training(where: str, block: Mapping[str, Any]) -> Training:
    require_known(where, block, {*_WORDS, *_COUNTS, "uses", "time_s"})
    for key in _WORDS:
        text_of(where, block, key)
    for key in _COUNTS:
        if type(block.get(key)) is not int or block[key] < 1:
            raise ValueError(f"{where}: {key} must be a whole number of at least 1, got {block.get(key)!r}")
    for key, value in (("time_s", block.get("time_s")), ("uses", block.get("uses", 1))):
        if not is_above_zero(value):
            raise ValueError(f"{where}: {key} must be a finite number above 0, got {value!r}")
    choice_of(where, block, "sample", _SAMPLES)
    try:
        known_peak = machine(block["card"]).peak_flops_per_s.get("float16")
    except UnknownMachineError as error:
        raise ValueError(f"{where}: card: {error}") from None
    if not known_peak:
        raise ValueError(f"{where}: card must be one whose float16 peak the catalogue knows, got {block['card']!r}")
    return Training(**{"uses": 1, **block})
