"""Numbers typical of a kind of device: what stands in for a number that is not known, and where a fit begins."""

from __future__ import annotations

# One core of a 2-core AMD EPYC (Zen 4), measured with NumPy 2.4 and OpenBLAS. Seconds of a call into NumPy, of a step
# of Python beside it and of a new row; numbers a second that NumPy takes one by one; bytes a second of elementwise
# kernels, which stay on one thread, from memory and from cache.
NUMPY_CALL_S, PYTHON_STEP_S = 0.6e-6, 1.8e-6
SCALAR_OPS_PER_S, ROW_START_S = 2.7e9, 12e-9
STREAM_BYTES_PER_S, CACHED_STREAM_BYTES_PER_S = 10e9, 80e9

# GPUs. A kernel launched behind others: 1.6 µs on an L40, 1.9 A40, 2.4 H200, 2.6 A100 in public micro-benchmarks.
# Copies from pageable memory reach 0.2 to 0.4 of the pinned rate. Through CuPy the smallest take 9 to 18 µs on servers
# of an H100 or H200, 30 on a V100; from C++ 6 on a Quadro RTX 6000.
LAUNCH_S = 2.5e-6
# A call of CuPy: Python looks the kernel up, asks the pool for memory and launches; and a step beside it in the layers
# of `gpu_lessons.nn`. Recordings of three servers of an H100 or H200 (Xeon, 2.1 GHz) are explained by 11, 14 and 17 µs
# a call and 10, 19 and 23 a step. CuPy's user guide ("Performance best practices") measures 12 to 20 µs for one `sum`.
# Of all their times, four of five lie in the band with these numbers and this half-width where the host decides.
CUPY_CALL_S, CUPY_STEP_S, HOST_ERROR = 13e-6, 15e-6, 0.7
PAGEABLE_SHARE, COPY_LATENCY_S = 0.3, 16e-6

# The L2 cache, as gpu-benches (te42kyfo), gpu-l2-cache, measured it. On an A100, H100 and H200 it lies in two halves:
# 34 to 38 bytes a clock and SM, and what is read again stays up to 0.68 of its size (H100 PCIe 3,453 GB/s at 49 MB and
# 2,077 at 65 MB, A100 80 GB 3,004 at 38 MB and 2,462 at 41 MB). On an L40 it is one: 14.7 bytes, up to 0.95.
HALVED_L2 = {"8.0", "9.0", "10.0"}
HALVED_L2_BYTES_A_CLOCK, HALVED_L2_KEPT = 36.0, 0.68
L2_BYTES_A_CLOCK, L2_KEPT = 14.7, 0.95
