# %% [markdown]
# # Compute and bandwidth: arithmetic or memory?
#
# You will find out what a processor waits for, its memory or its arithmetic, from two numbers of a machine and one of the work.
#
# - **You will** bend a curve, measure your memory and its cache, draw the roof over a machine, find the batch at which a layer has enough arithmetic, and catch a benchmark that cannot be true.
# - **You need** lessons 01 and 03.
# - **Minutes** 50
#
# Before: [Inside the GPU](04_inside_the_gpu.ipynb). Next: [Crossing the bus](06_crossing_the_bus.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl
from gpu_lessons.exercises.compute_and_bandwidth import check_intensity, check_is_possible, check_ridge_batch
from gpu_lessons.lessons import ask, choose, claims_ledger, keep_evidence, numbers_in_time, reveal, reveal_choice

gpu, here = gl.gpu(), gl.this_machine().cpu
# A NameError further down? Run the cells above it first, this one too.
gl.say_devices(gpu)

# %% [markdown]
# ## The same bytes, more arithmetic
#
# Take four million numbers. Read each of them once, compute with it, write one number back. Computing means here: multiply and add, once, twice, or a thousand times.
#
# `Elementwise` is that work. The bytes stay, the arithmetic grows.

# %%
times = [2**power for power in range(11)]
works = [gl.Elementwise(2**22, multiply_adds=each) for each in times]
for work in (works[0], works[-1]):
    print(f"{work.multiply_adds:5,}: {work.bytes_moved / 1e6:.0f} MB moved, {work.flops / 1e6:7,.0f} MFLOP (counted)")

# %% [markdown]
# A thousand times the arithmetic. If arithmetic were all, the second would take a thousand times as long. If memory were all, it would take no longer at all.
#
# Something in between happens: the time stays flat, and then it bends upwards. Where? Bet once for the CPU of this machine, once for the GPU.

# %% tags=["predict"]
cpu_bet = ask("05-bend-cpu", "CPU: multiply-adds on each number at the bend", unit="multiply-adds", low=1, high=1024)

# %% tags=["predict"]
gpu_bet = ask("05-bend-gpu", "GPU: multiply-adds on each number at the bend", unit="multiply-adds", low=1, high=1024)

# %% [markdown]
# The clock first. A short call is repeated and the median taken; a long one is steady enough by itself.

# %%
from statistics import median
from time import perf_counter

import numpy as np


def seconds_of(call):
    """Return the seconds of one call, the median of nine where calls are short."""
    times_s = []
    while not times_s or (len(times_s) < 9 and sum(times_s) < 0.1):
        start_s = perf_counter()
        call()
        times_s.append(perf_counter() - start_s)
    return median(times_s)


# %% [markdown]
# On the CPU the work runs now, for real: a few seconds of it. Beside it the GPU, by its own clock if it is there, else predicted.

# %% tags=["measures"]
works[0].make(np)()  # warm-up
cpu_s = [seconds_of(work.make(np)) for work in works]
numbers = numbers_in_time(gpu, 2**22, multiply_adds=times[-1])
gpu_works = [gl.Elementwise(numbers, multiply_adds=each) for each in times]
if gpu.source == "measured":
    gpu_s = [gl.measure(work, device=gpu.kind, budget_s=0.1).median_s for work in gpu_works]
else:
    gpu_s = [gl.predict(work, gpu.machine).seconds for work in gpu_works]

# %% [markdown]
# The bend is where two straight lines meet: the flat one, as long as a single multiply-add takes, and the rising one, on which each multiply-add costs the same.


# %%
def bend(times_s):
    """Return the multiply-adds at which the flat line and the rising line meet."""
    return times_s[0] / (times_s[-1] / times[-1])


# %% tags=["reveal", "measures"]
reveal(cpu_bet, bend(cpu_s), f"measured, {here.name}")

# %% tags=["reveal", "measures"]
reveal(gpu_bet, bend(gpu_s), str(gpu))

# %% tags=["reveal", "measures"]
import matplotlib.pyplot as plt

print("Both lines:")
plt.style.use("gpu_lessons.charts.course")
plt.loglog(times, cpu_s, "o-", base=2, label=f"{here.name}, measured")
plt.loglog(times, gpu_s, "o-" if gpu.source == "measured" else "--", base=2, label=str(gpu))
plt.yscale("log", base=10)
plt.xlabel("multiply-adds on each number")
plt.ylabel("seconds")
plt.title(f"Bends at {bend(cpu_s):.0f} on the CPU and {bend(gpu_s):.0f} on the GPU")
plt.legend()
plt.show()

# %% [markdown]
# On the flat part the arithmetic is free. It hides behind the bytes: while some numbers are on their way, others are computed with. Right of the bend it is the bytes that hide.
#
# So the question *how fast is this machine?* has two answers, and which of them counts depends on the work.

# %% [markdown]
# One thing about the CPU's line. A GPU keeps a number in a register, its nearest store, for all its multiply-adds. NumPy has no such loop: for each multiply-add it passes once more over a block of numbers in its cache. A compiled program would bend later.

# %% [markdown]
# ## How fast is a memory?
#
# Now only reading: `x @ x` takes each number once and does next to nothing with it. Bytes over seconds is the **bandwidth**.
#
# Twice, with an array far larger than most caches, and with one that fits into a cache. How many times as fast is the small one read?

# %% tags=["predict"]
cache_guess = ask("05-cache", "Bandwidth of 256 kB divided by bandwidth of 256 MB", low=0.1, high=100)


# %% tags=["measures"]
def read_rate(n_bytes):
    """Return the bytes a second at which the CPU reads an array of so many bytes."""
    x = np.ones(n_bytes // 4, dtype="float32")
    x @ x
    return n_bytes / seconds_of(lambda: x @ x)


sizes = [2**power for power in range(18, 29, 2)]
rates = [read_rate(size) for size in sizes]

# %% tags=["reveal", "measures"]
then = f"{rates[0] / 1e9:.1f} GB/s against {rates[-1] / 1e9:.1f} GB/s."
reveal(cache_guess, rates[0] / rates[-1], f"measured, {here.name}", then)

# %% tags=["reveal", "measures"]
print("From a small array to a large one:")
told = f"{here.cache_bytes / 2**20:.0f} MB" if here.cache_bytes else "of unknown size"
print(f"The last cache of {here.name}: {told}")
for size, rate in zip(sizes, rates):
    print(f"{size / 2**20:8.2f} MB: {rate / 1e9:6.1f} GB/s, measured")

# %% [markdown]
# The second reading of a small array comes from the cache, which still holds it. Only an array several times as large as the last cache tells of the memory.
#
# A rented machine may have a share of a very large cache, and neighbours who want theirs. Then the step is low, or there is none.

# %% [markdown]
# That trap has caught people with better machines. Somebody reported 3,868 GB/s for the memory of an RTX 4090 (published, mli/transformers-benchmarks, issue 4). Here is what the data sheet says, and what the model says for arrays of three sizes.

# %%
card = gl.machine("nvidia-rtx-4090")
print(
    f"{card.name}: {card.memory_bandwidth_bytes_per_s / 1e9:,.0f} GB/s, data sheet; L2 {card.cache_bytes / 2**20:.0f} MB"
)
for power in (22, 24, 26):
    work = gl.Elementwise(2**power)
    rate = work.bytes_moved / gl.predict(work, card).seconds
    print(f"{work.bytes_moved / 2**20:5.0f} MB moved: {rate / 1e9:6,.0f} GB/s, predicted")

# %% [markdown]
# More than its memory can give is not a fast memory. It is another one: the array lay in the L2 cache of the chip.

# %% [markdown]
# ## A roof over a machine
#
# How many FLOP does some work do for each byte that it moves? That is its **arithmetic intensity**. One multiply-add is two FLOP, and eight bytes move for it: four in, four out.
#
# A machine has such a ratio too: what it can compute in a second over what it can move in a second.

# %%
t4 = gl.machine("nvidia-t4")
peak, bandwidth = t4.peak_flops_per_s["float32"], t4.memory_bandwidth_bytes_per_s
print(f"{t4.name}, data sheet: {peak / 1e12:.2f} TFLOP/s, {bandwidth / 1e9:.0f} GB/s")
print(f"{peak / bandwidth:.1f} FLOP for each byte")

# %% [markdown]
# Work with fewer FLOP a byte leaves its arithmetic waiting. Work with more leaves its memory waiting. The ratio at which both are busy is the **[ridge](glossary.ipynb#heading=Ridge)**.
#
# The bend of the first figure is such a ridge, found by trying. A quarter of the multiply-adds is the FLOP for each byte.

# %% tags=["measures"]
for source, times_s in ((str(gpu), gpu_s), (f"{here.name}, measured", cpu_s)):
    print(f"{bend(times_s) / 4:5.1f} FLOP a byte at the bend: {source}")

# %% [markdown]
# A bend lies left of the ridge of the data sheet where the arithmetic falls shorter of its peak than the memory of its own.
#
# Two numbers, then, give the best that any work can reach on a machine:


# %%
def roof(intensity, peak, bandwidth):
    """Return the FLOP/s that work of this intensity can reach at best."""
    return np.minimum(peak, intensity * bandwidth)


# %% [markdown]
# Draw it for your own CPU. The peak comes from a large product, which hardly touches memory. The bandwidth is the last one you measured. And there is a second roof, for numbers that are in the cache already.

# %% tags=["measures"]
product = gl.measure(gl.DenseForward(batch_size=1024, n_in=1024, n_out=1024), budget_s=0.3)
own_peak, own_bandwidth, own_cache = product.workload.flops / product.median_s, rates[-1], max(rates)
print(f"{here.name}, measured: {own_peak / 1e9:.0f} GFLOP/s, {own_bandwidth / 1e9:.1f} GB/s from memory")
print(f"{own_peak / own_bandwidth:.0f} FLOP for each byte at the ridge")

# %% [markdown]
# And under it your own layer, with batches of 1 to 256.

# %% tags=["measures"]
layers = [gl.DenseForward(batch_size=batch, n_in=2048, n_out=2048) for batch in (1, 4, 16, 64, 256)]
points = [gl.measure(layer, budget_s=0.1) for layer in layers]
reached = [point.workload.flops / point.median_s for point in points]

# %% tags=["measures"]
x = np.logspace(-1, 3, 100)
plt.loglog(x, roof(x, own_peak, own_bandwidth), label="roof: arithmetic and memory")
plt.loglog(x, roof(x, own_peak, own_cache), ":", color="C0", label="second roof: the cache")
plt.loglog([layer.arithmetic_intensity for layer in layers], reached, "o", color="C2", label="batch 1 to 256")
plt.xlabel("FLOP for each byte moved")
plt.ylabel("FLOP/s")
plt.title(f"{here.name}, measured")
plt.legend()
plt.show()

# %% [markdown]
# This figure is called a **roofline**. A dot under the slope waits for memory; a dot under the flat part has arithmetic to do. How far it hangs below the roof tells what is lost besides: calls, packing, cores that wait for each other.
#
# A dot above the slope reads from a cache. If dots scatter, something else ran on the machine.

# %% [markdown]
# ## Do it: where does a layer stand?
#
# Leave the bias out. A layer is then one product: the batch is read, the weights are read, the outputs are written, each number once. `size` is the number of bytes of a number.


# %% tags=["exercise"]
def intensity(batch, n_in, n_out, size):
    """Return the FLOP for each byte that moves."""
    ### BEGIN SOLUTION
    numbers = batch * n_in + n_in * n_out + batch * n_out
    return 2 * batch * n_in * n_out / (size * numbers)
    ### END SOLUTION


# %% tags=["check"]
check_intensity(intensity)

# %% [markdown]
# With one sample, each weight comes for a single multiply-add. With more samples the same weights serve all of them: their bytes are shared out.
#
# You know the T4's ridge. From what batch on does a layer of 2,048 neurons with 2,048 inputs have enough arithmetic for it, in float32?

# %% tags=["predict"]
batch_guess = ask("05-ridge-batch", "Smallest batch at the ridge", unit="samples", low=1, high=4096)

# %% [markdown]
# Write it for any layer and machine. Count the samples up until the intensity reaches the ridge, or solve for the batch.


# %% tags=["exercise"]
def ridge_batch(n_in, n_out, machine):
    """Return the smallest batch whose float32 intensity reaches the ridge of the machine."""
    ### BEGIN SOLUTION
    ridge = machine.peak_flops_per_s["float32"] / machine.memory_bandwidth_bytes_per_s
    batch = 1
    while intensity(batch, n_in, n_out, 4) < ridge:
        batch = batch + 1
    return batch
    ### END SOLUTION


# %% tags=["check"]
check_ridge_batch(ridge_batch)

# %% [markdown]
# The explorer counts the same. Ask it for the layer of the bet.

# %% tags=["reveal"]
from gpu_lessons.explorers.roofline import roofline_grid

grid = roofline_grid(gpu=t4, cpu=gl.machine("intel-core-i9-10900k"), dtype="float32")
reveal(batch_guess, grid.ridge_batch(width_log2=11), f"counted, data sheet of {t4.name}")

# %% [markdown]
# ## Slide it
#
# Below, that layer stands under two roofs at once. Push the batch up and follow both rings. Then make the layer narrow, and see how far to the right it still comes.

# %% tags=["explorer"]
gl.explore_roofline()

# %% [markdown]
# How to read it:
#
# - Solid lines are roofs, from data sheets where those are known; the dotted ones are the caches'. Dashed is predicted; filled dots are recorded.
# - Small numbers are batch sizes. The bar shares out what one call moves.
# - The last panel shows what the weights cost each sample: it falls while they are what the layer waits for.

# %% [markdown]
# With a running notebook there are pickers for machines and formats. Take float16: half the bytes, but on tensor cores so much more arithmetic that the ridge moves far to the right.

# %% tags=["predict"]
both = choose(
    "05-narrow",
    "A layer of 64 neurons with 64 inputs, a batch as large as you like, on the T4:",
    ("it reaches the ridge with a few hundred samples", "it never reaches the ridge"),
)

# %% tags=["reveal"]
endless = 2 * 64 * 64 / (4 * (64 + 64))
right = both.choices[endless < peak / bandwidth]
then = f"With endless samples it has {endless:.0f} FLOP a byte (counted); the ridge of the {t4.name} is at {peak / bandwidth:.0f}."
reveal_choice(both, right, then)

# %% [markdown]
# When the weights are shared by very many samples, they no longer count. What stays is the batch itself, read and written: width ÷ 4 FLOP a byte in float32. A narrow layer waits for memory with any batch.

# %% [markdown]
# ## Do it: a lie detector
#
# Two divisions judge a benchmark. Could the arithmetic have been done in that time, at the peak of the data sheet? Could the bytes have come, at its bandwidth?
#
# A machine computes while it reads. Use the peak for float32.


# %% tags=["exercise"]
def is_possible(flops, n_bytes, seconds, machine):
    """Return whether the machine can do so many FLOP and move so many bytes in these seconds."""
    ### BEGIN SOLUTION
    arithmetic = flops / seconds <= machine.peak_flops_per_s["float32"]
    memory = n_bytes / seconds <= machine.memory_bandwidth_bytes_per_s
    return arithmetic and memory
    ### END SOLUTION


# %% tags=["check"]
check_is_possible(is_possible)

# %% [markdown]
# Five real claims, all published by others. Two are bandwidths. Two are times of one layer, with 512 inputs, 1,024 outputs and 102,400 samples. The last is the time of a product of two 512 × 512 matrices.

# %%
from gpu_lessons.units import format_bytes, format_rate, format_time

layer = (2 * 102_400 * 512 * 1024, 4 * (102_400 * 512 + 512 * 1024 + 102_400 * 1024))
square = (2 * 512**3, 4 * 3 * 512**2)
layer_s = {each.machine: each.value for each in gl.published() if each.title == "linear layer on a GPU"}
claims = [
    ("RTX 4090 reads 3,868 GB/s (mli/transformers-benchmarks, issue 4)", 0, 3868e9, 1.0, "nvidia-rtx-4090"),
    ("RTX 4090, the layer (TristanBilot/mlx-benchmark)", *layer, layer_s["NVIDIA RTX 4090"], "nvidia-rtx-4090"),
    ("A100, the layer (TristanBilot/mlx-benchmark)", *layer, layer_s["NVIDIA A100"], "nvidia-a100-pcie-40gb"),
    ("H200 reads 9,800 GB/s, a set of 16 MB (gpu-benches)", 0, 9800e9, 1.0, "nvidia-h200-sxm"),
    ("GTX 1060, the product (arrayfire-python, issue 258)", *square, 75e-6, "nvidia-gtx-1080-ti"),
]
for said, flops, n_bytes, time_s, _ in claims:
    counted = f"{format_rate(flops, 'FLOP')} and {format_bytes(n_bytes)} in {format_time(time_s)}"
    print(f"{said}: {counted}")

# %% tags=["predict"]
liars = ask(
    "05-claims", "How many of the five cannot be true of the memory or the arithmetic", unit="claims", low=1, high=5
)

# %% [markdown]
# The course's own function judges them here, so that the answer stands even if yours is not written yet. The last claim is held against a GTX 1080 Ti: more than its smaller sister could ever do.

# %% tags=["reveal"]
from gpu_lessons.exercises.compute_and_bandwidth import is_possible as judged

verdicts = {said: judged(flops, n_bytes, time_s, gl.machine(slug)) for said, flops, n_bytes, time_s, slug in claims}
reveal(liars, list(verdicts.values()).count(False), "published claims against data sheets")

# %% tags=["reveal"]
print("The five verdicts:")
for said, possible in verdicts.items():
    print(f"{'possible  ' if possible else 'impossible'}  {said}")

# %% [markdown]
# Both bandwidths are those of an L2 cache. The second report says so and is right; the first one called it memory.
#
# The last claim passes, and is wrong all the same. Its author timed 128, 256, 384 and 512 square, got 91, 59, 60 and 75 µs (published), and saw a card that grew faster and faster. Sixty-four times the work in the same time: what was timed was the launch.

# %% [markdown]
# A detector finds what cannot be. Whether what could be also was, only a second measurement says: twice the work, twice the time?

# %% [markdown]
# ## More bandwidth
#
# In lesson 00 you rated nine claims. The third was: *a GPU reads its memory faster than a CPU reads its own*. The catalogue of this course has the data sheets of many of both.
#
# Take the fastest memory of each side. How many times as fast is the GPU's?

# %% tags=["predict"]
gap_guess = ask("05-gap", "Fastest GPU memory divided by fastest CPU memory", low=0.1, high=1000)

# %%
known = [each for each in gl.machines() if each.memory_bandwidth_bytes_per_s and each.launch_date]
gpus, cpus = ([each for each in known if each.kind == kind] for kind in ("gpu", "cpu"))
best_gpu, best_cpu = (max(each, key=lambda found: found.memory_bandwidth_bytes_per_s) for each in (gpus, cpus))
gap = best_gpu.memory_bandwidth_bytes_per_s / best_cpu.memory_bandwidth_bytes_per_s

# %% tags=["reveal"]
then = f"{best_gpu.name} against {best_cpu.name}."
reveal(gap_guess, gap, "data sheets", then)


# %% tags=["reveal"]
def is_desktop(machine):
    return any(word in machine.name for word in ("GTX", "RTX", "Core", "Ryzen"))


def draw(machines, label, **style):
    years = [int(each.launch_date[:4]) for each in machines]
    plt.semilogy(years, [each.memory_bandwidth_bytes_per_s / 1e9 for each in machines], ls="", label=label, **style)


print("Every data sheet of the catalogue:")
for color, side, machines in (("C0", "CPU", cpus), ("C1", "GPU", gpus)):
    draw([each for each in machines if is_desktop(each)], f"{side}, desktop", color=color, marker="o")
    others = [each for each in machines if not is_desktop(each)]
    draw(others, f"{side}, server or small board", color=color, marker="D", fillstyle="none")
plt.ylabel("GB/s, data sheet")
plt.xlabel("launched")
plt.ylim(30, 5e4)
plt.legend(ncols=2, loc="upper left")
plt.show()

# %% [markdown]
# Compare like with like: filled dots with filled dots, open ones with open ones, and machines of about the same years. In both classes most GPUs lie far above the CPUs. Not all: the smallest boards, the teal diamonds at the bottom, have no more than a server's CPU.
#
# The memory of a GPU is soldered beside the chip, over wires by the thousand. That makes it fast, and small: lesson 07.

# %% tags=["reveal", "measures"]
print("Found in this lesson:")
gpu_rate = gpu_works[0].bytes_moved / gpu_s[0]
finding = f"the GPU moves {gpu_rate / 1e9:,.0f} GB/s and this CPU {own_bandwidth / 1e9:.0f}: {gpu_rate / own_bandwidth:.0f} times as many"
keep_evidence("05-bandwidth", finding, f"{gpu}; {here.name}, measured")

# %%
claims_ledger()

# %% [markdown]
# ## Why a small card slows down
#
# One thing no roof shows: heat. A lane that computes takes more power than one that waits for memory. Some cards may take little: they sit in a server without a fan of their own, or without a cable for more.

# %%
for slug in ("nvidia-rtx-4090", "nvidia-t4"):
    print(f"{gl.machine(slug).name}: {gl.machine(slug).power_w:.0f} W, data sheet")

# %% [markdown]
# Back to the multiply-adds, on the T4. Right of the bend its arithmetic is busy. With two, four, eight times as many of them the call lasts longer and longer. What happens to the FLOP/s?

# %% tags=["predict"]
slower = choose(
    "05-power",
    "From 128 to 4,096 multiply-adds on each number, the T4's FLOP/s",
    ("keep rising", "stay the same", "fall"),
)

# %% tags=["reveal"]
longer = [gl.Elementwise(2**22, multiply_adds=2**power) for power in range(7, 13)]
seconds = [gl.predict(work, t4).seconds for work in longer]
flops_per_s = [work.flops / each for work, each in zip(longer, seconds)]
change = flops_per_s[-1] / flops_per_s[0]
right = "fall" if change < 0.95 else "keep rising" if change > 1.05 else "stay the same"
reveal_choice(slower, right, f"Predicted, {t4.name}.")

# %% tags=["reveal"]
print("More and more arithmetic on the same numbers:")
for work, time_s, rate in zip(longer, seconds, flops_per_s):
    print(f"{work.multiply_adds:5,}: {time_s * 1e3:6.2f} ms, {rate / 1e12:.2f} TFLOP/s, predicted")
for each in gl.machines():
    if each.throttled_share:
        after_ms, share = each.throttles_after_s * 1e3, each.throttled_share
        print(f"{each.name}, {each.power_w:.0f} W: after {after_ms:.1f} ms of arithmetic {share:.0%} of its rate")
print("Source:", t4.sources["throttled_share"])

# %% [markdown]
# When a chip has reached the power that it may take, it lowers its clock until the power fits. A short kernel is over before that. So the peak of a small card holds for moments, and a benchmark of short kernels shows more than a training will.

# %% [markdown]
# ## Remember
#
# - Work has a number: FLOP for each byte. A machine has one too, its ridge. The smaller of the two decides.
# - Left of the ridge arithmetic is free; right of it bytes are.
# - The batch shares out the weights. That is what moves a layer to the right.
# - A bandwidth above the data sheet is a cache. Measure with arrays several times as large.
# - What breaks a roof is impossible. What stays below may still be wrong.

# %% [markdown]
# ## Without looking back
#
# 1. Two kernels run over one array, one adding, one multiplying. You join them into one. What is saved, and what is not?
# 2. A card has twice the FLOP/s of yours and the same bandwidth. Which layers gain?
# 3. A benchmark of a 64 kB array shows 400 GB/s on a laptop. What was measured?
#
# <details><summary>Answers</summary>
#
# 1. The array is read and written once instead of twice. The arithmetic stays, and was free.
# 2. Those right of its new ridge, which lies twice as far right. A batch of one gains nothing.
# 3. A cache.
# </details>
#
# Before: [Inside the GPU](04_inside_the_gpu.ipynb). Next: [Crossing the bus](06_crossing_the_bus.ipynb)
