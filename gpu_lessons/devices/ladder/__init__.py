"""A matrix product as a kernel of one's own, in five steps: the texts in WGSL, CUDA C and Python, and how they run."""

from gpu_lessons.devices.ladder.products import Product, language_of, matrix_kernel, require_gpu
from gpu_lessons.devices.ladder.texts import LANGUAGES, kernel_changes, kernel_text, thread_kernel
from gpu_lessons.devices.threads import run_threads
from gpu_lessons.work.matrix_kernels import MATRIX_KERNELS as STEPS

__all__ = [
    "LANGUAGES",
    "STEPS",
    "Product",
    "kernel_changes",
    "kernel_text",
    "language_of",
    "matrix_kernel",
    "require_gpu",
    "run_threads",
    "thread_kernel",
]
