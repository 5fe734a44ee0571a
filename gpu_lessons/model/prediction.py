"""`predict`: the seconds of a workload on a machine, with every term visible."""

from __future__ import annotations

from gpu_lessons.arguments import require_seconds, shown
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model.calibration import Calibration, calibrate
from gpu_lessons.model.gpu import GpuCalibration
from gpu_lessons.model.kernel_times import KernelTime
from gpu_lessons.model.tested import kind_of
from gpu_lessons.records import Bottleneck, Prediction
from gpu_lessons.work import Copy, Workload

__all__ = ["bottleneck_of", "predict"]


def predict(
    workload: Workload,
    machine: Machine,
    launch_overhead_s: float | None = None,
    calibration: Calibration | None = None,
) -> Prediction:
    """Predict the time of one call of ``workload`` on ``machine``.

    Parameters
    ----------
    workload : Workload
        What to count.
    machine : Machine
        From `gpu_lessons.machine` or `gpu_lessons.this_machine`.
    launch_overhead_s : float, optional
        Host seconds of one call that launches a kernel, if you know how the call is made: about 6e-6 for library calls
        queued from C++, 5e-5 for one call of a framework that is waited for. Otherwise what a call of CuPy needs, or of
        NumPy on a CPU.
    calibration : GpuCalibration or CpuCalibration, optional
        Sustained numbers to use; otherwise those of the machine's recording or, without one, of the catalogue.

    Returns
    -------
    Prediction
        Seconds, the band, the terms and the bottleneck.

    Raises
    ------
    TypeError
        If ``workload``, ``machine``, the launch overhead or the calibration is something else.
    ValueError
        If the launch overhead is negative or not finite, the machine has no rate for the dtype, or a copy is
        asked of a CPU.

    Examples
    --------
    >>> import gpu_lessons as gl
    >>> layer = gl.DenseForward(batch_size=256, n_in=2048, n_out=2048)
    >>> gl.predict(layer, gl.machine("nvidia-t4")).bottleneck
    'compute'
    """
    if not isinstance(workload, Workload):
        raise TypeError(f"workload must be a workload such as DenseForward, got {shown(workload)}")
    if not isinstance(machine, Machine):
        raise TypeError(f"machine must be a Machine such as gl.machine('nvidia-t4'), got {shown(machine)}")
    if launch_overhead_s is not None:
        launch_overhead_s = require_seconds("launch_overhead_s", launch_overhead_s, at_least=0)
    if calibration is None:
        calibration = calibrate(machine, getattr(workload, "dtype", "float32"))
    if not isinstance(calibration, Calibration):
        raise TypeError(f"calibration must be what calibrate or calibrate_from returns, got {shown(calibration)}")
    if isinstance(workload, Copy):
        return _predict_copy(workload, machine, calibration)
    return _predict_kernels(workload, machine, calibration, launch_overhead_s)


def _predict_kernels(
    workload: Workload, machine: Machine, device: Calibration, launch_overhead_s: float | None
) -> Prediction:
    kernels = workload.kernels
    if kernels[0].dtype not in device.flops_per_s:
        known = ", ".join(sorted(device.flops_per_s))
        raise ValueError(f"no {kernels[0].dtype} rate is known for {machine.name}; known: {known}")
    seconds, launch_s, times = device.call_time(kernels, launch_overhead_s)
    compute_s = sum(time.compute_s for time in times)
    memory_s = sum(time.memory_s for time in times)
    at = max(range(len(times)), key=lambda place: times[place].total_s)
    bottleneck = bottleneck_of(seconds, launch_s, times[at])
    error = device.error
    if isinstance(device, GpuCalibration):
        error = device.error_of(kind_of(kernels[at]), bottleneck)
        if bottleneck == "launch" and launch_overhead_s is None:
            error = max(error, device.host_error)
    return _record(workload, machine, device, error, (seconds, launch_s, compute_s, memory_s, 0.0), bottleneck)


def bottleneck_of(seconds: float, launch_s: float, longest: KernelTime) -> Bottleneck:
    """Return what a call of ``seconds`` waits for, by the time of its longest kernel."""
    if seconds - launch_s <= launch_s:
        return "launch"
    if longest.memory_s > longest.compute_s:
        return "memory"
    return "filling" if longest.share_busy < 0.5 else "compute"


def _predict_copy(workload: Copy, machine: Machine, device: Calibration) -> Prediction:
    if not isinstance(device, GpuCalibration):
        raise ValueError(f"a copy crosses the link of a GPU, got the CPU {machine.name}")
    copy_s = device.copy_time(workload.n_bytes, pinned=workload.pinned)
    return _record(workload, machine, device, device.error, (copy_s, 0.0, 0.0, 0.0, copy_s), "copy")


def _record(
    workload: Workload,
    machine: Machine,
    device: Calibration,
    error: float,
    terms: tuple[float, float, float, float, float],
    bottleneck: Bottleneck,
) -> Prediction:
    seconds, launch_s, compute_s, memory_s, copy_s = terms
    factor = 1 + error
    outside = None if device.tested is None else device.tested.why_not(workload)
    return Prediction(
        workload=workload,
        machine=machine.name,
        seconds=seconds,
        low_s=seconds / factor,
        high_s=seconds * factor,
        launch_s=launch_s,
        compute_s=compute_s,
        memory_s=memory_s,
        copy_s=copy_s,
        bottleneck=bottleneck,
        basis=device.basis if outside is None else f"{device.basis} {outside}",
        tested=device.tested is not None and outside is None,
    )
