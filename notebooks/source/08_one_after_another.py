# %% [markdown]
# # One after another: what is a GPU bad at?
#
# You will give a GPU work in which each step needs the last, see it lose, and find out how much of that is the fault of its clock.
#
# - **You will** predict who wins a chain, find the width at which that turns, run many sequences side by side, make one kernel of ten, weigh a lane against a thread, and measure how much of a layer your CPU's cores can share.
# - **You need** lessons 01 to 04. No GPU: without one, the course simulates it.
# - **Minutes** 45
#
# Before: [What fits?](07_memory_limits.ipynb). Next: [Learning](09_learning.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl
from gpu_lessons.exercises.one_after_another import check_crossover_width, check_one_kernel, check_side_by_side
from gpu_lessons.lessons import ask, choose, claims_ledger, keep_evidence, reveal, reveal_choice

gpu, cpu = gl.machine("nvidia-t4"), gl.machine("amd-ryzen-9-7950x")
# A NameError further down? Run this cell first.
gl.say_devices(gpu)

# %% [markdown]
# ## A chain
#
# Take 64 numbers and multiply them by a factor, a thousand times. Each multiplication needs the result of the one before. Call that a **[chain](glossary.ipynb#heading=Chain)**: it has *steps*, here 1,000, and a *width*, here 64.

# %%
chain = gl.DependentChain(steps=1000, width=64)
on_cpu = gl.predict(chain, cpu)
print(on_cpu)

# %% [markdown]
# The GPU has thousands of lanes, and 64 of them get a number. How many times as fast is it? Below 1 means slower.

# %% tags=["predict"]
chain_guess = ask("08-chain", "CPU time divided by GPU time, 1,000 steps of 64 numbers", low=0.001, high=1000)

# %% tags=["reveal"]
on_gpu = gl.predict(chain, gpu)
reveal(chain_guess, on_cpu.seconds / on_gpu.seconds, f"predicted, {gpu.name} against {cpu.name}")

# %% tags=["reveal"]
print("The chain on the GPU:")
print(on_gpu)

# %% [markdown]
# Nearly all of it is the launch. Each step is a kernel of its own, and a kernel is asked for by the host, in microseconds. A CPU calls a function instead.
#
# Here is the same on real machines, each recorded with its own clock.

# %% tags=["reveal"]
print("A thousand steps of one number:")
for slug in gl.recordings():
    for each in gl.load_recording(slug).measurements:
        if each.workload == gl.DependentChain(steps=1000, width=1):
            print(each)

# %% [markdown]
# Now the other way round. Make the chain sixteen times as wide: 1,024 numbers in each step. How many times as long does the GPU take?

# %% tags=["predict"]
wider_guess = ask("08-wider", "GPU time for width 1,024 divided by that for width 64", low=0.1, high=100)

# %% tags=["reveal"]
wider = gl.predict(gl.DependentChain(steps=1000, width=1024), gpu)
reveal(wider_guess, wider.seconds / on_gpu.seconds, f"predicted, {gpu.name}")

# %% [markdown]
# Width is free, until the numbers of one step take longer than its launch. Steps are never free.
#
# The CPU pays less for a step, and something for every number. So there is a width at which both take equally long.

# %% [markdown]
# ## Do it: predict the crossover
#
# On the CPU, a step costs a call, and a time for each number. On the GPU it costs a launch, and at first nothing more.
#
# Return the width at which both machines need equally long, from these three times. If the GPU wins at any width, return 0.


# %% tags=["exercise"]
def crossover_width(steps, launch_s, call_s, number_s):
    """Return the width at which a chain takes equally long on GPU and CPU."""
    ### BEGIN SOLUTION
    # steps * launch_s = steps * (call_s + width * number_s)
    return max(0, (launch_s - call_s) / number_s)
    ### END SOLUTION


# %% tags=["check"]
check_crossover_width(crossover_width)

# %% [markdown]
# Try it on your own CPU. Two chains tell its two times: one of a single number, and one of 65,536. The launch is that of the T4.

# %% tags=["measures"]
narrow, wide = (gl.measure(gl.DependentChain(steps=100, width=n), budget_s=0.3).median_s / 100 for n in (1, 65536))
launch_s = on_gpu.seconds / 1000
print(
    f"A step on {gl.this_machine().cpu.name}, measured: {narrow * 1e6:.2f} µs for one number, {wide * 1e6:.1f} µs for 65,536."
)
print(f"A launch, predicted, {gpu.name}: {launch_s * 1e6:.1f} µs.")

# %% tags=["measures"]
number_s = (wide - narrow) / 65535
print("Call this, once the exercise is done: crossover_width(1000, launch_s, narrow, number_s)")

# %% [markdown]
# ## A cell with a memory
#
# Chains are no curiosity. A **[recurrent layer](glossary.ipynb#heading=Recurrent-layer)** reads a text word by word. At each time step it takes the next input and its own last **state**, and computes the next state. Long before today's language models, this is how text and speech were read.

# %%
for n in (1, 16, 256):
    work = gl.RecurrentForward(steps=100, batch_size=n, n_in=64, n_out=256)
    print(f"{n:3} sequences: {len(work.kernels)} kernels, {work.flops / 1e6:,.0f} million FLOP")

# %% [markdown]
# One sequence of 100 time steps takes the GPU some milliseconds. Give it 256 sequences instead of one. What happens to its time?

# %% tags=["predict"]
batch_choice = choose(
    "08-batch",
    "256 sequences instead of one. The GPU needs",
    ("about 256 times as long", "about 16 times as long", "about as long as for one"),
)

# %% tags=["reveal"]
one, many = (gl.predict(gl.RecurrentForward(100, n, 64, 256), gpu).seconds for n in (1, 256))
grows = many / one > 4  # the choices are far apart
said = f"{many * 1e3:.1f} ms for 256, {one * 1e3:.1f} ms for one (predicted, {gpu.name})."
reveal_choice(batch_choice, "about 16 times as long" if grows else "about as long as for one", said)

# %% [markdown]
# Time steps wait for each other. Sequences do not. But a program has to say so, and this one does not: it takes one sequence after another. Count its launches on the simulated GPU.


# %%
def one_by_one(xp, x, w, u, b, start):
    """Return the last state of each sequence: x is (steps, batch, n_in), start is (batch, n_out)."""
    states = []
    for sequence in range(x.shape[1]):
        h = start[sequence]
        for t in range(x.shape[0]):
            h = xp.tanh(x[t, sequence] @ w + h @ u + b)
        states.append(h)
    return xp.stack(states)


# %%
import numpy as np

from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.exercises.one_after_another import launches

twin = SimulatedGpu(gpu)
rng = np.random.default_rng(8)
shapes = ((20, 32, 64), (64, 256), (256, 256), (256,), (32, 256))
arrays = [twin.to_device((0.1 * rng.standard_normal(shape)).astype("float32")) for shape in shapes]


# %%
def counted(function, *arguments):
    """Say how many kernels a call launches on the simulated GPU, and how long it takes."""
    function(twin.xp, *arguments)  # compiles
    twin.synchronize()
    twin.timeline.spans.clear()
    start_s = twin.perf_counter()
    function(twin.xp, *arguments)
    twin.synchronize()
    print(f"{launches(twin):,} launches, {(twin.perf_counter() - start_s) * 1e3:.2f} ms ({twin})")


counted(one_by_one, *arrays)

# %% [markdown]
# ## Do it: side by side
#
# Write it again, so that all sequences take each time step together. Only one of the two loops has to stay. `x[t]` has shape (batch, n_in).


# %% tags=["exercise"]
def side_by_side(xp, x, w, u, b, start):
    """Return what one_by_one returns, with no loop over the sequences."""
    ### BEGIN SOLUTION
    h = start
    for t in range(x.shape[0]):
        h = xp.tanh(x[t] @ w + h @ u + b)
    return h
    ### END SOLUTION


# %% tags=["check"]
check_side_by_side(side_by_side)

# %% [markdown]
# Call `counted(side_by_side, *arrays)` and compare. What is left are the time steps. No width and no batch removes them: that takes another network, which is one reason why language models no longer read word by word while they learn.

# %% [markdown]
# ## Ten small kernels
#
# Steps cost launches also where no loop is to be seen. Here is a bend for a layer's outputs, smoother than ReLU, and after it the input is added again. How many kernels does this launch?


# %%
def ten_kernels(xp, x):
    """Return a smooth bend of x, plus x."""
    inner = 0.8 * (x + 0.045 * x * x * x)
    return x + 0.5 * x * (1 + xp.tanh(inner))


# %%
x = twin.to_device(rng.standard_normal((256, 1024), dtype="float32"))
counted(ten_kernels, x)

# %% [markdown]
# Each `+` and `*` is a launch, reads its arrays from memory, and writes a new one. Nothing between them needs another number of the array.
#
# To **[fuse](glossary.ipynb#heading=Fusing)** is to make one kernel of them: each lane reads its number, does all ten operations, and writes once. CuPy's `xp.fuse()` does it to a function.

# %% [markdown]
# ## Do it: one kernel
#
# Return what `ten_kernels` returns, with a single launch. `fused = xp.fuse()(function)` gives you the function as one kernel.


# %% tags=["exercise"]
def one_kernel(xp, x):
    """Return what ten_kernels returns, in one launch."""

    ### BEGIN SOLUTION
    @xp.fuse()
    def fused(x):
        return ten_kernels(xp, x)

    return fused(x)
    ### END SOLUTION


# %% tags=["check"]
check_one_kernel(one_kernel)

# %% [markdown]
# Compare `counted(one_kernel, x)` with the ten. Compilers for deep learning do this by themselves, and gain most where arrays are small.

# %% [markdown]
# ## One thread against one lane
#
# Suppose launches cost nothing. Then a chain of width 1 is one CPU thread against one GPU lane. The article behind this course says: *a GPU's clock is a third of a CPU's, so steps in sequence are slower*.
#
# A thread has a vector unit. While one lane does one multiply-add, how many does one core of this CPU do, at its best?

# %% tags=["predict"]
lane_guess = ask("08-lane", "Arithmetic of one CPU core divided by that of one lane", low=0.1, high=1000)

# %% tags=["reveal"]
core_flops = cpu.peak_flops_per_s["float32"] / cpu.cores
lane_flops = 2 * gpu.clock_hz  # one multiply-add a clock
reveal(lane_guess, core_flops / lane_flops, f"data sheets, {cpu.name} against a lane of {gpu.name}")

# %% [markdown]
# That is far more than the clock. Waiting is the other half. A step often needs a number whose place the last step has told, as in a list or a tree. The time from asking to having it is the **latency** of lesson 04.
#
# Others have measured it: one load that needs the one before.

# %% tags=["reveal"]
loads = [each for each in gl.published() if each.title.startswith("one load after another")]
print("From asking to having a number:")
for each in loads:
    print(f"{each.title.partition(', ')[2]:18} {each.machine:22} {each.value * 1e9:5.1f} ns, published: {each.credit}")


# %% tags=["reveal"]
def load_s(place, on_gpu):
    """Return the published seconds of a load: the shortest of GPUs, the longest of CPUs, to be fair to the GPU."""
    found = [each.value for each in loads if each.title.endswith(place) and ("NVIDIA" in each.machine) == on_gpu]
    return min(found) if on_gpu else max(found)


ratios = {
    "clock": cpu.clock_hz / gpu.clock_hz,
    "a number from memory": load_s("memory", True) / load_s("memory", False),
    "a number from cache": load_s("nearest cache", True) / load_s("nearest cache", False),
    "arithmetic": core_flops / lane_flops,
}
print("How many times as fast as one lane is one CPU thread?")
for name, ratio in ratios.items():
    print(f"  {name:22} {ratio:5.1f} times")

# %% [markdown]
# So the sentence is right, and its *so* is wrong. The clock is the small part. Its cache is far away and a lane has no vector unit: these cost many times more. And memory would be late at any clock.
#
# A GPU is built for that: while one warp waits, others work. With a single chain there are no others.

# %% [markdown]
# ## What cannot be shared
#
# Few programs are only a chain, and few are none. Say that 90 % of a program's time can be shared by any number of cores, lanes or cards, and 10 % cannot.
#
# How many times as fast is it at most, with as many as you like?

# %% tags=["predict"]
limit_guess = ask("08-limit", "90 % of the time can be shared: at most how many times as fast", low=1, high=10_000)

# %% tags=["reveal"]
reveal(limit_guess, 1 / (1 - 0.9), "counted")

# %% [markdown]
# The 10 % stay, so a tenth of the time stays. That is **[Amdahl's law](glossary.ipynb#heading=Amdahl)**: if a part *p* of the time is shared by *n*, what is left is (1 - *p*) + *p* / *n*, and the speed-up is 1 over that.
#
# Measure it on your own layer: BLAS shares a product between CPU threads.

# %% tags=["measures"]
layer = gl.DenseForward(batch_size=128, n_in=1024, n_out=1024)
here, most = gl.this_machine().cpu.name, gl.this_machine().usable_cores
counts = sorted({1, 2, most // 2, most} & set(range(1, most + 1)))
times = {n: gl.measure(layer, budget_s=0.3, threads=n).median_s for n in counts}
for n, time_s in times.items():
    print(f"{n} of {most} threads: {time_s * 1e3:.2f} ms, {times[1] / time_s:.2f} times as fast (measured, {here})")

# %% tags=["measures"]
for n in counts[1:]:
    part = (1 - times[n] / times[1]) / (1 - 1 / n)
    print(f"{n} threads: as if {100 * min(1, max(0, part)):.0f}% of the time could be shared")

# %% [markdown]
# The rest is what threads cost: handing out work, waiting for the slowest, and one memory for all. A computer that is busy with something else shows less, too. With one thread there is nothing to compare.

# %% [markdown]
# Amdahl's law holds for new cards as well. Somebody trained the same network on two generations of them, an H200 and a B200, with longer and longer texts. The longer the text, the larger the part of a step that gains most from the new card: the *attention* of a language model.

# %% tags=["reveal"]
upgrade = [each for each in gl.published() if each.unit == "times as fast"]
print("The new card against the old one, by the part that is attention:")
for each in upgrade:
    print(f"{each.at:3}% of a step: {each.value:.2f} times as fast (published, {each.credit})")

# %% [markdown]
# Two parts, each with a gain of its own. From the first and the last row you can find both: 1 / speed-up is a straight line over the part.

# %% tags=["reveal"]
first, last = upgrade[0], upgrade[-1]
slope = (1 / last.value - 1 / first.value) / (last.at - first.at)
rest = 1 / first.value - slope * first.at
print("Out of the first row and the last:")
print(f"Attention alone: {1 / (rest + 100 * slope):.1f} times as fast. All the rest: {1 / rest:.1f} times.")

# %% [markdown]
# ## Slide it
#
# On the left is the chain. On the right are Amdahl's law and a whole program: one part of its time in very wide steps, the rest in the chain under the sliders. Find a program that is slower on the GPU although nine tenths of it suit one.

# %% tags=["explorer"]
gl.explore_chain()

# %% [markdown]
# How to read it:
#
# - Dashed lines are predicted, and the bands are the model's error.
# - The vertical dotted line is the crossover of your exercise.
# - In the bars, the dark piece is the chain. *Each where it is best* leaves the chain on the CPU, and the dotted line is as far as that can go: Amdahl's limit.

# %% [markdown]
# ## One claim
#
# The eighth claim of lesson 00 was: *a GPU's clock is a third of a CPU's, so steps in sequence are slower*. What you found is kept for the last lesson. Compare it with what you said.

# %% tags=["reveal"]
print("Found in this lesson:")
finding = (
    f"The clock is {ratios['clock']:.1f} times slower, a number from cache {ratios['a number from cache']:.0f} times, "
    f"arithmetic of one lane {ratios['arithmetic']:.0f} times, and a chain of 64 numbers "
    f"{on_gpu.seconds / on_cpu.seconds:.0f} times"
)
keep_evidence("08-clock", finding, f"data sheets, published and predicted, {gpu.name} against {cpu.name}")

# %%
claims_ledger()

# %% [markdown]
# ## Remember
#
# - A step that needs the last one costs a launch. Width is free for long, steps never are.
# - Side by side is a matter of how a program is written: batch what does not wait.
# - Fuse small kernels: fewer launches, and fewer ways to memory and back.
# - One lane is far weaker than one CPU thread, and the clock is the small part of it.
# - What cannot be shared sets the limit.

# %% [markdown]
# ## Without looking back
#
# 1. A chain has 10,000 steps instead of 1,000. Who wins now?
# 2. A recurrent layer reads one long text. Why does a larger batch not help?
# 3. Half of a program runs on the GPU in no time at all. How many times as fast is the whole?
#
# <details><summary>Answers</summary>
#
# 1. The same as before. Both pay for every step, so the crossover stays where it was.
# 2. There is one sequence only, and its time steps wait for each other.
# 3. Twice. The other half still takes its time.
# </details>
#
# Before: [What fits?](07_memory_limits.ipynb). Next: [Learning](09_learning.ipynb)
