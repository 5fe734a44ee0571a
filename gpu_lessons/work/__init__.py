"""Work: what is run by a clock and counted by a model, always the same object."""

from gpu_lessons.work.convolution import Conv2dForward
from gpu_lessons.work.dense import DenseForward, DenseTrainStep
from gpu_lessons.work.elementwise import DependentChain, Elementwise
from gpu_lessons.work.epoch import TrainEpoch
from gpu_lessons.work.kernels import Kernel
from gpu_lessons.work.memory import MemoryLedger, memory_needed
from gpu_lessons.work.product import MatrixProduct
from gpu_lessons.work.recurrent import RecurrentForward
from gpu_lessons.work.transfer import Copy
from gpu_lessons.work.workload import Workload

__all__ = [
    "Conv2dForward",
    "Copy",
    "DenseForward",
    "DenseTrainStep",
    "DependentChain",
    "Elementwise",
    "Kernel",
    "MatrixProduct",
    "MemoryLedger",
    "RecurrentForward",
    "TrainEpoch",
    "Workload",
    "memory_needed",
]
