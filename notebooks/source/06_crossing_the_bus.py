# %% [markdown]
# # Crossing the bus: what does PCIe cost?
#
# You will time the road between host and device, find the two numbers that describe it, and see how often a program may use it before its speed-up is gone.
#
# - **You will** fit latency and bandwidth to copies of many sizes, tell two kinds of host memory apart, slide the crossings of a network up and down, hide copies behind work, and rewrite a training loop that crosses eleven times a step.
# - **You need** lessons 02 and 03. No GPU: without one, the course simulates it.
# - **Minutes** 45
#
# Before: [Arithmetic or memory](05_compute_and_bandwidth.ipynb). Next: [What fits?](07_memory_limits.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl
from gpu_lessons.exercises.crossing_the_bus import check_fit_copies, check_quiet_epoch, crossings
from gpu_lessons.lessons import ask, choose, claims_ledger, keep_evidence, reveal, reveal_choice, samples_in_time

gpu = gl.gpu()
# A NameError further down? Run this cell first.
gl.say_devices(gpu)

# %% [markdown]
# ## The road
#
# Host and device are joined by a **link**. In most machines that is PCI Express, **PCIe** for short: a few pairs of wires, called lanes, that were made for cards of every kind.
#
# Two data sheets beside each other:

# %%
card = gl.machine("nvidia-t4")
print(f"{card.name}")
print(f"its own memory:    {card.memory_bandwidth_bytes_per_s / 1e9:6.1f} GB/s, data sheet")
print(f"{card.link_name + ':':18} {card.link_bandwidth_bytes_per_s / 1e9:6.1f} GB/s, each way, PCIe specification")

# %% [markdown]
# A road can be slow in two ways: it takes long to set out, or little gets through. To tell which, time a small copy and a large one.
#
# The large one below has 16 megabytes, the small one a single kilobyte: about sixteen thousand times less.

# %% tags=["predict"]
small_guess = ask("06-small", "Time of the large copy divided by time of the small one", low=1, high=100_000)

# %%
import numpy as np

rng = np.random.default_rng(0)


def time_copy(x):
    """Return the seconds until x is on the device, the median of nine copies."""
    times_s = []
    for _ in range(9):
        gpu.synchronize()
        start_s = gpu.perf_counter()
        gpu.to_device(x)
        gpu.synchronize()
        times_s.append(gpu.perf_counter() - start_s)
    return float(np.median(times_s))


# %%
small_s, large_s = (time_copy(rng.integers(0, 256, size, dtype="uint8")) for size in (2**10, 2**24))

# %% tags=["reveal"]
then = f"The small copy took {small_s * 1e6:,.1f} µs, the large one {large_s * 1e6:,.0f} µs."
reveal(small_guess, large_s / small_s, str(gpu), then)

# %% [markdown]
# A kilobyte pays for the whole way, though it hardly carries anything. What any copy costs, however small, is the **latency** of the link. Now the sizes in between.

# %%
sizes = [2**power for power in range(10, 27, 2)]
times_s = [time_copy(rng.integers(0, 256, size, dtype="uint8")) for size in sizes]

# %%
import matplotlib.pyplot as plt

plt.style.use("gpu_lessons.charts.course")
plt.loglog(sizes, times_s, "o", color="C1")
plt.xlabel("bytes copied")
plt.ylabel("seconds")
plt.title(f"Copies from host to device: {gpu}")
plt.show()

# %% [markdown]
# On the left the dots lie flat: latency. On the right they rise with the size: bandwidth. In between both count. One formula has all of it:
#
# **time = latency + bytes / bandwidth**

# %% [markdown]
# ## Do it: two numbers for a link
#
# Find latency and bandwidth from sizes and times. `np.polyfit(x, y, 1)` returns the slope and the start of the straight line that comes nearest to the points.
#
# One trap. A second of error counts the same for a long copy and for a short one, so the longest copies would decide everything. Weights cure that: with `w=1 / np.asarray(y)` every point counts by its error in per cent. Some copies of the check were interrupted, as in real life.


# %% tags=["exercise"]
def fit_copies(sizes, times_s):
    """Return the latency in seconds and the bandwidth in bytes a second."""
    ### BEGIN SOLUTION
    slope, latency_s = np.polyfit(sizes, times_s, 1, w=1 / np.asarray(times_s))
    return latency_s, 1 / slope
    ### END SOLUTION


# %% tags=["check"]
check_fit_copies(fit_copies)

# %% [markdown]
# From here on `fit_copies` is the course's own, which is the solution. What does it say of the link you timed?

# %%
from gpu_lessons.exercises.crossing_the_bus import fit_copies

latency_s, bandwidth = fit_copies(sizes, times_s)
print(f"{gpu}: latency {latency_s * 1e6:.1f} µs, {bandwidth / 1e9:.1f} GB/s")
print(f"Half of the time is latency for a copy of {latency_s * bandwidth / 1000:,.0f} kB.")

# %% [markdown]
# Far below that size, a hundred copies cost a hundred latencies: put them together into one. Far above it, only the number of bytes matters.

# %% [markdown]
# ## Two kinds of host memory
#
# An operating system may move a piece of memory to another place, or to the disk, whenever it likes. Such memory is **[pageable](glossary.ipynb#heading=Pageable-memory)**; NumPy's arrays lie in it.
#
# The engine that copies on the card reads host memory by itself, without asking the operating system. A piece that is being moved would be read half.

# %% [markdown]
# So a copy from pageable memory takes a detour: the CPU copies a piece into memory that stays in place, and the engine takes it from there.
#
# Memory that the operating system has promised to leave in place is **[pinned](glossary.ipynb#heading=Pinned-memory)**. `gpu.empty_pinned` returns a NumPy array in it. The detour is gone.

# %%
pinned = gpu.empty_pinned((2**24,), "uint8")
pinned[:] = rng.integers(0, 256, 2**24, dtype="uint8")

# %% [markdown]
# The same 16 megabytes, out of pinned memory: how many times as fast?

# %% tags=["predict"]
pinned_guess = ask("06-pinned", "Time from pageable memory divided by time from pinned memory", low=0.1, high=100)

# %%
pinned_s = time_copy(pinned)

# %% tags=["reveal"]
then = f"That is {2**24 / pinned_s / 1e9:.1f} GB/s instead of {2**24 / large_s / 1e9:.1f}."
if gpu.kind == "webgpu":
    then += " Both times it was ordinary memory: only chance tells the two copies apart."
reveal(pinned_guess, large_s / pinned_s, str(gpu), then)

# %% [markdown]
# And for small copies? Somebody else measured that on a Quadro RTX 6000 behind PCIe 3.0 with 16 lanes. Guess first: from which size on does pinning pay there? Diamonds stand for published figures.

# %%
copies = [each for each in gl.published() if each.machine == "NVIDIA Quadro RTX 6000" and each.along == "bytes"]
by_memory = {
    name: [each for each in copies if each.workload.pinned == is_pinned]
    for name, is_pinned in (("pageable", False), ("pinned", True))
}

# %%
for (name, series), marker in zip(by_memory.items(), ("D:", "D-")):
    label = f"{name}, published: {series[0].credit}"
    plt.loglog([each.at for each in series], [each.time_s for each in series], marker, mfc="none", label=label)
plt.xlabel("bytes copied")
plt.ylabel("seconds")
plt.title(f"Copies from host to device: {copies[0].machine}")
plt.legend()
plt.show()

# %% [markdown]
# Up to some kilobytes the two are one: both pay the latency. From there on the lines part. The same two numbers describe these copies, too.

# %%
for name, series in by_memory.items():
    start_s, rate = fit_copies([each.at for each in series], [each.time_s for each in series])
    print(f"{name:9} latency {start_s * 1e6:.1f} µs, {rate / 1e9:.1f} GB/s (fitted to {len(series)} published copies)")

# %% [markdown]
# Pinned memory is not free. It takes long to make, and what is pinned is lost to every other program. Make one buffer, and use it again and again.

# %% [markdown]
# ## How often?
#
# Now a network: eight equal layers in training. Between its steps, numbers may cross the bus for many reasons.
#
# | the numbers cross | what for |
# |---|---|
# | never | samples and weights are on the card and stay there |
# | once an epoch | after a hundred steps the weights are saved to disk |
# | each step | the samples come from the host, the outputs are looked at there |
# | each layer | one function of every layer still runs in NumPy, forward and backward |

# %%
layers, batch, width = 8, 512, 2048
card, cpu = gl.machine("nvidia-rtx-4090"), gl.machine("amd-ryzen-9-7950x")
step = gl.DenseTrainStep(batch_size=batch, n_in=width, n_out=width)
cpu_s, gpu_s = (layers * gl.predict(step, machine).seconds for machine in (cpu, card))
print(f"{cpu_s / gpu_s:.0f} times as fast on the GPU, if nothing crosses")
print(f"predicted, {card.name} against {cpu.name}")

# %% [markdown]
# The last row of the table is the innocent one: eight layers, each sending its batch of numbers over and back, forward and backward. All else stays on the card.
#
# What is left of the speed-up?

# %% tags=["predict"]
layers_guess = ask("06-layers", "CPU time divided by GPU time, crossing in each layer", low=0.01, high=1000)

# %% tags=["reveal"]
copy_s = gl.predict(gl.Copy(4 * batch * width), card).seconds
left = cpu_s / (gpu_s + layers * 4 * copy_s)
reveal(layers_guess, left, f"predicted, {card.name} against {cpu.name}")

# %% [markdown]
# Below is the whole ladder, for every batch, width and link. Follow one line of the table at a time. Then look for the places where the GPU loses although its arithmetic would win.

# %% tags=["explorer"]
gl.explore_crossing()

# %% [markdown]
# Width decides twice. A layer twice as wide has four times the arithmetic, but only twice the numbers to carry. So the narrow networks lose their speed-up first.

# %% [markdown]
# ## Do it: eleven crossings
#
# Here is a training loop as it grows when a NumPy program moves to the GPU piece by piece. It works. Count its crossings with the simulated GPU: that one takes down every copy.


# %%
def chatty_epoch(gpu, w1, w2, x, target):
    """Train two layers for one epoch; return the new weights and the loss of each step."""
    losses = []
    for start in range(0, len(x), 64):
        batch, goal = x[start : start + 64], target[start : start + 64]
        hidden = (gpu.to_device(batch) @ w1).get()
        hidden = np.maximum(hidden, 0)
        error = (gpu.to_device(hidden) @ w2).get() - goal
        losses.append(float(np.mean(error**2)))
        back = (gpu.to_device(error) @ w2.T).get() * (hidden > 0)
        w2 = w2 - 0.01 * (gpu.to_device(hidden).T @ gpu.to_device(error)) / len(batch)
        w1 = w1 - 0.01 * (gpu.to_device(batch).T @ gpu.to_device(back)) / len(batch)
        if not np.isfinite(w1.get()).all():
            raise FloatingPointError("the weights have left the range of float32")
    return w1, w2, losses


# %%
from gpu_lessons.devices import SimulatedGpu

twin = SimulatedGpu(gl.machine("nvidia-t4"))
w1, w2 = (twin.to_device(rng.normal(0, 0.1, shape).astype("float32")) for shape in ((64, 128), (128, 10)))
x, target = (rng.standard_normal(shape, dtype="float32") for shape in ((640, 64), (640, 10)))


# %%
def timed_epoch(epoch):
    """Return the losses of one epoch on the simulated GPU, and say how long it took and what crossed."""
    twin.synchronize()
    twin.timeline.spans.clear()
    start_s = twin.perf_counter()
    losses = epoch(twin, w1, w2, x, target)[2]
    twin.synchronize()
    went_in, came_out = crossings(twin)
    print(f"{went_in} copies in, {came_out} out in 10 steps: {(twin.perf_counter() - start_s) * 1e3:.2f} ms on {twin}")
    return losses


# %%
timed_epoch(chatty_epoch)  # compiles
losses = timed_epoch(chatty_epoch)

# %% [markdown]
# Some of the eleven say `to_device` or `.get()`. On the device there are others that do not: `float(loss)`, `print(loss)`, and `if` on an array each bring a number to the host, and wait for it.
#
# **Do it.** Write the epoch again. In each step the samples and the targets cross, and nothing else. The losses come back once, at the end, and so does the test of the weights.


# %% tags=["exercise"]
def quiet_epoch(gpu, w1, w2, x, target):
    """Return what chatty_epoch returns, with two crossings a step."""
    ### BEGIN SOLUTION
    xp, losses = gpu.xp, []
    for start in range(0, len(x), 64):
        batch, goal = gpu.to_device(x[start : start + 64]), gpu.to_device(target[start : start + 64])
        hidden = xp.maximum(batch @ w1, 0)
        error = hidden @ w2 - goal
        losses.append(xp.mean(error**2))
        back = (error @ w2.T) * (hidden > 0)
        w2 = w2 - 0.01 * (hidden.T @ error) / len(batch)
        w1 = w1 - 0.01 * (batch.T @ back) / len(batch)
    if not xp.isfinite(w1).all():
        raise FloatingPointError("the weights have left the range of float32")
    return w1, w2, xp.stack(losses).get().tolist()
    ### END SOLUTION


# %% tags=["check"]
check_quiet_epoch(quiet_epoch)

# %% [markdown]
# What is left of the time depends on how small the network is. For this one the launches are the next thing to save; lesson 08 comes back to them.

# %% [markdown]
# ## Two things at once
#
# Data must come in somewhere. The card has engines of its own for copies, one for each direction, and the SMs need not wait for them. So while one batch is computed, the next can cross.
#
# In one stream that cannot happen: a stream works in order. With two streams, every other batch takes the other one.

# %%
from gpu_lessons.nn import Dense

layer = Dense(2048, 2048, xp=gpu.xp)
samples = samples_in_time(gpu, 1024, width=2048)
streams = [gpu.stream(), gpu.stream()]
buffers = [gpu.empty_pinned((samples, 2048)) for _ in streams]
for buffer in buffers:
    buffer[:] = rng.standard_normal(buffer.shape, dtype="float32")


# %%
def seconds_of(steps, used):
    """Return the seconds of so many batches: in over the bus, then through the layer."""
    gpu.synchronize()
    start_s = gpu.perf_counter()
    for i in range(steps):
        with used[i % len(used)]:
            layer.forward(gpu.to_device(buffers[i % 2]))
    gpu.synchronize()
    return gpu.perf_counter() - start_s


# %% tags=["predict"]
overlap = choose(
    "06-overlap",
    "Eight batches: the copies alone, the layers alone, and both in two streams. The two streams need about",
    ("the sum of the two", "the longer of the two", "half of the sum"),
)

# %%
seconds_of(2, streams)  # warm-up
in_order_s, side_by_side_s = seconds_of(8, streams[:1]), seconds_of(8, streams)
copies_s = 8 * time_copy(buffers[0])
longer_s = max(copies_s, in_order_s - copies_s)

# %% tags=["reveal"]
costs = {"the sum of the two": in_order_s, "the longer of the two": longer_s, "half of the sum": in_order_s / 2}
nearest = min(costs, key=lambda name: abs(costs[name] / side_by_side_s - 1))
then = f"{in_order_s * 1e3:.1f} ms in one stream, {side_by_side_s * 1e3:.1f} in two, on {gpu}."
if gpu.kind == "webgpu":
    nearest, then = "the sum of the two", f"{then} WebGPU has one queue, so both streams are the same."
reveal_choice(overlap, nearest, then)

# %% [markdown]
# With two streams, the first copy and the last product have nobody to hide behind; the rest of the shorter work vanishes. In the explorer's timeline, *two streams* shows how it closes up.
#
# Pinned memory is the condition. From pageable memory the host itself carries the numbers into the detour, and while it does so it launches nothing.

# %% [markdown]
# ## Where there is no bus
#
# Some machines have no road to cross. On an Apple chip, in a laptop whose GPU is a part of its processor, and on NVIDIA's Jetson boards, CPU and GPU use one memory: a copy is not needed, and the memory is as slow or as fast for both.

# %%
for machine in gl.machines():
    if machine.kind == "gpu" and machine.link_bandwidth_bytes_per_s is None:
        rate = machine.memory_bandwidth_bytes_per_s / 1e9
        print(f"{machine.name}: {rate:.0f} GB/s for CPU and GPU together, data sheet")

# %% [markdown]
# Others have a wider road. NVLink once joined V100 cards to an IBM CPU at 67 GB/s (published), more than five times what PCIe 3.0 gives. Newer servers go further.

# %% [markdown]
# ## One claim
#
# Claim 7: *Data reaches a GPU through PCIe, which is slow.* Slow compared with what? The ledger keeps the number you found. Rate the claim again where your belief has changed.

# %%
rate = 2**24 / pinned_s
times_less = gpu.machine.memory_bandwidth_bytes_per_s / rate
memory = "ordinary" if gpu.kind == "webgpu" else "pinned"
finding = (
    f"from {memory} memory {rate / 1e9:.0f} GB/s cross, {times_less:.0f} times less than the card's own memory gives"
)
if gpu.machine.shares_memory_with_cpu:
    finding = f"CPU and GPU share one memory: a copy crosses no bus, and runs at {rate / 1e9:.1f} GB/s"
keep_evidence("06-bus", finding, str(gpu))

# %%
claims_ledger()

# %% [markdown]
# ## Remember
#
# - A copy costs latency + bytes / bandwidth. Small copies cost the same, whatever is in them.
# - Pinned memory spares large copies a detour. Small ones gain nothing.
# - Count the crossings of a step before you count its FLOP. Some of them do not look like copies.
# - Arithmetic grows with the square of the width, what has to cross only with the width.
# - Two streams hide copies behind work, if the host memory is pinned.

# %% [markdown]
# ## Without looking back
#
# 1. A program sends a thousand arrays of 1 kB each. What would you change, and what does it gain?
# 2. Why does a wide network lose less to the bus than a narrow one?
# 3. `if loss < best:` stands in a training loop. What does it cost on a GPU?
#
# <details><summary>Answers</summary>
#
# 1. Join them into one array: one latency instead of a thousand.
# 2. Twice the width is four times the arithmetic and twice the numbers that cross.
# 3. A copy of one number, and before it the host waits for all that is queued.
# </details>
#
# Before: [Arithmetic or memory](05_compute_and_bandwidth.ipynb). Next: [What fits?](07_memory_limits.ipynb)
