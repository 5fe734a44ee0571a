"""From images to fewer numbers: the largest of each window, and an image as one row."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gpu_lessons.arguments import require_count
from gpu_lessons.nn.shapes import Array, require_floats, require_shape
from gpu_lessons.nn.windows import output_size, require_kernel, windows

__all__ = ["Flatten", "MaxPool2d"]


class MaxPool2d:
    """The largest number of each window of an image, channel by channel: a smaller image.

    Parameters
    ----------
    kernel : int or (int, int)
        Height and width of a window; one number for a square.
    stride : int, optional
        Steps from one window to the next; side by side without a gap otherwise.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> pool = MaxPool2d(2)
    >>> pool.forward(np.asarray([[[[1.0, 2.0, 5.0, 6.0], [4.0, 3.0, 8.0, 7.0]]]]))
    array([[[[4., 8.]]]])
    >>> pool.backward(np.asarray([[[[10.0, 20.0]]]]))
    array([[[[ 0.,  0.,  0.,  0.],
             [10.,  0., 20.,  0.]]]])
    """

    def __init__(self, kernel: int | tuple[int, int], *, stride: int | None = None) -> None:
        self.kernel = require_kernel(kernel)
        self.stride = self.kernel if stride is None else (require_count("stride", stride),) * 2
        #: Where in its window each largest number was.
        self.kept: Array = None
        self._x_shape: tuple[int, ...] = ()

    def __repr__(self) -> str:
        kernel, stride = (pair[0] if pair[0] == pair[1] else pair for pair in (self.kernel, self.stride))
        return f"MaxPool2d({kernel})" if self.stride == self.kernel else f"MaxPool2d({kernel}, stride={stride})"

    def forward(self, x: Array) -> Array:
        """Return the largest numbers, shape (batch_size, channels, height out, width out).

        Parameters
        ----------
        x : array, shape (batch_size, channels, height, width)
            Pixels at the edge that fill no window are left out.

        Raises
        ------
        TypeError, ValueError
            If ``x`` holds no floating-point numbers, has another shape, or is smaller than a window.
        """
        xp = require_floats("x", x)
        require_shape("x", x, ("batch_size", "channels", "height", "width"))
        stacked = xp.stack([x[:, :, i, j] for i, j in self._windows(tuple(x.shape))], axis=0)
        # A quarter of the bytes of argmax's own format.
        self.kept, self._x_shape = xp.astype(xp.argmax(stacked, axis=0), xp.int16), tuple(x.shape)
        return xp.max(stacked, axis=0)

    def backward(self, dy: Array) -> Array:
        """Return the gradient for the input: that of each output, where its largest number was, the first of equals.

        Raises
        ------
        RuntimeError
            If there was no forward pass.
        TypeError, ValueError
            If ``dy`` holds no floating-point numbers, or has not the output's shape.
        """
        if self.kept is None:
            raise RuntimeError("MaxPool2d.backward needs the x of a forward pass: call forward first")
        xp = require_floats("dy", dy)
        require_shape("dy", dy, tuple(self.kept.shape))
        dx = xp.zeros(self._x_shape, dtype=dy.dtype, device=dy.device)
        for place, (i, j) in enumerate(self._windows(self._x_shape)):
            dx[:, :, i, j] += dy * xp.astype(self.kept == place, dy.dtype)
        return dx

    def parameters(self) -> Iterator[tuple[Array, Array]]:
        """Yield nothing: a pool has nothing to learn."""
        return iter(())

    def _windows(self, shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
        sizes = zip(("height of x", "width of x"), shape[2:], self.kernel, self.stride, strict=True)
        height_out, width_out = (output_size(*each, padding=0) for each in sizes)
        return windows(self.kernel, self.stride, height_out, width_out)


class Flatten:
    """Each sample as one row of numbers, as a dense layer takes it.

    Examples
    --------
    >>> import numpy as np
    >>> Flatten().forward(np.zeros((5, 3, 4, 4))).shape
    (5, 48)
    """

    def __init__(self) -> None:
        self.kept: Array = None
        self._x_shape: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return "Flatten()"

    def forward(self, x: Array) -> Array:
        """Return ``x``, shape (batch_size, ...), as (batch_size, n): channel by channel, row by row.

        Raises
        ------
        TypeError, ValueError
            If ``x`` holds no floating-point numbers, or no samples.
        """
        xp = require_floats("x", x)
        if x.ndim == 0 or 0 in x.shape:
            raise ValueError(f"x must have shape (batch_size, ...) with every size at least 1, got {tuple(x.shape)}")
        self._x_shape = tuple(x.shape)
        return xp.reshape(x, (x.shape[0], -1))

    def backward(self, dy: Array) -> Array:
        """Return ``dy`` in the shape of the input.

        Raises
        ------
        RuntimeError
            If there was no forward pass.
        TypeError, ValueError
            If ``dy`` holds no floating-point numbers, or has not the output's shape.
        """
        if not self._x_shape:
            raise RuntimeError("Flatten.backward needs the x of a forward pass: call forward first")
        xp = require_floats("dy", dy)
        require_shape("dy", dy, (self._x_shape[0], math.prod(self._x_shape[1:])))
        return xp.reshape(dy, self._x_shape)

    def parameters(self) -> Iterator[tuple[Array, Array]]:
        """Yield nothing: there is nothing to learn."""
        return iter(())
