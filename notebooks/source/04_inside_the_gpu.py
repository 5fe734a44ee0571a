# %% [markdown]
# # Inside the GPU: where does the parallelism live?
#
# You will follow one neuron's number down to the lane that computes it, and find out why one neuron more can cost a whole wave.
#
# - **You will** count cores honestly, cut a layer into tiles, deal them to the SMs, and predict where its time jumps.
# - **You need** the layer of lesson 01 and the figure of lesson 03.
# - **Minutes** 45
#
# Before: [Batch and width](03_batch_and_width.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl
from gpu_lessons.lessons import ask, choose, claims_ledger, keep_evidence, reveal, reveal_choice
from gpu_lessons.exercises.inside_the_gpu import check_next_stair, check_waves

gpu, cpu = gl.machine("nvidia-t4"), gl.machine("amd-ryzen-9-7950x")
# A NameError further down? Run the cells above it first, this one too.
gl.say_devices(gpu)

# %% [markdown]
# ## Cores and lanes
#
# Here are the same two machines as in lesson 03, as their boxes describe them.

# %%
print(f"{gpu.name}: {gpu.sm_count * gpu.lanes_per_sm:,} CUDA cores")
print(f"{cpu.name}: {cpu.cores} cores")

# %% [markdown]
# How many times as many float32 operations a second can the T4 do at its peak, by the data sheets?

# %% tags=["predict"]
peak_guess = ask("04-peak", "Peak FLOP/s of the T4, as a multiple of the Ryzen's", low=0.1, high=1000)

# %% tags=["reveal"]
peaks = gpu.peak_flops_per_s["float32"], cpu.peak_flops_per_s["float32"]
reveal(peak_guess, peaks[0] / peaks[1], "data sheets of both")

# %% [markdown]
# The two boxes count different things. A CUDA core is a lane: it multiplies and adds. The part that fetches an instruction and hands it to the lanes is the SM.
#
# A CPU core has lanes too, in its vector unit. Below is the same count for all, and a server CPU joins in. The clock is the one its peak is counted with: boost for the GPU, base for the CPUs.

# %%
print("                    cores  lanes each   lanes     clock")
for machine in (gpu, cpu, gl.machine("amd-epyc-9654")):
    cores, hz = (machine.sm_count, machine.clock_hz) if machine is gpu else (machine.cores, machine.base_clock_hz)
    lanes = machine.peak_flops_per_s["float32"] / (2 * hz)  # a lane does 2 FLOP a clock: multiply, add
    print(f"{machine.name:<18} {cores:6} {lanes / cores:11.0f} {lanes:7,.0f}  {hz / 1e9:.2f} GHz")

# %% [markdown]
# Lanes against lanes, the T4 has ten times what the desktop CPU has, at a third of the clock. SMs against cores, it has more than one CPU and fewer than the other.
#
# So "more computing units" needs the question: which units?

# %% [markdown]
# You can feel the lanes of your own CPU. A vector register holds twice as many float32 numbers as float64 numbers.
#
# Take one layer in both formats, on one core. Both need the same number of operations. How many times as fast is float32?

# %% tags=["predict"]
lanes_guess = ask("04-lanes", "Time in float64 divided by time in float32", low=0.1, high=100)

# %% tags=["reveal", "measures"]
wide = gl.measure(gl.DenseForward(batch_size=256, n_in=1024, n_out=1024, dtype="float32"), threads=1)
narrow = gl.measure(gl.DenseForward(batch_size=256, n_in=1024, n_out=1024, dtype="float64"), threads=1)

# %% tags=["reveal", "measures"]
recording = gl.load_recording("amd-epyc-2-cores-2026-11-25")
recorded = {point.workload: point.median_s for point in recording.measurements if point.threads == 1}
ratio = recorded[narrow.workload] / recorded[wide.workload]
then = f"As recorded on one core of {recording.cpu.name}: {ratio:.2f}×."
reveal(lanes_guess, narrow.median_s / wide.median_s, f"measured on {wide.machine}", then)

# %% [markdown]
# Half as many instructions, each on twice as many numbers. That is *one instruction on many numbers*, and your CPU does it: SIMD.
#
# The GPU does the same with more lanes and another way to write the program.

# %% [markdown]
# ## One instruction, 32 threads
#
# For a GPU you write what *one* **[thread](glossary.ipynb#heading=GPU-thread)** does, and start thousands of them. Such a thread is far smaller than the threads of a CPU in lesson 01.
#
# The SM takes 32 of them at a time, as a **[warp](glossary.ipynb#heading=Warp)**, and gives the whole warp one instruction. This is called **[SIMT](glossary.ipynb#heading=SIMT)**, single instruction, multiple threads.
#
# What if the threads of one warp disagree?

# %% tags=["predict"]
branch = choose(
    "04-branch",
    "16 threads of a warp take an if, 16 the else. Each side is 10 instructions. The warp needs the time of",
    ("10 instructions", "20 instructions", "320 instructions"),
)


# %% tags=["reveal"]
reveal_choice(branch, branch.choices[1])

# %% [markdown]
# The warp goes through every side that any of its threads takes. On each side the other threads sit idle. (`np.where` does it the same way: it gets both sides for all numbers, then picks.)
#
# If all 32 take the same side, the other costs nothing.

# %% [markdown]
# A layer has no such problem. Every thread multiplies and adds, for each sample and each neuron alike. `max(x, 0)`, the ReLU, is one instruction without an `if`.
#
# This is the second claim: *the same instruction on many numbers*. Neurons happen to ask for just that.

# %% [markdown]
# ## From a neuron to the whole GPU
#
# Here is a layer that fits a T4 exactly, taken apart. Read the upper row from left to right: what is each thing made of? Then look down: what runs it?

# %% tags=["explorer"]
gl.plot_thread_map(gpu)

# %% [markdown]
# - A thread computes some of the output's numbers, here 64. It keeps them in **[registers](glossary.ipynb#heading=Register)**, memory in the SM that belongs to one thread.
# - A **[block](glossary.ipynb#heading=Block)** is a group of warps on one SM. They have a small fast memory in common, **[shared memory](glossary.ipynb#heading=Shared-memory)**, and so load each weight once for many threads.
# - A block stays on its SM until its last thread is done.
#
# 256 threads a block is a common choice, not a law.

# %% [markdown]
# These are the words of CUDA. Through WebGPU, on a GPU of any maker, the same things have other names:
#
# | CUDA | WebGPU |
# |---|---|
# | thread | invocation |
# | warp, of 32 threads | subgroup, of 8 to 128 invocations |
# | block | workgroup |
# | shared memory | workgroup memory |
# | array on the device | storage buffer |
# | stream | queue: there is only one |

# %% [markdown]
# One simplification: a T4's SM is four groups of 16 lanes, and a warp stays with one group. Its 32 multiply-adds take that group two clocks. Four groups, two clocks: on average two warps a clock, as the picture says.

# %% [markdown]
# ## Tiles and waves
#
# A layer's output has one row for each sample and one column for each neuron. The product is cut into **[tiles](glossary.ipynb#heading=Tile)**, and each tile is the work of one block.
#
# Blocks go to SMs that are free. Say each SM takes one at a time: then a T4 works on 40 tiles at once. That is a **[wave](glossary.ipynb#heading=Wave)**. What is left waits for the next.

# %% [markdown]
# Tiles at the edge may hang over. They cost as much as whole ones: the block runs all the same.
#
# Write how many waves a layer needs, with square tiles of `tile` × `tile` numbers.

# %%
import math


# %% tags=["exercise"]
def waves(batch, width, tile, sm_count):
    """Return the waves needed for the output of batch x width numbers."""
    ### BEGIN SOLUTION
    tiles = math.ceil(batch / tile) * math.ceil(width / tile)
    return math.ceil(tiles / sm_count)
    ### END SOLUTION


# %% tags=["check"]
check_waves(waves)

# %% [markdown]
# 1,024 samples, 640 neurons, tiles of 128 × 128: that is 8 × 5 tiles, one for each SM of a T4. Add *one* neuron.
#
# If this is all there is to it, how many times as long does the layer take?

# %% tags=["predict"]
stair_guess = ask("04-stair", "Time with 641 neurons divided by time with 640", low=0.5, high=50)


# %% tags=["reveal"]
tiles = {width: math.ceil(1024 / 128) * math.ceil(width / 128) for width in (640, 641)}
needed = {width: math.ceil(count / gpu.sm_count) for width, count in tiles.items()}
reveal(stair_guess, needed[641] / needed[640], "counted, tiles of 128 × 128 on 40 SMs")

# %% [markdown]
# One more neuron starts a sixth column of tiles: 8 more tiles, a second wave. In it 8 SMs work and 32 have nothing to do.
#
# This is the **[tail](glossary.ipynb#heading=Tail)**. The fewer waves there are, the more it costs.

# %% [markdown]
# ## Slide it
#
# Below, the tiles are dealt column by column. (A real GPU promises no order.) Move *layer width*. Find a width at which every SM has work to the end, then go one step further.
#
# Then move *SMs*: each step is another card, from few SMs to many. Which card is hardest to fill?

# %% tags=["explorer"]
gl.explore_inside_the_gpu()

# %% [markdown]
# How to read it:
#
# - The number on a tile is its wave. Dark is the last wave, hollow is idle.
# - The dotted line is the picture with one tile shape. The dashed line is what the model predicts when the tiles are chosen for each size, with its band.
# - At the bottom right, width is time and height is SMs. Hollow is time that was paid for and not used.

# %% [markdown]
# A small layer has fewer tiles than the GPU has SMs. With one tile shape most of the card is idle, and a wider layer costs no more until the first stair. In lesson 03 this was called *filling the GPU*.

# %% [markdown]
# ## Do it: the next stair
#
# You have a layer of `width` neurons. How far can you widen it before the staircase goes up?
#
# Return the first width above `width` that needs more waves. Your `waves` may help.


# %% tags=["exercise"]
def next_stair(width, batch, tile, sm_count):
    """Return the smallest width above `width` that needs more waves."""
    ### BEGIN SOLUTION
    now = waves(batch, width, tile, sm_count)
    wider = width + 1
    while waves(batch, wider, tile, sm_count) == now:
        wider = wider + 1
    return wider
    ### END SOLUTION


# %% tags=["check"]
check_next_stair(next_stair)

# %% [markdown]
# Try it against the figure: call `next_stair` with 1,024 samples, tiles of 128, 40 SMs and a width of your choice, and find that stair of the dotted line.

# %% [markdown]
# ## Why the real staircase is gentler
#
# A library such as cuBLAS, the BLAS of NVIDIA GPUs, holds many kernels with different tile shapes, and picks one for each size. The model tries eleven shapes and takes the fastest.
#
# With tiles chosen anew for 641 neurons, how much longer than 640 does the model predict?

# %% tags=["predict"]
library_guess = ask("04-library", "Time with 641 neurons divided by time with 640", low=0.5, high=50)

# %% tags=["reveal"]
from gpu_lessons.model import calibrate

t4 = calibrate(gpu)
with_640, with_641 = (t4.tile(1024, width, 1024, "float32") for width in (640, 641))
reveal(library_guess, with_641.compute_s / with_640.compute_s, f"predicted, {gpu.name}")

# %%
for width in (64, 640, 641, 1408):
    cut = t4.tile(1024, width, 1024, "float32")
    sums = f"sums in {cut.split_k} parts" if cut.split_k > 1 else "whole sums"
    print(f"{width:5,} neurons: {cut.rows} × {cut.columns}, {sums}: {cut.blocks:,} blocks, waves: {cut.waves}")

# %% [markdown]
# Smaller tiles make more and shorter waves, so a last one that is half empty weighs less. Why not always the smallest? A large tile uses every number it loads more often.
#
# With too few tiles, each sum over the inputs is cut into parts that different SMs add up. That is **[split-K](glossary.ipynb#heading=Split-K)**; K is the number of inputs.

# %% [markdown]
# The band around the dashed line is wider than its stairs. The model cannot know which kernel your library takes. It says how steep the climb is, not where each small step lies.

# %% [markdown]
# ## Many warps hide the waiting
#
# A multiply-add has its result after four clocks, and a number from memory takes hundreds. An SM does not wait with the warp. It issues an instruction of another warp that is ready.
#
# The part that chooses is the **[scheduler](glossary.ipynb#heading=Scheduler)**. An SM of a T4 has four, one for each group of 16 lanes, and each looks after at most 8 warps. It can issue one instruction a clock, but a multiply-add of 32 threads keeps 16 lanes at work for two.

# %% [markdown]
# Here is such a scheduler in Python. Its warps only multiply and add, and each needs its last result before it goes on. The function returns whose turn it was in each clock, and `None` where it was nobody's.


# %%
def turns(warps, wait=4, lane_clocks=2, clocks=1600):  # 4 on a T4: Jia et al., Dissecting the NVidia Turing T4 GPU
    ready_at, lanes_free_at, history = [0] * warps, 0, []
    for clock in range(clocks):
        first = ready_at.index(min(ready_at))
        if clock >= max(ready_at[first], lanes_free_at):
            ready_at[first], lanes_free_at = clock + wait, clock + lane_clocks
            history.append(first)
        else:
            history.append(None)
    return history


# %% [markdown]
# One warp alone gets an instruction issued in one clock of four. How many times as many instructions will 8 warps get through together?

# %% tags=["predict"]
warps_guess = ask("04-warps", "Instructions issued with 8 warps, as a multiple of one warp", low=0.5, high=100)

# %% tags=["reveal"]
issued = {warps: sum(turn is not None for turn in turns(warps)) for warps in (1, 2, 4, 8)}
then = "In 1,600 clocks: " + ", ".join(f"{count} with {warps}" for warps, count in issued.items()) + "."
reveal(warps_guess, issued[8] / issued[1], "counted with the scheduler above", then)

# %% [markdown]
# Below are its first clocks. Follow one warp from left to right, then look at the lanes underneath.

# %% tags=["reveal"]
print("The first clocks of the scheduler above:")
gl.plot_turns({warps: turns(warps) for warps in (1, 2, 8)})

# %% [markdown]
# Two warps fill the lanes, and with more each waits longer for its turn. In every second clock there is nothing to issue: a real kernel uses those for loads and for counting addresses, which have units of their own.
#
# Is that the card of the data sheet? Count: all SMs, four schedulers each, 32 threads an instruction, two FLOP for a multiply-add.

# %%
rate = gpu.sm_count * 4 * issued[8] / 1600 * gpu.clock_hz * 32 * 2
print(f"counted {rate / 1e12:.2f} TFLOP/s, data sheet {gpu.peak_flops_per_s['float32'] / 1e12:.2f} TFLOP/s")

# %% [markdown]
# So two warps hide the wait for a result. The wait for memory is a hundred times as long, and no 8 warps hide it on their own:

# %%
history = turns(8, wait=400)
print(f"{2 * sum(turn is not None for turn in history) / len(history):.0%} of the clocks have the lanes at work")

# %% [markdown]
# So a kernel must do much with each number that it loads. In a tile each number is used for a whole row or column.
#
# And a thread with 64 sums need not wait for one of them: its next multiply-add belongs to another sum. Work like that, independent inside a thread, hides waiting as more warps do.

# %% [markdown]
# The warps on an SM, as a share of the most it can hold, are its **[occupancy](glossary.ipynb#heading=Occupancy)**.
#
# A block needs registers and shared memory for all of its threads at once. Often these run out first. Then the occupancy of a product is far below 100%, and with 64 sums in each thread that may be enough.

# %%
slots = gpu.max_threads_per_sm // 32
for blocks in (1, 2, 4):
    print(f"{blocks} block{'s' * (blocks > 1)} of 256 threads on an SM of the T4: occupancy {blocks * 8 / slots:.0%}")

# %% [markdown]
# An SM that holds two blocks works on them in turn. It is done about when it would be with one after the other, so the stairs stay where they are.
#
# A CPU hides waiting with large caches and by guessing ahead. A GPU hides it with more warps. That is why it wants thousands of neurons and samples: not one for each lane, but many.

# %% [markdown]
# ## Two claims
#
# In lesson 00 you rated nine claims. This lesson tested two. Here is the first again.

# %% tags=["predict"]
units = choose(
    "04-units",
    "A GPU has more computing units than a CPU.",
    (
        "it holds, and CUDA cores against CPU cores is the fair count",
        "it holds for lanes; for SMs against cores it depends on the machines",
        "it does not hold",
    ),
)

# %% tags=["reveal"]
reveal_choice(units, units.choices[1], "A CUDA core is a lane, and a CPU has lanes too.")

# %% [markdown]
# And the second: a GPU runs the same instruction on many numbers at once. You have seen that it does, and that a CPU does too, with fewer lanes. What the GPU adds are the many warps that take turns.
#
# Compare with what you said.

# %% tags=["reveal"]
print("Found in this lesson:")
lanes_of_cpu = peaks[1] / (2 * cpu.base_clock_hz)
finding = f"{gpu.sm_count} SMs against {cpu.cores} cores, {gpu.sm_count * gpu.lanes_per_sm:,} lanes against {lanes_of_cpu:.0f}"
keep_evidence("04-units", finding, f"data sheets of {gpu.name} and {cpu.name}")
finding = f"one instruction serves 32 threads, and 8 warps issue {issued[8] / issued[1]:.0f} times as many as one"
keep_evidence("04-same-instruction", finding, "counted with the scheduler of lesson 04")

# %%
claims_ledger()

# %% [markdown]
# ## Remember
#
# - A CUDA core is a lane. An SM is the core: it gives 32 threads, a warp, one instruction at a time.
# - A layer is cut into tiles. A tile is a block, and a block runs on one SM.
# - Blocks run in waves. A last wave that is nearly empty costs as much as a full one.
# - Libraries soften the stairs with many tile shapes and with split sums.
# - Many warps on an SM hide each other's waiting.

# %% [markdown]
# ## Without looking back
#
# 1. A card has 80 SMs, and a layer 81 tiles. How many waves, and how full is the last one?
# 2. Why does an `if` inside a warp cost both of its sides?
# 3. Why does an SM hold more threads than it has lanes?
#
# <details><summary>Answers</summary>
#
# 1. Two. The last one has one tile: 1 of 80 SMs works.
# 2. All 32 threads get the same instruction. The warp goes through both sides, and on each some threads sit idle.
# 3. While some warps wait for a number, others have an instruction ready. The lanes stay busy.
# </details>
#
# Before: [Batch and width](03_batch_and_width.ipynb). Next: [Compute and bandwidth](05_compute_and_bandwidth.ipynb)
