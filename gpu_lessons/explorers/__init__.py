"""Explorers: sliders over charts, alive with and without a kernel."""

from gpu_lessons.explorers.batch_and_width import explore_batch_and_width

__all__ = ["explore_batch_and_width"]
