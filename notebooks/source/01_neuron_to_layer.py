# %% [markdown]
# # From a neuron to a layer
#
# You will build a layer of a neural network from single neurons, then as one matrix product, and run it on one core and on all. The numbers stay the same. The time does not.
#
# - **You will** write a neuron, turn loops into one matrix product, count its operations, and time it on one core and on all.
# - **You need** NumPy arrays and `for` loops.
# - **Minutes** 40
#
# Before: [Start here](00_start_here.ipynb). Next: [The layer on the GPU](02_layer_on_gpu.ipynb)

# %% tags=["setup", "measures"]
import numpy as np

import gpu_lessons as gl
from gpu_lessons.lessons import ask, choose, reveal, reveal_choice
from gpu_lessons.exercises.neuron_to_layer import check_count_flops, check_layer, check_neuron

# A NameError further down? Run the cells above it first, this one too.
gl.say_devices(gl.machine("nvidia-t4"))

# %% [markdown]
# ## One neuron
#
# A **[neuron](glossary.ipynb#heading=Neuron)** has one **[weight](glossary.ipynb#heading=Weight)** for every input, and a bias. It multiplies each input by its weight and adds everything up.
#
# $$y = b + x_1 w_1 + x_2 w_2 + \dots$$
#
# Write it with a plain Python loop. `x` and `w` are lists of the same length.


# %% tags=["exercise"]
def neuron(x, w, b):
    """Return b + x[0] * w[0] + x[1] * w[1] + ..."""
    ### BEGIN SOLUTION
    total = b
    for x_i, w_i in zip(x, w):
        total = total + x_i * w_i
    return total
    ### END SOLUTION


# %% tags=["check"]
check_neuron(neuron)

# %% [markdown]
# ## Many neurons
#
# A **[layer](glossary.ipynb#heading=Layer)** is many neurons that look at the same inputs. Each has its own weights: one column of the matrix `w`. A **[sample](glossary.ipynb#heading=Sample)** is one set of inputs, such as one image: a row of `x`.
#
# Below is a layer in three loops: over the samples, over the neurons, over the inputs. The innermost line is the one you wrote above.


# %%
def layer_with_loops(x, w, b):
    batch, n_in = x.shape
    n_out = w.shape[1]
    y = np.zeros((batch, n_out), dtype=x.dtype)
    for sample in range(batch):
        for neuron in range(n_out):
            total = b[neuron]
            for i in range(n_in):
                total = total + x[sample, i] * w[i, neuron]
            y[sample, neuron] = total
    return y


# %% [markdown]
# A **[batch](glossary.ipynb#heading=Batch)** is a few samples computed together. Here are 4 samples of 64 numbers, and 32 neurons.

# %%
rng = np.random.default_rng(0)
x = rng.standard_normal((4, 64))
w = rng.standard_normal((64, 32))
b = rng.standard_normal(32)
layer_with_loops(x, w, b).shape

# %% [markdown]
# Look at the innermost line again. For every neuron and every sample it is the *same instruction*: multiply, add. Only the numbers differ.
#
# And no neuron waits for another. You could hand each one to a different worker, and nobody would have to talk.

# %% [markdown]
# ## One matrix product
#
# Rows of `x` times columns of `w`, each summed: that is a matrix product. NumPy writes it `x @ w`.
#
# Write the layer without a loop.


# %% tags=["exercise"]
def layer(x, w, b):
    """Return the layer's output, shape (batch, n_out)."""
    ### BEGIN SOLUTION
    return x @ w + b
    ### END SOLUTION


# %% tags=["check"]
check_layer(layer)

# %% [markdown]
# Both versions agree, but not to the last digit. They add in a different order, and floating-point sums are [rounded](glossary.ipynb#heading=Rounding) at every step. So we compare with `allclose`, never with `==`.

# %%
np.allclose(layer_with_loops(x, w, b), x @ w + b)

# %% [markdown]
# ## How much faster?
#
# Same numbers, same computer, one core. The loop runs in Python, the product in BLAS, a library written for this one job.
#
# How many times as fast is the product, for the 4 samples and 32 neurons above?

# %% tags=["predict"]
loop_guess = ask("01-loop", "Time of the loops divided by the time of the matrix product", low=1, high=100_000)

# %% tags=["measures"]
from timeit import repeat

loops_s = min(repeat(lambda: layer_with_loops(x, w, b), number=1, repeat=5))
product_s = min(repeat(lambda: x @ w + b, number=100, repeat=5)) / 100
print(f"loops {loops_s * 1e6:,.0f} µs, product {product_s * 1e6:,.1f} µs")

# %% tags=["reveal", "measures"]
here = gl.this_machine().cpu.name
reveal(loop_guess, loops_s / product_s, f"measured on {here}")

# %% [markdown]
# Divide the loops' time by the number of multiplications, 4 × 64 × 32. Most of what Python needs for each is not arithmetic: it looks up objects, checks types, makes a new number.
#
# BLAS does none of that. It also uses **[SIMD](glossary.ipynb#heading=SIMD)**, single instruction, multiple data: with the vector unit, one instruction multiplies 4, 8 or 16 numbers at once.

# %% tags=["measures"]
print(f"Python: {loops_s / (4 * 64 * 32) * 1e9:.0f} ns for one multiply-add")
print(f"BLAS:   {product_s / (4 * 64 * 32) * 1e9:.2f} ns for one multiply-add")

# %% [markdown]
# ## Count the work
#
# To compare machines we need a count that does not depend on them. A FLOP is one multiplication or one addition.
#
# Write how many FLOP the product `x @ w` takes. Leave the bias aside, and let each sum start at zero.


# %% tags=["exercise"]
def count_flops(batch, n_in, n_out):
    """Return the multiplications and additions of x @ w."""
    ### BEGIN SOLUTION
    return 2 * batch * n_in * n_out
    ### END SOLUTION


# %% tags=["check"]
check_count_flops(count_flops)

# %% [markdown]
# The course keeps such counts in a **[workload](glossary.ipynb#heading=Workload)**: an object that can be counted and also run. `DenseForward` is your `layer`, from inputs to outputs: the **[forward pass](glossary.ipynb#heading=Forward-pass)** of a *dense* layer, in which every neuron sees every input. Its count includes the bias.

# %%
work = gl.DenseForward(batch_size=256, n_in=1024, n_out=1024)
print(f"{work.flops:,} FLOP, {work.bytes_moved:,} bytes")

# %% [markdown]
# `measure` runs it, throws the first calls away, repeats, and reports the middle value. In brackets stands the range of the middle half.
#
# A thread is one strand of a program, and keeps one core busy. One thread first. (G is giga: a GFLOP/s is a thousand million FLOP a second.)

# %% tags=["measures"]
one = gl.measure(work, threads=1)
print(one)
print(f"{work.flops / one.median_s / 1e9:.0f} GFLOP/s")

# %% [markdown]
# The same work was **recorded** on another machine, a small one in a data centre. Is yours faster?

# %%
recording = gl.load_recording("amd-epyc-2-cores-2026-11-25")
recorded = {(point.workload, point.threads): point for point in recording.measurements}
print(recorded[work, 1])

# %% [markdown]
# ## All cores
#
# The neurons do not wait for each other. So BLAS can give each core some of them.
#
# How many times as fast will all cores of this machine be? The first cell of this lesson says how many there are.

# %% tags=["predict"]
cores_guess = ask("01-cores", "Time on one core divided by the time on all cores", low=0.1, high=200)

# %% tags=["reveal", "measures"]
every = gl.measure(work)
then = f"All cores took {every.median_s * 1e3:.2f} ms."
reveal(cores_guess, one.median_s / every.median_s, f"measured on {here}", then)

# %% [markdown]
# Close to the number of cores, or clearly below? The cores share the memory and the last cache. And somebody has to divide the work and wait for the slowest.
#
# Below 1? Then another program holds a core, and every product waits for that one. Close it and repeat.

# %% [markdown]
# ## When is there too little to share?
#
# Take a wider layer, of 4,096 neurons. Its weights are 67 MB, more than most caches hold. For a single sample there is 256 times less arithmetic than for 256 samples, but there are the same weights.
#
# Predict in words what the other cores will bring for one sample, then measure both.

# %% tags=["predict"]
one_sample = choose(
    "01-one-sample",
    "All cores instead of one, for a single sample:",
    ("about as much help as with 256 samples", "less help than with 256 samples", "more help than with 256 samples"),
)

# %%
single, many = (gl.DenseForward(batch_size=n, n_in=4096, n_out=4096) for n in (1, 256))
single_gain = gl.measure(single, threads=1).median_s / gl.measure(single).median_s
gain = gl.measure(many, threads=1).median_s / gl.measure(many).median_s

# %% tags=["reveal", "measures"]
share = single_gain / gain
seen = "less" if share < 0.9 else "more" if share > 1.1 else "about as much"
then = f"One sample {single_gain:.2f}×, 256 samples {gain:.2f}× (measured on {here})."
reveal_choice(one_sample, f"{seen} help {'as' if seen == 'about as much' else 'than'} with 256 samples", then)

# %% [markdown]
# With one sample, every weight is read from memory for one multiplication. With 256 it is read once and used 256 times.
#
# The work per byte has a name, **[arithmetic intensity](glossary.ipynb#heading=Arithmetic-intensity)**: FLOP divided by bytes moved. More cores add arithmetic. They add little bandwidth.

# %%
print(f"1 sample:    {single.arithmetic_intensity:6.2f} FLOP a byte")
print(f"256 samples: {many.arithmetic_intensity:6.2f} FLOP a byte")

# %% [markdown]
# ## Draw it
#
# The layer of 1,024 neurons from 1 to 1,024 samples, in GFLOP/s. Look for where your two lines part. The grey one is the recorded machine, with both of its cores.

# %% tags=["measures"]
batches = [1, 4, 16, 64, 256, 1024]
layers = [gl.DenseForward(batch_size=n, n_in=1024, n_out=1024) for n in batches]
on_one = [gl.measure(w, budget_s=0.1, threads=1) for w in layers]
on_all = [gl.measure(w, budget_s=0.1) for w in layers]
on_recorded = [recorded[w, 2] for w in layers]

# %% tags=["measures"]
import matplotlib.pyplot as plt


def rates(points):  # GFLOP/s
    return [point.workload.flops / point.median_s / 1e9 for point in points]


gl.say_spread(on_one + on_all)
plt.style.use("gpu_lessons.charts.course")
plt.plot(batches, rates(on_all), "C0o-", label="all cores")
plt.plot(batches, rates(on_one), "C0s:", label="one core")
plt.plot(batches, rates(on_recorded), "o-", color="0.5", label=f"{recording.cpu.name}, recorded")
plt.xscale("log", base=2)
plt.xticks(batches, batches)
plt.xlabel("batch size")
plt.ylabel("GFLOP/s")
plt.title("A dense layer, 1024 inputs, 1024 neurons")
plt.legend()
plt.show()

# %% [markdown]
# The lines rise and then flatten. On the left the machine waits for weights, on the right for its own arithmetic units.
#
# Does the rate dip at 4 samples? For one sample BLAS reads the weights as they lie. For several it first copies them into a better order, and four samples do not pay for that yet.
#
# A GPU has more of both, up to tens of times. In the next lesson you move the layer there, and learn to time it.

# %% [markdown]
# ## Remember
#
# - A layer is many neurons, all running the same instruction on other numbers.
# - For a batch it is one matrix product: 2 × batch × inputs × neurons FLOP.
# - No neuron waits for another, so the work can be spread over lanes and cores.
# - A larger batch uses each weight more often. That is arithmetic intensity.

# %% [markdown]
# ## Without looking back
#
# 1. Why do we compare the two layers with `allclose`?
# 2. How many FLOP has a layer of 100 neurons with 50 inputs, for 10 samples?
# 3. Why do more cores help less with a single sample?
#
# <details><summary>Answers</summary>
#
# 1. They add in a different order, and rounding depends on the order.
# 2. 2 × 10 × 50 × 100 = 100,000.
# 3. Every weight is read for one multiplication only. Memory sets the pace, and cores share it.
# </details>
#
# Before: [Start here](00_start_here.ipynb). Next: [The layer on the GPU](02_layer_on_gpu.ipynb)
