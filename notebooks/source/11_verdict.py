# %% [markdown]
# # The verdict: was the article right, and which GPU would you choose?
#
# You will judge the nine claims once more, with your own numbers beside them, take a famous factor apart, and choose a machine for a network, a deadline and a budget.
#
# - **You will** rate the claims again, see your ledger filled and how well you knew what you knew, find what a fair comparison must name, choose among a CPU and ten GPUs, and print a report.
# - **You need** the lessons before this one; without them the ledger is empty, and says so. No GPU.
# - **Minutes** 45
#
# Before: [Images and convolution](10_images_and_convolution.ipynb). Next: [Your own kernel](12_your_own_kernel.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl
from gpu_lessons.exercises.verdict import Choosable, check_choose_machine, check_widest_claims
from gpu_lessons.lessons import ask, choose, rate_claims, reveal, reveal_choice, say_gain, verdict_ledger

# A NameError further down? Run this cell first.
gl.say_devices(gl.machine("nvidia-t4"))

# %% [markdown]
# ## The same questions again
#
# In the first lesson you said what you believed, before you had tested anything. Say it again now. What you said then stays as it was.
#
# A claim of two halves of which one fails is *partly* true. So is one that needs a condition it does not name.

# %%
rate_claims(again=True)

# %% [markdown]
# One number came with them: the memory bandwidth of a fast card of 2020, the RTX 3090, against that of a desktop CPU of the same year, the Core i9-10900K. Do not look it up.

# %% tags=["predict"]
bandwidth_guess = ask("11-bandwidth", "GPU memory bandwidth, as a multiple of the CPU's", low=0.1, high=1000)

# %% tags=["reveal"]
gpu, cpu = gl.machine("nvidia-rtx-3090"), gl.machine("intel-core-i9-10900k")
ratio = gpu.memory_bandwidth_bytes_per_s / cpu.memory_bandwidth_bytes_per_s
reveal(bandwidth_guess, ratio, "data sheets of RTX 3090 and i9-10900K")

# %% [markdown]
# ## The ledger
#
# Below, each claim has what you said at first and now, what your own notebooks found, and a verdict: *true*, *true with a condition*, *outdated* or *wrong*. The last column says for which machines and years. Ratios and sizes in it come from data sheets.
#
# A row without evidence names the lesson that has it. Run the cell after you have rated, and again when you come back.

# %% tags=["reveal"]
print("The nine claims:")
verdict_ledger()

# %% [markdown]
# No claim is simply false but one, and few are simply true. Most need a *which*: which machines, which batch, which year. The article named none, and that is the most common mistake in writing about hardware.
#
# What did the course do for you?

# %% tags=["reveal"]
print("Claims and bandwidth, before and after:")
say_gain()

# %% [markdown]
# ## Did you know what you knew?
#
# Whenever you predicted, you also said how sure you were. A person is **[well calibrated](glossary.ipynb#heading=Well-calibrated)** if *certain* is right more often than *fairly sure*, and that more often than *a guess*.
#
# Right means within a factor of two. Only your first answer to each question counts.

# %%
gl.my_calibration()

# %% [markdown]
# On the left, look for bars that grow downwards. On the right, look for a line that falls. Both improve with practice, and only if the predictions are written down.

# %% [markdown]
# ## 253 times
#
# Somebody measured one linear layer, 512 inputs, 1,024 neurons and 102,400 samples, on several machines, each time on a GPU and on the CPU beside it. These are published figures, like the hollow diamonds of other lessons.

# %%
layer = [each for each in gl.published() if each.title.startswith("linear layer")]
gpu_s, cpu_s = ({each.machine: each.time_s for each in layer if each.title.endswith(kind)} for kind in ("GPU", "CPU"))
print(
    f"{gpu_s['NVIDIA V100'] * 1e3:.2f} ms on an NVIDIA V100, {cpu_s['Intel Xeon 5120'] * 1e3:,.0f} ms on its Xeon 5120"
)
print(f"{cpu_s['Intel Xeon 5120'] / gpu_s['NVIDIA V100']:.1f} times (published, {layer[0].credit})")

# %% [markdown]
# That factor has been quoted as what a GPU brings. The same table holds an RTX 4090, five years younger, and several times as fast as the V100, with a Core i9-10940X beside it.
#
# How many times faster is the RTX 4090 than *its* CPU?

# %% tags=["predict"]
pair_guess = ask("11-pair", "CPU time divided by GPU time, RTX 4090 beside a Core i9-10940X", low=1, high=10_000)

# %% tags=["reveal"]
pair = cpu_s["Intel Core i9-10940X"] / gpu_s["NVIDIA RTX 4090"]
reveal(pair_guess, pair, f"published, {layer[0].credit}")

# %% tags=["reveal"]
work = gl.DenseForward(batch_size=102_400, n_in=512, n_out=1024).flops
print("All eight times, and the rate that each is:")
for name, time_s in (gpu_s | cpu_s).items():
    print(f"{name:25} {time_s * 1e3:8,.1f} ms  {work / time_s / 1e12:6.2f} TFLOP/s")

# %% [markdown]
# Look at the last column, and at the four CPUs in it.

# %% tags=["predict"]
who = choose(
    "11-who",
    "Why does the V100 have the largest factor?",
    (
        "it is the fastest of the GPUs",
        "its CPU did far less than the other CPUs",
        "the layer suits it better than the others",
    ),
)

# %% tags=["reveal"]
others = [time_s for name, time_s in cpu_s.items() if name != "Intel Xeon 5120"]
times = [cpu_s["Intel Xeon 5120"] / time_s for time_s in (max(others), min(others))]
then = f"The other CPUs were {times[0]:.0f} to {times[1]:.0f} times as fast as the Xeon. Perhaps one of its cores ran; nothing says so."
reveal_choice(who, who.choices[1], then)

# %% [markdown]
# So the factor says as much of the CPU as of the GPU, and who chose the CPU chose the factor.
#
# **Do it.** Two tables hold the times of GPUs and of CPUs by name. Any GPU may be set beside any CPU. Return the smallest and the largest factor that one could print and still tell no lie.


# %% tags=["exercise"]
def widest_claims(gpu_s, cpu_s):
    """Return the smallest and the largest speed-up of a GPU over a CPU."""
    ### BEGIN SOLUTION
    return min(cpu_s.values()) / max(gpu_s.values()), max(cpu_s.values()) / min(gpu_s.values())
    ### END SOLUTION


# %% tags=["check"]
check_widest_claims(widest_claims)

# %% [markdown]
# Call `widest_claims(gpu_s, cpu_s)` with the eight times above. A fair comparison therefore names
#
# - **both machines**, of the same year and the same kind of price,
# - **how many cores** of the CPU worked, and with which library,
# - **the work**: sizes, batch, number format,
# - **what the clock saw**: copies, warm-up, waiting,
# - **who measured**, and when.
#
# Read the next headline you meet with this list in your hand.

# %% [markdown]
# ## Which one would you choose?
#
# A decision needs three more numbers: what an hour costs, what you may spend, and when it must be done. Rents stand in a file with their day and their source.

# %%
for offer in gl.prices():
    print(f"{offer.machine.name:24} {offer.usd_per_hour:5.2f} USD an hour")
print(f"published, {offer.date}: {offer.source}")

# %% [markdown]
# Such prices are old after a month. They also differ: in November 2026 one survey (github.com/datareceipts/data-receipts) found the same H100 at 2.69 and at 12.29 dollars an hour. So change them: `gl.copy_prices()` in a new cell writes a copy beside this lesson, and `gl.explore_choice(prices="my_prices.toml")` uses it.

# %% [markdown]
# An H100 has many times the arithmetic of a T4. Take the network of the explorer below, eight layers, in float32 and with batches of 256, and make its layers small: 256 neurons each.
#
# How many times faster does the H100 train it?

# %% tags=["predict"]
small_guess = ask("11-small", "Time on the T4 divided by time on the H100, 8 layers of 256", low=0.1, high=1000)

# %% tags=["reveal"]
step = gl.TrainEpoch(samples=256, batch_size=256, layer_sizes=(256,) * 9)
t4_s, h100_s = (gl.predict(step, gl.machine(slug)).seconds for slug in ("nvidia-t4", "nvidia-h100-sxm"))
reveal(
    small_guess,
    t4_s / h100_s,
    "predicted",
    "Small kernels wait for their launches, and launches cost the same on both.",
)

# %% [markdown]
# Now choose. The deadline and the budget are the ticks beside the bars. Energy is the **rated power** of the data sheet times the time, in **[joules](glossary.ipynb#heading=Joule)**; a card that waits takes less.
#
# Look for a network for which *the CPU is enough*, one that needs the most expensive card, and one where nothing helps. Try float16, too.

# %% tags=["explorer"]
gl.explore_choice()

# %% [markdown]
# How to read it:
#
# - All times are predicted, for one machine and for data that is on the card already.
# - The CPU is taken to be yours, so it costs no rent. With a kernel, choose another one.
# - The headline takes the CPU where it is enough, else the cheapest that is in time and in budget.
# - Setting up a rented machine takes time too, and its host, disk and network may cost extra.

# %% [markdown]
# Three things stand out. A card that is idle for want of work costs as much as a busy one. The cheapest hour is seldom the cheapest training. And work that is done within a minute needs no GPU at all.

# %% [markdown]
# ## Do it: the cheapest that will do
#
# `machines` is a list. Each machine in it has `name`, `memory_bytes`, `hours` for the whole work, and `usd_per_hour`. Return the name of the one that costs least in all, among those that have the memory and are in time and in budget. A limit that is just met is met. If there is none, return the text `"none"`.
#
# Here are two to try it on.

# %%
machines = [Choosable("small", 12e9, 9.0, 0.2), Choosable("large", 80e9, 1.0, 3.0)]


# %% tags=["exercise"]
def choose_machine(machines, needed_bytes, deadline_hours, budget_usd):
    """Return the name of the cheapest machine that will do."""
    ### BEGIN SOLUTION
    good = [
        each
        for each in machines
        if each.memory_bytes >= needed_bytes
        and each.hours <= deadline_hours
        and each.hours * each.usd_per_hour <= budget_usd
    ]
    return min(good, key=lambda each: each.hours * each.usd_per_hour).name if good else "none"
    ### END SOLUTION


# %% tags=["check"]
check_choose_machine(choose_machine)

# %% [markdown]
# ## Your report
#
# The next cell writes one page with your claims, evidence, predictions and progress. It needs no server and no network, and prints well. It is made from `my_course.json`, which stays yours: nothing is sent anywhere.

# %%
gl.my_report()

# %% [markdown]
# ## So, why a GPU?
#
# Because training is arithmetic on many samples with the same weights, step after step, and a GPU is a wide machine with fast memory of its own. It wins where the work is wide and stays on the card. It loses where work is small, narrow, or crosses the bus.

# %% [markdown]
# ## Remember
#
# - A speed-up has two machines in it. Ask for both.
# - Of nine claims, most needed a condition: which machines, which batch, which year.
# - Memory decides whether, time and rent decide which.
# - Small networks do not feel a larger card. Sometimes the CPU is enough.
# - Write predictions down. That is how being sure comes to mean something.

# %% [markdown]
# ## Without looking back
#
# 1. A paper reports 100 times. Which three questions do you ask first?
# 2. Twice the rent, half the time: what does the training cost, and when is it still worth it?
# 3. Which claim of the nine was outdated, and which half of it was not?
#
# <details><summary>Answers</summary>
#
# 1. Which CPU, and how many of its cores? Which work, in which number format? What did the clock see: copies, waiting?
# 2. The same. It is worth it where you wait for it, or where a deadline is near.
# 3. Memory: the sizes are outdated. That a GPU has less has stayed true.
# </details>
#
# Before: [Images and convolution](10_images_and_convolution.ipynb). Next: [Your own kernel](12_your_own_kernel.ipynb)
