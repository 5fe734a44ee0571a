"""Functions that sort, search, count, or pick numbers out."""

from __future__ import annotations

from gpu_lessons.devices.rows import read_rows

__all__ = ["ROWS"]

_SORTING = """
argpartition(a, kth, axis=-1) x5
argsort(a, axis=-1, kind=None, *, descending=False, stable=True) x5
digitize(x, bins, right=False)
lexsort(keys) x5
partition(a, kth, axis=-1) x5
searchsorted(a, v, side='left', sorter=None)
sort(a, axis=-1, kind=None, *, descending=False, stable=True) x5
sort_complex(a) x9
"""

# The size of the result depends on the numbers, so the host waits for it.
_SELECTION = """
argwhere(a) x3
bincount(x, weights=None, minlength=None) x3
compress(condition, a, axis=None, out=None) x4
delete(arr, indices, axis=None) x4
extract(condition, a) x4
flatnonzero(a) x3
histogram(x, bins=10, range=None, density=False, weights=None) x4
histogram2d(x, y, bins=10, range=None, weights=None, density=None) x6
histogramdd(sample, bins=10, range=None, weights=None, density=False) x6
in1d(ar1, ar2, assume_unique=False, invert=False) x7
intersect1d(arr1, arr2, assume_unique=False, return_indices=False) x9
isin(element, test_elements, assume_unique=False, invert=False) x7
nonzero(a) x3
setdiff1d(ar1, ar2, assume_unique=False) x9
setxor1d(ar1, ar2, assume_unique=False) x9
trim_zeros(filt, trim='fb') x3
union1d(arr1, arr2) x9
unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True) x8
unique_all(x) x8
unique_counts(x) x8
unique_inverse(x) x8
unique_values(x) x8
"""

# Into the first argument; nothing is returned.
_WRITING = """
fill_diagonal(a, val, wrap=False)
place(arr, mask, vals) x3
put(a, ind, v, mode='wrap')
put_along_axis(arr, indices, values, axis)
putmask(a, mask, values)
"""

ROWS = {
    **read_rows("sorting", _SORTING),
    **read_rows("selection", _SELECTION),
    **read_rows("writing", _WRITING),
}
