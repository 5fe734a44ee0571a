"""Lessons as pages that live without a kernel: each one HTML file, its explorers alive, nothing fetched."""

from gpu_lessons.export.site import export_course
from gpu_lessons.export.trouble import ExportError
from gpu_lessons.export.writing import other_files

__all__ = ["ExportError", "export_course", "other_files"]
