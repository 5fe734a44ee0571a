"""Functions that make arrays, or move their numbers without computing."""

from __future__ import annotations

from gpu_lessons.devices.rows import read_rows

__all__ = ["ROWS"]

_MEMSETS = """
zeros(shape, dtype=float, order='C', *, device=None)
zeros_like(a, dtype=None, order='K', subok=None, shape=None, *, device=None)
"""

_NOTHING_LAUNCHED = """
empty(shape, dtype=float, order='C', *, device=None) x0
empty_like(prototype, dtype=None, order='K', subok=None, shape=None, *, device=None) x0
"""

_CREATION = """
arange(start, stop=None, step=1, dtype=None, *, device=None)
bartlett(M)
blackman(M)
diag_indices(n, ndim=2)
eye(N, M=None, k=0, dtype=float, order='C', *, device=None) x2
fft.fftfreq(n, d=1.0)
fft.rfftfreq(n, d=1.0)
full(shape, fill_value, dtype=None, order='C', *, device=None)
full_like(a, fill_value, dtype=None, order='K', subok=None, shape=None, *, device=None)
hamming(M)
hanning(M)
identity(n, dtype=float) x2
indices(dimensions, dtype=int)
kaiser(M, beta)
linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None)
logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0) x2
ones(shape, dtype=float, order='C', *, device=None)
ones_like(a, dtype=None, order='K', subok=None, shape=None, *, device=None)
tri(N, M=None, k=0, dtype=float)
tril_indices(n, k=0, m=None) x3
triu_indices(n, k=0, m=None) x3
"""

# Where the result is another look at the same memory, nothing is launched, whatever the row says.
_MOVEMENT = """
append(arr, values, axis=None)
array_split(ary, indices_or_sections, axis=0)
ascontiguousarray(a, dtype=None)
asfortranarray(a, dtype=None)
atleast_1d(*arys)
atleast_2d(*arys)
atleast_3d(*arys)
broadcast_arrays(*args)
broadcast_to(array, shape)
choose(a, choices, out=None, mode='raise')
column_stack(tup)
concat(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
concatenate(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
copy(a, order='K')
diag(v, k=0)
diag_indices_from(arr)
diagflat(v, k=0)
diagonal(a, offset=0, axis1=0, axis2=1)
dsplit(ary, indices_or_sections)
dstack(tup)
expand_dims(a, axis)
fft.fftshift(x, axes=None)
fft.ifftshift(x, axes=None)
flip(m, axis=None)
fliplr(a)
flipud(a)
hsplit(ary, indices_or_sections)
hstack(tup, *, dtype=None, casting='same_kind')
ix_(*args)
matrix_transpose(x, /)
meshgrid(*xi, indexing='xy', sparse=False, copy=True)
moveaxis(a, source, destination)
packbits(a, *, bitorder='big')
pad(array, pad_width, mode='constant', **kwargs) x3
permute_dims(a, axes=None)
ravel(a, order='C')
ravel_multi_index(multi_index, dims, mode='wrap', order='C')
repeat(a, repeats, axis=None)
reshape(a, shape, order='C', *, copy=None)
resize(a, new_shape)
roll(a, shift, axis=None)
rollaxis(a, axis, start=0)
rot90(a, k=1, axes=(0, 1))
split(ary, indices_or_sections, axis=0)
squeeze(a, axis=None)
stack(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
swapaxes(a, axis1, axis2)
take_along_axis(a, indices, axis)
tile(A, reps)
transpose(a, axes=None)
tril(m, k=0)
tril_indices_from(arr, k=0)
triu(m, k=0)
triu_indices_from(arr, k=0)
unpackbits(a, axis=None, bitorder='big')
unravel_index(indices, dims, order='C')
unstack(x, /, *, axis=0)
vander(x, N=None, increasing=False)
vsplit(ary, indices_or_sections)
vstack(tup, *, dtype=None, casting='same_kind')
"""

_QUESTIONS = """
broadcast_shapes(*args)
can_cast(from_, to, casting='safe')
common_type(*arrays)
iscomplexobj(x)
isfortran(a)
isrealobj(x)
isscalar(element)
may_share_memory(a, b, max_work=None)
ndim(a)
shape(a)
shares_memory(a, b, max_work=None)
size(a, axis=None)
"""

ROWS = {
    **read_rows("memset", _MEMSETS),
    **read_rows("creation", _NOTHING_LAUNCHED),
    **read_rows("creation", _CREATION),
    **read_rows("movement", _MOVEMENT),
    **read_rows("question", _QUESTIONS),
}
