"""The explorer of lesson 11: a network, a deadline and a budget, and the machines that could train it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from gpu_lessons.arguments import require_number_of
from gpu_lessons.charts.choice import choice_chart, rent_words
from gpu_lessons.charts.theme import four_digits
from gpu_lessons.explorers.controls import Slider, power_slider
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.machine_pickers import cpu_picker, dtype_picker
from gpu_lessons.explorers.machine_sources import calibration_of, name_of
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import predict
from gpu_lessons.recorded import Offer
from gpu_lessons.recorded import prices as offers_of
from gpu_lessons.units import format_rate, format_time
from gpu_lessons.work import TrainEpoch, memory_needed

__all__ = ["BATCH", "BUDGETS_USD", "DEADLINES_S", "LAYERS", "SAMPLES", "WIDTHS_LOG2", "explore_choice"]

#: The network: so many equal layers, and samples in a batch.
LAYERS, BATCH = 8, 256
WIDTHS_LOG2 = range(6, 15)
#: Samples that are looked at in a training, all epochs together.
SAMPLES = {10**6: "1 million", 10**7: "10 million", 10**8: "100 million", 10**9: "1,000 million"}
DEADLINES_S = {600: "10 minutes", 3600: "1 hour", 86400: "1 day", 604800: "1 week"}
BUDGETS_USD = {0.1: "10 cents", 1: "1 USD", 10: "10 USD", 100: "100 USD"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A machine with its rent, and for each width the predicted seconds of a step and whether it has the memory."""

    machine: Machine
    usd_per_hour: float
    dtype: str
    step_s: dict[int, float]
    fits: dict[int, bool]

    def time_s(self, width_log2: int, samples: int) -> float:
        """Return the seconds of a training."""
        return self.step_s[width_log2] * samples / BATCH

    def rent_usd(self, width_log2: int, samples: int) -> float:
        """Return what that costs."""
        return self.usd_per_hour * self.time_s(width_log2, samples) / 3600

    def energy_j(self, width_log2: int, samples: int) -> float | None:
        """Return the joules of a training at the power of the data sheet, None where it states none."""
        power_w = self.machine.power_w
        return None if power_w is None else power_w * self.time_s(width_log2, samples)

    def said(self, width_log2: int, samples: int) -> str:
        """Return time, rent and energy."""
        energy_j = self.energy_j(width_log2, samples)
        energy = "power unknown" if energy_j is None else format_rate(energy_j, "J")
        rent = rent_words(self.rent_usd(width_log2, samples))
        return f"{format_time(self.time_s(width_log2, samples))}, {rent}, {energy}"


@dataclass(frozen=True, slots=True)
class ChoiceGrid:
    """Everything the figure shows until a picker is used: the CPU first, then the GPUs by their rent."""

    candidates: Sequence[Candidate]
    dtype: str
    rents: str

    batch: int = BATCH
    widths_log2: Sequence[int] = WIDTHS_LOG2

    @property
    def cpu_name(self) -> str:
        """Who the CPU is, and where its times come from."""
        return name_of(self.candidates[0].machine)

    @property
    def gpu_name(self) -> str:
        """Where the times of the GPUs and their rents come from."""
        return f"GPUs  predicted; {self.rents}"

    def able(self, width_log2: int) -> list[Candidate]:
        """Return who has the memory for the network."""
        return [each for each in self.candidates if each.fits[width_log2]]

    def chosen(self, *, width_log2: int, samples: int, deadline_s: int, budget_usd: float) -> Candidate | None:
        """Return the CPU where it is in time and in budget, else the cheapest that is, else None."""

        def is_good(each: Candidate) -> bool:
            in_time = each.time_s(width_log2, samples) <= deadline_s
            return in_time and each.rent_usd(width_log2, samples) <= budget_usd

        good = [each for each in self.able(width_log2) if is_good(each)]
        if good and good[0] is self.candidates[0]:
            return good[0]
        return min(good, key=lambda each: each.rent_usd(width_log2, samples), default=None)

    def headline(self, *, width_log2: int, samples: int, deadline_s: int, budget_usd: float) -> str:
        """Return what to take, or why there is nothing."""
        best = self.chosen(width_log2=width_log2, samples=samples, deadline_s=deadline_s, budget_usd=budget_usd)
        if best is not None:
            time, rent = format_time(best.time_s(width_log2, samples)), rent_words(best.rent_usd(width_log2, samples))
            name = "The CPU is enough" if best is self.candidates[0] else best.machine.name
            return f"{name}: {time}, {rent}"
        able = self.able(width_log2)
        if not able:
            return "Nothing here: no machine has the memory"
        fastest_s = min(each.time_s(width_log2, samples) for each in able)
        cheapest_usd = min(each.rent_usd(width_log2, samples) for each in able)
        if fastest_s > deadline_s:
            return f"Too late: the fastest takes {format_time(fastest_s)}"
        if cheapest_usd > budget_usd:
            return f"Too dear: the cheapest costs {rent_words(cheapest_usd)}"
        return "In time or in budget: none is both"

    def line(self, *, width_log2: int, samples: int, deadline_s: int, budget_usd: float) -> str:
        """Return what is asked for."""
        network = f"{LAYERS} layers of {2**width_log2:,}, {self.dtype}"
        limits = f"in {DEADLINES_S[deadline_s]}, for {BUDGETS_USD[budget_usd]}"
        return f"{network}   ·   {SAMPLES[samples]} samples   ·   {limits}"

    def sentence(self, **chosen: Any) -> str:  # noqa: ANN401  (numbers of several kinds)
        """Return the figure in one sentence."""
        width_log2, samples = chosen["width_log2"], chosen["samples"]
        said = "; ".join(
            f"{each.machine.name} {each.said(width_log2, samples) if each.fits[width_log2] else 'has no room'}"
            for each in self.candidates
        )
        limits = f"in {DEADLINES_S[chosen['deadline_s']]} for {BUDGETS_USD[chosen['budget_usd']]}"
        return (
            f"Training {LAYERS} layers of {2**width_log2:,} neurons on {SAMPLES[samples]} samples {limits}, "
            f"{self.dtype}, predicted: {self.headline(**chosen)}; {said}."
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return the chart's rows: one for each network, length of training, deadline and budget."""
        rows = []
        for width_log2, samples, deadline_s, budget_usd in product(WIDTHS_LOG2, SAMPLES, DEADLINES_S, BUDGETS_USD):
            asked = {"width_log2": width_log2, "samples": samples, "deadline_s": deadline_s, "budget_usd": budget_usd}
            best = self.chosen(**asked)  # type: ignore[arg-type]
            place = None if best is None else list(self.candidates).index(best)
            rows.append(asked | {"place": place, "headline": self.headline(**asked), "line": self.line(**asked)})  # type: ignore[arg-type]
        return rows

    def bars(self) -> list[dict[str, Any]]:
        """Return one row a machine: seconds of a step and room for each width, rent and power."""
        return [
            {
                "place": place,
                "kind": each.machine.kind,
                "name": each.machine.name + (f", {each.dtype}" if each.dtype != self.dtype else ""),
                "step_s": [each.step_s[width_log2] for width_log2 in WIDTHS_LOG2],
                "fits": [each.fits[width_log2] for width_log2 in WIDTHS_LOG2],
                "usd_per_hour": each.usd_per_hour,
                "power_w": each.machine.power_w,
            }
            for place, each in enumerate(self.candidates)
        ]

    def table(self) -> list[dict[str, Any]]:
        """Return time, rent and energy of every machine, network and length of training."""
        return [
            {
                "machine": each.machine.name,
                "dtype": each.dtype,
                "width": 2**width_log2,
                "samples": samples,
                "fits": each.fits[width_log2],
                "time_s": four_digits(each.time_s(width_log2, samples)),
                "rent_usd": four_digits(each.rent_usd(width_log2, samples)),
                "energy_j": None if energy_j is None else four_digits(energy_j),
            }
            for each, width_log2, samples in product(self.candidates, WIDTHS_LOG2, SAMPLES)
            for energy_j in [each.energy_j(width_log2, samples)]
        ]


def explore_choice(
    *,
    cpu: str = "amd-ryzen-9-7950x",
    dtype: str = "float32",
    width: int = 1024,
    samples: int = 10**7,
    deadline_s: int = 3600,
    budget_usd: float = 1,
    prices: str | Path | None = None,
) -> Explorer:
    """Open the explorer of a choice: which machine trains a network in time and in budget.

    Parameters
    ----------
    cpu : str
        Slug of the catalogue, or of a recording: a CPU that is yours. It costs no rent, unless the price list has it.
    dtype : {"float16", "float32", "float64"}
        Number format; a machine without a rate for it computes in float32, and the figure says so.
    width, samples, deadline_s, budget_usd
        Where the sliders start: 64, 128 ... 16,384 neurons a layer; 10**6 ... 10**9 samples; 600, 3600, 86400 or 604800
        seconds; 0.1, 1, 10 or 100 US dollars.
    prices : str or Path, optional
        A price list of your own, such as `gpu_lessons.copy_prices` makes.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell.

    Raises
    ------
    FileNotFoundError
        If there is no such price list.
    TypeError, ValueError, UnknownMachineError
        If an argument is not one of the above, or the price list is not as it should be.
    """
    offers = offers_of(prices)

    rents = (
        f"rents published, {_days(offers)}" if prices is None else f"rents from {Path(prices).name}, {_days(offers)}"
    )

    def ask(*, cpu: Machine, dtype: str) -> ChoiceGrid:
        return choice_grid(offers, rents, cpu=cpu, dtype=dtype)

    return Explorer(
        controls=[
            power_slider("width_log2", "layer width", WIDTHS_LOG2, "width", width),
            _slider("samples", "samples", SAMPLES, samples),
            _slider("deadline_s", "deadline", DEADLINES_S, deadline_s),
            _slider("budget_usd", "budget", BUDGETS_USD, budget_usd),
        ],
        pickers=[cpu_picker(cpu), dtype_picker(dtype)],
        ask=ask,
        chart=choice_chart,
    )  # fmt: skip


def _slider(parameter: str, label: str, options: dict[Any, str], start: object) -> Slider:
    start = require_number_of(parameter, start, tuple(options))
    return Slider(parameter, label, [(words, value) for value, words in options.items()], start)


def _days(offers: Sequence[Offer]) -> str:
    """Return the days on which prices were read."""
    days = sorted(str(offer.date) for offer in offers)
    return " to ".join(dict.fromkeys((days[0], days[-1])))


def choice_grid(offers: Sequence[Offer], rents: str, *, cpu: Machine, dtype: str) -> ChoiceGrid:
    """Predict every network on every machine; ``rents`` says where the offers come from.

    Raises
    ------
    ValueError
        If the model has no numbers for a machine.
    """
    by_rent = sorted(offers, key=lambda offer: offer.usd_per_hour)
    usd_per_hour = {offer.machine: offer.usd_per_hour for offer in by_rent}
    machines = [cpu, *(found for found in usd_per_hour if found.kind == "gpu")]
    return ChoiceGrid([_candidate(each, usd_per_hour.get(each, 0.0), dtype) for each in machines], dtype, rents)


def _candidate(found: Machine, usd_per_hour: float, dtype: str) -> Candidate:
    try:
        times = dict(_step_times(found, dtype))
    except ValueError:  # it has no rate for this format
        if dtype == "float32":
            raise
        return _candidate(found, usd_per_hour, "float32")
    room = found.memory_bytes or found.max_memory_bytes or math.inf
    needed = {log2: memory_needed(batch_size=BATCH, layer_sizes=_sizes(log2), dtype=dtype) for log2 in WIDTHS_LOG2}
    return Candidate(
        found, usd_per_hour, dtype, times, {log2: each.total_bytes <= room for log2, each in needed.items()}
    )


def _step_times(found: Machine, dtype: str) -> Iterator[tuple[int, float]]:
    device = calibration_of(found, dtype)
    for width_log2 in WIDTHS_LOG2:
        step = TrainEpoch(BATCH, BATCH, _sizes(width_log2), dtype)
        yield width_log2, four_digits(predict(step, found, calibration=device).seconds)


def _sizes(width_log2: int) -> tuple[int, ...]:
    return (2**width_log2,) * (LAYERS + 1)
