"""Numbers typical of a kind of device: what stands in for a number that is not known, and where a fit begins."""

from __future__ import annotations

# One core of a 2-core AMD EPYC (Zen 4), measured with NumPy 2.4 and OpenBLAS. Seconds of a call into NumPy, of a step
# of Python beside it and of a new row; numbers a second that NumPy takes one by one; bytes a second of elementwise
# kernels, which stay on one thread, from memory and from cache.
NUMPY_CALL_S, PYTHON_STEP_S = 0.6e-6, 1.8e-6
SCALAR_OPS_PER_S, ROW_START_S = 2.7e9, 12e-9
STREAM_BYTES_PER_S, CACHED_STREAM_BYTES_PER_S = 10e9, 80e9

# GPUs. A library call queued behind others: about 6 µs a kernel. L2 bandwidth over memory bandwidth: A100, H100, H200,
# L40 lie between 3 and 6 in public micro-benchmarks. Copies from pageable memory reach 0.2 to 0.4 of the pinned rate;
# 30 µs is the floor of small copies on a V100 with PCIe 3.
QUEUED_LAUNCH_S = 6e-6
# A call of CuPy: Python looks the kernel up, asks the pool for memory and launches. CuPy's user guide ("Performance
# best practices") measures 12 to 20 µs of host time for one `sum`, the launch included.
CUPY_CALL_S = 12e-6
L2_OVER_MEMORY = 4.0
PAGEABLE_SHARE, COPY_LATENCY_S = 0.3, 30e-6
