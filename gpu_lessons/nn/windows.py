"""Windows that slide over an image: what a filter or a pool looks at, one place of it at a time."""

from __future__ import annotations

from gpu_lessons.arguments import require_count, shown

__all__ = ["output_size", "require_kernel", "windows"]


def output_size(name: str, size: int, kernel: int, stride: int, padding: int) -> int:
    """Return how many windows lie side by side along one axis of an image.

    Raises
    ------
    ValueError
        If not even one does; the message calls the size ``name``.

    Examples
    --------
    >>> output_size("height", 28, kernel=5, stride=1, padding=0)
    24
    """
    if size + 2 * padding < kernel:
        least = max(1, kernel - 2 * padding)
        raise ValueError(
            f"{name} must be at least {least} for a kernel of {kernel} and a padding of {padding}, got {size}"
        )
    return (size + 2 * padding - kernel) // stride + 1


def windows(
    kernel: tuple[int, int], stride: tuple[int, int], height_out: int, width_out: int
) -> list[tuple[slice, slice]]:
    """Return, for each place in a window, the pixels of all windows that meet it: rows and columns."""
    rows, columns = (
        [slice(start, start + step * (count - 1) + 1, step) for start in range(size)]
        for size, step, count in zip(kernel, stride, (height_out, width_out), strict=True)
    )
    return [(i, j) for i in rows for j in columns]


def require_kernel(kernel: object) -> tuple[int, int]:
    """Return height and width of a window, given as a pair or as one size for both."""
    if not isinstance(kernel, tuple):
        size = require_count("kernel", kernel)
        return size, size
    if len(kernel) != 2:
        raise ValueError(f"kernel must be one size or a pair (height, width), got {shown(kernel)}")
    return require_count("kernel[0]", kernel[0]), require_count("kernel[1]", kernel[1])
