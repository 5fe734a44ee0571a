# %% [markdown]
# # Memory limits: what fits?
#
# You will count what a training step keeps on the card, byte by byte, run a card out of memory, and come back on four ways.
#
# - **You will** write the ledger of a step and hold it against the GPU's own count, compute the largest batch, read an out-of-memory error, add up gradients part by part, and pay for memory with time.
# - **You need** lesson 03, where weights, gradients, optimizer and activations were named. No GPU: without one, the course simulates it.
# - **Minutes** 45
#
# Before: [Crossing the bus](06_crossing_the_bus.ipynb). Next: [One after another](08_one_after_another.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl
from gpu_lessons.exercises.memory_limits import check_accumulate, check_largest_batch, check_ledger
from gpu_lessons.lessons import ask, choose, claims_ledger, gpu_in_time, keep_evidence, reveal, reveal_choice

gpu = gl.gpu()
# A NameError further down? Run the cells above it first, this one too.
gl.say_devices(gpu)

# %% [markdown]
# ## The step
#
# The network of this lesson has sixteen dense layers of 384 neurons, with a ReLU between each two. It is small, so that your own machine can follow. Every number is a float32 of 4 bytes.

# %%
from itertools import pairwise

from gpu_lessons.nn import SGD, Adam, Dense, KeptAsFloat16, Momentum, Network, Recomputed, ReLU, SoftmaxCrossEntropy

batch, sizes = 2048, [384] * 17
new_gpu = gpu_in_time(gpu, samples=batch, width=sizes[0])
gpu = new_gpu()


def layers_of(xp, dtype="float32"):
    """Return the layers, first the one that sees the batch."""
    layers = []
    for seed, (n_in, n_out) in enumerate(pairwise(sizes)):
        layers += [Dense(n_in, n_out, xp=xp, dtype=dtype, seed=seed), ReLU()]
    return layers[:-1]


weights_bytes = sum(weight.nbytes for weight, _ in Network(layers_of(gpu.xp)).parameters())
print(f"weights and biases: {weights_bytes / 1e6:.1f} MB")

# %% [markdown]
# A step of training goes forward through all layers, backward through all of them, and then the optimizer updates the weights. The function below does two steps with Adam.
#
# `gpu.memory` counts what arrays take. It also remembers the most there has been at one time: the **peak**.

# %%
import numpy as np

rng = np.random.default_rng(0)
stages = []


def whole_batch(network, loss, x, labels):
    """Leave the gradients of the batch in the network."""
    stages.append("first forward pass")
    loss.forward(network.forward(x), labels)
    stages.append("first backward pass")
    network.backward(loss.backward())


def train(batch=batch, memory_bytes=None, wrap=Network, optimizer=Adam, gradients=whole_batch):
    """Return the most bytes that two steps took, and the seconds of the second one."""
    gpu = new_gpu(memory_bytes=memory_bytes)
    xp, before = gpu.xp, gpu.memory.used_bytes
    network, optimizer, loss = wrap(layers_of(xp)), optimizer(1e-4), SoftmaxCrossEntropy()
    x = xp.asarray(rng.standard_normal((batch, sizes[0]), dtype="float32"))
    labels = xp.asarray(rng.integers(0, sizes[-1], batch))
    for later in ("first update", "second step"):
        gpu.synchronize()
        start_s = gpu.perf_counter()
        gradients(network, loss, x, labels)
        stages.append(later)
        optimizer.step(network)
        gpu.synchronize()
    return gpu.memory.peak_bytes - before, gpu.perf_counter() - start_s


# %% [markdown]
# The batch has 2,048 samples. How much memory do the two steps take at their peak, compared with the weights?

# %% tags=["predict"]
step_guess = ask("07-step", "Bytes of a training step divided by bytes of the weights", low=0.5, high=1000)

# %%
peak_bytes, whole_s = train()

# %% tags=["reveal"]
then = f"The peak was {peak_bytes / 1e6:.0f} MB, for {weights_bytes / 1e6:.1f} MB of weights."
reveal(step_guess, peak_bytes / weights_bytes, f"counted on {gpu}", then)

# %% [markdown]
# ## Do it: the ledger in bytes
#
# Where does it go? You know the entries from lesson 03:
#
# - weights, with a bias for each neuron;
# - a gradient for each weight and bias;
# - the optimizer, with so many `copies` of all weights: none for SGD, one for momentum, two for Adam;
# - the activations: the batch itself, and what every layer hands on, the last one too.

# %% [markdown]
# `sizes` are the numbers in a sample, then the neurons of each layer. `[784, 512, 10]` is a network of two layers, and `pairwise(sizes)` gives each layer's two numbers. Return the four entries in bytes, 4 for each number.


# %% tags=["exercise"]
def ledger(batch, sizes, copies):
    """Return the bytes of weights, gradients, optimizer and activations."""
    ### BEGIN SOLUTION
    weights = 4 * sum(n_in * n_out + n_out for n_in, n_out in pairwise(sizes))
    return weights, weights, copies * weights, 4 * batch * sum(sizes)
    ### END SOLUTION


# %% tags=["check"]
check_ledger(ledger)

# %% [markdown]
# ## Held against the GPU's own count
#
# From here on `ledger` is the course's own, which is the solution. Does it explain the peak?

# %%
from gpu_lessons.exercises.memory_limits import ledger

entries = ledger(batch, sizes, copies=2)
for name, size in zip(("weights", "gradients", "optimizer", "activations"), entries):
    print(f"{name:12} {size / 1e6:6.1f} MB")
print(f"{'sum':12} {sum(entries) / 1e6:6.1f} MB, and the peak was {peak_bytes / 1e6:.1f} MB")

# %% [markdown]
# Something is missing, and not a little.

# %% tags=["predict"]
missing = choose(
    "07-missing",
    "What is missing in the ledger?",
    ("the program of the kernels", "arrays that live for a moment", "a second copy of the weights"),
)

# %% tags=["reveal"]
reveal_choice(missing, "arrays that live for a moment")

# %% [markdown]
# On the way back, a gradient comes to a ReLU: one array of batch × width numbers. The ReLU makes a second one, where its slope is 0 or 1, and their product is a third. For a moment there are three.
#
# Such arrays are *in flight*. They belong to the ledger as well.

# %%
in_flight = 3 * 4 * batch * max(sizes)
total = sum(entries) + in_flight
print(f"with {in_flight / 1e6:.1f} MB in flight: {total / 1e6:.1f} MB, {abs(total / peak_bytes - 1):.1%} off the peak")

# %% [markdown]
# `gl.memory_needed` counts more finely: labels, what the loss keeps, and which moment is the worst for other networks.

# %%
print(gl.memory_needed(batch_size=batch, layer_sizes=sizes, optimizer="adam"))

# %% [markdown]
# ## Do it: the largest batch
#
# A card is full before long. To meet its end with a small network, use only a part of it: 90 MB. The batch of 2,048 needs more than that.
#
# What is the largest batch that fits?

# %%
room = 90_000_000

# %% tags=["predict"]
batch_guess = ask("07-batch", "Largest batch on 90 MB", unit="samples", low=1, high=100_000)

# %% [markdown]
# Some bytes are there for any batch: `fixed`. Others come with each sample: `per_sample`. So the total is a straight line. Where does it reach `memory`? All three are whole numbers of bytes.


# %% tags=["exercise"]
def largest_batch(fixed, per_sample, memory):
    """Return the most samples that fit into `memory` bytes, 0 if there are none."""
    ### BEGIN SOLUTION
    return max(0, memory - fixed) // per_sample
    ### END SOLUTION


# %% tags=["check"]
check_largest_batch(largest_batch)

# %% tags=["reveal"]
from gpu_lessons.exercises.memory_limits import largest_batch

fixed, per_sample = sum(ledger(0, sizes, copies=2)), 4 * (sum(sizes) + 3 * max(sizes))
then = f"{fixed / 1e6:.1f} MB for any batch, {per_sample / 1e3:.1f} kB for each sample."
reveal(batch_guess, largest_batch(fixed, per_sample, room), "counted", then)

# %% [markdown]
# ## The cliff
#
# Nothing warns. A batch below the largest runs as fast as ever, one above it does not run at all. First a batch that fits:

# %%
small_bytes, _ = train(batch=1024, memory_bytes=room)
print(f"batch 1,024: {small_bytes / 1e6:.1f} MB at the peak")

# %% [markdown]
# Now 2,048 again, with 90 MB. A step has three stages: forward, backward, update. In which one does the memory run out?

# %% tags=["predict"]
where = choose(
    "07-where",
    "The memory runs out in the",
    ("first forward pass", "first backward pass", "first update", "second step"),
)

# %%
try:
    train(memory_bytes=room)
except gpu.out_of_memory_error as error:
    message = str(error)

# %% tags=["reveal"]
reveal_choice(where, stages[-1], f"The GPU said: {message}")

# %% [markdown]
# Forward and backward went through. Adam makes its two arrays for each weight when it first needs them, and then there is no room.
#
# So a program can fail late, in a place that holds little. The array that failed is not the culprit: look at what was *allocated so far*.

# %% [markdown]
# Some programs fail later still: at the end of an epoch, when the test batch is a larger one, or when somebody keeps every `loss` in a list, and each of them keeps its arrays alive.

# %% [markdown]
# ## Four ways back
#
# | way | keeps less of | what it asks for |
# |---|---|---|
# | smaller batches, gradients added up | activations | smaller products |
# | activations as float16 | activations | rounding, conversions |
# | activations computed again | activations | arithmetic |
# | another optimizer | optimizer | perhaps more steps |
#
# Each leaves the batch at 2,048, as far as learning goes. You will run all four.

# %% [markdown]
# ## Do it: part by part
#
# The gradient of a batch is a mean over its samples. Means can be taken in parts: cut the batch into equal parts, run each forward and backward, and add their gradients up. At any time only one part's activations are there.
#
# This is **[gradient accumulation](glossary.ipynb#heading=Gradient-accumulation)**.

# %% [markdown]
# `network.backward(dy, accumulate=True)` adds to the gradients that are there, instead of replacing them. The `loss` of a part is the mean over that part.
#
# Leave the gradients of the whole batch in the network, and return the mean loss. `parts` divides the number of samples.


# %% tags=["exercise"]
def accumulate(network, loss, x, labels, parts):
    """Return the mean loss of the batch; leave its gradients in the network."""
    ### BEGIN SOLUTION
    size, mean = len(x) // parts, 0.0
    for part in range(parts):
        rows = slice(part * size, (part + 1) * size)
        mean += loss.forward(network.forward(x[rows]), labels[rows]) / parts
        network.backward(loss.backward() / parts, accumulate=part > 0)
    return mean
    ### END SOLUTION


# %% tags=["check"]
check_accumulate(accumulate)

# %% [markdown]
# The same gradients? Here in NumPy, in float64, for all 32 arrays of this network:

# %%
from gpu_lessons.exercises.memory_limits import accumulate

x, labels = rng.standard_normal((64, sizes[0])), rng.integers(0, sizes[-1], 64)
network, loss = Network(layers_of(np, "float64")), SoftmaxCrossEntropy()
found = []
for parts in (1, 4):
    accumulate(network, loss, x, labels, parts)
    found.append([gradient.copy() for _, gradient in network.parameters()])
print("the same to ten digits:", all(np.allclose(a, b, rtol=0, atol=1e-10) for a, b in zip(*found)))

# %% [markdown]
# Back on the GPU, on 90 MB: the batch in two parts. Both parts together have the arithmetic of the whole. How long does a step take?

# %% tags=["predict"]
parts_guess = ask("07-parts", "Time of a step in two parts divided by the time of one in one piece", low=0.1, high=10)


# %%
def attempt(name, **how):
    """Return peak and time on 90 MB, and say them; None twice if it does not fit."""
    try:
        peak_bytes, step_s = train(memory_bytes=room, **how)
    except gpu.out_of_memory_error:
        print(f"{name}: out of memory")
        return None, None
    print(f"{name}: {peak_bytes / 1e6:.1f} MB at the peak")
    return peak_bytes, step_s


parts_bytes, parts_s = attempt("two parts", gradients=lambda *given: accumulate(*given, 2))

# %% tags=["reveal"]
then = f"{parts_s * 1e3:.1f} ms a step in two parts, {whole_s * 1e3:.1f} ms in one piece."
reveal(parts_guess, parts_s / whole_s, str(gpu), then)

# %% [markdown]
# Smaller products have fewer tiles, and there are twice as many launches: lesson 04's waves and lesson 02's launches come back. On a card that a part still fills, the price goes towards nothing.
#
# (Layers that compare the samples of a batch with each other, such as batch normalization, do see the difference. This network has none.)

# %% [markdown]
# ## Three more ways
#
# A ReLU's output need not be kept in 4 bytes. `KeptAsFloat16` computes in float32, and rounds only what waits for the backward pass. Its gradients differ by about a thousandth: in practice less than from batch to batch.

# %%
half_bytes, half_s = attempt("activations as float16", wrap=KeptAsFloat16)

# %% [markdown]
# Or do not keep them at all. `Recomputed` holds the input of a group of layers, and forgets what is inside. When the backward pass comes to the group, its forward pass is run once more. This is **[recomputation](glossary.ipynb#heading=Recomputation)**, also called *checkpointing*.
#
# How long does a step take then?

# %% tags=["predict"]
again_guess = ask("07-again", "Time with recomputation divided by the time without", low=0.1, high=10)


# %%
def in_groups_of_four(layers):
    """Return a network of groups: four dense layers, each with its ReLU."""
    return Network([Recomputed(layers[start : start + 8]) for start in range(0, len(layers), 8)])


again_bytes, again_s = attempt("computed again", wrap=in_groups_of_four)

# %% tags=["reveal"]
then = f"{again_s * 1e3:.1f} ms a step, {whole_s * 1e3:.1f} ms without."
reveal(again_guess, again_s / whole_s, str(gpu), then)

# %% [markdown]
# A layer's step is three products: one forward, two backward. One more makes four. Where arithmetic sets the pace, the price is a third of the time, and never more than the forward pass.

# %% [markdown]
# Why groups of four? Small groups: many inputs are kept. Large groups: much is made again at once. Count it for a batch so large that nothing else matters:

# %%
for group in (1, 2, 4, 8, 16):
    deep = gl.memory_needed(batch_size=100_000, layer_sizes=sizes, recompute_segment=group)
    print(f"groups of {group:2}: {deep.total_bytes / 1e9:.2f} GB")

# %% [markdown]
# With 16 layers in groups of *g*, 16 / *g* inputs wait and *g* layers are made again. The sum is least where both are equal: at the **square root** of the depth. So 64 layers need about 16 arrays, where keeping all takes 64.

# %% [markdown]
# The last way: another optimizer. It learns differently, so this is not the same training at a lower price.

# %%
momentum_bytes, momentum_s = attempt("momentum", optimizer=Momentum)
sgd_bytes, sgd_s = attempt("SGD", optimizer=SGD)

# %% [markdown]
# All of them side by side:

# %%
tried = {
    "as it is": (peak_bytes, whole_s),
    "two parts": (parts_bytes, parts_s),
    "as float16": (half_bytes, half_s),
    "computed again": (again_bytes, again_s),
    "momentum": (momentum_bytes, momentum_s),
    "SGD": (sgd_bytes, sgd_s),
}
for name, (size, step_s) in tried.items():
    fits = size is not None and size <= room
    print(f"{name:15} " + (f"{size / 1e6:6.1f} MB {step_s / whole_s:7.0%} of the time" if fits else "does not fit"))

# %% [markdown]
# ## Slide it
#
# The same for every size and every card of the catalogue. On the left, each bar is a batch. The red line across is the card, the upright one the largest batch that fits. On the right, four ways back with their price.
#
# Push the batch over the cliff. Which ways bring it back? Then make the layers wide and the batch small: which way helps now?

# %% tags=["explorer"]
gl.explore_memory_limits()

# %% [markdown]
# Where activations fill the card, three ways help and another optimizer does nothing. Where weights fill it, it is the other way round. Beyond that, only another card helps, or several that share the layers out.

# %% [markdown]
# ## What the driver shows
#
# A program called `nvidia-smi` shows how much of a card is taken. It is always more than your arrays. Delete an array of 100 MB. How much does the driver get back?

# %%
gpu = gl.gpu()
pool = gpu.xp.get_default_memory_pool()
pool.free_all_blocks()
before = pool.total_bytes()
x = gpu.xp.zeros(25_000_000, dtype="float32")

# %% tags=["predict"]
freed = choose("07-freed", "After `del x` the driver has got back", ("all of it", "nothing"))

# %%
del x
held_bytes = pool.total_bytes() - before

# %% tags=["reveal"]
then = f"No array uses it, and the pool still holds {held_bytes / 1e6:.0f} MB."
reveal_choice(freed, "nothing" if held_bytes else "all of it", then)

# %% [markdown]
# To ask the driver for memory takes long, and makes host and device wait for each other. So CuPy and PyTorch ask once, and keep what is freed for the next array, in a **[memory pool](glossary.ipynb#heading=Memory-pool)**.
#
# For other programs that memory is taken. One call gives it back:

# %%
pool.free_all_blocks()
print(f"the pool still holds {(pool.total_bytes() - before) / 1e6:.0f} MB of it")

# %% [markdown]
# And the rest? A program that uses a card gets a **[context](glossary.ipynb#heading=Context)** there: its kernels, its stack, room for its libraries. It comes before the first array, for every process anew.

# %% tags=["measures"]
print(f"{gpu}")
if gpu.kind == "webgpu":
    print("WebGPU does not tell what a card has left.")
else:
    free_bytes, all_bytes = gpu.xp.cuda.runtime.memGetInfo()
    taken_mb, pool_mb = (all_bytes - free_bytes) / 1e6, pool.total_bytes() / 1e6
    print(f"taken {taken_mb:,.0f} MB, pool {pool_mb:,.0f} MB, the rest {taken_mb - pool_mb:,.0f} MB")

# %% [markdown]
# A simulated card has no context, so the rest is 0 there. On real cards it is hundreds of megabytes. In one report an array of 64 MB stood beside 1.1 GB that were gone (PyTorch, issue 60150). Leave that room in your ledger.

# %% [markdown]
# ## 24 GB against 1 TB
#
# Claim 6: *A GPU has less memory than a CPU: at most 24 GB, against 1 TB.* It was written in 2020. Take every GPU of the catalogue: how large is the largest memory?

# %% tags=["predict"]
card_guess = ask("07-card", "Largest memory of a GPU in the catalogue, as a multiple of 24 GB", low=0.1, high=1000)

# %% tags=["reveal"]
cards = [each for each in gl.machines() if each.kind == "gpu" and each.memory_bytes and each.launch_date]
hosts = [each for each in gl.machines() if each.kind == "cpu" and each.max_memory_bytes and each.launch_date]
card, host = max(cards, key=lambda each: each.memory_bytes), max(hosts, key=lambda each: each.max_memory_bytes)
then = f"{card.name}: {card.memory_bytes / 1e9:.0f} GB, from {card.launch_date[:4]}."
reveal(card_guess, card.memory_bytes / 24e9, "data sheets", then)

# %% tags=["reveal"]
import matplotlib.pyplot as plt

print("Memory by year of launch, from the data sheets of the catalogue:")

plt.style.use("gpu_lessons.charts.course")
plt.semilogy(
    [int(each.launch_date[:4]) for each in hosts],
    [each.max_memory_bytes / 1e9 for each in hosts],
    "^",
    color="C0",
    label="CPUs: the most they take",
)
plt.semilogy(
    [int(each.launch_date[:4]) for each in cards],
    [each.memory_bytes / 1e9 for each in cards],
    "o",
    color="C1",
    label="GPUs",
)
plt.axhline(24, color="gray", linestyle=":", label="24 GB")
plt.xlabel("year")
plt.ylabel("GB")
plt.title("Memory by year of launch (data sheets)")
plt.legend()
plt.show()

# %%
early = max((each for each in cards if each.launch_date < "2021"), key=lambda each: each.memory_bytes)
print(f"largest GPU up to 2020: {early.name}, {early.memory_bytes / 1e9:.0f} GB")
print(f"largest CPU: {host.name}, up to {host.max_memory_bytes / 1e9:,.0f} GB")

# %% [markdown]
# *Less* is right, and has stayed right. *At most 24 GB* was true of cards for players, not of cards for servers, even in that year. And what a GPU lacks in size it has in speed: lesson 05.
#
# In some machines there is no "against": on a Jetson, on an Apple chip and in most laptops, CPU and GPU share one memory.

# %%
times = host.max_memory_bytes / card.memory_bytes
finding = f"the largest GPU has {card.memory_bytes / 1e9:.0f} GB, and the largest CPU takes {times:.0f} times as much"
keep_evidence("07-memory", finding, "data sheets of the catalogue")

# %%
claims_ledger()

# %% [markdown]
# ## Remember
#
# - Weights, gradients and optimizer cost the same for every batch. Activations and what is in flight grow with it.
# - Out of memory comes without warning, and names the array that came last, not the one that is too large.
# - Activations can be had in parts, in fewer bytes, or once more. Each way has its price in time.
# - Groups of the square root of the depth keep recomputation small.
# - The driver shows context and pool on top of arrays. Freed is not given back.

# %% [markdown]
# ## Without looking back
#
# 1. A step fits with SGD and fails with Adam. When does it fail, and by how many bytes a weight do the two differ?
# 2. Your card is filled by activations. Which of the four ways does nothing for you?
# 3. You deleted all arrays, and `nvidia-smi` shows 3 GB. Where are they?
#
# <details><summary>Answers</summary>
#
# 1. At the first update, when Adam makes its arrays: 8 bytes a weight in float32.
# 2. Another optimizer.
# 3. In the pool, which keeps what is freed, and in the context.
# </details>
#
# Before: [Crossing the bus](06_crossing_the_bus.ipynb). Next: [One after another](08_one_after_another.ipynb)
