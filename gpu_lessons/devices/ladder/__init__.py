"""A matrix product as a kernel of one's own, in five steps: the texts in WGSL, CUDA C and Python, and how they run."""

from gpu_lessons.devices.ladder.texts import LANGUAGES, kernel_text, thread_kernel

__all__ = ["LANGUAGES", "kernel_text", "thread_kernel"]
