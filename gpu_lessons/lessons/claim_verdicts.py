"""What this course found of each claim: true, true with a condition, outdated or wrong, and for which machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gpu_lessons.hardware.machines import Machine, machine
from gpu_lessons.units import format_bytes, format_factor

__all__ = ["CLAIM_VERDICTS", "PAIRS", "VERDICTS", "ClaimVerdict"]

#: What a claim can turn out to be, and the belief that agrees with it.
VERDICTS = {"true": "true", "true with a condition": "partly", "outdated": "partly", "wrong": "false"}

#: GPU and CPU of the same class: desktops of the article's year, and two generations of servers.
PAIRS = (
    ("nvidia-rtx-3090", "intel-core-i9-10900k"),
    ("nvidia-h100-sxm", "intel-xeon-platinum-8480-plus"),
    ("nvidia-b200-sxm", "amd-epyc-9654"),
)


@dataclass(frozen=True)
class ClaimVerdict:
    """The verdict on one claim.

    Attributes
    ----------
    verdict : str
        One of ``VERDICTS``.
    reason : str
        What it depends on, in a sentence or two.
    compare : callable or None
        What data sheets say of a GPU and a CPU about it; None where no data sheet decides.
    """

    verdict: str
    reason: str
    compare: Callable[[Machine, Machine], str] | None = None

    @property
    def belief(self) -> str:
        """The belief that agrees with it."""
        return VERDICTS[self.verdict]

    def by_pair(self) -> list[str]:
        """Return what data sheets say, one line a pair of machines, with the year of its GPU."""
        lines = []
        for gpu, cpu in (map(machine, pair) for pair in PAIRS if self.compare):
            assert self.compare is not None
            year = (gpu.launch_date or "")[:4]
            lines.append(f"{year}, {gpu.name} against {cpu.name}: {self.compare(gpu, cpu)}")
        return lines


def _ratio(name: str, attribute: str) -> Callable[[Machine, Machine], str]:
    def compare(gpu: Machine, cpu: Machine) -> str:
        return f"{name} {format_factor(getattr(gpu, attribute) / getattr(cpu, attribute))}"

    return compare


def _memory(gpu: Machine, cpu: Machine) -> str:
    assert gpu.memory_bytes is not None
    assert cpu.max_memory_bytes is not None
    return f"{format_bytes(gpu.memory_bytes)} against at most {format_bytes(cpu.max_memory_bytes)}"


def _link(gpu: Machine, cpu: Machine) -> str:
    link, own, host = gpu.link_bandwidth_bytes_per_s, gpu.memory_bandwidth_bytes_per_s, cpu.memory_bandwidth_bytes_per_s
    assert link is not None
    assert own is not None
    assert host is not None
    return f"the link has 1/{own / link:.0f} of the GPU's memory bandwidth and 1/{host / link:.1f} of the CPU's"


CLAIM_VERDICTS = {
    "units": ClaimVerdict(
        "true with a condition",
        "Compare lanes with lanes, or SMs with cores. A small card has fewer SMs than a large server has cores.",
        lambda gpu, cpu: f"{gpu.sm_count} SMs against {cpu.cores} cores",
    ),
    "same-instruction": ClaimVerdict(
        "true",
        "A CPU's vector unit does so too, with fewer lanes. What the GPU adds are many warps that take turns.",
    ),
    "bandwidth": ClaimVerdict(
        "true",
        "Holds for machines of one class and year. The gap is narrowest beside servers with many memory channels; "
        "the smallest boards have no more than a server's CPU.",
        _ratio("bandwidth", "memory_bandwidth_bytes_per_s"),
    ),
    "neurons": ClaimVerdict(
        "true with a condition",
        "Many samples must share the weights. With one sample, thousands of neurons leave nearly all lanes waiting.",
    ),
    "graphics": ClaimVerdict(
        "wrong",
        "Libraries make matrix products of a convolution, or save multiplications, on ordinary lanes and matrix units; "
        "texture units serve images, not networks.",
    ),
    "memory": ClaimVerdict(
        "outdated",
        "Less is right, and has stayed right. At most 24 GB was true of cards for players, even in 2020.",
        _memory,
    ),
    "bus": ClaimVerdict(
        "true with a condition",
        "Slow beside the card's own memory. Data that stays on the card does not cross, and some machines have no bus.",
        _link,
    ),
    "clock": ClaimVerdict(
        "true with a condition",
        "The clock is lower and the steps are slower, but the clock is the small part of it: caches are far away, "
        "and a lane is no vector unit.",
        _ratio("clock", "clock_hz"),
    ),
    "training": ClaimVerdict(
        "true with a condition",
        "True of the largest networks of any year on the machines of that year. Many others train in seconds.",
    ),
}
