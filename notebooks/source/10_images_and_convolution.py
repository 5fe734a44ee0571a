# %% [markdown]
# # Images and convolution: why are CNNs even better suited?
#
# You will slide a small matrix over a photograph, turn that into one matrix product, and find out why it suits a GPU better than any dense layer.
#
# - **You will** filter a photograph in three ways, move the layer to a GPU, derive its gradients, count how often it uses a weight, look for graphics hardware at work, and train a small network that can stand a digit being moved.
# - **You need** lessons 05 and 09. No GPU: without one, the course simulates it.
# - **Minutes** 50
#
# Before: [What does training cost?](09_learning.ipynb). Next: [The verdict](11_verdict.ipynb)

# %% tags=["setup", "measures"]
import gpu_lessons as gl
from gpu_lessons.exercises import images_and_convolution as checks
from gpu_lessons.lessons import ask, choose, claims_ledger, keep_evidence, reveal, reveal_choice

gpu, here = gl.gpu(), gl.this_machine().cpu.name
# A NameError further down? Run the cells above it first, this one too.
gl.say_devices(gpu)

# %% [markdown]
# ## Nine weights slide over a photograph
#
# A grey photograph is a matrix: one number for the brightness of each pixel. This is Grace Hopper, who wrote one of the first compilers. The U.S. Navy took the picture, so it belongs to everybody; Matplotlib ships it.

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data

plt.style.use("gpu_lessons.charts.course")
with get_sample_data("grace_hopper.jpg") as file:
    colored = plt.imread(file)[40:296, 130:386].astype("float32") / 255
photo = colored.mean(axis=2)
print(photo.shape, photo.dtype)

# %% [markdown]
# A **[filter](glossary.ipynb#heading=Filter)** is a small matrix of weights. Lay it on the photograph, multiply each weight by the pixel under it, and add up: that is one number of the output. Then move it by one pixel, and so on, over the whole picture.
#
# To do this with every place is a **[convolution](glossary.ipynb#heading=Convolution)**. Four loops: two over the places, two over the filter.


# %%
def four_loops(image, weights):
    """Return the output of one filter, computed pixel by pixel."""
    rows, columns = (n - len(weights) + 1 for n in image.shape)
    out = np.zeros((rows, columns), dtype=image.dtype)
    for i in range(rows):
        for j in range(columns):
            for p in range(len(weights)):
                for q in range(len(weights)):
                    out[i, j] += image[i + p, j + q] * weights[p, q]
    return out


# %% [markdown]
# Here are four filters of 3 × 3. The second compares the pixels on its left with those on its right. What will it show of a face?

# %%
upright = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]], dtype="float32")
around = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], dtype="float32")
filters = {
    "blur": np.full((3, 3), 1 / 9, dtype="float32"),
    "upright edges": upright,
    "lying edges": upright.T,
    "edges all around": around,
}

# %% tags=["measures"]
from time import perf_counter

start_s = perf_counter()
edges = four_loops(photo, filters["upright edges"])
loops_s = perf_counter() - start_s
print(f"{loops_s * 1e3:,.0f} ms for {edges.size * 9:,} multiply-adds, measured on {here}")

# %% [markdown]
# Each output needs nine pixels and nine weights, and no other output. In lesson 01 you turned such loops into a matrix product. The same works here.
#
# The nine pixels under a filter are a **patch**. Write each patch as one row of a matrix, and the filter as a column: their product holds every output.

# %% tags=["predict"]
product_guess = ask("10-product", "Time of the loops divided by time of patches and product", low=0.1, high=100_000)

# %% [markdown]
# ## Do it: one patch a row
#
# Write the matrix of patches, often called **im2col**. Patches go from left to right, then down, and each is written row by row. A loop over the places is fine. (Without any: NumPy's `sliding_window_view`.)


# %% tags=["exercise"]
def patches(image, size):
    """Return the patches of size x size pixels as an array, one a row."""
    ### BEGIN SOLUTION
    rows, columns = (n - size + 1 for n in image.shape)
    return np.array([image[i : i + size, j : j + size].reshape(-1) for i in range(rows) for j in range(columns)])
    ### END SOLUTION


# %% tags=["check"]
checks.check_patches(patches)

# %% [markdown]
# From here on `patches` is the course's own. It copies in long runs: first every pixel that the first weight meets, then the second, and so on. Now the bet: the same filter, patches and product together.

# %%
from gpu_lessons.exercises.images_and_convolution import patches


def by_product(image, bank):
    """Return the outputs of a bank of filters, (n, size, size), as one matrix product."""
    n, size, _ = bank.shape
    rows, columns = (length - size + 1 for length in image.shape)
    return (bank.reshape(n, -1) @ patches(image, size).T).reshape(n, rows, columns)


def seconds_of(call):
    """Return the seconds of one call, the median of five, warm."""
    times_s = []
    for _ in range(6):
        start_s = perf_counter()
        call()
        times_s.append(perf_counter() - start_s)
    return float(np.median(times_s[1:]))


# %% tags=["reveal", "measures"]
product_s = seconds_of(lambda: by_product(photo, upright[None]))
then = f"{product_s * 1e3:.2f} ms instead of {loops_s * 1e3:,.0f}."
reveal(product_guess, loops_s / product_s, f"measured, {here}", then)

# %% [markdown]
# More filters are more rows of one factor, and the patches stay the same. So four filters are hardly more work than one.

# %%
outputs = by_product(photo, np.stack(list(filters.values())))
print(outputs.shape, np.allclose(outputs[1], edges, atol=1e-4))

# %%
figure, axes = plt.subplots(1, 5, figsize=(9, 2.1))
for axis, name, picture in zip(axes, ["the photograph", *filters], [photo, *outputs]):
    axis.imshow(picture, cmap="gray")
    axis.set_title(name, fontsize=8)
    axis.axis("off")
plt.show()

# %% [markdown]
# Nobody has to invent filters for a network: it learns them. But look at the price of this way. Each pixel lies in nine patches, so it is written nine times.

# %%
print(f"photograph {photo.nbytes / 1e6:.2f} MB, its patches {patches(photo, 3).nbytes / 1e6:.2f} MB (counted)")

# %% [markdown]
# ## Another way: frequencies
#
# A picture can be written as a sum of waves. The **[FFT](glossary.ipynb#heading=FFT)**, the fast Fourier transform, finds how much of each wave is in it.
#
# In that form a convolution is short: multiply picture and filter wave by wave, and transform back. What it costs does not depend on the size of the filter.


# %%
def by_fft(image, bank):
    """Return the outputs of a bank of filters, by way of frequencies."""
    turned = bank[:, ::-1, ::-1]  # waves multiply to a sum with the filter turned round
    waves = np.fft.rfft2(image) * np.fft.rfft2(turned, image.shape)
    edge = bank.shape[-1] - 1
    return np.fft.irfft2(waves, image.shape)[:, edge:, edge:]


np.allclose(by_fft(photo, upright[None])[0], edges, atol=1e-4)

# %% [markdown]
# Now a bank of 16 filters, as a small layer has. The product gets more work with each pixel of a filter: 9 multiply-adds for an output, then 25, 49, 121, 289. From which size on is the FFT faster on this machine? Bet on 3, 5, 7, 11 or 17.

# %% tags=["predict"]
fft_guess = ask(
    "10-fft", "Smallest filters for which the FFT is faster, pixels along a side", unit="pixels", low=3, high=99
)

# %% tags=["reveal", "measures"]
sizes, rng = (3, 5, 7, 11, 17), np.random.default_rng(10)
banks = [rng.standard_normal((16, size, size), dtype="float32") for size in sizes]
products_s = [seconds_of(lambda each=each: by_product(photo, each)) for each in banks]
ffts_s = [seconds_of(lambda each=each: by_fft(photo, each)) for each in banks]
faster = [size for size, product_s, fft_s in zip(sizes, products_s, ffts_s) if fft_s < product_s]
then = "" if faster else "Even there it was not."
reveal(fft_guess, min(faster, default=sizes[-1]), f"measured, {here}", then)

# %% tags=["reveal", "measures"]
print("Both ways, by the size of the filters:")
for size, product_s, fft_s in zip(sizes, products_s, ffts_s):
    print(f"{size:2} x {size:2}: product {product_s * 1e3:7.2f} ms, FFT {fft_s * 1e3:7.2f} ms")
print(f"measured, {here}")

# %% [markdown]
# Networks mostly use small filters, and many of them. The patches are copied once for all of them, while the FFT has to transform each filter and each output. Where few filters are large, in sound or in astronomy, it is the tool.

# %% [markdown]
# ## A layer of filters
#
# A colour photograph has three numbers for each pixel: three **channels**. A filter then has weights for all three, and still gives one number a place.
#
# A convolution layer has many filters, and each makes one channel of its output. **Padding** adds zeros around the picture, so that the output is as large as the input. A network made of such layers is a **CNN**, a convolutional neural network.

# %%
from gpu_lessons.nn import Conv2d

x_host = colored.transpose(2, 0, 1)[None]  # (batch, channels, height, width)
layer_host = Conv2d(3, 16, 3, padding=1)
y_host = layer_host.forward(x_host)
print(x_host.shape, "->", y_host.shape)
print(f"{layer_host.weight.size} weights, {layer_host.weight.shape}")

# %% [markdown]
# A dense layer between the same numbers would join every pixel with every output. How many weights would that be?

# %%
print(f"{x_host.size * y_host.size / 1e9:,.0f} thousand million weights (counted)")

# %% [markdown]
# `Conv2d.forward` is your product: patches of all images and channels, times the filters. Written for `xp`, it runs on the GPU as it stands.

# %%
layer = Conv2d(3, 16, 3, padding=1, xp=gpu.xp)
y = layer.forward(gpu.to_device(x_host))
print(y.shape, "on", y.device, np.allclose(y.get(), y_host, atol=1e-4))

# %% [markdown]
# Now a layer from the middle of a real network: 8 images of 56 × 56 pixels, 64 channels in, 64 filters of 3 × 3. How many times as fast is the GPU as the CPU of this machine?

# %% tags=["predict"]
gpu_guess = ask("10-gpu", "CPU time divided by GPU time", low=0.01, high=10_000)

# %% tags=["reveal", "measures"]
work = gl.Conv2dForward(8, 64, 64, 56, 56, 3, padding=1)
cpu_s = gl.measure(work, budget_s=0.3).median_s
measured = gpu.source == "measured"
gpu_s = gl.measure(work, device=gpu.kind, budget_s=0.3).median_s if measured else gl.predict(work, gpu.machine).seconds
then = f"{work.flops / 1e9:.1f} thousand million FLOP: {cpu_s * 1e3:.1f} ms and {gpu_s * 1e3:.2f} ms."
reveal(gpu_guess, cpu_s / gpu_s, f"{here}, measured; {gpu}", then)

# %% [markdown]
# ## Do it: the way back
#
# To learn its filters, the layer needs gradients, as in lesson 09. `dy` says for each output how the loss changes with it. Take one grey image and *n* filters.
#
# - A weight has met many pixels, one for each place. Its gradient is the sum of what it met, each times its `dy`.
# - A pixel has met many weights. Each of them hands back its part.


# %% tags=["exercise"]
def conv_backward(image, filters, dy):
    """Return the gradients for the filters, (n, size, size), and for the image.

    dy has the shape of the outputs: (n, height - size + 1, width - size + 1).
    """
    ### BEGIN SOLUTION
    dfilters, dimage = np.zeros_like(filters), np.zeros_like(image)
    rows, columns = dy.shape[1:]
    for f, p, q in np.ndindex(filters.shape):
        met = (slice(p, p + rows), slice(q, q + columns))
        dfilters[f, p, q] = np.sum(dy[f] * image[met])
        dimage[met] += dy[f] * filters[f, p, q]
    return dfilters, dimage
    ### END SOLUTION


# %% tags=["check"]
checks.check_conv_backward(conv_backward)

# %% [markdown]
# A check that needs no trust: nudge one weight, and one pixel, and see how much the loss changes. Here the loss is the sum of all outputs times `dy`.

# %%
from gpu_lessons.exercises.images_and_convolution import conv_backward

image, few = rng.standard_normal((9, 7)), rng.standard_normal((2, 3, 3))
dy = rng.standard_normal((2, 7, 5))


def loss(image, few):
    return np.sum(patches(image, 3) @ few.reshape(2, 9).T * dy.reshape(2, 35).T)


# %%
dfilters, dimage = conv_backward(image, few, dy)
for name, array, gradient, at in (("weight", few, dfilters, (1, 0, 2)), ("pixel", image, dimage, (4, 3))):
    before = loss(image, few)
    array[at] += 1e-4
    slope = (loss(image, few) - before) / 1e-4
    array[at] -= 1e-4
    print(f"{name}: nudged {slope:.5f}, by hand {gradient[at]:.5f}")

# %% [markdown]
# `Conv2d.backward` does the same for batches and channels. It has two matrix products, as a dense layer has, and adds the patches up where they lay.

# %%
twin = Conv2d(1, 2, 3, dtype="float64")
twin.weight = few[:, None]
twin.forward(image[None, None])
np.allclose(twin.backward(dy[None])[0, 0], dimage), np.allclose(twin.dweight[:, 0], dfilters)

# %% [markdown]
# ## Weights that are used again
#
# In lesson 05 a dense layer with one sample had half a FLOP for each byte: each weight came for a single multiply-add. Only a batch gave it more to do.
#
# Now one image, 64 channels of 56 × 56 pixels, 64 filters of 3 × 3. Say each number moves once: image in, weights in, outputs out. How many FLOP for each byte?

# %% tags=["predict"]
flop_guess = ask("10-intensity", "FLOP for each byte, one image", unit="FLOP a byte", low=0.1, high=10_000)

# %% [markdown]
# **Do it.** Count it for any layer. With padding the outputs are as wide as the image: `width` pixels along each side. Numbers are float32; leave the bias out.


# %% tags=["exercise"]
def conv_intensity(batch, channels, filters, width, size):
    """Return the FLOP for each byte that moves; a filter has size x size pixels in every channel."""
    ### BEGIN SOLUTION
    pixels, weights = batch * width**2, channels * filters * size**2
    return 2 * pixels * weights / (4 * (pixels * channels + weights + pixels * filters))
    ### END SOLUTION


# %% tags=["check"]
checks.check_conv_intensity(conv_intensity)

# %% [markdown]
# The bet, and beside it the layer as your product computes it, with patches that are written and read again.

# %% tags=["reveal"]
from gpu_lessons.explorers.convolution_ways import WAYS, Layer

one = Layer(batch=1, channels=64, width=56, kernel=3)
[direct] = WAYS[1].kernels(one)
reveal(flop_guess, direct.flops / direct.bytes_moved, "counted")

# %% tags=["reveal"]
print("A single sample, and a single image:")
t4 = gl.machine("nvidia-t4")
ridge = t4.peak_flops_per_s["float32"] / t4.memory_bandwidth_bytes_per_s
counted = {
    "dense, 4,096 inputs and outputs": gl.DenseForward(1, 4096, 4096).arithmetic_intensity,
    "convolution, patches stored": one.work.arithmetic_intensity,
    "convolution, every number once": direct.flops / direct.bytes_moved,
}
for name, intensity in counted.items():
    print(f"{name:32}{intensity:7.1f} FLOP a byte, {min(1, intensity / ridge):4.0%} of the peak of {t4.name} at best")

# %% [markdown]
# A weight of this layer is used at 3,136 places of one image. That is what a batch does for a dense layer, and here every image brings its own. So a CNN has arithmetic to do even for a single image.
#
# Stored patches give most of it away. Libraries make each patch where it is needed, in the fast memory of an SM, and never write it down: an **implicit** matrix product.

# %% [markdown]
# ## Slide it
#
# Four ways to compute one layer. Find a layer for which stored patches do not fit into the card although the image does. Then one for which the FFT wins.

# %% tags=["explorer"]
gl.explore_convolution()

# %% [markdown]
# How to read it:
#
# - Orange is the CPU, teal the GPU. All times are predicted. The bands are as wide as the model was off on others' times of such layers; where there is none, nobody compared it with a clock.
# - *Patches stored* and *FFT* are array operations, as you wrote them. The other two are kernels of a GPU's library, called once.
# - **[Winograd](glossary.ipynb#heading=Winograd)** is a trick of arithmetic: a few additions more and fewer multiplications. The next section shows it.

# %% [markdown]
# ## What graphics hardware does
#
# A GPU was built to draw. For that it has **[texture units](glossary.ipynb#heading=Texture-unit)**: each reads an image at any place, also between pixels, and mixes the four neighbours. That looks like a small filter.
#
# The fifth claim of lesson 00 was: *functions made for graphics speed up convolution*. Researchers timed thousands of convolution layers on five GPUs and noted which kernel ran. How many of them used a texture unit?

# %% tags=["predict"]
texture = choose(
    "10-texture",
    "Of the convolution layers timed, texture units computed",
    ("most", "about a quarter", "none"),
)

# %% tags=["reveal"]
by_kernel = [each for each in gl.published() if each.title.startswith("convolution layers run as")]
timed = next(each for each in gl.published() if each.title == "convolution layers that were timed")
left = 100 - sum(each.value for each in by_kernel)
right = "none" if left == 0 else "about a quarter" if left < 50 else "most"
reveal_choice(texture, right, f"Published: {timed.credit}.")

# %% tags=["reveal"]
print("By the kernel that the library chose:")
print(f"{timed.value:,.0f} layers on {timed.machine}")
for each in by_kernel:
    print(f"{each.value:4.0f}%  {each.title.removeprefix('convolution layers run as ')}")

# %% [markdown]
# Nearly all ran as a matrix product of some kind. Winograd is one too, after a change of numbers. Here it is for two outputs of a filter of three weights: four multiplications by numbers of the input instead of six. What depends on the weights alone is computed once.

# %%
d, g = rng.standard_normal(4), rng.standard_normal(3)
m1 = (d[0] - d[2]) * g[0]
m2 = (d[1] + d[2]) * ((g[0] + g[1] + g[2]) / 2)
m3 = (d[2] - d[1]) * ((g[0] - g[1] + g[2]) / 2)
m4 = (d[1] - d[3]) * g[2]
print(np.allclose([m1 + m2 + m3, m2 - m3 - m4], [d[:3] @ g, d[1:] @ g]))

# %% [markdown]
# In two directions it is 16 instead of 36. No graphics in it.
#
# Are texture units good for nothing here? What they are made for is to *resample*: to zoom or turn a picture, as one does before training. The two times below are for a picture of 2,048 × 2,048 numbers, zoomed.

# %%
plain, through = (each for each in gl.published() if each.title.startswith("resampling an image"))
for each in (plain, through):
    print(f"{each.title}: {each.time_s * 1e6:.0f} µs on {each.machine} (published: {each.credit})")

# %% tags=["measures"]
if gpu.kind == "cuda":
    transform = gpu.cupyx.scipy.ndimage.affine_transform
    picture, zoom = (
        gpu.xp.random.random((2048, 2048), dtype="float32"),
        gpu.xp.diag(gpu.xp.asarray([0.97, 0.97, 1], "f")),
    )
    for use in (False, True):
        transform(picture, zoom, order=1, texture_memory=use)
        gpu.synchronize()
        start_s = gpu.perf_counter()
        transform(picture, zoom, order=1, texture_memory=use)
        gpu.synchronize()
        print(f"texture units {use}: {(gpu.perf_counter() - start_s) * 1e6:.0f} µs, {gpu}")
else:
    print(f"The course times texture units through CUDA, and this is {gpu}.")

# %% [markdown]
# There the plain kernel was faster: for texture units, CuPy must first copy the picture into the layout that they read.
#
# What did change is another unit, made for this very product. **Tensor cores** multiply small matrices in one step, in float16 at first. The same layers, timed by others in both formats:

# %%
layers = [each for each in gl.published() if each.title.startswith("convolution of ")]
gains = []
for slow, fast in zip(layers[::2], layers[1::2]):
    gains.append(slow.value / fast.value)
    print(f"{slow.machine:16} {slow.title.removesuffix(', float32'):56} {gains[-1]:.1f} times as fast in float16")
print(f"published: {layers[0].credit}")

# %% [markdown]
# ## A digit that moved
#
# Back to the handwritten digits of lesson 09. Give each a frame of two empty pixels, so that it can be moved without losing ink. Two networks with nearly the same number of weights: one dense, one with 16 filters.
#
# *MaxPool2d(2)* keeps the largest of each 2 × 2 outputs, which halves width and height: **[pooling](glossary.ipynb#heading=Pooling)**. *Flatten* lays out what is left as one row. *Momentum* is gradient descent whose steps keep a part of the step before.

# %%
from gpu_lessons.nn import Dense, Flatten, MaxPool2d, Momentum, Network, ReLU, SoftmaxCrossEntropy

digits = gl.digits()
framed = [np.pad(images, ((0, 0), (2, 2), (2, 2)))[:, None] for images in (digits.train_images, digits.test_images)]
dense = Network([Flatten(), Dense(144, 36, seed=0), ReLU(), Dense(36, 10, seed=1)])
cnn = Network([Conv2d(1, 16, 3, padding=1, seed=0), ReLU(), MaxPool2d(2), Flatten(), Dense(576, 10, seed=1)])


# %%
def train(network, epochs):
    """Show the network all training images so many times, 32 at once, in a new order each time."""
    loss, optimizer, order = SoftmaxCrossEntropy(), Momentum(0.05), np.random.default_rng(0)
    for _ in range(epochs):
        shuffled = order.permutation(len(framed[0]))
        for rows in np.split(shuffled, range(32, len(shuffled), 32)):
            loss.forward(network.forward(framed[0][rows]), digits.train_labels[rows])
            network.backward(loss.backward())
            optimizer.step(network)


def accuracy(network, down=0, right=0):
    """Return the share of test images it gets right, all of them moved by so many pixels."""
    moved = np.roll(framed[1], (down, right), axis=(2, 3))
    return np.mean(network.forward(moved).argmax(axis=1) == digits.test_labels)


# %% tags=["measures"]
for network in (dense, cnn):
    train(network, epochs=10)
weights = {
    "dense": sum(each.size for each, _ in dense.parameters()),
    "CNN": sum(each.size for each, _ in cnn.parameters()),
}
for (name, count), network in zip(weights.items(), (dense, cnn)):
    print(
        f"{name:6}{count:6,} weights, {accuracy(network):.1%} of the test images right (measured, {here}, fixed seeds)"
    )

# %% [markdown]
# Both know their digits, and the CNN is not worse. Now move every test image by one pixel: up, down, left or right. A person would not notice. How many does the dense network still get right?

# %% tags=["predict"]
moved_guess = ask("10-moved", "Dense network, images moved by one pixel: share right", unit="%", low=1, high=100)

# %% tags=["reveal", "measures"]
steps = [(0, 1), (0, -1), (1, 0), (-1, 0)]
one_pixel = {
    name: np.mean([accuracy(each, *step) for step in steps]) for name, each in (("dense", dense), ("CNN", cnn))
}
then = f"The CNN: {one_pixel['CNN']:.0%}."
reveal(moved_guess, 100 * one_pixel["dense"], f"measured, {here}, fixed seeds", then)

# %% [markdown]
# A dense layer has a weight for each place. Move the ink, and it meets the wrong ones.
#
# The filters of the CNN do find the moved strokes. But behind them stands a dense layer that expects each find in its place. So ask *whether* a filter found something, and not where: take the largest output of the whole image. 32 filters of 5 × 5, and five epochs, half as many as before.

# %% tags=["reveal", "measures"]
anywhere = Network([Conv2d(1, 32, 5, padding=2, seed=0), ReLU(), MaxPool2d(12), Flatten(), Dense(32, 10, seed=1)])
train(anywhere, epochs=5)
networks = {"dense": dense, "CNN": cnn, "CNN, largest of the image": anywhere}
print("Right in place, moved by one pixel, and by two:")
for name, network in networks.items():
    by_far = [np.mean([accuracy(network, far * a, far * b) for a, b in steps]) for far in (0, 1, 2)]
    print(f"{name:27}" + "".join(f"{share:9.0%}" for share in by_far))

# %% [markdown]
# Nobody showed it a moved digit. It follows from how the layer is built: the same weights everywhere, so what is learned in one place holds in all. Now compare what the three cost.

# %%
multiply_adds = {
    "dense": 144 * 36 + 36 * 10,
    "CNN": 144 * 9 * 16 + 576 * 10,
    "CNN, largest of the image": 144 * 25 * 32 + 32 * 10,
}
for name, network in networks.items():
    count = sum(each.size for each, _ in network.parameters())
    print(
        f"{name:27}{count:6,} weights, {2 * multiply_adds[name]:8,} FLOP an image (counted): {2 * multiply_adds[name] / count:5.0f} a weight"
    )

# %% [markdown]
# Fewer weights to move, more arithmetic with each: that is the trade a GPU likes. The filters it learned, each with 5 × 5 weights:

# %%
figure, axes = plt.subplots(2, 16, figsize=(9, 1.4))
for axis, weights_of_one in zip(axes.flat, anywhere.layers[0].weight[:, 0]):
    axis.imshow(weights_of_one, cmap="gray")
    axis.axis("off")
plt.show()

# %% [markdown]
# Some are edges and strokes, light beside dark, as in your own filters; nobody told it to look for those. Others still look like the noise they began as: five epochs are few.

# %% [markdown]
# ## One claim
#
# Claim 5: *Functions made for graphics speed up convolution.* What did you find? The ledger keeps it for the last lesson. Rate the claim again where your belief has changed.

# %% tags=["reveal"]
print("Found in this lesson:")
shares = {each.title.removeprefix("convolution layers run as "): each.value for each in by_kernel}
finding = (
    f"Of {timed.value:,.0f} timed layers {shares['Winograd']:.0f}% ran as Winograd, "
    f"{shares['implicit matrix product']:.0f}% as implicit matrix product and none on texture units; "
    f"tensor cores were {np.median(gains):.1f} times as fast, and resampling through texture units took "
    f"{through.value / plain.value:.1f} times as long as plain code"
)
keep_evidence("10-graphics", finding, f"published: {timed.credit}; {layers[0].credit}; {plain.credit}")

# %%
claims_ledger()

# %% [markdown]
# ## Remember
#
# - A convolution is a matrix product of patches and filters. So it runs wherever products run fast.
# - Each weight is used at every place of the image. A CNN has much arithmetic for each byte, even with one image.
# - Stored patches take the memory of many images. Libraries make them on the fly, or use Winograd's trick.
# - Texture units draw. Tensor cores multiply matrices, and those made convolutions faster.
# - The same weights everywhere mean that what is learned in one place holds in all.

# %% [markdown]
# ## Without looking back
#
# 1. A filter has 9 weights. Why does its gradient for one image need thousands of multiply-adds?
# 2. Why can a convolution of one image keep a GPU's lanes busy, and a dense layer with one sample not?
# 3. Somebody says GPUs are good at images because they were made for graphics. What do you answer?
#
# <details><summary>Answers</summary>
#
# 1. Each weight has met a pixel at every place, and each of these meetings adds to its gradient.
# 2. Its few weights are used at every pixel: many FLOP for each byte. The dense layer uses each weight once.
# 3. Convolutions run as matrix products on the same lanes as everything else, and on tensor cores; no texture unit takes part.
# </details>
#
# Before: [What does training cost?](09_learning.ipynb). Next: [The verdict](11_verdict.ipynb)
