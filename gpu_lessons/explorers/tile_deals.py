"""Fill the grid of lesson 04's figure from the model: tiles of one shape, and tiles as libraries choose."""

from __future__ import annotations

from gpu_lessons.charts.tile_grid import Card, Deal, TileGrid, TilePoint
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import GpuCalibration, calibrate
from gpu_lessons.model.tiles import Tiling
from gpu_lessons.work import DenseForward, Kernel

__all__ = ["BATCH_SIZE", "NEURONS", "N_IN", "TILE", "tile_grid"]

BATCH_SIZE, N_IN, DTYPE = 1024, 1024, "float32"
#: Rows and columns of the one shape of the simple picture.
TILE = (128, 128)
NEURONS = range(64, 2561, 64)


def tile_grid(cards: list[Machine]) -> TileGrid:
    """Deal the product of the layer at every width on every card.

    Raises
    ------
    ValueError
        If the catalogue lacks a rate for one of the cards.
    """
    calibrations = [_calibrated(card) for card in cards]
    return TileGrid(
        cards=[Card(card.name, of.sm_count, of.error) for card, of in zip(cards, calibrations, strict=True)],
        points=[_point(place, of, neurons) for place, of in enumerate(calibrations) for neurons in NEURONS],
        batch_size=BATCH_SIZE,
        n_in=N_IN,
    )


def _calibrated(card: Machine) -> GpuCalibration:
    calibration = calibrate(card, DTYPE)
    assert isinstance(calibration, GpuCalibration)  # the explorer lets no CPU through
    return calibration


def _point(card: int, calibration: GpuCalibration, neurons: int) -> TilePoint:
    product = DenseForward(batch_size=BATCH_SIZE, n_in=N_IN, n_out=neurons, dtype=DTYPE).kernels[0]
    tilings = calibration.tilings(BATCH_SIZE, neurons, N_IN, DTYPE)
    fixed = next(tiling for tiling in tilings if (tiling.rows, tiling.columns, tiling.split_k) == (*TILE, 1))
    chosen = calibration.tile(BATCH_SIZE, neurons, N_IN, DTYPE)
    return TilePoint(card, neurons, _deal(fixed, calibration, product), _deal(chosen, calibration, product))


def _deal(tiling: Tiling, calibration: GpuCalibration, product: Kernel) -> Deal:
    return Deal(
        rows=tiling.rows,
        columns=tiling.columns,
        split_k=tiling.split_k,
        blocks=tiling.blocks,
        waves=tiling.waves,
        time_s=calibration.product_time(product, tiling.compute_s).total_s,
    )
