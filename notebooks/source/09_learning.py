# %% [markdown]
# # Learning: what does training cost?
#
# You will train a network by hand on real handwriting, time it on two devices, and compute how long the largest networks of the world take.
#
# - **You will** derive and write the backward pass of a layer, check it by nudging weights, write an epoch, watch a network learn and another one fail, bet on a batch size, and get from one step to a training of weeks.
# - **You need** lessons 01 and 03. No GPU: without one, the course simulates it.
# - **Minutes** 50
#
# Before: [One after another](08_one_after_another.ipynb). Next: [Images](10_images_and_convolution.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl
from gpu_lessons.exercises.learning import check_dense_backward, check_one_epoch, check_training_seconds
from gpu_lessons.lessons import ask, choose, claims_ledger, keep_evidence, reveal, reveal_choice, watch_training

gpu = gl.gpu()
# A NameError further down? Run this cell first.
gl.say_devices(gpu)

# %% [markdown]
# ## Digits
#
# People wrote digits by hand, and somebody scanned them: 8 × 8 pixels each, with the ink of a pixel as a number from 0 to 1. For each image it is known which digit was meant.
#
# A network shall learn from one part of them. The other part is kept for the test: it is never learned from.

# %%
import numpy as np

data = gl.digits()
x, labels = data.train_images.reshape(-1, 64).astype("float64"), data.train_labels
test_x, test_labels = data.test_images.reshape(-1, 64).astype("float64"), data.test_labels
print(data)

# %%
import matplotlib.pyplot as plt

plt.style.use("gpu_lessons.charts.course")
figure, places = plt.subplots(1, 8, figsize=(8, 1.3))
for place, image, label in zip(places, data.train_images, labels):
    place.imshow(image, cmap="gray_r")
    place.set_title(label)
    place.axis("off")
plt.show()

# %% [markdown]
# The network has two layers: 64 pixels to 64 neurons with a ReLU, and from there to 10. The ten outputs are **scores**, one for each digit. The highest score is the network's answer.
#
# Weights start at random: equal neurons would stay equal for ever.


# %%
def start_again():
    """Give all weights new random values."""
    rng = np.random.default_rng(0)
    w1[:], w2[:] = rng.normal(0, 0.18, w1.shape), rng.normal(0, 0.18, w2.shape)
    b1[:], b2[:] = 0, 0


w1, b1, w2, b2 = weights = [np.zeros(shape) for shape in ((64, 64), 64, (64, 10), 10)]
start_again()
print(f"{sum(weight.size for weight in weights):,} weights and biases")


# %%
def scores_of(x):
    return np.maximum(x @ w1 + b1, 0) @ w2 + b2


def accuracy():
    """Return the share of test digits that get the right answer."""
    return (scores_of(test_x).argmax(axis=1) == test_labels).mean()


print(f"before any training: {accuracy():.1%} of {len(test_labels)} right")

# %% [markdown]
# ## Which way is down?
#
# To improve, a network needs a number that says how wrong it is: the **loss**.
#
# First the ten scores become ten shares that add up to 1; that is a **[softmax](glossary.ipynb#heading=Softmax)**. The loss of a sample is the negative logarithm of the share that the right digit got: 0 for a share of 1, and 2.3 for a tenth, which is what guessing gives.


# %%
def loss_and_gradient(scores, labels):
    """Return the mean loss of the samples, and its gradient for their scores."""
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    right = np.arange(len(labels)), labels
    loss = -np.log(shares[right]).mean()
    shares[right] -= 1
    return loss, shares / len(labels)


loss, _ = loss_and_gradient(scores_of(x), labels)
print(f"loss {loss:.2f}")

# %% [markdown]
# The gradient of a score is simple: the share it got, minus the share it should have got. (The mean over the samples divides it by their number.)
#
# And a weight deep inside? Nudge it a little, and see by how much the loss changes. That quotient is a **[finite difference](glossary.ipynb#heading=Finite-difference)**.


# %%
def nudged(weight, place, by=1e-6):
    """Return how much the loss changes with one number of `weight`."""
    losses = []
    for nudge in (by, -by):
        weight[place] += nudge
        losses.append(loss_and_gradient(scores_of(x), labels)[0])
        weight[place] -= nudge
    return (losses[0] - losses[1]) / (2 * by)


print(f"w2[3, 7]: {nudged(w2, (3, 7)):+.5f}")

# %% [markdown]
# The loss rises where this is positive, so the weight should go down. But each weight takes two passes through the network, and there are thousands of weights.
#
# The backward pass computes the gradients of *all* of them at once. Take one dense layer. How much arithmetic does its backward pass need?

# %% tags=["predict"]
backward_guess = ask(
    "09-backward", "FLOP of the backward pass divided by FLOP of the forward pass", low=0.1, high=10_000
)

# %% tags=["reveal"]
step_work = gl.DenseTrainStep(batch_size=256, n_in=1024, n_out=1024)
products = {kernel.name: kernel.flops for kernel in step_work.kernels if "@" in kernel.name}
forward_flops = products["x @ w"]
then = f"The products of a step: {', '.join(products)}."
reveal(backward_guess, (sum(products.values()) - forward_flops) / forward_flops, "counted", then)

# %% [markdown]
# ## Do it: the way back
#
# A layer computes `y = x @ w + b`. From the layer behind it comes `dy`: the gradient of the loss for each number of `y`. Four lines:
#
# 1. Sample *s*, neuron *j*: `y[s, j]` is the sum of all `x[s, i] * w[i, j]`, plus `b[j]`.
# 2. `w[i, j]` reaches the loss through `y[s, j]` of every sample: `dw[i, j]` is the sum over *s* of `x[s, i] * dy[s, j]`.
# 3. `b[j]` does so too, times 1: `db[j]` is the sum over *s* of `dy[s, j]`.
# 4. `x[s, i]` reaches it through every neuron: `dx[s, i]` is the sum over *j* of `dy[s, j] * w[i, j]`.

# %% [markdown]
# Two of the sums are matrix products, if one of the factors is turned. `a.T` turns `a`: rows become columns. Write all three.


# %% tags=["exercise"]
def dense_backward(x, w, dy):
    """Return dx, dw and db, each as large as x, w and b."""
    ### BEGIN SOLUTION
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)
    ### END SOLUTION


# %% tags=["check"]
check_dense_backward(dense_backward)

# %% [markdown]
# From here on `dense_backward` is the course's own, which is the solution. The whole network, forward and then back:

# %%
from gpu_lessons.exercises.learning import dense_backward


def gradients(x, labels):
    """Return the loss, and its gradients for w1, b1, w2 and b2."""
    hidden = np.maximum(x @ w1 + b1, 0)
    loss, dscores = loss_and_gradient(hidden @ w2 + b2, labels)
    dhidden, dw2, db2 = dense_backward(hidden, w2, dscores)
    _, dw1, db1 = dense_backward(x, w1, dhidden * (hidden > 0))
    return loss, [dw1, db1, dw2, db2]


# %% [markdown]
# The ReLU let a number through or made it 0. On the way back it does the same to its gradient.
#
# Held against nudges, for four numbers of four arrays:

# %%
_, found = gradients(x, labels)
for name, weight, gradient in zip(("w1", "b1", "w2", "b2"), weights, found):
    place = (20, 30)[: weight.ndim] if weight.shape[-1] > 10 else (20, 3)[-weight.ndim :]
    print(f"{name}{list(place)}: nudged {nudged(weight, place):+.6f}, backward {gradient[place]:+.6f}")

# %% [markdown]
# That is the test to make whenever you write a backward pass. In float32 its differences would drown in rounding, which is why this part of the lesson computes in float64.

# %% [markdown]
# ## Do it: an epoch
#
# A step takes some samples, and moves every weight a little against its gradient. How far is set by the **[learning rate](glossary.ipynb#heading=Learning-rate)**.


# %%
def step(x, labels, rate=0.3):
    """Move all weights one step; return the loss before it."""
    loss, found = gradients(x, labels)
    for weight, gradient in zip(weights, found):
        weight -= rate * gradient
    return loss


# %% [markdown]
# An **epoch** shows every sample once, batch by batch, each time in a new order: `order` holds the numbers of the samples.
#
# Call `step` for each batch. The last one holds what is left over. Return the mean loss of all samples; `step` gives that of its own batch.


# %% tags=["exercise"]
def one_epoch(step, x, labels, batch_size, order):
    """Call step for every batch; return the mean loss of all samples."""
    ### BEGIN SOLUTION
    total = 0.0
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        total += step(x[rows], labels[rows]) * len(rows)
    return total / len(order)
    ### END SOLUTION


# %% tags=["check"]
check_one_epoch(one_epoch)

# %% [markdown]
# ## Watch it learn
#
# Batches of 32, a learning rate of 0.3, and 97 % of the test digits as the goal. After how many epochs is it there?

# %% tags=["predict"]
epochs_guess = ask("09-epochs", "Epochs until 97 % of the test digits are right", unit="epochs", low=1, high=10_000)

# %%
from gpu_lessons.exercises.learning import one_epoch


def epoch(rate=0.3, batch=32):
    """Train for one epoch; return its loss and the accuracy after it."""
    order = shuffle.permutation(len(x))
    loss = one_epoch(lambda *samples: step(*samples, rate=rate), x, labels, batch, order)
    return loss, accuracy()


# %% tags=["reveal"]
print("Epoch by epoch:")
start_again()
shuffle = np.random.default_rng(0)
curve = watch_training(epoch, 20, goal=0.97)

# %% tags=["reveal"]
reveal(epochs_guess, len(curve.losses), "counted", str(curve))

# %% [markdown]
# The bar is the share of the 20 epochs that were allowed. Every number in this network came out of the few functions above, and out of nothing else.
#
# Would longer steps get there sooner? The same training, with a learning rate ten times as large.

# %% tags=["predict"]
longer = choose(
    "09-longer", "With a learning rate of 3 it", ("takes a tenth of the epochs", "takes about as many", "fails")
)

# %% tags=["reveal"]
print("Longer steps, epoch by epoch:")
start_again()
fast = watch_training(lambda: epoch(rate=3.0), 20, goal=0.97)

# %% tags=["reveal"]
outcome = "takes about as many" if len(fast.losses) > len(curve.losses) / 3 else "takes a tenth of the epochs"
reveal_choice(longer, "fails" if fast.ran_away else outcome, str(fast))

# %% [markdown]
# A gradient says which way is down *here*. A long step lands where it says nothing any more, perhaps higher than before, and the next one starts there. Such a training **diverges**: no hardware helps.

# %% [markdown]
# ## The same on the GPU
#
# `Dense`, `ReLU` and `SGD` of the course are what you have written, as objects; `SGD` is the rule that moves weights against their gradients. With `xp=gpu.xp` weights and samples lie on the GPU, and stay there.

# %%
from time import perf_counter

from gpu_lessons.nn import SGD, Adam, Dense, Momentum, Network, ReLU, SoftmaxCrossEntropy


def trainer(xp, batch, optimizer=None, dtype="float32"):
    """Return a function that trains a network for one epoch on the device of xp, and tests it."""
    first, second = Dense(64, 64, xp=xp, dtype=dtype, seed=1), Dense(64, 10, xp=xp, dtype=dtype, seed=2)
    network, loss, optimizer = Network([first, ReLU(), second]), SoftmaxCrossEntropy(), optimizer or SGD(0.3)
    there, test = (xp.asarray(images.astype(dtype)) for images in (x, test_x))
    answers, test_answers = xp.asarray(labels), xp.asarray(test_labels)
    shuffle = np.random.default_rng(0)

    def step(samples, labels):
        mean = loss.forward(network.forward(samples), labels)
        network.backward(loss.backward())
        optimizer.step(network)
        return mean

    def epoch():
        order = xp.asarray(shuffle.permutation(len(x)))
        mean = one_epoch(step, there, answers, batch, order)
        return mean, float((network.forward(test).argmax(axis=1) == test_answers).mean())

    return epoch


# %% [markdown]
# The same training as above, in float32 and on the GPU:

# %% tags=["measures"]
there = watch_training(trainer(gpu.xp, 32), 20, goal=0.97)
print(gpu)

# %% [markdown]
# Other random weights and float32 make another training of it, but it learns there as it did here. And how fast?


# %%
def seconds_of(epoch, clock):
    """Return the seconds of one epoch with its test, after a first one that warms up."""
    epoch()
    start_s = clock()
    epoch()
    return clock() - start_s


# %% [markdown]
# The clock can stop at once: `loss.forward` returns a number to the host, so it waits for the GPU in every step.
#
# An epoch in batches of 32, on this machine's CPU and on the GPU: how many times as fast is the GPU? Below 1 means slower.

# %% tags=["predict"]
gpu_guess = ask("09-gpu", "CPU time of an epoch divided by GPU time", low=0.001, high=1000)

# %% tags=["measures"]
cpu_name = gl.this_machine().cpu.name
cpu_s = seconds_of(trainer(np, 32), perf_counter)
gpu_s = seconds_of(trainer(gpu.xp, 32), gpu.perf_counter)

# %% tags=["reveal", "measures"]
then = f"An epoch takes {cpu_s * 1e3:.1f} ms on {cpu_name}, measured, and {gpu_s * 1e3:.1f} ms on {gpu}."
reveal(gpu_guess, cpu_s / gpu_s, f"{cpu_name}, measured; {gpu}", then)

# %% [markdown]
# Why? Count the kernels of an epoch, and what one of them has to do.

# %%
work = gl.TrainEpoch(samples=1437, batch_size=32, layer_sizes=(64, 64, 10))
print(f"{len(work.kernels):,} kernels, {work.flops / len(work.kernels):,.0f} FLOP each on average (counted)")
t4 = gl.machine("nvidia-t4")
print(
    f"{t4.name} at its peak does that in {work.flops / len(work.kernels) / t4.peak_flops_per_s['float32'] * 1e9:.1f} ns"
)

# %% [markdown]
# A launch takes microseconds. So on images of 8 × 8 a GPU spends its time on launches, and a CPU that has nothing else to do is done before it. *Use the CPU* is the right advice for such a network.
#
# It stops being right when images and layers grow. Find the smallest image at which the GPU wins with 1,024 neurons and batches of 32. Then change the batch: does the border move?

# %% tags=["explorer"]
gl.explore_epoch()

# %% [markdown]
# The GPU's line stays flat until its kernels take longer than their launches. A larger batch means fewer launches an epoch, so the border moves down and to the left.

# %% [markdown]
# ## Bigger batch, same time?
#
# So larger batches make an epoch faster. People ask in forums: why then does my training take as long as before?
#
# Each batch is one step. With 8 samples in a batch an epoch has 180 steps, with 512 it has three. You pay by the epoch, but you get ahead by steps.

# %% [markdown]
# Four batch sizes, from 8 to 512, with a learning rate of 0.5. Which one is first at 97 % on this CPU, in seconds?

# %% tags=["predict"]
batches = (8, 32, 128, 512)
best_batch = choose("09-batch", "First at 97 % on this CPU", tuple(f"batches of {batch:,}" for batch in batches))


# %%
def epochs_needed(batch, rate=0.5, goal=0.97):
    """Return after how many epochs the goal is reached, None if not after 100."""
    start_again()
    for number in range(1, 101):
        if epoch(rate, batch)[1] >= goal:
            return number


shuffle = np.random.default_rng(0)
needed = {batch: epochs_needed(batch) for batch in batches}

# %% tags=["measures"]
cpu_times, gpu_times = {}, {}
for batch, epochs in needed.items():
    cpu_times[batch] = epochs * seconds_of(trainer(np, batch), perf_counter)
    gpu_times[batch] = epochs * seconds_of(trainer(gpu.xp, batch), gpu.perf_counter)

# %% tags=["reveal", "measures"]
fastest = min(cpu_times, key=cpu_times.get)
reveal_choice(best_batch, f"batches of {fastest:,}", f"{cpu_times[fastest] * 1e3:.0f} ms on {cpu_name}, measured.")

# %% tags=["reveal"]
print("batch  epochs  steps in all")
for batch, epochs in needed.items():
    print(f"{batch:5,}  {epochs:6}  {epochs * -(-len(x) // batch):12,}")

# %% tags=["reveal", "measures"]
print("Time by batch size:")
for times, name, mark in ((cpu_times, f"{cpu_name}, measured", "o-C0"), (gpu_times, f"{gpu}", "o--C1")):
    plt.loglog(times.keys(), times.values(), mark, label=name)
plt.xticks(batches, batches)
plt.minorticks_off()
plt.xlabel("batch size")
plt.ylabel("seconds to 97 %")
plt.title("Time until 97 % of the test digits are right")
plt.legend()
plt.show()

# %% [markdown]
# Read the last column of the table. From 8 to 32, four times the samples in a batch save most of the steps: the gradient is a mean over more samples, so it points more surely downhill. From 32 to 512, sixteen times the samples save less than half. The gradient is sure enough; more samples only cost time.
#
# The batch where that happens is called the **[critical batch size](glossary.ipynb#heading=Critical-batch-size)** (McCandlish and others, 2018).

# %% [markdown]
# - **Below** it, a GPU makes the training shorter: fewer steps, and each costs about as much as before while launches decide.
# - **Above** it, the same time at best: as many steps as before, each with more arithmetic.
#
# It is not a constant. A surer gradient allows longer steps: try `epochs_needed(512, rate=1.0)`. And each order of the samples is another training: some need twice the epochs of others.

# %% [markdown]
# The optimizer, too, decides how many steps it takes. Lesson 07 left open how far each gets. On these digits, in batches of 32, with learning rates that suit them:

# %%
for optimizer in (SGD(0.3), Momentum(0.03), Adam(0.003)):
    learn, epochs = trainer(np, 32, optimizer, "float64"), 1
    while learn()[1] < 0.97 and epochs < 50:
        epochs += 1
    print(f"{optimizer}: 97 % after {epochs} epochs")

# %% [markdown]
# So on an easy problem the choice matters little, once the learning rate is right. On hard ones Adam is less particular about that rate, which is why people pay for its two numbers a weight.

# %% [markdown]
# ## From a step to a training
#
# Now the large ones. A forward pass takes one multiply-add for each weight and sample: 2 FLOP. The backward pass is two products of the same size: 4 FLOP. Together **six FLOP a parameter and sample**; *parameters* are weights and biases together.
#
# Does that hold for your network?

# %%
parameters = sum(weight.size for weight in weights)
print(f"{work.flops / (parameters * work.samples):.2f} FLOP a parameter and sample (counted)")

# %% [markdown]
# Somewhat more, since loss and update count as well. The larger the network, the closer to six.
#
# For a language model, a sample is a **[token](glossary.ipynb#heading=Token)**: a word, or a piece of one. In a network for images each weight is used at many places of the image. ResNet-50 uses each of its weights 160 times an image, on average, so an image counts as 160 tokens. Lesson 10 shows why.

# %% [markdown]
# The rest is a division, by what the cards keep up together. **[Utilisation](glossary.ipynb#heading=Utilisation)** is the share of their peak that a whole training reaches, waiting for data and for each other included.
#
# Write the time of a training, for any number of cards.


# %% tags=["exercise"]
def training_seconds(parameters, tokens, cards, flops_per_s, utilisation):
    """Return the seconds of a training; flops_per_s is the peak of one card."""
    ### BEGIN SOLUTION
    return 6 * parameters * tokens / (cards * flops_per_s * utilisation)
    ### END SOLUTION


# %% tags=["check"]
check_training_seconds(training_seconds)

# %% [markdown]
# ## Seconds to weeks
#
# ResNet-50 has 25.6 million parameters. It is shown 1.28 million photographs, 90 times each. On a single A100 of 2020, how long does that take?

# %% tags=["predict"]
resnet_guess = ask("09-resnet", "Training of ResNet-50 on one A100", unit="hours", low=0.01, high=10_000)

# %%
from gpu_lessons.exercises.learning import training_seconds

runs = {run.name: run for run in gl.trainings()}
resnet, a100 = runs["ResNet-50, one A100"], gl.machine("nvidia-a100-sxm-80gb")
peak = a100.peak_flops_per_s["float16"]

# %% tags=["reveal"]
by_rule_s = training_seconds(resnet.parameters, 160 * resnet.samples, 1, peak, 0.3)
then = f"The rule at 30 % of the float16 peak says {by_rule_s / 3600:.1f} hours (predicted)."
reveal(resnet_guess, resnet.time_s / 3600, f"published: {resnet.credit}", then)

# %% [markdown]
# GPT-3 has 175 billion parameters and learned from 300 billion tokens. Give it 1,024 of these cards.

# %% tags=["predict"]
gpt_guess = ask("09-gpt", "Training of GPT-3 on 1,024 A100", unit="days", low=0.01, high=10_000)

# %% tags=["reveal"]
gpt = runs["GPT-3"]
by_rule_s = training_seconds(gpt.parameters, gpt.samples, gpt.cards, peak, 0.3)
then = f"The rule at 30 % says {by_rule_s / 86400:.0f} days (predicted)."
reveal(gpt_guess, gpt.time_s / 86400, f"published: {gpt.credit}", then)

# %% [markdown]
# Below, the rule for any network. The ring is your choice, each grey line a number of cards. Diamonds are trainings that others published: on the right stand their names, their times, and how far the rule is off for their own cards.
#
# Which utilisation fits most of them? Then look for GPT-3 on a single card, and for ResNet-50 on 1,024.

# %% tags=["explorer"]
gl.explore_training()

# %% [markdown]
# The green band is as wide as the utilisation of these trainings differs. The rule has two blind spots: it knows no launches, so your digits would come out far too fast, and it lets any number of cards share the work without loss.

# %%
for run in sorted(runs.values(), key=lambda run: run.utilisation):
    print(f"{run.utilisation:5.0%} of the peak: {run.name}, {run.cards:,} × {gl.machine(run.card).name}")
print("published:", ", ".join(sorted({run.credit for run in runs.values()})))

# %% [markdown]
# Convolutional networks reach less of the peak than language models: their layers between the products wait for memory (lesson 05).

# %% [markdown]
# ## One claim
#
# Claim 9: *Training takes days to weeks, so a fast GPU shortens the way to experience.* Of the nine published trainings, how many took from one day to four weeks?

# %% tags=["predict"]
weeks_guess = ask(
    "09-weeks", "Trainings that took one day to four weeks, out of nine", unit="trainings", low=0.5, high=9
)

# %% tags=["reveal"]
day_s = 86400
times_s = sorted(run.time_s for run in runs.values())
within = sum(day_s <= time_s <= 28 * day_s for time_s in times_s)
then = f"{sum(time_s < day_s for time_s in times_s)} were shorter, {sum(time_s > 28 * day_s for time_s in times_s)} longer."
reveal(weeks_guess, within, "published", then)

# %% [markdown]
# Your own network took seconds. Each size has its time, and it moves with the cards. Twice the same training, on several of them:

# %%
for name in ("ResNet-50, one A100", "ResNet-50, eight V100", "ResNet-50, MLPerf"):
    run = runs[name]
    print(f"{run.time_s / 60:5.0f} minutes: {run.cards} × {gl.machine(run.card).name}, published: {run.credit}")
for each in gl.published():
    if each.title == "RetinaNet training on 8 GPUs":
        print(f"{each.time_s / 60:5.0f} minutes: 8 × {each.machine}, published: {each.credit}")

# %% [markdown]
# *Days to weeks* is true of the largest networks that somebody can just afford, in any year; those grow as fast as the cards. A network that stays as it is gets faster with each generation. The second half of the claim stands: who waits minutes instead of a day tries many ideas where others try one.

# %% tags=["reveal"]
print("Found in this lesson:")
finding = (
    f"of {len(runs)} published trainings {within} took one day to four weeks; the shortest took "
    f"{times_s[0] / 60:.0f} minutes, the longest {times_s[-1] / day_s:.0f} days"
)
keep_evidence("09-training", finding, "published, data/trainings.toml names by whom")

# %%
claims_ledger()

# %% [markdown]
# ## Remember
#
# - A layer's backward pass is two products. Nudge a weight to test it.
# - Too long a step, and a training diverges. No hardware helps then.
# - Small networks train fastest on a CPU: launches decide.
# - A bigger batch shortens a training until its gradient is sure enough; then only the epochs get shorter.
# - Six FLOP a parameter and token, over the share of the peak that the cards keep up.

# %% [markdown]
# ## Without looking back
#
# 1. You double the batch. The epoch takes half the time, the training as long as before. What happened?
# 2. A network has a million parameters and learns from a thousand million tokens. How many FLOP is that?
# 3. Your loss jumps to a hundred in the second epoch. What do you change first?
#
# <details><summary>Answers</summary>
#
# 1. It needs twice the epochs, so as many samples as before: the batch is above the critical one.
# 2. 6 × 10⁶ × 10⁹, or 6 × 10¹⁵.
# 3. The learning rate: take a third of it.
# </details>
#
# Before: [One after another](08_one_after_another.ipynb). Next: [Images](10_images_and_convolution.ipynb)
