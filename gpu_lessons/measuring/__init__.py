"""Clocks: time a workload on this machine, and find this CPU's sustained numbers."""

from gpu_lessons.measuring.self_benchmark import CpuBenchmark, measure_this_cpu
from gpu_lessons.measuring.timing import measure

__all__ = ["CpuBenchmark", "measure", "measure_this_cpu"]
