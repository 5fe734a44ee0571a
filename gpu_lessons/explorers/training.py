"""The explorer of lesson 09: how long a whole training takes, beside those that others published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from gpu_lessons.arguments import require_choice, require_number_of
from gpu_lessons.charts.theme import four_digits
from gpu_lessons.charts.training import training_chart
from gpu_lessons.explorers.controls import Slider
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.machine_pickers import gpu_picker
from gpu_lessons.hardware.machines import Machine, machine
from gpu_lessons.model import training_seconds
from gpu_lessons.recorded import Training, trainings
from gpu_lessons.recorded.trainings import FLOP_PER_USE
from gpu_lessons.units import format_bytes, format_rate, format_time

__all__ = ["CARDS", "PARAMETERS", "TOKENS", "UTILISATIONS", "explore_training"]

PARAMETERS = {
    "1 million": 1_000_000,
    "25.6 million": 25_600_000,
    "124 million": 124_000_000,
    "7 billion": 7_000_000_000,
    "65 billion": 65_000_000_000,
    "175 billion": 175_000_000_000,
    "405 billion": 405_000_000_000,
}
TOKENS = {
    "1 million": 1_000_000,
    "100 million": 100_000_000,
    "18.4 billion": 18_400_000_000,
    "300 billion": 300_000_000_000,
    "1.4 trillion": 1_400_000_000_000,
    "15.6 trillion": 15_600_000_000_000,
}
CARDS = (1, 8, 64, 1024, 16384)
#: Per cent of the peak.
UTILISATIONS = (10, 20, 30, 50)
#: Weight, gradient and Adam's two numbers, in float32: lesson 07.
_BYTES_PER_PARAMETER = 16
_YEAR_S = 365.25 * 86400


class Run(NamedTuple):
    """A published training as a row: its number in the figure, how large it was, how long, and how well it ran."""

    number: int
    name: str
    flops: float
    time_s: float
    utilisation: float
    said: str


@dataclass(frozen=True, slots=True)
class TrainingGrid:
    """Everything the figure shows until a picker is used."""

    gpu: Machine
    published: Sequence[Training]

    @property
    def peak_flops_per_s(self) -> float:
        """Rate of the card in half precision, in which large networks are trained."""
        return self.gpu.peak_flops_per_s["float16"]

    @property
    def gpu_name(self) -> str:
        """Who the GPU is, and where its peak comes from."""
        return f"GPU  {self.gpu.name}, float16 peak {format_rate(self.peak_flops_per_s, 'FLOP/s')}, data sheet"

    @property
    def runs(self) -> list[Run]:
        """The published trainings, smallest first."""
        ordered = sorted(self.published, key=lambda each: (each.flops, each.time_s))
        return [
            Run(number, each.name, each.flops, each.time_s, each.utilisation, _said(each))
            for number, each in enumerate(ordered, start=1)
        ]

    def seconds(self, *, size: int, data: int, cards: int, use: int) -> float:
        """Return the time of a training at one point."""
        parameters, tokens = list(PARAMETERS.values())[size], list(TOKENS.values())[data]
        return training_seconds(parameters, tokens, cards, self.peak_flops_per_s, use / 100)

    def fits(self, size: int, cards: int) -> bool:
        """Whether weights, gradients and Adam's numbers fit the memory of all cards together."""
        needed = _BYTES_PER_PARAMETER * list(PARAMETERS.values())[size]
        return self.gpu.memory_bytes is None or needed <= cards * self.gpu.memory_bytes

    def headline(self, **chosen: int) -> str:
        """Return how long it takes, or that it does not fit."""
        if self.fits(chosen["size"], chosen["cards"]):
            return format_long_time(self.seconds(**chosen))
        needed = _BYTES_PER_PARAMETER * list(PARAMETERS.values())[chosen["size"]]
        return f"Does not fit: {format_bytes(needed)} needed"

    def line(self, *, size: int, data: int, cards: int, use: int) -> str:
        """Return what has to be computed, and how fast that goes."""
        flops = FLOP_PER_USE * list(PARAMETERS.values())[size] * list(TOKENS.values())[data]
        rate = format_rate(cards * self.peak_flops_per_s * use / 100, "FLOP/s")
        return f"{power_of_ten(flops)} FLOP   ·   {rate}, predicted"

    def sentence(self, **chosen: int) -> str:
        """Return the figure in one sentence, for those who do not see it."""
        size, data = list(PARAMETERS)[chosen["size"]], list(TOKENS)[chosen["data"]]
        cards = f"{chosen['cards']:,} × {self.gpu.name} at {chosen['use']}% of the peak"
        if not self.fits(chosen["size"], chosen["cards"]):
            return f"{size} parameters on {cards}: {self.headline(**chosen)}."
        return (
            f"{size} parameters and {data} tokens on {cards}: {self.headline(**chosen)}, predicted; "
            f"{len(self.published)} published trainings stand beside it."
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a point, numbers rounded to four digits."""
        return list(self._rows())

    table = rows

    def _rows(self) -> Iterator[dict[str, Any]]:
        for size, data, cards, use in product(range(len(PARAMETERS)), range(len(TOKENS)), CARDS, UTILISATIONS):
            chosen = {"size": size, "data": data, "cards": cards, "use": use}
            words = {"headline": self.headline(**chosen), "line": self.line(**chosen)}
            yield {**chosen, "time_s": four_digits(self.seconds(**chosen)), **words}


def format_long_time(time_s: float) -> str:
    """Return a time in words as `format_time` does, and in years from two of them on."""
    years = time_s / _YEAR_S
    if years < 2:
        return format_time(time_s)
    return f"{float(f'{years:.3g}'):,.0f} years" if years >= 100 else f"{years:.3g} years"


def power_of_ten(value: float) -> str:
    """Return a large count in three digits: ``power_of_ten(3.15e23) == "3.15×10²³"``."""
    digits, exponent = f"{value:.2e}".split("e")
    return f"{float(digits):g}×10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _said(run: Training) -> str:
    """Return a published training in one line."""
    return f"{run.name}: {format_time(run.time_s)} on {run.cards:,} × {machine(run.card).name}, {run.credit}"


def explore_training(
    *,
    gpu: str = "nvidia-a100-sxm-80gb",
    parameters: str = "25.6 million",
    tokens: str = "18.4 billion",
    cards: int = 1,
    utilisation: int = 30,
) -> Explorer:
    """Open the explorer of whole trainings: six FLOP a parameter and token, over what the cards keep up.

    Parameters
    ----------
    gpu : str
        Slug of the catalogue, as in `gpu_lessons.machines`, or of a recording.
    parameters, tokens : str
        Where the sliders start, as they read: "1 million" to "405 billion", and "1 million" to "15.6 trillion".
    cards : {1, 8, 64, 1024, 16384}
        How many work at once.
    utilisation : {10, 20, 30, 50}
        Per cent of their float16 peak that they reach.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell.

    Raises
    ------
    TypeError, ValueError, UnknownMachineError
        If an argument is not one of the above.
    """
    return Explorer(
        controls=[
            _words("size", "parameters", PARAMETERS, parameters),
            _words("data", "tokens", TOKENS, tokens),
            Slider("cards", "cards", [(f"{n:,}", n) for n in CARDS], require_number_of("cards", cards, CARDS)),
            Slider(
                "use",
                "share of peak",
                [(f"{percent}%", percent) for percent in UTILISATIONS],
                require_number_of("utilisation", utilisation, UTILISATIONS),
            ),
        ],
        pickers=[gpu_picker(gpu)],
        ask=training_grid,
        chart=training_chart,
    )


def _words(parameter: str, name: str, options: dict[str, int], start: str) -> Slider:
    words = list(options)
    place = words.index(require_choice(name, start, tuple(words)))
    return Slider(parameter, name, [(each, at) for at, each in enumerate(words)], place)


def training_grid(*, gpu: Machine) -> TrainingGrid:
    """Return the grid of one card.

    Raises
    ------
    ValueError
        If the catalogue does not know its peak in float16.
    """
    if not gpu.peak_flops_per_s.get("float16"):
        raise ValueError(f"the catalogue does not know the float16 peak of {gpu.name}, in which trainings are counted")
    return TrainingGrid(gpu, trainings())
