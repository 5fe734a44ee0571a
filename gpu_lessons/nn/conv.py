"""The convolution layer: the same small filters slide over an image, and a batch of it is one matrix product."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from array_api_compat import array_namespace

from gpu_lessons.arguments import require_count
from gpu_lessons.nn.initialization import he_weights
from gpu_lessons.nn.shapes import Array, Namespace, require_like, require_shape
from gpu_lessons.nn.windows import output_size, require_kernel, windows

__all__ = ["Conv2d"]


class Conv2d:
    """A convolution layer: each output is one filter times one patch of the image, plus the filter's bias.

    The patches are copied side by side into a matrix (im2col), so that one matrix product computes all outputs.
    As everywhere in deep learning, the filter is not flipped.

    Parameters
    ----------
    c_in, c_out : int
        Channels of the image (3 for red, green and blue), and filters.
    kernel : int or (int, int)
        Height and width of a filter; one number for a square.
    stride : int
        Steps from one patch to the next.
    padding : int
        Zeros around the image on every side.
    xp : array namespace
        Where the weights live: ``numpy``, ``cupy``, ``gl.gpu().xp``.
    dtype : {"float32", "float64"}
        Number format of the weights, and of every array the layer takes and gives.
    seed : int
        Draws the weights, on the host: one seed, the same weights on every device.

    Attributes
    ----------
    weight, dweight : array, shape (c_out, c_in, kernel height, kernel width)
        The filters, and the gradient of the loss with respect to them (None before ``backward``).
    bias, dbias : array, shape (c_out,)
        The biases, zero at first, and their gradient.
    stride, padding : int
        As given.

    Raises
    ------
    TypeError, ValueError
        If a size or the seed is no integer, or too small, or the dtype is another.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Conv2d(3, 8, 5, padding=2)
    >>> x = np.ones((4, 3, 28, 28), dtype="float32")
    >>> layer.forward(x).shape
    (4, 8, 28, 28)
    >>> layer.backward(np.ones((4, 8, 28, 28), dtype="float32")).shape
    (4, 3, 28, 28)
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int = 0,
        xp: Namespace = np,
        dtype: str = "float32",
        seed: int = 0,
    ) -> None:
        c_in = require_count("c_in", c_in)
        c_out = require_count("c_out", c_out)
        height, width = require_kernel(kernel)
        self.stride = require_count("stride", stride)
        self.padding = require_count("padding", padding, at_least=0)
        self.weight: Array = xp.asarray(he_weights((c_out, c_in, height, width), c_in * height * width, dtype, seed))
        self.bias: Array = xp.asarray(np.zeros(c_out, dtype=dtype))
        self.dweight: Array = None
        self.dbias: Array = None
        self.kept: Array = None
        self._x_shape: tuple[int, ...] = ()

    def __repr__(self) -> str:
        c_out, c_in, height, width = self.weight.shape
        kernel = height if height == width else (height, width)
        return f"Conv2d({c_in}, {c_out}, {kernel}, stride={self.stride}, padding={self.padding})"

    def forward(self, x: Array) -> Array:
        """Return the outputs, shape (batch_size, c_out, height out, width out).

        Parameters
        ----------
        x : array, shape (batch_size, c_in, height, width)
            Its patches, not ``x`` itself, are kept until the next forward pass: a 3 by 3 filter needs nine times
            the memory of the image.

        Returns
        -------
        array
            In memory the channels of a pixel lie side by side, as the product wrote them; no copy is made.

        Raises
        ------
        TypeError, ValueError
            If ``x`` is of another library, dtype or shape, or smaller than a filter.
        """
        require_like("x", x, "the layer's weight", self.weight)
        require_shape("x", x, ("batch_size", self.weight.shape[1], "height", "width"))
        height_out, width_out = (self._output_size(name, x.shape[axis], axis) for name, axis in _AXES)
        self.kept = None  # two of these at once may not fit
        columns = self._patches(x, height_out, width_out)
        y = columns @ self._filters().T  # (batch_size * height_out * width_out, c_out)
        y += self.bias
        self.kept, self._x_shape = columns, tuple(x.shape)
        xp = array_namespace(x)
        y = xp.reshape(y, (x.shape[0], height_out, width_out, y.shape[1]))
        return xp.permute_dims(y, (0, 3, 1, 2))

    def backward(self, dy: Array) -> Array:
        """Return the gradient for the input, of its shape; keep ``dweight`` and ``dbias``.

        Parameters
        ----------
        dy : array, shape (batch_size, c_out, height out, width out)
            The gradient of the loss with respect to the output of the last forward pass.

        Raises
        ------
        RuntimeError
            If there was no forward pass.
        TypeError, ValueError
            If ``dy`` is of another library or dtype, or not of the output's shape.
        """
        if self.kept is None:
            raise RuntimeError("Conv2d.backward needs the x of a forward pass: call forward first")
        require_like("dy", dy, "the layer's weight", self.weight)
        height_out, width_out = (self._output_size(name, self._x_shape[axis], axis) for name, axis in _AXES)
        c_out = self.weight.shape[0]
        require_shape("dy", dy, (self._x_shape[0], c_out, height_out, width_out))
        xp = array_namespace(dy)
        dy = xp.reshape(xp.permute_dims(dy, (0, 2, 3, 1)), (self.kept.shape[0], c_out))
        self.dweight = xp.reshape(dy.T @ self.kept, tuple(self.weight.shape))
        self.dbias = xp.sum(dy, axis=0)
        dcolumns = self._filters().T @ dy.T  # (c_in * kernel size, batch_size * height_out * width_out)
        return self._add_patches(dcolumns, height_out, width_out)

    def parameters(self) -> Iterator[tuple[Array, Array]]:
        """Yield weight and bias, each with its gradient (None before ``backward``)."""
        yield self.weight, self.dweight
        yield self.bias, self.dbias

    def _output_size(self, name: str, size: int, axis: int) -> int:
        return output_size(f"{name} of x", size, self.weight.shape[axis], self.stride, self.padding)

    def _filters(self) -> Array:
        """Return the weight as a matrix, one filter a row; no copy."""
        return array_namespace(self.weight).reshape(self.weight, (self.weight.shape[0], -1))

    def _windows(self, height_out: int, width_out: int) -> list[tuple[slice, slice]]:
        """Return, for each place in a filter, the pixels of all patches that meet it: rows and columns."""
        _, _, height, width = self.weight.shape
        return windows((height, width), (self.stride, self.stride), height_out, width_out)

    def _patches(self, x: Array, height_out: int, width_out: int) -> Array:
        """Return the patches, shape (batch_size * height_out * width_out, c_in * kernel size)."""
        xp = array_namespace(x)
        images = self._by_channel(x)
        windows = [images[:, :, i, j] for i, j in self._windows(height_out, width_out)]
        # Written in the order of the pixels, in long runs. The product reads the transposed matrix as fast.
        stacked = xp.stack(windows, axis=1)  # (c_in, kernel size, batch_size, height_out, width_out)
        return xp.reshape(stacked, (self._filters().shape[1], -1)).T

    def _by_channel(self, x: Array) -> Array:
        """Return a copy of ``x`` with its padding, shape (c_in, batch_size, padded height, padded width).

        Stacked from ``x`` itself, the patches of one image would lie together, and not make one matrix.
        """
        xp, p = array_namespace(x), self.padding
        batch_size, c_in, height, width = x.shape
        new = xp.zeros if p else xp.empty
        images = new((c_in, batch_size, height + 2 * p, width + 2 * p), dtype=x.dtype, device=x.device)
        images[:, :, p : p + height, p : p + width] = xp.permute_dims(x, (1, 0, 2, 3))
        return images

    def _add_patches(self, dcolumns: Array, height_out: int, width_out: int) -> Array:
        """Return the sum of the patches where they lay: a pixel was part of many, and each adds to its gradient."""
        xp, p = array_namespace(dcolumns), self.padding
        batch_size, c_in, height, width = self._x_shape
        dcolumns = xp.reshape(dcolumns, (c_in, -1, batch_size, height_out, width_out))
        shape = (c_in, batch_size, height + 2 * p, width + 2 * p)
        dx = xp.zeros(shape, dtype=dcolumns.dtype, device=dcolumns.device)
        for place, (i, j) in enumerate(self._windows(height_out, width_out)):
            dx[:, :, i, j] += dcolumns[:, place, ...]
        return xp.permute_dims(dx[:, :, p : p + height, p : p + width], (1, 0, 2, 3))


#: Names of the two axes along which a filter slides.
_AXES = (("height", 2), ("width", 3))
