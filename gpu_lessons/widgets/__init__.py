"""Widgets of the course's own where ipywidgets has none that a keyboard and a screen reader can use as well."""

from gpu_lessons.widgets.chart import Chart
from gpu_lessons.widgets.steps import StepSlider

__all__ = ["Chart", "StepSlider"]
