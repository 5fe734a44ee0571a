"""`plot_residuals`: how far the model is off on recorded times it has not seen."""

from __future__ import annotations

from gpu_lessons.arguments import require_choice
from gpu_lessons.charts.bundle import Figure
from gpu_lessons.charts.residuals import HeldOut, residuals_figure
from gpu_lessons.model.accuracy import residuals
from gpu_lessons.model.measured import of_threads
from gpu_lessons.recorded import RecordingError, load_recording
from gpu_lessons.records import format_threads

__all__ = ["plot_residuals"]


def plot_residuals(recording: str, kind: str | None = None, *, threads: int | None = None) -> Figure:
    """Draw the model against the measurements of a recording: half of them fitted, the other half shown.

    Parameters
    ----------
    recording : str
        A slug of `gpu_lessons.recordings`.
    kind : {"cpu", "gpu"}, optional
        Which of its machines; the GPU if there is one, otherwise.
    threads : int, optional
        On the CPU, the times with so many threads; those with the most otherwise.

    Raises
    ------
    RecordingError, ValueError
        If there is no such recording, it has no such machine, or too few times to fit.
    """
    found = load_recording(recording)
    kind = found.machine.kind if kind is None else require_choice("kind", kind, ("cpu", "gpu"))
    machine = found.cpu if kind == "cpu" else found.gpu
    if machine is None:
        raise RecordingError(f"the recording {recording!r} holds no GPU; its CPU is kind='cpu'")
    held_out, _ = residuals(found.measurements, machine, threads=threads)
    rows = [
        HeldOut(_said(each.workload), each.measured_s, each.predicted_s, each.roofline_s)
        for each in held_out
        if each.roofline_s is not None
    ]
    used = of_threads(found.measurements, machine, threads)[0].threads
    on = "" if used is None else f", {format_threads(used)}"
    return residuals_figure(rows, machine=machine.name, kind=kind, source=f"recorded {found.provenance.date}{on}")


def _said(workload: object) -> str:
    """Return ``DenseForward(batch_size=1, ...)`` as ``dense forward (batch_size=1, ...)``."""
    name = type(workload).__name__
    return f"{getattr(workload, 'label', name)} {repr(workload).removeprefix(name)}"
