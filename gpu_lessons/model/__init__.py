"""The model: how long a workload takes on a machine, from a few sustained numbers and every term visible."""

from gpu_lessons.model.calibration import Calibration, calibrate
from gpu_lessons.model.cpu import CpuCalibration
from gpu_lessons.model.gpu import GpuCalibration
from gpu_lessons.model.measured import calibrate_from
from gpu_lessons.model.prediction import predict
from gpu_lessons.model.training import training_seconds

__all__ = [
    "Calibration",
    "CpuCalibration",
    "GpuCalibration",
    "calibrate",
    "calibrate_from",
    "predict",
    "training_seconds",
]
