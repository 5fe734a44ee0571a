"""What a GPU is taken to do where nobody measured it: as its class does, by the cards of the class that are known."""

from __future__ import annotations

from functools import lru_cache
from statistics import median

from gpu_lessons.hardware.machines import Machine, machines
from gpu_lessons.model import typical

__all__ = [
    "batched_tile",
    "class_of",
    "l2_bandwidth",
    "l2_kept_share",
    "memory_share",
    "share_of_peak",
    "unaligned_share",
    "waits_for_sectors",
]

# Fitted shares of reading and writing over FluidX3D's shares of a stencil: 1.04 to 1.29 on seven cards, median 1.13.
_READING_OVER_STENCIL, _MOST_OF_MEMORY = 1.13, 0.95
# No card is of this class, so that all of them count.
_ALL = "all cards"


def class_of(machine: Machine) -> str:
    """Return the kind of board, by name and power."""
    if "RTX A" in machine.name:
        return "workstation cards"
    if "GTX" in machine.name or "RTX" in machine.name:
        return "GeForce cards"
    return "boards of up to 150 W" if machine.power_w is not None and machine.power_w <= 150 else "data-centre cards"


def share_of_peak(machine: Machine, dtype: str) -> tuple[float, bool]:
    """Return the share of peak of a large matrix product, and whether it was measured on this card.

    float64 is multiplied as float32 is, unit for unit, so it reaches the same share.
    """
    counted_as = "float32" if dtype == "float64" and dtype not in machine.sustained_share_of_peak else dtype
    own = machine.sustained_share_of_peak.get(counted_as)
    return (_of_class(class_of(machine), counted_as, machine.slug), False) if own is None else (own, True)


def memory_share(machine: Machine) -> float:
    """Return the share of the data sheet's bandwidth that reading and writing in order reaches."""
    if machine.sustained_share_of_memory_bandwidth is not None:
        return machine.sustained_share_of_memory_bandwidth
    if machine.stencil_share_of_memory_bandwidth is not None:
        return min(_MOST_OF_MEMORY, machine.stencil_share_of_memory_bandwidth * _READING_OVER_STENCIL)
    return _of_class(class_of(machine), "memory", machine.slug)


def l2_bandwidth(machine: Machine) -> float | None:
    """Return the bandwidth of the L2 cache: measured, or so many bytes a clock and SM; None without a clock."""
    if machine.cache_bandwidth_bytes_per_s is not None:
        return machine.cache_bandwidth_bytes_per_s
    if machine.sm_count is None or machine.clock_hz is None:
        return None
    bytes_a_clock = typical.HALVED_L2_BYTES_A_CLOCK if _halved_l2(machine) else typical.L2_BYTES_A_CLOCK
    return machine.sm_count * machine.clock_hz * bytes_a_clock


def l2_kept_share(machine: Machine) -> float:
    """Return the share of the L2 cache up to which data stays in it."""
    return typical.HALVED_L2_KEPT if _halved_l2(machine) else typical.L2_KEPT


def batched_tile(machine: Machine) -> int:
    """Return the numbers in the smallest tile for many products by one call.

    NeuSight's traces name 128x128 for every batched product on an A100 and L4, and tiles down to 64x64 on T4 and V100.
    """
    return 128 * 128 if (machine.compute_capability or "").startswith("8.") else 64 * 64


def unaligned_share(machine: Machine) -> float:
    """Return the share of the rate of products whose rows are no whole number of sectors: 1 from Ampere on.

    There a tile's numbers are copied to shared memory while others are multiplied, past the registers, and the times
    of an A100 do not tell such rows from others; those of a P100, V100 and T4 do.
    """
    if not waits_for_sectors(machine):
        return 1.0
    own = machine.unaligned_share  # too few cards tell it for a median of each class
    return _of_class(_ALL, "unaligned", machine.slug) if own is None else own


def waits_for_sectors(machine: Machine) -> bool:
    """Return whether a card is older than Ampere, so that rows which begin inside a sector slow its products."""
    return machine.compute_capability is not None and float(machine.compute_capability) < 8


def _halved_l2(machine: Machine) -> bool:
    return machine.compute_capability in typical.HALVED_L2


@lru_cache(maxsize=256)
def _of_class(name: str, what: str, left_out: str) -> float:
    """Return the median of the other cards of a class, or of all others where the class states none."""
    stated = [
        (class_of(card) == name, value)
        for card in machines()
        if card.kind == "gpu" and card.slug != left_out and (value := _stated(card, what)) is not None
    ]
    return median([value for of_class, value in stated if of_class] or [value for _, value in stated])


def _stated(card: Machine, what: str) -> float | None:
    if what == "memory":
        return card.sustained_share_of_memory_bandwidth
    return card.unaligned_share if what == "unaligned" else card.sustained_share_of_peak.get(what)
