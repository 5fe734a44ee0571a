# %% [markdown]
# # Start here: what is inside this machine?
#
# You will see the machines this course is about, side by side, and say what you believe before you test it.
#
# - **You will** read a data sheet, predict a ratio, do one exercise, rate nine claims.
# - **You need** Python and a little NumPy. No GPU.
# - **Minutes** 30
#
# Next: [From a neuron to a layer](01_neuron_to_layer.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl
from gpu_lessons.lessons import ask, claims_ledger, rate_claims, reveal
from gpu_lessons.exercises.start_here import check_seconds_to_read

# A NameError further down? Run the cells above it first, this one too.
gl.say_devices(gl.machine("nvidia-t4"))

# %% [markdown]
# What stands under a cell before you run it was made on the machine and day that the line above names. Run the cell with Shift and Enter, and it is yours.

# %% [markdown]
# ## Where a number comes from
#
# Every time in this course has one of four [sources](glossary.ipynb#heading=Source-of-a-number), and says which.
#
# - **measured**: on your machine, just now.
# - **recorded**: on a named machine, on a named day.
# - **published**: by somebody else, who is named.
# - **predicted**: by a model, with a band. Four of five true times lie in it. On a card that nobody compared, *not tested on this card* stands beside the time.
#
# With no GPU in sight you see predictions. Nothing pretends to be a measurement. What is known of a machine comes from its data sheet, and work is counted.

# %% [markdown]
# Recorded times ship with the course, in files. You will meet this one in every lesson.

# %%
recording = gl.load_recording("amd-epyc-2-cores-2026-11-25")
print(f"{recording.cpu.name}, recorded {recording.provenance.date}: {len(recording.measurements)} times")

# %% [markdown]
# You can record your own machine too, with `gpu-lessons record` in a terminal. It takes some four minutes.

# %% [markdown]
# ## This machine
#
# The next cell asks your computer what it is. Look for three things: how many cores, how much memory, and whether there is a GPU.

# %% tags=["measures"]
print(gl.this_machine())

# %% [markdown]
# - A **[core](glossary.ipynb#heading=Core)** runs its own program. Many CPUs let two [threads](glossary.ipynb#heading=CPU-thread) share one. Where only some are *usable*, as in a container, this notebook may not keep the others busy.
# - Names such as AVX2, AVX-512 or NEON belong to its **[vector unit](glossary.ipynb#heading=Vector-unit)**, which computes with several numbers at once.
# - A **[cache](glossary.ipynb#heading=Cache)** is a small fast memory on the chip. The *last* one is the largest.
# - **[BLAS](glossary.ipynb#heading=BLAS)** is the library that multiplies matrices for NumPy.

# %% [markdown]
# ## Words that keep their meaning
#
# - The **[host](glossary.ipynb#heading=Host)** is the CPU with its memory. The **[device](glossary.ipynb#heading=Device)** is the GPU with its own.
# - A **[kernel](glossary.ipynb#heading=Kernel)** is a function that runs on the GPU. (The Jupyter kernel is always called by its full name.)
# - The **[bus](glossary.ipynb#heading=Bus)** or **link**, often PCIe, joins host and device.
# - **[Bandwidth](glossary.ipynb#heading=Bandwidth)** is bytes a second. **[Latency](glossary.ipynb#heading=Latency)** is the wait for the first one.
# - A **[float32](glossary.ipynb#heading=float32)** is a number of four bytes, the usual one in deep learning.
# - A **[FLOP](glossary.ipynb#heading=FLOP)**, a floating-point operation, is one multiplication or addition of such numbers. FLOP/s is a rate.
#
# A word that is a link leads to the [glossary](glossary.ipynb). While that is open in a tab, the link goes straight to its word.

# %% [markdown]
# ## Two machines of one year
#
# In 2020 a fast desktop had an Intel Core i9-10900K and, for a lot of money, an NVIDIA RTX 3090. Both have memory of their own.
#
# The bandwidth of the CPU's memory is below. How many times as fast does the GPU's memory deliver bytes?

# %%
cpu = gl.machine("intel-core-i9-10900k")
cpu.memory_bandwidth_bytes_per_s / 1e9  # GB/s

# %% [markdown]
# Say a number before you look. A wrong number is welcome: people who predict first remember the answer better, and a surprise stays longest.

# %% tags=["predict"]
bandwidth_guess = ask("00-bandwidth", "GPU memory bandwidth, as a multiple of the CPU's", low=0.1, high=1000)

# %% tags=["reveal"]
gpu = gl.machine("nvidia-rtx-3090")
ratio = gpu.memory_bandwidth_bytes_per_s / cpu.memory_bandwidth_bytes_per_s
reveal(bandwidth_guess, ratio, "data sheets of RTX 3090 and i9-10900K")

# %% [markdown]
# ## Side by side
#
# Here is the rest. A bar to the right means the GPU has more, a bar to the left that it has less. Each step of the scale is a factor of ten.
#
# Data sheets are polite. The **[clock](glossary.ipynb#heading=Clock)** is the *boost* clock, the highest each maker promises. Arithmetic is counted at that clock for the GPU, and for the CPU at its lower *base* clock, which long work comes nearer to. The memory of the CPU is the most it supports; few machines have so much.
#
# Which bar do you find hardest to believe?

# %%
gl.compare_machines(gpu, cpu)

# %% [markdown]
# Three bars point left. The GPU's clock is slower, its memory is smaller, and the link to it is slower than the memory on either side. (The bar takes the PCIe 4 of the card. This CPU only has PCIe 3, half as fast.)
#
# So a GPU is not a faster CPU. It is a wider machine with a narrow door.

# %% [markdown]
# *Cores* needs care. The box of an RTX 3090 says 10,496 "[CUDA cores](glossary.ipynb#heading=CUDA-core)". Each of those is one **[lane](glossary.ipynb#heading=Lane)** of arithmetic. The part that fetches and runs instructions, as a CPU core does, is the **[SM](glossary.ipynb#heading=SM)**, the streaming multiprocessor.
#
# The next cell counts them.

# %%
print(gpu.sm_count, "SMs with", gpu.lanes_per_sm, "lanes each:", gpu.sm_count * gpu.lanes_per_sm, "lanes")
print(cpu.cores, "CPU cores, each with vector units called", cpu.simd)

# %% [markdown]
# A vector unit has lanes too. So lanes should be compared with lanes, and SMs with cores. Lesson 04 does that.
#
# Every value in the catalogue names its source. When a number surprises you, ask where it comes from.

# %%
print(cpu.sources["peak_flops_per_s.float32"])

# %% [markdown]
# That is a sum you can check. 256 bits hold 8 float32 numbers. An **[FMA](glossary.ipynb#heading=FMA)** unit multiplies them and adds in one instruction: 16 FLOP. A core has two such units, so 32 FLOP a clock.

# %%
print(cpu.cores * cpu.base_clock_hz * 32 / 1e12, "TFLOP/s, and the bar says", cpu.peak_flops_per_s["float32"] / 1e12)

# %% [markdown]
# The figure takes any pair. Here are two of 2023, made for servers. Compare the two figures: which gap became smaller?

# %%
gl.compare_machines(gl.machine("nvidia-h100-sxm"), gl.machine("intel-xeon-platinum-8480-plus"))

# %% [markdown]
# All three bars to the right are shorter here: this CPU has 56 cores and eight channels to its memory. How much a GPU has more depends on the CPU beside it. So does every [speed-up](glossary.ipynb#heading=Speed-up) in this course.

# %% [markdown]
# ## Do it: read all of it once
#
# Some programs touch every byte of a card's memory. Even a perfect one needs the time it takes to read them all.
#
# Write a function that returns that time in seconds. `machine` has `memory_bytes` and `memory_bandwidth_bytes_per_s`.


# %% tags=["exercise"]
def seconds_to_read(machine):
    """Return the seconds `machine` needs to read its whole memory once."""
    ### BEGIN SOLUTION
    return machine.memory_bytes / machine.memory_bandwidth_bytes_per_s
    ### END SOLUTION


# %% tags=["check"]
check_seconds_to_read(seconds_to_read)

# %% [markdown]
# Stuck? Run `check_seconds_to_read.hint()` in a new cell. Each call says a little more.

# %% [markdown]
# ## What do you believe?
#
# This course grew from a short article of 2020, "Why is GPU more suitable for deep learning than CPU?". It makes nine claims.
#
# Rate each one now, and say how sure you are. The table below follows you. You will test every claim, and meet your own answers again in the last lesson. They stay in a small file beside the lessons, `my_course.json`.

# %%
rate_claims()

# %%
claims_ledger()

# %% [markdown]
# ## How far you are
#
# What you predict, rate and solve is counted here. Run this cell whenever you come back; in a terminal, `gpu-lessons progress` prints the same.

# %%
gl.my_progress()

# %% [markdown]
# ## Remember
#
# - Numbers here are measured, recorded, published or predicted, and say so.
# - In the two pairs above, a GPU has two to eight times the cores, and about ten to thirty times the arithmetic and the memory bandwidth.
# - Its clock is a third to a half, its memory is smaller, and the link to it is slower than either memory.
# - A CUDA core is a lane. An SM is the core.

# %% [markdown]
# ## Without looking back
#
# 1. Which three things does a GPU have less of?
# 2. What is the difference between a CUDA core and an SM?
# 3. What does *predicted* mean under a figure?
#
# <details><summary>Answers</summary>
#
# 1. Clock, memory size, and bandwidth of the link against either memory.
# 2. A CUDA core is one lane of arithmetic. An SM fetches instructions and runs them on many lanes, as a CPU core does with its vector unit.
# 3. A model computed it, from counts of the work and a few known rates of the machine.
# </details>
#
# Next: [From a neuron to a layer](01_neuron_to_layer.ipynb)
