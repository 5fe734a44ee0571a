"""The explorer of lesson 08: a chain on CPU and GPU, and a program of which only a part can be shared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gpu_lessons.arguments import require_number_of
from gpu_lessons.charts.chain import chain_chart
from gpu_lessons.charts.theme import four_digits
from gpu_lessons.explorers.controls import Slider, power_slider
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.machine_pickers import cpu_picker, gpu_picker
from gpu_lessons.explorers.machine_sources import calibration_of
from gpu_lessons.explorers.two_machines import TwoMachines, gain_on_the_gpu
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import predict
from gpu_lessons.records import Prediction
from gpu_lessons.units import format_factor, format_time
from gpu_lessons.work import DependentChain

__all__ = ["SHARES", "STEPS", "WIDTHS_LOG2", "explore_chain"]

STEPS = (10, 100, 1000)
WIDTHS_LOG2 = range(23)
#: Per cent of a program's time on the CPU that can be shared.
SHARES = (0, 50, 75, 90, 95, 99, 99.9)


@dataclass(frozen=True, slots=True)
class ChainGrid(TwoMachines):
    """Everything the figure shows until a picker is used.

    ``times`` holds, by steps and by the power of two of the width, what CPU and GPU take for the chain.
    """

    gpu: Machine
    cpu: Machine
    times: dict[tuple[int, int], tuple[Prediction, Prediction]]

    @property
    def shares(self) -> Sequence[float]:
        """The parts that can be shared, in per cent."""
        return SHARES

    def speedup(self, steps: int, width_log2: int) -> float:
        """Return CPU time over GPU time of a chain."""
        on_cpu, on_gpu = self.times[steps, width_log2]
        return on_cpu.seconds / on_gpu.seconds

    def crossover_log2(self, steps: int) -> float | None:
        """Return where both machines take equally long, None if that is at no width of the grid.

        Between two widths the speed-up is taken to be a power of the width.
        """
        gains = [math.log(self.speedup(steps, width_log2)) for width_log2 in WIDTHS_LOG2]
        for i in range(len(gains) - 1, 0, -1):
            if gains[i - 1] < 0 <= gains[i]:
                return WIDTHS_LOG2[i - 1] + gains[i - 1] / (gains[i - 1] - gains[i])
        return None

    def sentence(self, *, steps: int, width_log2: int, share: float) -> str:
        """Return the figure in one sentence."""
        on_cpu, on_gpu = self.times[steps, width_log2]
        return (
            f"A chain of {steps:,} steps and width {2**width_log2:,} takes {format_time(on_cpu.seconds)} on "
            f"{self.cpu.name} and {format_time(on_gpu.seconds)} on {self.gpu.name}. {self._limit(share)}"
        )

    def headline(self, steps: int, width_log2: int) -> str:
        """Return who wins the chain, and by how much."""
        return gain_on_the_gpu(self.speedup(steps, width_log2))

    def line(self, steps: int, width_log2: int) -> str:
        """Return what is compared, and what it would take."""
        crossover = self.crossover_log2(steps)
        if crossover is not None:
            turn = f"equal at width {float(f'{2**crossover:.2g}'):,.0f}"
        else:
            turn = f"the {'GPU' if self.speedup(steps, WIDTHS_LOG2[-1]) > 1 else 'CPU'} wins at every width"
        return f"{steps:,} steps   ·   width {2**width_log2:,}, float32   ·   {turn}"

    def rows(self) -> list[dict[str, Any]]:
        """Return the chart's rows."""
        return [row for steps, width_log2 in self.times for row in self._rows(steps, width_log2)]

    def bands(self, machine: str) -> list[dict[str, Any]]:
        """Return the ends of the predictions' bands for ``"cpu"`` or ``"gpu"``, one row a chain."""
        return [
            {
                "steps": steps,
                "width_log2": width_log2,
                "low_s": four_digits(each.low_s),
                "high_s": four_digits(each.high_s),
            }
            for (steps, width_log2), pair in self.times.items()
            for each in [pair[machine == "gpu"]]
        ]

    def table(self) -> list[dict[str, Any]]:
        """Return the rows with the bands of both machines."""
        ends = {
            (row["steps"], row["width_log2"], f"{machine}_{end}"): row[end]
            for machine in ("cpu", "gpu")
            for row in self.bands(machine)
            for end in ("low_s", "high_s")
        }
        names = ("cpu_low_s", "cpu_high_s", "gpu_low_s", "gpu_high_s")
        return [row | {name: ends[row["steps"], row["width_log2"], name] for name in names} for row in self.rows()]

    def _rows(self, steps: int, width_log2: int) -> Iterator[dict[str, Any]]:
        on_cpu, on_gpu = self.times[steps, width_log2]
        crossover, gain = self.crossover_log2(steps), self.speedup(steps, width_log2)
        for share in SHARES:
            part = share / 100
            yield {
                "steps": steps,
                "width_log2": width_log2,
                "share": share,
                "cpu_s": four_digits(on_cpu.seconds),
                "gpu_s": four_digits(on_gpu.seconds),
                "crossover_log2": None if crossover is None else four_digits(crossover),
                # Of a program that takes 1 on the CPU: its wide steps on the GPU, and its chain on either.
                "wide": four_digits(part / self.speedup(steps, WIDTHS_LOG2[-1])),
                "chain_there": four_digits((1 - part) / gain),
                "headline": self.headline(steps, width_log2),
                "line": self.line(steps, width_log2),
            }

    def _limit(self, share: float) -> str:
        if not share:
            return "Where nothing can be shared, no number of units helps."
        limit = format_factor(1 / (1 - share / 100))
        return f"A program of which {share:g}% can be shared is never more than {limit} as fast."


def explore_chain(
    *,
    gpu: str = "nvidia-t4",
    cpu: str = "amd-ryzen-9-7950x",
    steps: int = 1000,
    width: int = 64,
    share: float = 90,
) -> Explorer:
    """Open the explorer of work in which each step needs the last.

    Parameters
    ----------
    gpu, cpu : str
        Slugs of the catalogue, as in `gpu_lessons.machines`, or of a recording.
    steps : {10, 100, 1000}
        Where the slider of the chain's length starts.
    width : int
        Numbers in each step at first: a power of two, 1 to 4,194,304.
    share : {0, 50, 75, 90, 95, 99, 99.9}
        Per cent of a program's time on the CPU that can be shared: it goes into steps of 4,194,304 numbers.

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
            Slider("steps", "steps", [(f"{n:,}", n) for n in STEPS], require_number_of("steps", steps, STEPS)),
            power_slider("width_log2", "width", WIDTHS_LOG2, "width", width),
            Slider(
                "share",
                "shared part",
                [(f"{part:g}%", part) for part in SHARES],
                require_number_of("share", share, SHARES),
            ),
        ],
        pickers=[gpu_picker(gpu), cpu_picker(cpu)],
        ask=chain_grid,
        chart=chain_chart,
    )


def chain_grid(*, gpu: Machine, cpu: Machine) -> ChainGrid:
    """Predict every chain.

    Raises
    ------
    ValueError
        If the catalogue knows too little of the GPU or the CPU.
    """
    on_cpu, on_gpu = calibration_of(cpu, "float32"), calibration_of(gpu, "float32")
    times = {}
    for steps in STEPS:
        for width_log2 in WIDTHS_LOG2:
            chain = DependentChain(steps, 2**width_log2)
            times[steps, width_log2] = (
                predict(chain, cpu, calibration=on_cpu),
                predict(chain, gpu, calibration=on_gpu),
            )
    return ChainGrid(gpu, cpu, times)
