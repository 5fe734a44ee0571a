"""Explorers: sliders over charts, alive with and without a kernel."""

from gpu_lessons.explorers.batch_and_width import explore_batch_and_width
from gpu_lessons.explorers.chain import explore_chain
from gpu_lessons.explorers.choice import explore_choice
from gpu_lessons.explorers.convolution import explore_convolution
from gpu_lessons.explorers.crossing import explore_crossing
from gpu_lessons.explorers.epoch import explore_epoch
from gpu_lessons.explorers.inside_the_gpu import explore_inside_the_gpu
from gpu_lessons.explorers.kernel import explore_kernel
from gpu_lessons.explorers.memory_limits import explore_memory_limits
from gpu_lessons.explorers.residuals import plot_residuals
from gpu_lessons.explorers.roofline import explore_roofline
from gpu_lessons.explorers.timeline import explore_timeline
from gpu_lessons.explorers.training import explore_training

__all__ = [
    "explore_batch_and_width",
    "explore_chain",
    "explore_choice",
    "explore_convolution",
    "explore_crossing",
    "explore_epoch",
    "explore_inside_the_gpu",
    "explore_kernel",
    "explore_memory_limits",
    "explore_roofline",
    "explore_timeline",
    "explore_training",
    "plot_residuals",
]
