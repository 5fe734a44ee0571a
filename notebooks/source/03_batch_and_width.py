# %% [markdown]
# # Batch and width: when does the GPU win?
#
# You will slide the size of a layer and watch a GPU lose, catch up and win.
#
# - **You will** predict a speed-up, take a time apart into its causes, find the batch where the GPU overtakes, add the cost of the bus, see how far off the predictions are, and test one claim.
# - **You need** the layer of lesson 01.
# - **Minutes** 50
#
# Before: [The layer on the GPU](02_layer_on_gpu.ipynb). Next: [Inside the GPU](04_inside_the_gpu.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl
from gpu_lessons.lessons import ask, choose, claims_ledger, keep_evidence, reveal, reveal_choice, samples_in_time
from gpu_lessons.exercises.batch_and_width import check_break_even_batch, check_speedup_with_bus

gpu, cpu = gl.machine("nvidia-t4"), gl.machine("amd-ryzen-9-7950x")
# A NameError further down? Run the cells above it first, this one too.
gl.say_devices(gpu)

# %% [markdown]
# ## Two machines, one layer
#
# An NVIDIA T4 is the GPU many cloud notebooks hand out. An AMD Ryzen 9 7950X is a fast desktop CPU with 16 cores.
#
# Here is a layer of 2,048 neurons for a batch of 256. `predict` computes its time on the CPU, with a band for the model's error. The lines below the first take that time apart; the next section is about them. *Sustained* is the rate a machine keeps up for long, less than its [peak](glossary.ipynb#heading=Peak).

# %%
layer = gl.DenseForward(batch_size=256, n_in=2048, n_out=2048)
on_cpu = gl.predict(layer, cpu)
print(on_cpu)

# %% [markdown]
# The weights are already on the GPU, and so is the batch. How many times as fast is the GPU? Below 1 means slower.

# %% tags=["predict"]
speedup_guess = ask("03-speedup", "CPU time divided by GPU time", low=0.01, high=1000)

# %% tags=["reveal"]
on_gpu = gl.predict(layer, gpu)
reveal(speedup_guess, on_cpu.seconds / on_gpu.seconds, f"predicted, {gpu.name} against {cpu.name}")

# %% [markdown]
# ## Where the time goes
#
# The GPU's time has parts. The launch is the host telling the device to start a kernel, through Python as in lesson 02. Then the kernel does arithmetic and moves bytes, both at once, so the longer of the two decides.

# %% tags=["reveal"]
print("The same layer on the GPU:")
print(on_gpu)

# %% [markdown]
# The **[bottleneck](glossary.ipynb#heading=Bottleneck)** is the part that decides. For this layer it is arithmetic: 256 samples give each weight enough work.
#
# What decides when only one sample comes?

# %% tags=["predict"]
one_sample = choose(
    "03-one-sample",
    "A batch of one, 2,048 neurons. The GPU mostly waits for",
    ("the launch", "the weights, out of its memory", "arithmetic"),
)

# %% tags=["reveal"]
single = gl.predict(gl.DenseForward(batch_size=1, n_in=2048, n_out=2048), gpu)
names = {"launch": "the launch", "memory": "the weights, out of its memory"}
reveal_choice(one_sample, names.get(single.bottleneck, "arithmetic"))

# %% tags=["reveal"]
print("One sample on the GPU:")
print(single)

# %% [markdown]
# Four million weights have to be read, whether one sample needs them or thirty. Until arithmetic takes longer than that reading, a larger batch is *free*.
#
# The ratio tells you when. It is the arithmetic intensity of lesson 01.

# %%
for batch in (1, 16, 256):
    layer = gl.DenseForward(batch_size=batch, n_in=2048, n_out=2048)
    print(f"batch {batch:3}: {layer.arithmetic_intensity:5.1f} FLOP a byte, {gl.predict(layer, gpu).bottleneck}")

# %% [markdown]
# ## A sweep by hand
#
# One size is an anecdote. A **[sweep](glossary.ipynb#heading=Sweep)** is the same work at many sizes. Here the batch doubles 14 times.

# %%
batches = [2**n for n in range(15)]
sweep = [gl.DenseForward(batch_size=n, n_in=2048, n_out=2048) for n in batches]
cpu_s = [gl.predict(work, cpu).seconds for work in sweep]
gpu_s = [gl.predict(work, gpu).seconds for work in sweep]

# %% [markdown]
# Both axes are logarithmic, so a factor is a distance. Look for the flat part of each line, and for the batch where it ends.

# %%
import matplotlib.pyplot as plt

plt.style.use("gpu_lessons.charts.course")
plt.loglog(batches, cpu_s, "--", base=2, label=f"{cpu.name}, predicted")
plt.loglog(batches, gpu_s, "--", base=2, label=f"{gpu.name}, predicted")
plt.yscale("log", base=10)
plt.xticks(batches[::2], batches[::2])
plt.xlabel("batch size")
plt.ylabel("seconds")
plt.legend()
plt.show()

# %% [markdown]
# The CPU's leap from one sample to two is the one of lesson 01: for several samples BLAS first copies the weights into a better order.

# %% [markdown]
# ## Slide it
#
# The figure below is the same sweep, for every batch and every width. Move the two sliders. Find one place where the CPU wins, one where the GPU is more than ten times as fast, and the line between them.

# %% tags=["explorer"]
gl.explore_batch_and_width()

# %% [markdown]
# How to read it:
#
# - Dashed lines are predicted, and four of five true times lie in the band. A solid line is recorded, filled dots are measured, and hollow diamonds are times that others have published.
# - The shading says what the GPU waits for: the launch, its weights, its inputs and outputs, or arithmetic; *filling* means that some of its SMs have no work.
# - The dotted line pays for the bus.
# - On the map, the black line is where both machines take equally long.

# %% [markdown]
# With a running notebook there are pickers above the figure. *Measure this CPU* finds your own machine's rates and adds it as a CPU. *Measure here* then times the layer under the sliders, and puts a dot where it landed.

# %% [markdown]
# ## Do it: where does the GPU overtake?
#
# For a narrow layer the launch costs more than the arithmetic, and the CPU wins. A larger batch turns that around.
#
# Return the smallest batch, out of 1, 2, 4, 8 and so on, at which the GPU needs less time than the CPU.


# %%
def seconds(batch, width, machine):
    layer = gl.DenseForward(batch_size=batch, n_in=width, n_out=width)
    return gl.predict(layer, machine).seconds


# %% tags=["exercise"]
def break_even_batch(width, gpu, cpu):
    """Return the smallest power of two at which the GPU is faster."""
    ### BEGIN SOLUTION
    batch = 1
    while seconds(batch, width, gpu) >= seconds(batch, width, cpu):
        batch = 2 * batch
    return batch
    ### END SOLUTION


# %% tags=["check"]
check_break_even_batch(break_even_batch)

# %% [markdown]
# Call `break_even_batch(64, gpu, cpu)`. Then find that batch on the map of the explorer: follow the bottom row, width 64, to the first cell right of the black line.

# %% [markdown]
# ## The same on real cards
#
# ResNet-50 is a network of 50 layers for images. Somebody else timed it on two cards, one batch after another. Does a batch of 8 take eight times as long as one image? Write down what you expect of either card, then run the cell.

# %%
resnet = [each for each in gl.published() if each.title == "ResNet-50 inference, float32"]
for each in resnet:
    print(f"{each.machine}, batch {each.at}: {1e3 * each.time_s:.1f} ms, {each.at / each.time_s:.0f} images a second")
print(f"published: {resnet[0].credit}, {resnet[0].repository}, licence {resnet[0].licence}")

# %% [markdown]
# Up to a batch of 8 the V100 takes about as long as for one image: it has room for more. Then the time grows with the batch. The T4 has half the SMs, and its time grows from 4 on.

# %% [markdown]
# ## The door is narrow
#
# So far the batch was on the GPU already. In a real program it starts in host memory. It has to cross the bus, and the result has to come back.
#
# Batch 256, width 2,048: what is left of the speed-up?

# %% tags=["predict"]
bus_guess = ask("03-bus", "CPU time divided by GPU time with both copies", low=0.01, high=1000)

# %% tags=["reveal"]
copy = gl.predict(gl.Copy(256 * 2048 * 4), gpu)
with_bus = on_cpu.seconds / (on_gpu.seconds + 2 * copy.seconds)
reveal(bus_guess, with_bus, f"predicted, {gpu.name} against {cpu.name}")

# %% [markdown]
# A batch of 256 × 2,048 numbers is two megabytes. Set the figure above to this batch and width, and look at *copy in* and *copy out*: together they take more than half as long as the layer itself.
#
# Networks keep the data where the work is: in at the first layer, out after the last. Write the speed-up with the bus for any size.


# %% tags=["exercise"]
def speedup_with_bus(batch, width, gpu, cpu):
    """Return CPU time / (GPU time + copy in + copy out), float32."""
    ### BEGIN SOLUTION
    copy_s = gl.predict(gl.Copy(batch * width * 4), gpu).seconds
    return seconds(batch, width, cpu) / (seconds(batch, width, gpu) + 2 * copy_s)
    ### END SOLUTION


# %% tags=["check"]
check_speedup_with_bus(speedup_with_bus)

# %% [markdown]
# ## Does it fit?
#
# So far a layer was only run forward. Training changes its weights, and for that it keeps more than the weights.
#
# - A **[gradient](glossary.ipynb#heading=Gradient)** says for one weight in which direction, and how strongly, the error of the network changes with it. There is one for each weight.
# - An **[optimizer](glossary.ipynb#heading=Optimizer)** turns gradients into new weights. *Adam*, a common one, keeps two numbers more for each weight: running averages of its gradients and of their squares.
# - The **[activations](glossary.ipynb#heading=Activation)** are what each layer hands to the next. The **[backward pass](glossary.ipynb#heading=Backward-pass)**, which computes the gradients from the last layer to the first, needs them again, so they are kept.

# %% [markdown]
# Take 24 layers of 4,096 neurons. How large a batch fits on a T4 with its 16 GB?

# %% tags=["predict"]
batch_guess = ask("03-batch", "Largest batch that fits", unit="samples", low=1, high=1_000_000)

# %% tags=["reveal"]
ledger = gl.memory_needed(batch_size=256, layer_sizes=[4096] * 25, optimizer="adam")
reveal(batch_guess, ledger.largest_batch(gpu.memory_bytes), f"counted, {gpu.name}")

# %% tags=["reveal"]
print("What one training step needs:")
print(ledger)

# %% [markdown]
# That is the ledger for a batch of 256. Weights, gradients and optimizer cost the same for every batch. Activations grow with it. *In flight* are the largest arrays that come and go within one step. In the explorer, push the width up and watch which of the two fills the card. Lesson 07 takes this ledger apart.

# %% [markdown]
# ## How wrong is the model?
#
# So far every time was predicted. A prediction that does not know its error is a guess.
#
# This recording holds times of a small machine with two CPU cores. The model's numbers for that machine are fitted to one half of them. Then it predicts the other half, which it has never seen. By how many per cent is it off, in the middle?

# %% tags=["predict"]
error_guess = ask("03-error", "Error of the model in per cent, median", unit="%", low=0.1, high=1000)

# %% tags=["reveal"]
recording = gl.load_recording("amd-epyc-2-cores-2026-11-25")
residuals = gl.plot_residuals(recording.slug)
off = [abs(row["model"] - 1) for row in residuals.table()]
reveal(error_guess, 100 * sorted(off)[len(off) // 2], f"recorded, {recording.cpu.name}")

# %% tags=["reveal"]
print("The half that was never fitted:")
residuals

# %% [markdown]
# Each dot is one recorded time. On the line the prediction is right; above it the model said too slow, below it too fast. The grey band is a factor of 1.25 either way.
#
# On the left is **[plain roofline](glossary.ipynb#heading=Roofline)**: operations divided by the best rate, or bytes divided by the best bandwidth, whichever is longer. It knows no calls and no caches, so small work comes out far too fast.

# %% [markdown]
# A recorded machine can stand in the explorer too. Its times are the solid line and the small dots. The dashed line is the model fitted to them, with the band that the test above gave it.

# %% tags=["explorer"]
gl.explore_batch_and_width(cpu=recording.slug, width=1024)

# %% [markdown]
# ## On your own machine
#
# The CPUs above were predicted or recorded. This one is yours, and measured. Below is the same layer, and the same question.

# %% tags=["measures"]
here = gl.measure(gl.DenseForward(batch_size=256, n_in=2048, n_out=2048))
print(here)
print(f"{gpu.name}, predicted, would be {here.median_s / on_gpu.seconds:.1f} times as fast.")

# %% [markdown]
# And a GPU of your own, if this machine has one. How much of its peak it reaches depends on the kernel: a maker's library has a better one than the course, which brings its own for WebGPU.

# %% tags=["measures"]
own = gl.gpu()
if own.source == "measured":
    samples = samples_in_time(own, 256, width=2048)
    there = gl.measure(gl.DenseForward(batch_size=samples, n_in=2048, n_out=2048), device=own.kind)
    share = there.workload.flops / there.median_s / own.machine.peak_flops_per_s["float32"]
    print(f"{there}\n{share:.0%} of the peak of {own}")
else:
    print(f"No GPU to measure here: {own}.")

# %% [markdown]
# ## One claim
#
# In lesson 00 you rated nine claims. The fourth was: *a layer is thousands of identical neurons, so it suits a GPU*.
#
# Test it. Take 4,096 identical neurons with 4,096 inputs, and one sample. What share of the T4's peak arithmetic do they keep busy?

# %% tags=["predict"]
share_guess = ask("03-share", "FLOP/s that one sample reaches, in per cent of the peak", unit="%", low=0.1, high=100)


# %%
def share_of_peak(batch):
    layer = gl.DenseForward(batch_size=batch, n_in=4096, n_out=4096)
    return layer.flops / seconds(batch, 4096, gpu) / gpu.peak_flops_per_s["float32"]


# %% tags=["reveal"]
then = f"A batch of 256: {100 * share_of_peak(256):.0f}%."
reveal(share_guess, 100 * share_of_peak(1), f"predicted, {gpu.name}", then)

# %% [markdown]
# Thousands of neurons are not enough. With one sample each weight is read for a single multiply-add, and the lanes wait for memory. With 256 samples the same neurons use most of what this card keeps up for long.
#
# So the claim needs its hidden half: thousands of identical neurons, *and many samples for them*. What you found is kept for the last lesson. Compare it with what you said.

# %% tags=["reveal"]
print("Found in this lesson:")
finding = f"4,096 neurons reach {share_of_peak(1):.0%} of the peak with one sample, {share_of_peak(256):.0%} with 256"
keep_evidence("03-neurons", finding, f"predicted, {gpu.name}")

# %%
claims_ledger()

# %% [markdown]
# ## Remember
#
# - Every launch costs microseconds. Small work never earns them back.
# - A small batch waits for weights, however many neurons there are. Until arithmetic takes over, a larger batch is free.
# - Wide layers and large batches fill a GPU. Then the ratio of arithmetic rates decides.
# - Copies over the bus can take most of what was won. Keep the data where the work is.

# %% [markdown]
# ## Without looking back
#
# 1. Why is the GPU's line flat for small batches of a wide layer?
# 2. Who wins at batch 1 and width 64, and why?
# 3. What changes when every batch has to cross the bus?
#
# <details><summary>Answers</summary>
#
# 1. It reads all weights once in any case, and that takes longer than the arithmetic of a few samples.
# 2. The CPU. The launch alone takes longer than the CPU needs for the whole layer.
# 3. The copies are added to every call. The speed-up shrinks, most where there is little arithmetic for each number.
# </details>
#
# Before: [The layer on the GPU](02_layer_on_gpu.ipynb). Next: [Inside the GPU](04_inside_the_gpu.ipynb)
