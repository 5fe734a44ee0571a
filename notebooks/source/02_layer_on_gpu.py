# %% [markdown]
# # The layer on the GPU: does moving it make it faster?
#
# You will move a layer to a GPU, be fooled by your own clock, and correct it step by step until the number is true.
#
# - **You will** move arrays between two memories, write an honest timer, find an array on the wrong side, and compare results that were added in another order.
# - **You need** the layer of lesson 01. No GPU: without one, the course simulates it.
# - **Minutes** 45
#
# Before: [From a neuron to a layer](01_neuron_to_layer.ipynb). Next: [Batch and width](03_batch_and_width.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl
from gpu_lessons.lessons import ask, choose, reveal, reveal_choice, samples_in_time
from gpu_lessons.exercises.layer_on_gpu import check_epoch_on_gpu, check_time_forward

gpu = gl.gpu()
# A NameError further down? Run the cells above it first, this one too.
gl.say_devices(gpu)

# %% [markdown]
# If that line says *simulated*, the [GPU below](glossary.ipynb#heading=Simulated-GPU) computes its numbers with NumPy on this machine, and its clock follows a model of the named card. A cell may then last longer than its clock says. With a CUDA device the same cells run on it, and with another GPU through [WebGPU](glossary.ipynb#heading=WebGPU); the clock is then real.

# %% [markdown]
# ## Two memories
#
# The CPU and its memory are called the host, the GPU and its memory the device. A function that runs on the device is a kernel. The arrays it works on lie in device memory.
#
# First the host: the layer of lesson 01, with 1,024 samples and 2,048 neurons. (A GPU that would need long for them gets fewer, and the cell says so.)

# %%
import numpy as np

from gpu_lessons.nn import Dense

samples = samples_in_time(gpu, 1024, width=2048)
rng = np.random.default_rng(0)
x_host = rng.standard_normal((samples, 2048), dtype="float32")
layer_host = Dense(2048, 2048)
y_host = layer_host.forward(x_host)

# %% [markdown]
# To move it, give the layer `gpu.xp` in the place of NumPy: the same functions, for arrays on the device. The weights come from the same seed, so they are the same weights.

# %%
layer = Dense(2048, 2048, xp=gpu.xp)
x = gpu.to_device(x_host)
print(x.shape, "on", x.device)

# %% [markdown]
# From here on you write what you wrote before. The product is computed where its operands live, and stays there. `.get()` brings it back.

# %%
product = x @ layer.weight
print(product.shape, "on", product.device)
print(type(product.get()))

# %% [markdown]
# ## The clock stops too early
#
# How long does the host need? `measure` throws the first calls away, repeats, and takes the middle, as in lesson 01.

# %% tags=["measures"]
work = gl.DenseForward(batch_size=samples, n_in=2048, n_out=2048)
cpu = gl.measure(work)
source = f"{gpu}; {cpu.machine}, measured"
print(cpu)

# %% [markdown]
# For comparison, the same layer as it was recorded on a small machine in a data centre.

# %%
recording = gl.load_recording("amd-epyc-2-cores-2026-11-25")
print(*[point for point in recording.measurements if point.workload == work], sep="\n")

# %% [markdown]
# Now the GPU, timed the way one times anything: read the clock, multiply, read the clock. The product alone, for now; the bias is hardly any work.
#
# How many times as fast is it?

# %% tags=["predict"]
speedup_guess = ask("02-speedup", "CPU time divided by GPU time", low=0.01, high=100_000)

# %%
start_s = gpu.perf_counter()
product = x @ layer.weight
asked_s = gpu.perf_counter() - start_s

# %% tags=["reveal", "measures"]
then = f"The clock said {asked_s * 1e6:,.1f} µs."
reveal(speedup_guess, cpu.median_s / asked_s, source, then)

# %% [markdown]
# Divide before you believe it. The product takes 2 × samples × 2,048 × 2,048 FLOP. The data sheet of a card says how many it can do in a second, at the very best; of a GPU without one, a first look was measured.

# %%
best_s = 2 * samples * 2048 * 2048 / gpu.machine.peak_flops_per_s["float32"]
print(f"{gpu.machine.name} at its peak needs {best_s * 1e6:,.0f} µs.")

# %% [markdown]
# Even a perfect card needs far longer than your clock said. So what was it that took so little time?

# %% tags=["predict"]
what = choose(
    "02-what",
    "Between the two readings, the clock saw",
    ("the multiplication", "the asking for a multiplication", "the numbers moving to the GPU"),
)

# %% tags=["reveal"]
reveal_choice(what, what.choices[1])

# %% [markdown]
# The call put the product into a queue and returned. Such a call is **[asynchronous](glossary.ipynb#heading=Asynchronous)**. The asking is a **[launch](glossary.ipynb#heading=Launch)**, and what it costs the host is the **launch overhead**.
#
# The queue is called a **[stream](glossary.ipynb#heading=Stream)**. The device works through it in order, and the host can fill it meanwhile.
#
# `gpu.synchronize()` [lets the host wait](glossary.ipynb#heading=Synchronize) until the device has nothing left to do.

# %%
gpu.synchronize()
start_s = gpu.perf_counter()
product = x @ layer.weight
gpu.synchronize()
waited_s = gpu.perf_counter() - start_s
print(f"{waited_s * 1e6:,.0f} µs on {gpu}: {best_s / waited_s:.0%} of its peak")

# %% [markdown]
# Compare with the perfect card above. This number is possible. How near it comes to the perfect card, the kernel decides. A maker's library has one for each card; through WebGPU the course multiplies with its own, which comes less near.

# %% [markdown]
# Below is one call of the layer, which is two kernels: the product (*matmul*) and the addition of the bias (*add*). Host time runs on top, device time underneath. Drag the batch and change how the clock is read. Which of the two times was it reading?
#
# With a running notebook the slider obeys the arrow keys. On a saved page use the mouse, or Page Up and Page Down.

# %% tags=["explorer"]
gl.explore_timeline()

# %% [markdown]
# Without waiting, the clock says the same for every batch: two launches. How long the device works does not matter to it.
#
# With both copies nobody has to call `synchronize`. The host cannot hand out the numbers before they are there, so `.get()` waits.

# %% [markdown]
# What is in such a launch? A kernel that adds two numbers has nothing to do but be launched. Here are a hundred of them, not waited for, and under them what others measured without Python.

# %%
number = gpu.xp.ones(1, dtype="float32")
number + number
gpu.synchronize()
start_s = gpu.perf_counter()
for _ in range(100):
    number + number
call_s = (gpu.perf_counter() - start_s) / 100
card = gpu.machine if gpu.machine.launch_overhead_s else gl.machine("nvidia-t4")
print(f"a call from Python, until it returns: {call_s * 1e6:.1f} µs on {gpu}")
print(f"a launch without Python, and waiting for it: {card.launch_overhead_s * 1e6:.1f} µs on {card.name}")
print(f"published: {card.sources['launch_overhead_s']}")

# %% [markdown]
# Nobody waited for the calls above, and the launch without Python includes the wait. So most of such a call is Python: it finds the kernel for these arrays, asks for memory for the result, and only then has the driver launch. Where the course times a *launch*, the whole call is meant.

# %% [markdown]
# ## Now with the bias
#
# So far you timed the product alone. Now the whole layer, and this time you wait.
#
# The bias adds one addition for every 4,096 FLOP of the product. How long does the layer take?

# %% tags=["predict"]
first = choose(
    "02-first",
    "The layer, called for the first time, compared with the product:",
    ("hardly longer", "about twice as long", "many times as long"),
)

# %%
gpu.synchronize()
start_s = gpu.perf_counter()
y = layer.forward(x)
gpu.synchronize()
first_s = gpu.perf_counter() - start_s

# %% tags=["reveal"]
longer = first_s / waited_s
seen = "many times as long" if longer > 3 else "about twice as long" if longer > 1.5 else "hardly longer"
reveal_choice(first, seen, f"It took {first_s * 1e3:,.1f} ms on {gpu}.")

# %% [markdown]
# Call it again, with the very same lines.

# %%
gpu.synchronize()
start_s = gpu.perf_counter()
y = layer.forward(x)
gpu.synchronize()
second_s = gpu.perf_counter() - start_s
print(f"{second_s * 1e3:,.2f} ms on {gpu}")

# %% [markdown]
# The addition had to be compiled for this card. [CuPy](glossary.ipynb#heading=CuPy), the NumPy of NVIDIA GPUs, does that when an operation is first called, and keeps what it compiled. It keeps it on disk too: with CUDA the first call is this slow only the first time you run the lesson. Beside a product that takes long, compiling hardly shows.
#
# The product comes ready-made from a library, [cuBLAS](glossary.ipynb#heading=cuBLAS). A CUDA device has to load it once, and did so in the first section. Through WebGPU the product is the course's own, and was compiled there.

# %% [markdown]
# So one call goes before the clock starts. It is the **[warm-up](glossary.ipynb#heading=Warm-up)**, and its time is thrown away.

# %% [markdown]
# **Do it.** Write a timer for one forward pass that is warm and complete. Of the lines you have seen, one must stand in two places: something else may still be in the queue when your clock starts.


# %% tags=["exercise"]
def time_forward(gpu, layer, x):
    """Return the seconds of one layer.forward(x), warm and waited for."""
    ### BEGIN SOLUTION
    layer.forward(x)
    gpu.synchronize()
    start_s = gpu.perf_counter()
    layer.forward(x)
    gpu.synchronize()
    return gpu.perf_counter() - start_s
    ### END SOLUTION


# %% tags=["check"]
check_time_forward(time_forward)

# %% [markdown]
# Once is an anecdote. A GPU changes its clock rate with its temperature, and other programs interrupt the host. So repeat, and take the **[median](glossary.ipynb#heading=Median)**, the middle one. (The simulated GPU repeats itself exactly; that is not a virtue of your timing.)

# %%
times_s = []
for _ in range(10):
    gpu.synchronize()
    start_s = gpu.perf_counter()
    y = layer.forward(x)
    gpu.synchronize()
    times_s.append(gpu.perf_counter() - start_s)
median_s = float(np.median(times_s))
print(f"{min(times_s) * 1e3:.2f} to {max(times_s) * 1e3:.2f} ms, median {median_s * 1e3:.2f} ms on {gpu}")

# %% [markdown]
# Now the speed-up can be named.

# %% tags=["measures"]
from gpu_lessons.units import format_factor

print(f"{format_factor(cpu.median_s / median_s)} as fast ({source})")

# %% [markdown]
# ## With the bus
#
# The batch was on the device already, and the result stayed there. In many programs both cross the bus between host and device, every time.
#
# What is left of the speed-up?

# %% tags=["predict"]
bus_guess = ask("02-bus", "CPU time divided by GPU time with both copies", low=0.01, high=1000)

# %%
gpu.synchronize()
start_s = gpu.perf_counter()
y_back = layer.forward(gpu.to_device(x_host)).get()
bus_s = gpu.perf_counter() - start_s

# %% tags=["reveal", "measures"]
then = f"With both copies it took {bus_s * 1e3:.2f} ms."
reveal(bus_guess, cpu.median_s / bus_s, source, then)
if gpu.machine.shares_memory_with_cpu:
    print("Host and device share one memory here: the numbers crossed no bus, but were copied all the same.")

# %% [markdown]
# Five readings, and each of them was on the clock. Here they are together, with the speed-up each would have let you announce.

# %% tags=["measures"]
ladder = {
    "product, not waited for": asked_s,
    "layer, first call": first_s,
    "layer, second call": second_s,
    "layer, median of ten": median_s,
    "layer and both copies": bus_s,
}
speedups = [cpu.median_s / time_s for time_s in ladder.values()]
print(source)
for (name, time_s), speedup in zip(ladder.items(), speedups):
    print(f"{name:24}{time_s * 1e3:9.3f} ms {format_factor(speedup):>10}")

# %% tags=["measures"]
import matplotlib.pyplot as plt

gl.say_spread([cpu])
plt.style.use("gpu_lessons.charts.course")
plt.barh(list(ladder), [speedup - 1 for speedup in speedups], left=1, color="C1")
plt.axvline(1, color="C0")
plt.xscale("log")
plt.gca().xaxis.set_major_formatter("{x:,g}")
plt.gca().invert_yaxis()
plt.xlabel(f"times as fast as {cpu.machine}, measured")
plt.title(f"One layer, five speed-ups: {gpu}")
plt.show()

# %% [markdown]
# Two of them are answers. The median of ten is the answer for data that stays on the device, the last one for data that comes and goes. The first two are mistakes that look like answers, and the third is one call: it may be right, but nothing says so.
#
# A speed-up without a word on the CPU, on waiting, warm-up and copies says nothing.

# %% [markdown]
# ## Host and device do not mix
#
# Here is a small training loop; what it learns does not matter now. Look only at where each array lives.


# %%
def mixed_epoch(gpu, weight, x, target):
    x = gpu.to_device(x)
    for start in range(0, len(x), 64):
        rows = slice(start, start + 64)
        error = x[rows] @ weight - target[rows]
        weight = weight - 0.001 * (x[rows].T @ error)
    return weight


# %%
inputs = rng.standard_normal((256, 8), dtype="float32")
target = rng.standard_normal((256, 2), dtype="float32")
weight = gpu.xp.zeros((8, 2), dtype="float32")
try:
    mixed_epoch(gpu, weight, inputs, target)
except TypeError as error:
    print("TypeError:", error)

# %% [markdown]
# A NumPy array met a device array. CuPy could have copied it for you. It refuses: a hidden copy in a loop can cost more than the arithmetic.
#
# **Do it.** Write the loop again without the mix. The weight stays on the device, and nothing crosses the bus more often than it must.


# %% tags=["exercise"]
def epoch_on_gpu(gpu, weight, x, target):
    """Return what mixed_epoch was meant to return, on the device."""
    ### BEGIN SOLUTION
    x = gpu.to_device(x)
    target = gpu.to_device(target)
    for start in range(0, len(x), 64):
        rows = slice(start, start + 64)
        error = x[rows] @ weight - target[rows]
        weight = weight - 0.001 * (x[rows].T @ error)
    return weight
    ### END SOLUTION


# %% tags=["check"]
check_epoch_on_gpu(epoch_on_gpu)

# %% [markdown]
# The other error you will meet: [device memory is full](glossary.ipynb#heading=Out-of-memory). Ask for a quarter more than the card holds.

# %%
try:
    gpu.xp.zeros(gpu.memory.capacity_bytes * 5 // 4, dtype="uint8")
except MemoryError as error:
    print(f"{type(error).__name__}: {error}")

# %% [markdown]
# Nothing is lost by that. Your arrays are where they were, and a smaller request works. Lesson 07 is about what fits.

# %%
small = gpu.xp.ones(1000, dtype="float32")
print(float(small.sum()), "and the layer is still on", layer.weight.device)

# %% [markdown]
# ## The same numbers?
#
# A fast wrong result is worthless, so compare what came back with what the host computed.

# %%
np.allclose(y_back, y_host, atol=1e-4)

# %% [markdown]
# Why not `==`? The library on a GPU cuts a product into other pieces than the one on a CPU, so each sum is added up in another order.
#
# The simulated GPU cannot show that: it multiplies with the same NumPy. But you can. Sum over the first half of the inputs, then over the second half, and add the two. GPU libraries do this too.

# %% tags=["predict"]
bits = choose(
    "02-bits",
    "The results of this product, each added up in two halves instead of in one go:",
    ("all of them stay equal", "many differ in the last digits", "many differ in the first digits"),
)

# %%
w = layer_host.weight
whole = x_host @ w
halves = x_host[:, :1024] @ w[:1024] + x_host[:, 1024:] @ w[1024:]

# %% tags=["reveal", "measures"]
most = np.abs(halves - whole).max()
then = f"{np.mean(halves != whole):.0%} differ, by at most {most:.1e} (computed on {cpu.machine})."
same = np.array_equal(halves, whole)
close = np.allclose(halves, whole, atol=1e-4)
right = "all of them stay equal" if same else f"many differ in the {'last' if close else 'first'} digits"
reveal_choice(bits, right, then)

# %% [markdown]
# A float32 number has about seven digits, and every addition rounds. `==` asks whether both sides rounded alike. `allclose` asks whether they agree as far as the format can tell.
#
# Give it an absolute tolerance as well. Results near zero are small differences of large sums; their first digits may already be rounding.

# %% [markdown]
# ## Remember
#
# - Host and device have separate memories. Arrays cross with `to_device` and `.get()`, never by themselves.
# - A call returns before the device is done. Synchronize before each reading of the clock.
# - The first call compiles. Warm up, repeat, take the median.
# - Say whether the copies are in your number.
# - Another order of additions gives other last digits: `allclose`, not `==`.

# %% [markdown]
# ## Without looking back
#
# 1. A product of two matrices takes a few microseconds on your clock, whatever their size. What did you time?
# 2. Why must the device be waited for *before* the first reading as well?
# 3. When is the speed-up without copies the right one to report?
#
# <details><summary>Answers</summary>
#
# 1. The launch. Nobody waited for the product.
# 2. Work queued earlier would still be running, and your clock would count it.
# 3. When the data is on the device already and the result stays there, as between the layers of a network.
# </details>
#
# Before: [From a neuron to a layer](01_neuron_to_layer.ipynb). Next: [Batch and width](03_batch_and_width.ipynb)
