"""Cells as a tutorial of CuPy has them, on each GPU of the course: `cp` is its namespace, `cupyx` what comes beside.

Each cell leaves `got`, and `expected` beside it, a number or a list.
"""

import numpy as np
import pytest

CELLS = {
    "the first array": """
x_gpu = cp.array([1, 2, 3])
l2_gpu = cp.linalg.norm(x_gpu)
got, expected = float(l2_gpu), 14 ** 0.5
""",
    "there and back": """
x_cpu = np.arange(4)
x_gpu = cp.asarray(x_cpu)
got, expected = cp.asnumpy(x_gpu + 1).tolist(), [1, 2, 3, 4]
""",
    "code for both": """
def softplus(x):
    xp = cp.get_array_module(x)
    return xp.maximum(0, x) + xp.log1p(xp.exp(-abs(x)))
got = [float(softplus(cp.asarray([0.0]))[0]), float(softplus(np.asarray([0.0]))[0])]
expected = [0.6931471805599453] * 2
""",
    "timing with events": """
start, end = cp.cuda.Event(), cp.cuda.Event()
a = cp.random.rand(512, 512)
a @ a
start.record()
b = a @ a
end.record()
end.synchronize()
got, expected = cp.cuda.get_elapsed_time(start, end) > 0, True
""",
    "benchmark": """
def f(x):
    return cp.sqrt(cp.sum(x ** 2, axis=-1))
result = cupyx.profiler.benchmark(f, (cp.random.random((64, 64)),), n_repeat=5, n_warmup=2)
got, expected = [result.cpu_times.shape, result.gpu_times.shape, "CPU" in str(result)], [(5,), (1, 5), True]
""",
    "a stream": """
stream = cp.cuda.Stream()
with stream:
    x = cp.ones(100)
    y = cp.sum(x)
stream.synchronize()
got, expected = float(y), 100.0
""",
    "a stream that does not block": """
stream = cp.cuda.Stream(non_blocking=True)
x_cpu = cupyx.empty_pinned((8,), dtype=np.float32)
x_cpu[:] = 2
with stream:
    x = cp.asarray(x_cpu)
    y = x * x
stream.synchronize()
got, expected = y.get().tolist(), [4.0] * 8
""",
    "wait for an event": """
one, two = cp.cuda.Stream(), cp.cuda.Stream()
with one:
    x = cp.arange(5) * 2
    ready = one.record()
two.wait_event(ready)
with two:
    y = x + 1
cp.cuda.Stream.null.synchronize()
two.synchronize()
got, expected = y.tolist(), [1, 3, 5, 7, 9]
""",
    "the memory pool": """
pool = cp.get_default_memory_pool()
pool.free_all_blocks()
before = pool.used_bytes()
a = cp.ones(1000, dtype=cp.float32)
got = [pool.used_bytes() - before, pool.total_bytes() >= pool.used_bytes()]
expected = [4096, True]
del a
pool.free_all_blocks()
""",
    "what the pool keeps": """
pool = cp.get_default_memory_pool()
pool.free_all_blocks()
used, total = pool.used_bytes(), pool.total_bytes()
a = cp.zeros(400, dtype=cp.uint8)
del a
got = [pool.used_bytes() - used, pool.free_bytes() >= 512, pool.n_free_blocks() > 0]
pool.free_all_blocks()
got += [pool.total_bytes() <= total]
expected = [0, True, True, True]
""",
    "a limit": """
pool = cp.get_default_memory_pool()
pool.free_all_blocks()
limit = pool.total_bytes() + 2 ** 20
pool.set_limit(size=limit)
try:
    cp.zeros(2 ** 21, dtype=cp.uint8)
    got = "it fit"
except cp.cuda.memory.OutOfMemoryError as error:
    got = f"limit set to: {limit:,} bytes" in str(error)
finally:
    pool.set_limit(size=0)
expected = True
""",
    "the device": """
device = cp.cuda.Device(0)
free, total = device.mem_info
device.synchronize()
got = [cp.cuda.runtime.getDeviceCount() >= 1, 0 < free <= total, device.attributes["WarpSize"]]
expected = [True, True, 32]
""",
    "its name": """
properties = cp.cuda.runtime.getDeviceProperties(0)
got, expected = [type(properties["name"]), properties["multiProcessorCount"] > 0], [bytes, True]
""",
    "one device current": """
with cp.cuda.Device(0):
    x = cp.arange(3)
cp.cuda.Device(0).use()
cp.cuda.runtime.deviceSynchronize()
got, expected = int(x.sum()), 3
""",
    "an elementwise kernel": """
squared_diff = cp.ElementwiseKernel(
    "float32 x, float32 y", "float32 z", "z = (x - y) * (x - y)", "squared_diff")
x = cp.arange(10, dtype=np.float32).reshape(2, 5)
y = cp.arange(5, dtype=np.float32)
got, expected = squared_diff(x, y).tolist(), [[0.0] * 5, [25.0] * 5]
""",
    "an elementwise kernel of any format": """
clamp = cp.ElementwiseKernel("T x, T low", "T y", "T d = x - low; y = d > 0 ? d : 0", "clamp")
got, expected = clamp(cp.asarray([1.0, 5.0]), 2.0).tolist(), [0.0, 3.0]
""",
    "an elementwise kernel into an array": """
twice = cp.ElementwiseKernel("T x", "T y", "y = 2 * x", "twice")
y = cp.empty(3)
twice(cp.arange(3.0), y)
got, expected = y.tolist(), [0.0, 2.0, 4.0]
""",
    "a reduction kernel": """
l2norm = cp.ReductionKernel("T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "l2norm")
x = cp.arange(10, dtype=np.float32).reshape(2, 5)
got, expected = [round(float(v), 4) for v in l2norm(x, axis=1)], [5.4772, 15.9687]
""",
    "a fused function": """
@cp.fuse()
def squared(x, y):
    return (x - y) * (x - y)
got, expected = squared(cp.arange(4.0), cp.ones(4)).tolist(), [1.0, 0.0, 1.0, 4.0]
""",
    "random numbers with a seed": """
cp.random.seed(1)
first = cp.random.rand(3)
cp.random.seed(1)
got, expected = bool((first == cp.random.rand(3)).all()), True
""",
    "a generator": """
rng = cp.random.default_rng(3)
x = rng.standard_normal((1000,), dtype=cp.float32)
got, expected = [x.dtype == np.float32, abs(float(x.mean())) < 0.2], [True, True]
""",
    "pi from random points": """
n = 100_000
rng = cp.random.default_rng(0)
x, y = rng.random(n), rng.random(n)
inside = cp.count_nonzero(x ** 2 + y ** 2 < 1)
got, expected = abs(4 * int(inside) / n - 3.14159) < 0.05, True
""",
    "a mask": """
x = cp.asarray([3.0, -1.0, 4.0, -1.0, 5.0])
x[x < 0] = 0
got, expected = x.tolist(), [3.0, 0.0, 4.0, 0.0, 5.0]
""",
    "the largest of each row": """
scores = cp.asarray([[0.1, 0.7, 0.2], [0.8, 0.1, 0.1]])
rows = cp.arange(2)
best = scores.argmax(axis=1)
got, expected = scores[rows, best].tolist(), [0.7, 0.8]
""",
    "softmax": """
x = cp.asarray([[1.0, 2.0, 3.0]])
e = cp.exp(x - x.max(axis=1, keepdims=True))
p = e / e.sum(axis=1, keepdims=True)
got, expected = [round(float(v), 4) for v in p[0]], [0.09, 0.2447, 0.6652]
""",
    "one-hot": """
labels = cp.asarray([0, 2, 1])
got, expected = cp.eye(3)[labels].tolist(), [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
""",
    "a histogram": """
x = cp.asarray([0.1, 0.4, 0.45, 0.9])
counts, edges = cp.histogram(x, bins=2, range=(0, 1))
got, expected = [counts.tolist(), edges.tolist()], [[3, 1], [0.0, 0.5, 1.0]]
""",
    "distances of all pairs": """
p = cp.asarray([[0.0, 0.0], [3.0, 4.0]])
d = cp.sqrt(((p[:, None, :] - p[None, :, :]) ** 2).sum(axis=-1))
got, expected = d.tolist(), [[0.0, 5.0], [5.0, 0.0]]
""",
    "einsum": """
a = cp.arange(6.0).reshape(2, 3)
got, expected = cp.einsum("ij,kj->ik", a, a).tolist(), [[5.0, 14.0], [14.0, 50.0]]
""",
    "solving": """
A = cp.asarray([[3.0, 1.0], [1.0, 2.0]])
b = cp.asarray([9.0, 8.0])
got, expected = [round(float(v), 6) for v in cp.linalg.solve(A, b)], [2.0, 3.0]
""",
    "a step of descent": """
w = cp.zeros(2, dtype=cp.float32)
x = cp.asarray([[1.0, 2.0], [3.0, 4.0]], dtype=cp.float32)
y = cp.asarray([5.0, 11.0], dtype=cp.float32)
for _ in range(500):
    w -= 0.05 * 2 * x.T @ (x @ w - y) / len(y)
got, expected = float(cp.abs(x @ w - y).max()) < 0.05, True
""",
    "scatter": """
counts = cp.zeros(4)
cp.add.at(counts, cp.asarray([0, 1, 1, 3]), 1)
cp.add.at(counts, cp.asarray([0]), 5)
got, expected = counts.tolist(), [6.0, 2.0, 0.0, 1.0]
""",
    "the error function": """
y = cupyx.scipy.special.erf(cp.asarray([0.0, 1.0]))
got, expected = [round(float(v), 6) for v in y], [0.0, 0.842701]
""",
    "pinned memory": """
memory = cp.cuda.alloc_pinned_memory(8 * 5)
host = np.frombuffer(memory, np.float64, 5)
host[...] = 3
x = cp.empty(5)
x.set(host)
cp.cuda.Stream.null.synchronize()
got, expected = x.tolist(), [3.0] * 5
""",
    "written into": """
out = cp.empty(3)
cp.add(cp.ones(3), 2, out=out)
cp.multiply(out, 2, out)
got, expected = out.tolist(), [6.0] * 3
""",
    "a spectrum": """
t = cp.arange(64) / 64
power = cp.abs(cp.fft.rfft(cp.sin(2 * cp.pi * 5 * t)))
got, expected = int(power.argmax()), 5
""",
    "where": """
x = cp.arange(-3, 3)
got, expected = cp.where(x < 0, -x, x).tolist() + cp.where(x > 0)[0].tolist(), [3, 2, 1, 0, 1, 2, 4, 5]
""",
    "unique": """
values, counts = cp.unique(cp.asarray([3, 1, 3, 3]), return_counts=True)
got, expected = [values.tolist(), counts.tolist()], [[1, 3], [1, 3]]
""",
    "stacking and splitting": """
both = cp.vstack((cp.arange(3), cp.arange(3) + 10))
left, right = cp.split(both, [1], axis=1)
got, expected = [left.tolist(), right.shape], [[[0], [10]], (2, 2)]
""",
    "two kinds of arrays": """
try:
    cp.ones(3) + np.ones(3)
    got = "it worked"
except TypeError as error:
    got = "Unsupported type" in str(error)
expected = True
""",
    "formats": """
x = cp.arange(3, dtype=cp.float16)
got = [(x + 1).dtype.name, (x + cp.float32(1)).dtype.name, x.astype(cp.float64).nbytes]
expected = ["float16", "float32", 24]
""",
    "normalising columns": """
x = cp.asarray([[1.0, 10.0], [3.0, 30.0]])
z = (x - x.mean(axis=0)) / x.std(axis=0)
got, expected = z.tolist(), [[-1.0, -1.0], [1.0, 1.0]]
""",
    "a running sum": """
got, expected = cp.cumsum(cp.ones(4)).tolist() + cp.diff(cp.asarray([1, 4, 9])).tolist(), [1.0, 2.0, 3.0, 4.0, 3, 5]
""",
}


def plain(value):
    return value.tolist() if hasattr(value, "tolist") else value


@pytest.fixture(params=["simulated", pytest.param("cuda", marks=pytest.mark.gpu)])
def gpu(request, gpu_named):
    """Those that know CuPy's words; WebGPU knows what the course needs."""
    return gpu_named(request.param)


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_of_a_tutorial_runs_unchanged(gpu, cell):
    names = {"cp": gpu.xp, "cupyx": gpu.cupyx, "np": np}
    exec(CELLS[cell], names)
    assert (
        plain(names["got"]) == pytest.approx(names["expected"])
        if cell in _ROUNDED
        else plain(names["got"]) == names["expected"]
    )


# Whose last digits depend on the order of the additions.
_ROUNDED = {"code for both", "the first array"}


def test_there_are_forty():
    assert len(CELLS) >= 40
