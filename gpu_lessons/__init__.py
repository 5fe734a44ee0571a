"""Why GPUs suit deep learning, and when they do not: measured here, recorded there, or predicted.

>>> import gpu_lessons as gl
>>> layer = gl.DenseForward(batch_size=256, n_in=2048, n_out=2048)
>>> print(gl.predict(layer, gl.machine("nvidia-t4")))  # doctest: +SKIP

Nothing is imported before it is used, so ``import gpu_lessons`` costs a few milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpu_lessons.charts.comparison import compare_machines as compare_machines
    from gpu_lessons.charts.ladder import plot_ladder as plot_ladder
    from gpu_lessons.charts.thread_map import plot_thread_map as plot_thread_map
    from gpu_lessons.charts.warp_turns import plot_turns as plot_turns
    from gpu_lessons.devices import gpu as gpu
    from gpu_lessons.explorers import explore_batch_and_width as explore_batch_and_width
    from gpu_lessons.explorers import explore_chain as explore_chain
    from gpu_lessons.explorers import explore_choice as explore_choice
    from gpu_lessons.explorers import explore_convolution as explore_convolution
    from gpu_lessons.explorers import explore_crossing as explore_crossing
    from gpu_lessons.explorers import explore_epoch as explore_epoch
    from gpu_lessons.explorers import explore_inside_the_gpu as explore_inside_the_gpu
    from gpu_lessons.explorers import explore_kernel as explore_kernel
    from gpu_lessons.explorers import explore_memory_limits as explore_memory_limits
    from gpu_lessons.explorers import explore_roofline as explore_roofline
    from gpu_lessons.explorers import explore_timeline as explore_timeline
    from gpu_lessons.explorers import explore_training as explore_training
    from gpu_lessons.explorers import plot_residuals as plot_residuals
    from gpu_lessons.hardware.detect import this_machine as this_machine
    from gpu_lessons.hardware.machines import Machine as Machine
    from gpu_lessons.hardware.machines import machine as machine
    from gpu_lessons.hardware.machines import machines as machines
    from gpu_lessons.lessons.calibration import my_calibration as my_calibration
    from gpu_lessons.lessons.my_progress import my_progress as my_progress
    from gpu_lessons.lessons.report import my_report as my_report
    from gpu_lessons.lessons.setup import say_devices as say_devices
    from gpu_lessons.lessons.spread import say_spread as say_spread
    from gpu_lessons.measuring import measure as measure
    from gpu_lessons.measuring import measure_this_cpu as measure_this_cpu
    from gpu_lessons.model import predict as predict
    from gpu_lessons.recorded import Published as Published
    from gpu_lessons.recorded import Recording as Recording
    from gpu_lessons.recorded import RecordingError as RecordingError
    from gpu_lessons.recorded import Training as Training
    from gpu_lessons.recorded import copy_prices as copy_prices
    from gpu_lessons.recorded import digits as digits
    from gpu_lessons.recorded import load_recording as load_recording
    from gpu_lessons.recorded import prices as prices
    from gpu_lessons.recorded import published as published
    from gpu_lessons.recorded import recordings as recordings
    from gpu_lessons.recorded import trainings as trainings
    from gpu_lessons.records import Measurement as Measurement
    from gpu_lessons.records import Prediction as Prediction
    from gpu_lessons.records import Sweep as Sweep
    from gpu_lessons.work import Conv2dForward as Conv2dForward
    from gpu_lessons.work import Copy as Copy
    from gpu_lessons.work import DenseForward as DenseForward
    from gpu_lessons.work import DenseTrainStep as DenseTrainStep
    from gpu_lessons.work import DependentChain as DependentChain
    from gpu_lessons.work import Elementwise as Elementwise
    from gpu_lessons.work import MatrixProduct as MatrixProduct
    from gpu_lessons.work import RecurrentForward as RecurrentForward
    from gpu_lessons.work import TrainEpoch as TrainEpoch
    from gpu_lessons.work import memory_needed as memory_needed

__version__ = "0.1.0"

_HOME = {
    "compare_machines": "charts.comparison",
    "gpu": "devices",
    "explore_batch_and_width": "explorers",
    "explore_chain": "explorers",
    "explore_choice": "explorers",
    "explore_convolution": "explorers",
    "explore_crossing": "explorers",
    "explore_epoch": "explorers",
    "explore_inside_the_gpu": "explorers",
    "explore_kernel": "explorers",
    "explore_memory_limits": "explorers",
    "explore_roofline": "explorers",
    "explore_timeline": "explorers",
    "explore_training": "explorers",
    "plot_residuals": "explorers",
    "this_machine": "hardware.detect",
    "Machine": "hardware.machines",
    "machine": "hardware.machines",
    "machines": "hardware.machines",
    "my_calibration": "lessons.calibration",
    "my_progress": "lessons.my_progress",
    "my_report": "lessons.report",
    "say_devices": "lessons.setup",
    "say_spread": "lessons.spread",
    "measure": "measuring",
    "measure_this_cpu": "measuring",
    "plot_ladder": "charts.ladder",
    "plot_thread_map": "charts.thread_map",
    "plot_turns": "charts.warp_turns",
    "predict": "model",
    "Published": "recorded",
    "Recording": "recorded",
    "RecordingError": "recorded",
    "copy_prices": "recorded",
    "digits": "recorded",
    "load_recording": "recorded",
    "prices": "recorded",
    "published": "recorded",
    "recordings": "recorded",
    "Training": "recorded",
    "trainings": "recorded",
    "Measurement": "records",
    "Prediction": "records",
    "Sweep": "records",
    "Conv2dForward": "work",
    "Copy": "work",
    "DenseForward": "work",
    "DenseTrainStep": "work",
    "DependentChain": "work",
    "Elementwise": "work",
    "RecurrentForward": "work",
    "MatrixProduct": "work",
    "TrainEpoch": "work",
    "memory_needed": "work",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'gpu_lessons' has no attribute {name!r}")
    value = getattr(import_module(f"gpu_lessons.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
