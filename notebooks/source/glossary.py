# %% [markdown]
# # Glossary: the words of this course
#
# Two sentences for each word, in the order of the alphabet. Where a number belongs to a word, the cell below it prints that of your machine.
#
# Before: [All lessons](README.md). Next: [Start here](00_start_here.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl

here, gpu = gl.this_machine(), gl.gpu()
layer = gl.DenseForward(batch_size=256, n_in=1024, n_out=1024)
# A NameError further down? Run this cell first.
gl.say_devices(gpu)

# %% [markdown]
# ### Activation
#
# What a layer hands to the next one: a number for each neuron and each sample. Training keeps the activations of all layers until the backward pass has used them.

# %% [markdown]
# ### Amdahl
#
# Amdahl's law says how much faster a program gets where only a part of its time can be shared or sped up: the rest stays as it is. If 90 % can be shared, the whole is never more than 10 times as fast.

# %% [markdown]
# ### Arithmetic intensity
#
# The FLOP of some work divided by the bytes that it moves to and from memory. Where it is low, memory sets the pace, and where it is high, arithmetic does.

# %%
print(f"256 samples, 1,024 inputs, 1,024 neurons: {layer.arithmetic_intensity:.0f} FLOP a byte (counted)")

# %% [markdown]
# ### Asynchronous
#
# A call is asynchronous if it returns before its work is done. Calls to a GPU are, so a clock that nobody makes wait reads the time of the asking.

# %% [markdown]
# ### Backward pass
#
# The way through a network from its last layer to its first, which computes the gradients. For a dense layer it is two matrix products, so it takes about twice the arithmetic of the forward pass.

# %%
step = gl.DenseTrainStep(batch_size=256, n_in=1024, n_out=1024)
print(f"{step.flops / layer.flops:.2f} times the FLOP of the forward pass, with forward pass and update (counted)")

# %% [markdown]
# ### Bandwidth
#
# Bytes a second that a memory or a link delivers once it runs. A data sheet states the most it could be; real programs get a part of it.

# %% tags=["measures"]
big = gl.measure(gl.Elementwise(20_000_000), budget_s=0.3)
rate = big.workload.bytes_moved / big.median_s
print(f"{rate / 1e9:.0f} GB/s, max(x, 0) of 20 million numbers, measured on {big.machine}")

# %% [markdown]
# ### Bank
#
# One of 32 parts of shared memory, each of which answers one word a turn. Threads that want different words of the same bank wait for each other.

# %% [markdown]
# ### Barrier
#
# A line of a kernel where every thread of a block waits until all have reached it. It separates writing shared memory from reading what others wrote.

# %% [markdown]
# ### Batch
#
# Samples that are computed together. A larger batch uses each weight more often for one reading of it.

# %% [markdown]
# ### BLAS
#
# A library of matrix and vector operations, tuned for one kind of processor; the letters stand for Basic Linear Algebra Subprograms. NumPy calls it for every product of two matrices.

# %% tags=["measures"]
print(here.blas_name)

# %% [markdown]
# ### Block
#
# A group of threads that runs on one SM and shares its fast memory there. In a matrix product one block computes one tile.

# %% [markdown]
# ### Bottleneck
#
# The part that decides how long the whole takes: launch, memory, arithmetic or copies. To speed up any other part brings next to nothing.

# %%
print(gl.predict(layer, gl.machine("nvidia-t4")))

# %% [markdown]
# ### Bus
#
# The link between host and device, usually PCIe, and a much narrower door than the memory on either side. What crosses it in every step can cost more than the arithmetic.

# %%
t4 = gl.machine("nvidia-t4")
print(f"{t4.name}: {t4.link_name}, {t4.link_bandwidth_bytes_per_s / 1e9:.1f} GB/s one way (data sheet)")

# %% [markdown]
# ### Cache
#
# A small fast memory on the chip that keeps what was used last. Data that fits into it is read many times as fast as from main memory.

# %% tags=["measures"]
size_bytes = here.cpu.cache_bytes
print(f"last cache of {here.cpu.name}: {f'{size_bytes / 2**20:.0f} MB' if size_bytes else 'not told'}")

# %% [markdown]
# ### Chain
#
# Steps of which each needs the result of the one before, so no two can run side by side. On a GPU each of them costs a launch, unless one kernel does them all.

# %% [markdown]
# ### Clock
#
# The beat to which a processor works, in GHz: thousand million beats a second. Makers state a *base* clock that it keeps up and a *boost* clock that it reaches while it is cool and little is going on.

# %% [markdown]
# ### Coalesced
#
# Loads of a warp whose threads want numbers side by side, so that few sectors serve all of them. When neighbours load far apart, most of what comes is thrown away.

# %% [markdown]
# ### Context
#
# What a program gets on a card before its first array: room for its kernels, their stack and its libraries. It counts as taken memory, and each process has one of its own.

# %% [markdown]
# ### Convolution
#
# To slide a filter over an image and add up, at each place, pixels times weights. A layer of it is one matrix product of patches and filters, and each weight is used at every place.

# %% [markdown]
# ### Core
#
# The part of a CPU that fetches and runs a program of its own. What comes nearest to it in a GPU is the SM.

# %% tags=["measures"]
print(f"{here.cpu.name}: {here.cpu.cores} cores")

# %% [markdown]
# ### CPU thread
#
# One strand of a program, which runs on one core at a time. Many cores run two of them at once; the two share the arithmetic units, so they are not two cores.

# %% tags=["measures"]
print(f"{here.cpu.name}: {here.cpu.threads} threads")

# %% [markdown]
# ### Critical batch size
#
# The batch up to which a larger one needs fewer steps of training, because its gradient points more surely downhill. Beyond it the number of steps hardly falls, and more samples only cost time.

# %% [markdown]
# ### cuBLAS
#
# The BLAS of NVIDIA's GPUs, which CuPy and PyTorch call. It holds many kernels for the same product and chooses one by the shape.

# %% [markdown]
# ### CUDA core
#
# NVIDIA's name for a lane. It is not a core: it fetches no instructions of its own.

# %% [markdown]
# ### CuPy
#
# NumPy's functions for arrays in the memory of an NVIDIA GPU. It refuses to mix them with NumPy's arrays, because a hidden copy could cost more than the work.

# %% [markdown]
# ### Device
#
# The GPU with its own memory. Its arrays are reached by kernels and by copies over the bus, and by nothing else.

# %%
print(gpu)

# %% [markdown]
# ### FFT
#
# The fast Fourier transform writes an image, or a sound, as a sum of waves. In that form a convolution is one multiplication for each wave, whatever the size of the filter.

# %% [markdown]
# ### Filter
#
# A small matrix of weights that slides over an image. A network learns what it looks for.

# %% [markdown]
# ### Finite difference
#
# The change of a result divided by the small nudge of one number that caused it. It tests a gradient that was computed in another way.

# %% [markdown]
# ### float32
#
# A number of 32 bits, four bytes, with about seven decimal digits. NumPy's own default is float64 with eight bytes, which many GPUs compute far more slowly.

# %% [markdown]
# ### FLOP
#
# One multiplication or one addition of floating-point numbers; FLOP/s is how many a processor does in a second. M, G and T in front of it are a million, a thousand million, and a million million.

# %% tags=["measures"]
print(f"{layer.flops:,} FLOP (counted)")
once = gl.measure(layer)
print(f"{layer.flops / once.median_s / 1e9:.0f} GFLOP/s, measured on {once.machine}")

# %% [markdown]
# ### FMA
#
# A fused multiply-add: one instruction that multiplies two numbers and adds a third. It counts as two FLOP, and nearly all the work of a layer consists of it.

# %% [markdown]
# ### Forward pass
#
# The way through a network from its inputs to its outputs. For a dense layer it is one matrix product and the addition of the bias.

# %% [markdown]
# ### Fusing
#
# Making one kernel of several that follow each other number by number. It saves launches, and the ways to memory and back between them.

# %% [markdown]
# ### GPU thread
#
# What one lane computes: a few numbers of the result, by the same program as all other threads. It is far smaller than a thread of a CPU, and thousands of them are started at once.

# %% [markdown]
# ### Gradient
#
# How strongly the error of a network changes with one weight, and in which direction. Training computes one for every weight and moves the weights a little against it.

# %% [markdown]
# ### Gradient accumulation
#
# A batch is cut into parts that run one after another, and their gradients are added up. The sum is the gradient of the whole batch, with the activations of one part.

# %% [markdown]
# ### Host
#
# The CPU with its memory, where your program runs. It puts work into the queue of the device and can do other things meanwhile.

# %% tags=["measures"]
print(f"{here.cpu.name}, {here.available_memory_bytes / 1e9:.1f} GB of memory free")

# %% [markdown]
# ### Joule
#
# A watt for one second, the unit of energy. 3.6 million of them are the kilowatt hour of an electricity bill.

# %% [markdown]
# ### Kernel
#
# A function that runs on the device, by many threads at once. (The Jupyter kernel, which runs your cells, has only the name in common with it.)

# %% [markdown]
# ### Lane
#
# The part that computes with one number at a time: a multiply-add a clock. An SM has 64 or 128 of them, and the vector units of a CPU core commonly 16 or 32.

# %%
print(f"{t4.name}: {t4.sm_count} SMs with {t4.lanes_per_sm} lanes each (data sheet)")

# %% [markdown]
# ### Latency
#
# The wait from asking to the first answer, such as from a load to its number. Bandwidth says how fast the rest follows.

# %% [markdown]
# ### Launch
#
# The host telling the device to start a kernel. What that costs, the launch overhead, is a few microseconds whatever the size of the work.

# %%
print(f"{t4.name}: {t4.launch_overhead_s * 1e6:.1f} µs ({t4.sources['launch_overhead_s'].partition(',')[0]})")

# %% [markdown]
# ### Layer
#
# Neurons that look at the same inputs. In a *dense* layer each of them looks at every input, so a batch of samples is one matrix product.

# %% [markdown]
# ### Learning rate
#
# How far a step of training moves the weights against their gradient. Too small, and learning takes for ever; too large, and the loss grows instead of falling.

# %% [markdown]
# ### Median
#
# The middle of all values when they are put in order. Unlike the mean it is not moved by one sample that was interrupted.

# %% [markdown]
# ### Memory pool
#
# Keeps the memory of dead arrays for the next ones, because asking the driver takes long. For other programs it counts as taken.

# %% [markdown]
# ### Neuron
#
# The sum of all inputs, each multiplied by a weight, and a bias. In a network a simple function follows, such as max(x, 0).

# %% [markdown]
# ### Occupancy
#
# The warps on an SM, as a share of the most it can hold. More of them can hide more waiting, but a kernel with much independent work in each thread is fast without.

# %% [markdown]
# ### Optimizer
#
# The rule that turns gradients into new weights, such as SGD, momentum or Adam. Adam keeps two more numbers for every weight, so it needs more memory.

# %% [markdown]
# ### Out of memory
#
# The error of a device whose memory has no room for one more array. Nothing that is there is lost, and a smaller request may still fit.

# %%
print(f"{gpu}: {gpu.memory.capacity_bytes / 1e9:.0f} GB")

# %% [markdown]
# ### Pageable memory
#
# Host memory that the operating system may move to another place or to the disk; NumPy's arrays lie in it. A copy from it to a GPU goes through pinned memory first, which takes the CPU's time.

# %% [markdown]
# ### Peak
#
# The FLOP/s of a data sheet: all lanes busy in every clock. Large matrix products reach a share of it, and most work a far smaller one.

# %%
peak, share = t4.peak_flops_per_s["float32"], t4.sustained_share_of_peak["float32"]
print(
    f"{t4.name}: {peak / 1e12:.1f} TFLOP/s (data sheet), of which large products reach {share:.0%} (fitted to published times)"
)
print(f"long ones, at its power limit of {t4.power_w:.0f} W: {share * t4.throttled_share:.0%}")

# %% [markdown]
# ### Pinned memory
#
# Host memory that the operating system has promised to leave in place, so that the copy engine of a GPU can read it by itself. Copies from it are faster, and the host goes on meanwhile.

# %% [markdown]
# ### Pooling
#
# To keep one number of each window of an image, usually the largest. The image gets smaller, and it matters less where in the window something was.

# %% [markdown]
# ### Recomputation
#
# A layer's forward pass is run again when its backward pass needs the activations, instead of keeping them. It saves memory and costs at most one forward pass; its other name is checkpointing.

# %% [markdown]
# ### Recurrent layer
#
# A layer that reads its input in time steps: each step takes the next input and the state that the last step left. Its time steps wait for each other; different sequences do not.

# %% [markdown]
# ### Register
#
# The fastest memory there is, inside the SM, and each of its places belongs to one thread. A thread keeps its sums there while it works.

# %% [markdown]
# ### Ridge
#
# The FLOP for each byte at which a machine has both its arithmetic and its memory busy: the peak divided by the bandwidth. Work with fewer waits for memory.

# %%
print(f"{t4.name}: {peak / t4.memory_bandwidth_bytes_per_s:.0f} FLOP a byte in float32 (data sheet)")

# %% [markdown]
# ### Roofline
#
# A time from two rates: FLOP divided by the best arithmetic rate, or bytes divided by the best bandwidth, whichever is longer. It names the bottleneck well, and says too short a time for small work.

# %% [markdown]
# ### Rounding
#
# A result is cut to the digits that its format has, in float32 about seven. So another order of additions gives other last digits, and results are compared with a tolerance.

# %% [markdown]
# ### Sample
#
# One set of inputs, such as one image: one row of the matrix x. A batch is several of them.

# %% [markdown]
# ### Scheduler
#
# The part of an SM that chooses, in each clock, a warp that is ready and issues its next instruction. An SM of today has four.

# %% [markdown]
# ### Sector
#
# 32 bytes in a row, the least that a GPU's memory hands over. A warp's request costs as many as its threads touch.

# %% [markdown]
# ### Shared memory
#
# A small fast memory in the SM that the threads of one block have in common. A tile's inputs are loaded into it once and used by all of them.

# %% [markdown]
# ### SIMD
#
# Single instruction, multiple data: one instruction of a CPU computes with several numbers. The lanes are those of its vector unit, and the program says so in its instructions.

# %% [markdown]
# ### SIMT
#
# Single instruction, multiple threads: a program is written for one thread, and the GPU gives 32 threads the same instruction. Where the threads of a warp disagree, it goes through both ways one after the other.

# %% [markdown]
# ### Simulated GPU
#
# What the course uses where there is no CUDA device: NumPy computes the numbers, and clock, memory and bus follow the model of a named card. Its times are predictions and are called so.

# %% [markdown]
# ### SM
#
# Streaming multiprocessor: the part of a GPU that fetches instructions and runs them on its lanes. It is what comes nearest to a core of a CPU.

# %% [markdown]
# ### Softmax
#
# It turns scores into positive shares that add up to 1, the larger the score the larger the share. Each share is the exponential of its score, divided by the sum of all.

# %% [markdown]
# ### Source of a number
#
# Measured on your machine, recorded on a named machine and day, published by somebody who is named, or predicted by a model with its known error. Every time in this course says which of the four it is.

# %% [markdown]
# ### Speed-up
#
# The time of one way divided by the time of another. It means something only with a word on both machines, on waiting, on warm-up and on copies.

# %% [markdown]
# ### Split-K
#
# A matrix product in which each sum over the inputs is cut into parts for different SMs, which are added up in the end. It fills a GPU where there are too few tiles.

# %% [markdown]
# ### Stream
#
# The queue in which a device finds its work, one piece after the other. The host can fill it while the device works.

# %% [markdown]
# ### Sweep
#
# The same work timed at many sizes. It shows where a line is flat, where it bends and where two lines cross, which a single size never does.

# %% [markdown]
# ### Synchronize
#
# Wait until the device has done all that was asked of it. An honest clock is read after that, before the work as well as behind it.

# %% [markdown]
# ### Tail
#
# The last wave of a kernel, when there are fewer tiles left than SMs. It takes as long as a full wave, so with few waves it costs much.

# %% [markdown]
# ### Texture unit
#
# A part of a GPU that reads an image at any place, also between pixels, and mixes the neighbours. It draws surfaces and resamples pictures; networks run without it.

# %% [markdown]
# ### Tile
#
# A rectangle of a matrix product's result, and the work of one block. A large one uses each number it loads more often, and a small one leaves a shorter tail.

# %% [markdown]
# ### Token
#
# What a language model reads and writes: a word, or a piece of one. The cost of a training is counted by them.

# %% [markdown]
# ### Utilisation
#
# The share of their peak that cards reach over a whole training, waiting for memory, for data and for each other included. Published trainings reach from about a sixth to half of it.

# %% [markdown]
# ### Vector unit
#
# The part of a CPU core that computes with several numbers in one instruction. Its names differ with the processor: AVX2 takes 8 float32 numbers, AVX-512 takes 16, NEON takes 4.

# %% tags=["measures"]
print(f"{here.cpu.name}: {here.cpu.simd or 'not told'}")

# %% [markdown]
# ### Warm-up
#
# The first calls, which are not counted. They pay for what happens once: compiling, loading libraries, filling caches, raising the clock.

# %% tags=["measures"]
first_s = once.warmup_s[0]
print(f"first call {first_s * 1e3:.2f} ms, then {once.median_s * 1e3:.2f} ms (a layer, measured on {once.machine})")

# %% [markdown]
# ### Warp
#
# 32 threads that get the same instruction at the same time. An SM holds many warps and changes between them in every clock, so that one's waiting is another's work.

# %% [markdown]
# ### Wave
#
# As many tiles as the SMs take at once. When they are done the next wave follows, and one tile too many starts a whole new one.

# %% [markdown]
# ### WebGPU
#
# A way for programs to compute on the GPU of any maker, through the driver that also draws the screen. It runs on Vulkan, Metal or Direct3D 12, and not on CUDA; its kernels are written in a language called WGSL.

# %% [markdown]
# ### Weight
#
# The number by which a neuron multiplies one of its inputs, and what training changes. A dense layer has one for each pair of input and neuron.

# %% [markdown]
# ### Well calibrated
#
# A person is well calibrated whose sureness fits how often they are right. Who is right nine times in ten when *certain* and every second time when guessing knows what they know.

# %% [markdown]
# ### Winograd
#
# A way to compute small convolutions with fewer multiplications and more additions, after the mathematician Shmuel Winograd. For filters of 3 x 3 it takes 16 multiplications where the sums as they stand take 36.

# %% [markdown]
# ### Workload
#
# A piece of work with its sizes, that can be counted and also run. The same object is timed by `measure` and predicted by `predict`, so both mean the same work.
