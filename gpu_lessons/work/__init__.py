"""Work: what is run by a clock and counted by a model, always the same object."""

from gpu_lessons.work.kernels import Kernel
from gpu_lessons.work.memory import MemoryLedger, memory_needed
from gpu_lessons.work.workloads import Copy, DenseForward, DenseTrainStep, Elementwise, Workload

__all__ = [
    "Copy",
    "DenseForward",
    "DenseTrainStep",
    "Elementwise",
    "Kernel",
    "MemoryLedger",
    "Workload",
    "memory_needed",
]
