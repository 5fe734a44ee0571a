"""The explorer of lesson 04: slide width and SM count, and see tiles fall on SMs and times climb a staircase."""

from __future__ import annotations

from gpu_lessons.arguments import require_count
from gpu_lessons.charts.inside_the_gpu import inside_the_gpu_chart
from gpu_lessons.explorers.controls import Slider
from gpu_lessons.explorers.explorer import Explorer
from gpu_lessons.explorers.tile_deals import NEURONS, tile_grid
from gpu_lessons.hardware.machines import machine

__all__ = ["CARDS", "explore_inside_the_gpu"]

#: Cards on the slider: from few SMs to many, all of them common.
CARDS = (
    "nvidia-rtx-4060",
    "nvidia-t4",
    "nvidia-l4",
    "nvidia-v100-sxm-32gb",
    "nvidia-a100-sxm-80gb",
    "nvidia-h100-sxm",
)


def explore_inside_the_gpu(*, gpu: str = "nvidia-t4", width: int = 1408) -> Explorer:
    """Open the explorer of tiles, SMs and waves: a layer of 1,024 inputs for 1,024 samples, in float32.

    Parameters
    ----------
    gpu : str
        Slug of the card shown first. It joins the cards on the slider if it is not one of them.
    width : int
        Neurons of the layer where the slider starts: a multiple of 64, from 64 to 2,560.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell.

    Raises
    ------
    TypeError, ValueError, UnknownMachineError
        If an argument is not one of the above.
    """
    if machine(gpu).kind != "gpu":
        raise ValueError(f"gpu must be a GPU of the catalogue, got the CPU {gpu!r}")
    neurons = require_count("width", width)
    if neurons not in NEURONS:
        allowed = f"a multiple of {NEURONS.step} from {NEURONS[0]:,} to {NEURONS[-1]:,}"
        raise ValueError(f"width must be {allowed}, got {width}")
    cards = sorted((machine(slug) for slug in {*CARDS, gpu}), key=lambda card: (card.sm_count or 0, card.name))
    names = [f"{card.sm_count}, {card.name.removeprefix('NVIDIA ')}" for card in cards]
    return Explorer(
        controls=[
            Slider("neurons", "layer width", [(f"{each:,}", each) for each in NEURONS], neurons),
            Slider("card", "SMs", [(name, place) for place, name in enumerate(names)], cards.index(machine(gpu))),
        ],
        ask=lambda: tile_grid(cards),
        chart=inside_the_gpu_chart,
    )
