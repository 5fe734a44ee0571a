"""The forward pass of a convolution layer, computed as one matrix product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

from gpu_lessons.arguments import require_count, require_dtype
from gpu_lessons.units import DTYPE_BYTES
from gpu_lessons.work.kernels import Kernel, elementwise_kernel, matmul_kernel
from gpu_lessons.work.workload import Workload, random_numbers, require_layer_dtype

__all__ = ["Conv2dForward"]


@dataclass(frozen=True, slots=True)
class Conv2dForward(Workload):
    """Forward pass of one convolution layer: its patches side by side (im2col), one product, the bias.

    Parameters
    ----------
    batch_size, c_in, c_out : int
        Images in the batch, channels of an image, filters.
    height, width : int
        Of an image, in pixels.
    kernel : int
        Height and width of a filter.
    stride, padding : int
        Steps from one patch to the next; zeros around the image on every side.
    dtype : {"float16", "float32", "float64"}
        Number format.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer of at least 1 (``padding``: 0), the image with its padding is smaller than a
        filter, or the dtype is another.

    Examples
    --------
    >>> layer = Conv2dForward(batch_size=1, c_in=3, c_out=64, height=224, width=224, kernel=3, padding=1)
    >>> [kernel.name for kernel in layer.kernels]
    ['zeros', 'x by channel', 'im2col', 'columns @ filters.T', '+ b']
    """

    batch_size: int
    c_in: int
    c_out: int
    height: int
    width: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dtype: str = "float32"

    label: ClassVar[str] = "convolution forward"

    def __post_init__(self) -> None:
        for name in ("batch_size", "c_in", "c_out", "height", "width", "kernel", "stride"):
            object.__setattr__(self, name, require_count(name, getattr(self, name)))
        object.__setattr__(self, "padding", require_count("padding", self.padding, at_least=0))
        object.__setattr__(self, "dtype", require_dtype(self.dtype))
        self._output_size("height"), self._output_size("width")  # refuses what does not fit

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The channels apart and into their padding, the patches side by side, the product, and the bias.

        The result is (batch_size, c_out, ...) by a view of the product: no copy is made.
        """
        dtype, c_out = self.dtype, self.c_out
        pixels, columns, terms = self._padded_size, self._patches, self._terms
        image = self.batch_size * self.c_in * self.height * self.width
        zeros = (elementwise_kernel("zeros", 0, read=0, written=pixels, dtype=dtype),)
        return (
            *(zeros if self.padding else ()),
            elementwise_kernel("x by channel", 0, read=image, written=image, dtype=dtype),
            elementwise_kernel(
                "im2col",
                0,
                read=self._pixels_in_patches,
                written=columns * terms,
                dtype=dtype,
                scalar_ops=columns * terms if self.stride > 1 else 0,
                rows=columns * terms // self._output_size("width"),
                python_steps=self.kernel**2,
            ),
            matmul_kernel("columns @ filters.T", columns, c_out, terms, dtype, sums_along_rows=False),
            elementwise_kernel(
                "+ b",
                columns * c_out,
                read=columns * c_out + c_out,
                written=columns * c_out,
                dtype=dtype,
                rows=columns,
            ),
        )

    @property
    def memory_bytes(self) -> int:
        """``x``, filters, biases and patches; beside them the copy by channel first and the result later."""
        image = self.batch_size * self.c_in * self.height * self.width
        parameters = (self._terms + 1) * self.c_out
        numbers = image + parameters + self._patches * self._terms + max(self._padded_size, self._patches * self.c_out)
        return numbers * DTYPE_BYTES[self.dtype]

    def make(self, xp: ModuleType | Any) -> Callable[[], object]:  # noqa: ANN401
        """Return the forward pass of a `gpu_lessons.nn.Conv2d` on random data."""
        from gpu_lessons.nn import Conv2d

        require_layer_dtype(self.dtype)
        layer = Conv2d(
            self.c_in, self.c_out, self.kernel, stride=self.stride, padding=self.padding, xp=xp, dtype=self.dtype
        )
        x = xp.asarray(random_numbers(1, (self.batch_size, self.c_in, self.height, self.width), self.dtype))
        return lambda: layer.forward(x)

    def _output_size(self, axis: str) -> int:
        from gpu_lessons.nn.windows import output_size

        return output_size(axis, getattr(self, axis), self.kernel, self.stride, self.padding)

    @property
    def _patches(self) -> int:
        return self.batch_size * self._output_size("height") * self._output_size("width")

    @property
    def _terms(self) -> int:
        return self.c_in * self.kernel**2

    @property
    def _padded_size(self) -> int:
        return self.batch_size * self.c_in * (self.height + 2 * self.padding) * (self.width + 2 * self.padding)

    @property
    def _pixels_in_patches(self) -> int:
        """Numbers that lie in at least one patch: a long stride skips some, and some are left over at the edge."""
        rows, columns = (
            (self._output_size(axis) - 1) * min(self.stride, self.kernel) + self.kernel for axis in ("height", "width")
        )
        return self.batch_size * self.c_in * rows * columns
