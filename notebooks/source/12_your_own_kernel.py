# %% [markdown]
# # Your own kernel: what does a kernel look like inside?
#
# You will write a matrix product the way a GPU runs it, thread by thread, and climb in five steps from a slow kernel towards the library's.
#
# - **You will** say which number a thread computes, count what its neighbours ask of memory, find a missing barrier, predict a traffic jam in shared memory, and weigh your kernel against the library.
# - **You need** lessons 01 to 05. No GPU: your kernels run here thread by thread.
# - **Minutes** 50
#
# Before: [The verdict](11_verdict.ipynb). Next: [All lessons](README.md)

# %% tags=["setup", "measures"]
import numpy as np
import gpu_lessons as gl
from gpu_lessons.exercises.your_own_kernel import check_place, check_tiled, check_turns
from gpu_lessons.lessons import ask, choose, claims_ledger, keep_evidence, reveal, reveal_choice

gpu = gl.gpu("nvidia-rtx-a6000")  # a NameError further down? Run this cell first.
gl.say_devices(gpu)

# %% [markdown]
# ## What one thread does
#
# Every kernel so far came out of a library. `x @ w` started thousands of threads, and you never saw what one of them does. Here is a kernel of your own. It doubles numbers.


# %%
def double(here, x, y):
    i = 32 * here.block.x + here.thread
    y[i] = 2 * x[i]


# %% [markdown]
# All threads run this one function. A thread knows the number of its block, `here.block`, and its own number in that block, `here.thread`. From these it finds its work: block 1 holds threads 0 to 31, and thread 5 of it takes number 37.

# %% [markdown]
# `run_threads` runs a kernel on the CPU, one thread after another. Here it starts 2 blocks along x and 1 along y, of 32 threads each. That is slow, and it counts: more of that below.

# %%
from gpu_lessons.devices.threads import run_threads

x, y = np.arange(64, dtype="float32"), np.zeros(64, "float32")
run_threads(double, (2, 1), x, y, threads=32)
print(y[:5], y[-1])

# %% [markdown]
# A GPU reads other words for the same things. CUDA C is for NVIDIA's cards. WGSL is the language of WebGPU, for cards of any maker.
#
# | here | CUDA C | WGSL |
# |---|---|---|
# | `here.thread` | `threadIdx.x` | `local_invocation_index` |
# | `here.block.x` | `blockIdx.x` | `workgroup_id.x` |
# | `here.shared("rows", 256)` | `__shared__ float rows[256]` | `var<workgroup> rows: array<f32, 256>` |
# | `yield` | `__syncthreads()` | `workgroupBarrier()` |
#
# The last two rows come into play below.

# %% [markdown]
# ## One number a thread
#
# Now a matrix product: `c = a @ b`, where `a` has m rows of k numbers and `b` has k rows of n. A kernel sees flat memory, so row 2, column 3 of `a` is `a[2 * k + 3]`.

# %% [markdown]
# A block has 256 threads and computes a tile of 16 × 16 numbers of `c`, one a thread. `here.block.x` counts tiles along the columns, `here.block.y` down the rows.


# %%
def one_number(here, a, b, c, m, n, k):
    row = 16 * here.block.y + here.thread % 16
    column = 16 * here.block.x + here.thread // 16
    total = 0.0
    for t in range(k):
        total += a[row * k + t] * b[t * n + column]
    c[row * n + column] = total


# %%
a, b = np.random.default_rng(12).standard_normal((2, 64, 64), dtype="float32")


def try_kernel(kernel, tile=16):
    """Multiply a and b by a kernel, a block of 256 threads for each tile. Return what was counted."""
    c = np.zeros((64, 64), "float32")
    counts = run_threads(kernel, (64 // tile, 64 // tile), a, b, c, 64, 64, 64)
    print("The numbers are", "right." if np.allclose(c, a @ b, atol=1e-4) else "wrong.")
    return counts


first = try_kernel(one_number)

# %% [markdown]
# It works. Both matrices together hold 32,768 bytes. Each thread loads one number of `a` and one of `b` in every turn of its loop.
#
# The kernel reads them again and again. How many times as many bytes do all threads ask of memory?

# %% tags=["predict"]
asked_guess = ask("12-asked", "Bytes asked of memory, divided by the bytes of a and b", low=1, high=10_000)

# %% tags=["reveal"]
reveal(asked_guess, first.loads.bytes_moved / (a.nbytes + b.nbytes), "counted, thread by thread")

# %% [markdown]
# 64 times would be the numbers themselves: each number of `a` is needed for 64 numbers of `c`, and so is each of `b`. It is more than twice that, because memory does not hand out single numbers.

# %% [markdown]
# It hands out **[sectors](glossary.ipynb#heading=Sector)** of 32 bytes, eight numbers in a row. And a warp loads together: its 32 threads run the same line, so their 32 loads are one request. What counts is how many sectors the request touches.

# %% [markdown]
# Threads 0 to 31 of a block are a warp. Look at `one_number` once more. All of them load `a[row * k + t]`, with the same `t`. How many sectors is that?

# %% tags=["predict"]
sectors_guess = ask("12-sectors", "Sectors of a that one request touches", unit="sectors", low=1, high=32)

# %% tags=["reveal"]
reveal(sectors_guess, first.loads_of["a"].parts / first.loads_of["a"].requests, "counted, thread by thread")

# %% tags=["reveal"]
print("Counted:")
print(first)

# %% [markdown]
# The threads of a warp take 16 rows, and 16 rows lie in 16 places. Of the eight numbers that each sector brings, this request uses one. A cache may keep the rest for the next turn, if it has room. This count knows no cache.

# %% [markdown]
# Of `b` a warp asks for two numbers side by side, in one sector. Threads that want the same number are served together.
#
# When neighbouring threads load neighbouring numbers, few sectors serve the whole warp. Such loads are called **[coalesced](glossary.ipynb#heading=Coalesced)**. These are not.

# %% [markdown]
# ## Do it: neighbours side by side
#
# Nothing forces thread 1 into the next row. Give it the next column instead: threads 0 to 15 fill the first row of the tile, threads 16 to 31 the second.
#
# Return row and column of `c` for thread `me` of a block.


# %% tags=["exercise"]
def place(block_x, block_y, me):
    """Return (row, column) of the number that a thread computes, in tiles of 16 x 16."""
    ### BEGIN SOLUTION
    return 16 * block_y + me // 16, 16 * block_x + me % 16
    ### END SOLUTION


# %% tags=["check"]
check_place(place)

# %% [markdown]
# Here is the same change in the course's own kernel. Two lines differ.

# %% tags=["reveal"]
from gpu_lessons.devices.ladder import thread_kernel

print("Neighbours side by side:")
second = try_kernel(thread_kernel(2))
print(f"{first.loads.bytes_moved / second.loads.bytes_moved:.2f} times fewer bytes than before")
print(second)

# %% [markdown]
# No load was saved, and no operation. Only the order of the threads changed, and less than a quarter of the bytes is asked for.
#
# Work that goes number by number, such as a ReLU or a copy, is coalesced by itself. It is matrices, read along the wrong side, that are not.

# %% [markdown]
# ## Tiles in shared memory
#
# There is still far more asked than there is. The 256 threads of a block need the same 16 rows of `a` and the same 16 columns of `b`, and each fetches its row and its column for itself.

# %% [markdown]
# So let them fetch together. Each thread loads one number of a 16 × 16 piece of `a` and one of `b`, and puts them into shared memory. Then all compute with both pieces, and go on to the next.
#
# `here.shared("rows", 256)` gives 256 numbers that all threads of the block see.


# %%
def racing(here, a, b, c, m, n, k):
    rows, columns = here.shared("rows", 256), here.shared("columns", 256)
    y, x = here.thread // 16, here.thread % 16
    row, column = 16 * here.block.y + y, 16 * here.block.x + x
    total = 0.0
    for start in range(0, k, 16):
        rows[here.thread] = a[row * k + start + x]
        columns[here.thread] = b[(start + y) * n + column]
        for t in range(16):
            total += rows[16 * y + t] * columns[16 * t + x]
    c[row * n + column] = total


# %% [markdown]
# One thread reads what another has loaded. Has it been there already? On a GPU nobody promises that: warps run in an order of their own, another one each time. `run_threads` does the same.
#
# The kernel is run three times. What comes out?

# %% tags=["predict"]
race = choose(
    "12-race",
    "Three runs of the kernel on the same matrices give",
    ("three times the right numbers", "three times the same wrong numbers", "other wrong numbers each time"),
)

# %% tags=["reveal"]
results = np.zeros((3, 64, 64), "float32")
for c in results:
    run_threads(racing, (4, 4), a, b, c, 64, 64, 64)
are_right, differ = np.allclose(results, a @ b, atol=1e-4), np.ptp(results, axis=0).any()
wrong = "other wrong numbers each time" if differ else "three times the same wrong numbers"
reveal_choice(race, "three times the right numbers" if are_right else wrong)

# %% tags=["reveal", "measures"]
print("The last number of c, in each run, and as it should be:")
print(*(f"{number:.3f}" for number in (*results[:, 63, 63], (a @ b)[63, 63])))

# %% [markdown]
# This is the meanest fault of parallel programs: no message, and other numbers on another day. The cure is a **[barrier](glossary.ipynb#heading=Barrier)**, a line where every thread of a block waits until all have come. Here it is written `yield`: Python stops the function there, and `run_threads` goes on with it when all others have come as far.

# %% [markdown]
# Every thread must reach the same barrier. A kernel in which some go another way may hang, or be wrong: CUDA and WGSL both forbid it, and `run_threads` says which thread it was.

# %% [markdown]
# ## Do it: the missing barriers
#
# Write the kernel again, with barriers. Copy the lines of `racing` and think of two dangers: reading a piece before it is there, and overwriting one that somebody still reads.


# %% tags=["exercise"]
def tiled(here, a, b, c, m, n, k):
    """Store c = a @ b, where m, n and k are multiples of 16."""
    ### BEGIN SOLUTION
    rows, columns = here.shared("rows", 256), here.shared("columns", 256)
    y, x = here.thread // 16, here.thread % 16
    row, column = 16 * here.block.y + y, 16 * here.block.x + x
    total = 0.0
    for start in range(0, k, 16):
        rows[here.thread] = a[row * k + start + x]
        columns[here.thread] = b[(start + y) * n + column]
        yield  # all have loaded
        for t in range(16):
            total += rows[16 * y + t] * columns[16 * t + x]
        yield  # all have read
    c[row * n + column] = total
    ### END SOLUTION


# %% tags=["check"]
check_tiled(tiled)

# %% tags=["reveal"]
print("Tiles in shared memory:")
third = try_kernel(thread_kernel(3))
print(f"{second.loads.bytes_moved / third.loads.bytes_moved:.0f} times fewer bytes of memory than before")
print(third)

# %% [markdown]
# `c` has 4 × 4 tiles, so four blocks need each number of `a`, and four each number of `b`. Each of them now fetches it once: four times the bytes of both matrices, and no more. That is the arithmetic intensity of lesson 05, made by hand. A wider tile would save more.
#
# But look at the lines on shared memory. The requests have not gone. They have moved. What a *turn* is there comes next.

# %% [markdown]
# ## Thirty-two banks
#
# Shared memory is quick because it is 32 small memories side by side, called **[banks](glossary.ipynb#heading=Bank)**. A word is four bytes, one float32. Word 0 lies in bank 0, word 1 in bank 1, word 31 in bank 31, word 32 in bank 0 again. Each bank answers one word a turn.
#
# A tile of 32 × 32 numbers lies in it row by row. The 32 threads of a warp read one *column*. How many turns does that take?

# %% tags=["predict"]
turns_guess = ask("12-turns", "32 threads read a column of a 32 x 32 tile", unit="turns", low=1, high=32)


# %% tags=["reveal"]
def read_column(here, x, y):
    tile = here.shared("tile", 32 * 32)
    y[here.thread] = tile[32 * here.thread]


column = run_threads(read_column, (1, 1), np.zeros(32, "float32"), np.zeros(32, "float32"), threads=32)
reveal(turns_guess, column.shared_of["tile"].parts, "counted, thread by thread")

# %% [markdown]
# All 32 words lie in bank 0. The other banks have nothing to do.
#
# ## Do it: how many turns?
#
# `words` are the places that the threads of a warp read from shared memory, one each. Return how many turns the banks need. Threads that read the *same* word are answered together, in one turn.


# %% tags=["exercise"]
def turns(words):
    """Return the turns that 32 banks need, when each answers one word a turn."""
    ### BEGIN SOLUTION
    banks = [0] * 32
    for word in set(words):
        banks[word % 32] += 1
    return max(banks)
    ### END SOLUTION


# %% tags=["check"]
check_turns(turns)

# %% [markdown]
# Try `turns([33 * lane for lane in range(32)])`: a column of a tile whose rows are 33 words long. One unused word a row, and the jam is gone. Real kernels do that.

# %% [markdown]
# ## Several numbers a thread
#
# Count what the tiled kernel does for one multiply-add: one load from `rows`, one from `columns`. Two loads for one instruction that computes. The units that load are fewer than those that multiply, so most lanes wait.
#
# Let a thread compute 4 × 4 numbers of `c` instead of one, in a tile of 64 × 64, and keep them in its registers. How many times fewer requests to shared memory is that?

# %% tags=["predict"]
registers_guess = ask("12-registers", "Requests to shared memory, one number a thread against 4 x 4", low=0.1, high=100)


# %% tags=["reveal"]
def shared_requests(counts):
    return sum(each.requests for each in counts.shared_of.values())


fourth = try_kernel(thread_kernel(4), tile=64)
reveal(registers_guess, shared_requests(third) / shared_requests(fourth), "counted, thread by thread")

# %% [markdown]
# Four numbers of `a` and four of `b`, eight loads, give sixteen products. It is the trick of the tile once more, one floor higher: from memory into shared memory, from shared memory into registers.
#
# The last step loads four numbers with one instruction. The bytes of memory are the same, the requests are a quarter.

# %% tags=["reveal"]
print("Four numbers at a load:")
fifth = try_kernel(thread_kernel(5), tile=64)
counted = {1: first, 2: second, 3: third, 4: fourth, 5: fifth}
for step, counts in counted.items():
    asked, shared = counts.loads.bytes_moved, shared_requests(counts)
    print(f"step {step}: {asked:9,} bytes of memory, {shared:6,} requests to shared memory")

# %% [markdown]
# ## The ladder
#
# Five kernels, the same 2 × n³ operations. Somebody wrote such a ladder in CUDA C and timed it on an RTX A6000, against NVIDIA's own library. How many times as fast as the first step was the one with four numbers at a load?

# %% tags=["predict"]
ladder_guess = ask("12-ladder", "Speed of the fifth step divided by that of the first", low=1, high=10_000)

# %% tags=["reveal"]
title = "matrix product kernel: "
published = {each.title.removeprefix(title): each for each in gl.published() if each.title.startswith(title)}
naive, vector = published["naive"], published["vector loads"]
reveal(ladder_guess, vector.value / naive.value, f"published, {naive.machine}: {naive.credit}")

# %% tags=["reveal"]
print("Of the library's speed:")
for name, each in published.items():
    print(f"  {name:16} {each.value / published['cuBLAS'].value:6.1%}")

# %% [markdown]
# From about a hundredth of the library's speed to nearly all of it, and not one operation less. Nothing here is about arithmetic. Every step is about who fetches what, and how often.

# %% [markdown]
# Now your GPU. Without one, the model says how long the steps take on the same card. It lets everything overlap, and its tiles are those of this lesson, so its shares differ from the published ones. (Software in a GPU's place has no warps and no banks: there only the last steps help.)

# %% tags=["explorer"]
from gpu_lessons.measuring.ladder import LIBRARY, OWN, time_ladder

for size in (1024, 256) if gpu.kind == "webgpu" else (4096, 1024):
    rungs = time_ladder(gpu, size)
    if all(rung.seconds for rung in rungs):
        break  # a size that no kernel takes too long for
print(f"{size:,} × {size:,} numbers on {gpu}:", *rungs, sep="\n")
gl.plot_ladder([(rung.name, rung.seconds, rung.source) for rung in rungs if rung.seconds], library=LIBRARY)

# %% [markdown]
# ## Slide it
#
# Choose a step and the side of its tile. One figure is the ladder. The point under the roof is the step's arithmetic intensity: FLOP for each byte that its threads ask for.
#
# Take step 3 and make the tile wider. Then take step 4. Which wall stops you: memory, the units that load, or what a block may take of an SM?

# %% tags=["explorer"]
gl.explore_kernel()

# %% [markdown]
# ## Your kernel on your GPU
#
# A GPU does not read Python. Here is what changes from step 2 to step 3 in its own language. Lines with a minus go, lines with a plus come.

# %%
from gpu_lessons.devices.ladder import kernel_changes, kernel_text

language = "wgsl" if gpu.kind == "webgpu" else "cuda"
print(kernel_changes(3, language))

# %% [markdown]
# You know what it does: the place, the two pieces in shared memory, the two barriers. The questions `row < m` are for sizes that are no multiple of the tile; `&&` is *and*, and `t++` adds 1.

# %% [markdown]
# With a GPU of your own, change a kernel and time it. `print(my_text)` shows step 4: put your own text in its place, between triple quotes. If its numbers are right, it lands on your ladder. `own_tile` says how wide its tiles are.

# %%
my_text = kernel_text(4, language)
figure = None
if gpu.kind == "simulated":
    print("A simulated GPU reads no CUDA C. Run your kernel thread by thread, as above.")
else:
    rungs = time_ladder(gpu, size, own=my_text, own_tile=64)
    print(*rungs, sep="\n")
    timed = {rung.name: (rung.name, rung.seconds, rung.source) for rung in rungs if rung.seconds}
    figure = gl.plot_ladder(timed.values(), library=LIBRARY, mine=OWN if OWN in timed else None)
figure

# %% [markdown]
# Mistakes cost little here. A text that does not compile shows its line, and wrong numbers get no time. A loop without an end is given up after some seconds; on a CUDA device the notebook's kernel has to be restarted then.

# %% [markdown]
# ## One claim
#
# *A GPU has more computing units than a CPU.* Lesson 04 asked which units, and found more lanes. Here is what it takes to keep them busy.

# %%
share = {rung.step: rungs[-1].seconds / rung.seconds for rung in rungs if rung.step and rung.seconds}
slow, fast = min(share), max(share)
finding = f"of the library's speed, step {slow} of the ladder reaches {share[slow]:.1%} and step {fast} reaches {share[fast]:.0%}"
keep_evidence("12-units", finding, str(gpu))

# %%
claims_ledger()

# %% [markdown]
# ## Remember
#
# - A kernel says what one thread does. Its place follows from two numbers.
# - Memory answers warps, in sectors. Let neighbours load neighbours.
# - What a block needs in common, it fetches once. Barriers before and after.
# - The same trick again: memory, shared memory, registers.
# - All steps do the same arithmetic. Speed is in the fetching.

# %% [markdown]
# ## Without looking back
#
# 1. `y[i] = x[1024 * i]` in float32, thread i of a warp. How many sectors of `x` does the warp ask for, and how many bytes of them are used?
# 2. A kernel is right on your laptop and wrong on another machine, sometimes. What do you look for?
# 3. Why is a tile of 256 × 256 numbers of float32, with 16 terms a turn, no good idea with 256 threads?
#
# <details><summary>Answers</summary>
#
# 1. 32 sectors, 1,024 bytes, of which 128 are used.
# 2. A barrier that is missing: some thread reads what another has yet to write, or writes over what another has yet to read.
# 3. Each thread would keep 16 × 16 sums, 256 registers for these alone, and a thread has at most 255 on NVIDIA's cards. What does not fit goes to memory.
# </details>
#
# Before: [The verdict](11_verdict.ipynb). Next: [All lessons](README.md)
