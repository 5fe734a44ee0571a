"""Ways to compute one convolution layer: what each runs and needs, and its time on a machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from gpu_lessons.hardware.machines import Machine
from gpu_lessons.model import Calibration, GpuCalibration, predict
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work import Conv2dForward, DenseForward
from gpu_lessons.work.kernels import Kernel, elementwise_kernel, matmul_kernel

__all__ = ["WAYS", "Layer", "Seconds", "Way", "fast_size", "seconds_of"]

_DTYPE = "float32"
_SIZE = DTYPE_BYTES[_DTYPE]
#: Four of five published times of cuDNN lie within this factor, for either of its ways: 256 by patches on the fly and
#: 924 by Winograd on P100, V100, T4 and A100 (NeuSight), none of which fitted the model.
_LIBRARY_BAND = 1.8
_COMPARED = ("nvidia-p100-pcie-16gb", "nvidia-v100-pcie-32gb", "nvidia-t4", "nvidia-a100-pcie-80gb")


class Layer(NamedTuple):
    """A convolution of square images that keeps their size, with as many filters as channels."""

    batch: int
    channels: int
    width: int
    kernel: int

    @property
    def work(self) -> Conv2dForward:
        """The layer as the course's own `gpu_lessons.nn.Conv2d` computes it."""
        batch, channels, width, kernel = self
        return Conv2dForward(batch, channels, channels, width, width, kernel, padding=kernel // 2)

    @property
    def dense(self) -> DenseForward:
        """A dense layer from as many inputs to as many outputs as there are channels."""
        return DenseForward(self.batch, self.channels, self.channels)

    @property
    def pixels(self) -> int:
        """Numbers of one channel, over the whole batch."""
        return self.batch * self.width**2

    @property
    def weights(self) -> int:
        """Numbers of all filters."""
        return self.channels**2 * self.kernel**2

    @property
    def flops(self) -> int:
        """FLOP of the sums that define it, however they are computed; the bias is left out."""
        return 2 * self.pixels * self.weights


class Seconds(NamedTuple):
    """A predicted time, and the factor either way that its band is wide.

    ``factor`` is None where nobody compared such a time with a clock.
    """

    seconds: float
    factor: float | None


class Way(NamedTuple):
    """A way to compute the layer.

    Attributes
    ----------
    name : str
        What it is called.
    kernels : callable
        The kernels of a `Layer`.
    memory_bytes : callable
        Bytes of all its arrays.
    of_arrays : bool
        Whether it is made of array operations, which any machine runs; the others are kernels of a GPU's library.
    largest_kernel : int or None
        The largest filter it is for, if there is one.
    """

    name: str
    kernels: Callable[[Layer], tuple[Kernel, ...]]
    memory_bytes: Callable[[Layer], int]
    of_arrays: bool
    largest_kernel: int | None = None


def _on_the_fly(layer: Layer) -> tuple[Kernel, ...]:
    """Return the same product with its patches made where they are used: they never move."""
    image, m, n, k = _image(layer), layer.pixels, layer.channels, layer.channels * layer.kernel**2
    read, written = _SIZE * (image + layer.weights), _SIZE * image
    return (Kernel("implicit matrix product", layer.flops, read, written, _DTYPE, matmul=(m, n, k)),)


def _winograd(layer: Layer) -> tuple[Kernel, ...]:
    """Return Winograd's F(2 x 2, 3 x 3): 16 multiplications for four outputs instead of 36 (Lavin and Gray, 2015)."""
    image, tiles = _image(layer), _tiles(layer)
    tiled = 16 * tiles * layer.channels
    return (
        elementwise_kernel("tiles of x", 2 * tiled, read=image, written=tiled, dtype=_DTYPE),
        matmul_kernel("products", tiles, layer.channels, layer.channels, _DTYPE, batch=16),
        elementwise_kernel("tiles of y", 3 * tiled // 2, read=tiled, written=image, dtype=_DTYPE),
    )


def _fft(layer: Layer) -> tuple[Kernel, ...]:
    """Return three transforms, with complex products of all channels at each frequency between them."""
    size, frequencies, channels = _transform(layer)
    image, spectra = layer.batch * channels, layer.batch * channels * 2 * frequencies
    filters, filter_spectra = channels**2, channels**2 * 2 * frequencies

    def transform(name: str, count: int, numbers: int, complex_numbers: int, *, back: bool = False) -> Kernel:
        # Real numbers take 5/2 N log2 N; NumPy takes them one at a time. Rows, then columns: two passes.
        flops = round(2.5 * count * size**2 * math.log2(size**2))
        read, written = numbers + complex_numbers, 2 * complex_numbers
        if back:
            read, written = written, read
        return elementwise_kernel(name, flops, read=read, written=written, dtype=_DTYPE, scalar_ops=flops)

    read, written = _SIZE * (spectra + filter_spectra), _SIZE * spectra
    products = Kernel(
        "products",
        8 * frequencies * layer.batch * channels**2,
        read,
        written,
        _DTYPE,
        matmul=(layer.batch, 2 * channels, 2 * channels),
        batch=frequencies,
    )
    return (
        transform("x to frequencies", image, _image(layer), spectra),
        transform("filters to frequencies", filters, layer.weights, filter_spectra),
        products,
        transform("back to pixels", image, _image(layer), spectra, back=True),
    )


def fast_size(least: int) -> int:
    """Return the smallest size of at least ``least`` with no prime factor above 5: what a transform is padded to."""
    size = least
    while True:
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
        size += 1


def _transform(layer: Layer) -> tuple[int, int, int]:
    size = fast_size(layer.width + layer.kernel - 1)
    return size, size * (size // 2 + 1), layer.channels


def _image(layer: Layer) -> int:
    return layer.pixels * layer.channels


def _tiles(layer: Layer) -> int:
    return layer.batch * math.ceil(layer.width / 2) ** 2


def _arrays(layer: Layer) -> int:
    return _SIZE * (2 * _image(layer) + layer.weights)


def _fft_bytes(layer: Layer) -> int:
    _, frequencies, channels = _transform(layer)
    return _arrays(layer) + 2 * _SIZE * frequencies * (2 * layer.batch * channels + channels**2)


WAYS = (
    Way("patches stored", lambda layer: layer.work.kernels, lambda layer: layer.work.memory_bytes, of_arrays=True),
    Way("patches on the fly", _on_the_fly, _arrays, of_arrays=False),
    Way(
        "Winograd",
        _winograd,
        lambda layer: _arrays(layer) + _SIZE * 32 * _tiles(layer) * layer.channels,
        of_arrays=False,
        largest_kernel=3,
    ),
    Way("FFT", _fft, _fft_bytes, of_arrays=True),
)


def seconds_of(way: Way, layer: Layer, machine: Machine, device: Calibration) -> Seconds | None:
    """Predict the time of a layer; None where the way is not for that machine or that filter.

    Parameters
    ----------
    way, layer
        What is computed, and how.
    machine : Machine
        On what.
    device : GpuCalibration or CpuCalibration
        Its sustained numbers.
    """
    if (way.largest_kernel or layer.kernel) < layer.kernel:
        return None
    if way is WAYS[0]:
        found = predict(layer.work, machine, calibration=device)
        return Seconds(found.seconds, found.high_s / found.seconds)
    if way.of_arrays:
        return Seconds(device.call_time(way.kernels(layer)).total_s, None)
    if not isinstance(device, GpuCalibration):
        return None
    # A library is called once, whatever it launches.
    launches = device.call_time(way.kernels(layer), device.launch_overhead_s)
    factor = _LIBRARY_BAND if machine.slug in _COMPARED else None
    return Seconds(device.call_overhead_s + launches.total_s, factor)
