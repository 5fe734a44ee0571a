"""Every name that a learner may type, on each GPU the course runs on, against NumPy: values, formats and shapes.

Where CuPy itself differs from the simulated GPU, the simulated GPU is wrong.
"""

import re
import warnings

import array_api_compat
import numpy as np
import pytest

from gpu_lessons.devices import SimulatedGpu
from gpu_lessons.devices.tables import ROWS
from gpu_lessons.devices.tables.numbers import UFUNCS

RNG = np.random.default_rng(0)
HOST = {
    "a": RNG.standard_normal((3, 4)).astype("float32"),
    "b": RNG.standard_normal((4, 5)).astype("float32"),
    "d": RNG.standard_normal((3, 4)),
    "v": RNG.uniform(0.1, 0.9, 6),
    "w": RNG.standard_normal(6),
    "t": RNG.standard_normal((2, 3, 4)),
    "p": np.asarray([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]]),
    "z": np.zeros((3, 3)),
    "i": np.asarray([[3, -1, 2, 0], [5, 7, -4, 1], [2, 2, 9, 6]]),
    "j": np.asarray([3, 1, 2, 3, 0, 1]),
    "u": np.asarray([1, 2, 7, 200], dtype="uint8"),
    "m": np.asarray([[True, False, True, False], [False, True, True, False], [False, False, True, True]]),
    "c": (RNG.standard_normal(4) + 1j * RNG.standard_normal(4)).astype("complex64"),
    "n": np.asarray([1.0, np.nan, -2.0, np.inf, 0.0, -np.inf]),
}

# One expression a line, with cp for the namespace. The same line is computed with NumPy.
WORDS = """
cp.einsum("ij,jk->ik", a, b)
cp.einsum("ij->j", a)
cp.einsum("ij,ij->", a, a)
cp.einsum("ii->i", p)
cp.einsum("bij,bkj->bik", t, t)
cp.tensordot(t, b, axes=1)
cp.tensordot(t, t, axes=((1, 2), (1, 2)))
cp.outer(v, w)
cp.inner(v, w)
cp.vdot(v, w)
cp.kron(p, p)
cp.trace(p)
p.trace(offset=1)
cp.dot(a, b)
cp.matmul(t, b)
cp.cross(p, p[::-1])
cp.linalg.norm(a)
cp.linalg.norm(d, axis=1)
cp.linalg.norm(d, ord=1)
cp.linalg.norm(v, ord=3)
cp.linalg.solve(p, p[:, 0])
cp.linalg.inv(p)
cp.linalg.det(p)
cp.linalg.slogdet(p)
cp.linalg.cholesky(p)
cp.linalg.eigvalsh(p)
cp.sort(cp.real(cp.linalg.eigvals(p)))
cp.sort(cp.real(cp.linalg.eig(p)[0]))
cp.linalg.eigh(p)[0]
cp.linalg.svd(d, compute_uv=False)
cp.abs(cp.linalg.svd(d, full_matrices=False)[0])
cp.abs(cp.linalg.qr(p)[1])
cp.linalg.lstsq(p, p[:, 0])[0]
cp.linalg.pinv(p)
cp.linalg.matrix_power(p, 3)
cp.linalg.matrix_rank(p)
cp.eye(3)
cp.eye(3, 4, k=1, dtype="float32")
cp.identity(3)
cp.diag(v)
cp.diag(p)
cp.diagonal(d, offset=1)
cp.tri(3)
cp.tril(p)
cp.triu(p, k=1)
cp.linspace(0, 1, 5)
cp.linspace(0, 10, 4, endpoint=False, dtype="float32")
cp.logspace(0, 2, 3)
cp.arange(5)
cp.arange(1, 2, 0.25)
cp.arange(10, 0, -3, dtype="float32")
cp.full((2, 3), 7)
cp.ones((2, 3))
cp.full_like(a, 2)
cp.zeros((2, 2), dtype=cp.float32)
cp.zeros_like(a, dtype="int32")
cp.ones_like(i)
cp.empty_like(a).shape
cp.indices((2, 3))
cp.meshgrid(v, w)
cp.meshgrid(v, w, indexing="ij")
cp.split(v, 3)
cp.array_split(v, 4)
cp.hsplit(a, 2)
cp.vsplit(i, 3)
cp.vstack([a, a])
cp.hstack([a, a])
cp.dstack([a, a])
cp.column_stack([v, w])
cp.concatenate([a, a], axis=1)
cp.concatenate((v, w))
cp.concatenate([a, d], axis=None)
cp.stack([v, w], axis=1)
cp.append(v, w)
cp.tile(v, 2)
cp.tile(a, (2, 1))
cp.repeat(v, 2)
cp.repeat(a, 3, axis=1)
cp.roll(v, 2)
cp.roll(a, 1, axis=0)
cp.flip(a)
cp.flip(a, axis=1)
cp.flipud(a)
cp.fliplr(a)
cp.rot90(a)
cp.expand_dims(v, 0)
cp.squeeze(v[None, :, None])
cp.moveaxis(t, 0, -1)
cp.swapaxes(t, 0, 2)
cp.rollaxis(t, 2)
cp.transpose(t, (2, 0, 1))
cp.atleast_1d(v[0])
cp.atleast_2d(v)
cp.atleast_3d(a)
cp.broadcast_to(v, (2, 6))
cp.broadcast_arrays(v, v[:, None])
cp.pad(v, 2)
cp.pad(a, ((1, 0), (0, 2)), constant_values=5)
cp.pad(v, (1, 2), mode="edge")
cp.reshape(a, (4, 3))
cp.reshape(a, (4, 3), order="F")
cp.ravel(a)
cp.ravel(a, order="F")
a.reshape(2, -1)
a.reshape((4, 3), copy=True)
a.ravel()
a.flatten()
a.flatten("F")
a.T.copy()
cp.var(d)
cp.var(d, axis=0, ddof=1)
cp.std(d, axis=(0, 1))
cp.std(a, axis=1, keepdims=True)
cp.median(d)
cp.median(d, axis=1)
cp.average(d, axis=0)
cp.average(v, weights=w)
cp.mean(t, axis=(0, 2))
cp.mean(i)
cp.mean(a, dtype="float64")
cp.percentile(v, 30)
cp.percentile(d, [25, 75], axis=0)
cp.quantile(v, 0.3)
cp.ptp(d, axis=1)
cp.cov(d)
cp.corrcoef(d)
cp.sum(t, axis=(0, 1))
cp.sum(m)
cp.sum(u)
cp.sum(a, dtype="float64", keepdims=True)
cp.prod(v)
cp.max(t, axis=(1, 2))
cp.amax(d, axis=0)
cp.amin(d)
cp.min(d, axis=1)
cp.argmax(d, axis=1)
cp.argmin(d)
cp.all(m, axis=0)
cp.any(m)
cp.allclose(v, v)
cp.array_equal(v, v)
cp.array_equal(v, w)
cp.isclose(v, w)
cp.argsort(v)
cp.argsort(d, axis=0)
cp.sort(d)
cp.sort(d, axis=None)
cp.sort(i, axis=0)
cp.partition(v, 3)[3]
v[cp.argpartition(v, 2)[2]]
cp.lexsort(cp.stack([v, w]))
cp.unique(j)
cp.unique(j, return_counts=True)
cp.unique(j, return_inverse=True)
cp.searchsorted(cp.sort(v), w)
cp.digitize(v, cp.sort(v))
cp.bincount(j)
cp.bincount(j, weights=v, minlength=8)
cp.histogram(v, bins=4)
cp.histogram(v, bins=3, range=(0, 1), density=True)
cp.nonzero(i)
i.nonzero()
cp.flatnonzero(i)
cp.argwhere(m)
cp.count_nonzero(i)
cp.count_nonzero(m, axis=0)
cp.isin(j, cp.arange(2))
cp.cumsum(v)
cp.cumsum(d, axis=1)
cp.cumprod(v)
cp.cumsum(i)
v.cumsum()
cp.diff(v)
cp.diff(d, axis=0)
cp.diff(v, n=2)
cp.gradient(v)
cp.gradient(d)
cp.trapezoid(v)
cp.maximum(a, 0)
cp.minimum(a, b[:3, :4])
cp.fmax(n, 0)
cp.fmin(n, 1.0)
cp.hypot(v, w)
cp.arctan2(v, w)
cp.sinh(v)
cp.cosh(v)
cp.tanh(v)
cp.arcsinh(v)
cp.arctanh(v)
cp.arccosh(v + 1)
cp.arcsin(v)
cp.arccos(v)
cp.arctan(v)
cp.deg2rad(v)
cp.degrees(v)
cp.floor(w)
cp.ceil(w)
cp.trunc(w)
cp.rint(w)
cp.fix(w)
cp.round(w, 1)
cp.around(w, 2)
w.round(1)
cp.isnan(n)
cp.isinf(n)
cp.isfinite(n)
cp.nan_to_num(n)
cp.nan_to_num(n, nan=1.0, posinf=9.0, neginf=-9.0)
cp.nansum(n[:3])
cp.nanmean(n[:3])
cp.nanmax(n[:3])
cp.nanstd(n[:3])
cp.nanargmin(n[:3])
cp.clip(w, a_min=-0.5, a_max=0.5)
cp.clip(w, 0, None)
w.clip(-0.5, 0.5)
cp.exp2(v)
cp.log1p(v)
cp.log2(v)
cp.log10(v)
cp.expm1(v)
cp.cbrt(v)
cp.square(i)
cp.reciprocal(v)
cp.float_power(v, 2)
cp.logaddexp(v, w)
cp.heaviside(w, 0.5)
cp.copysign(v, w)
cp.fmod(w, 0.3)
cp.mod(i, 3)
cp.floor_divide(i, 2)
cp.divmod(i, 3)
cp.modf(w)
cp.gcd(j, 6)
cp.sign(w)
cp.signbit(w)
cp.sinc(w)
cp.logical_and(m, i > 1)
cp.logical_xor(m, i > 1)
cp.bitwise_and(i, 3)
cp.invert(i)
cp.left_shift(i[0] + 1, 2)
i >> 1
i << 2
i & 1
m | ~m
i // 2
i % 3
-i
abs(i)
divmod(i, 2)
2 ** v
v ** 2
i ** 2
7 - i
7 % (i ** 2 + 1)
c * c
c + 1
cp.conj(c)
c.conj()
a.conj() is a
a.real is a
m.conjugate()
c.real
c.imag
a.imag
cp.real(c)
cp.angle(c)
cp.abs(c)
cp.exp(c)
cp.sum(c)
c.astype("complex128")
cp.iscomplexobj(c)
cp.where(m)
cp.where(m, a, 0)
cp.where(m, a, d)
cp.where(i > 2, i, -i)
cp.select([i > 4, i < 0], [i, -i], default=7)
cp.interp(v, cp.sort(v), w)
cp.interp(v, cp.sort(v)[:3], w[:3])
cp.polyval(w[:3], v)
cp.unwrap(w * 9, discont=4)
cp.convolve(v, w[:3])
cp.correlate(v, w[:3])
cp.polyval(w, v)
cp.vander(v, 3)
cp.fft.fft(v)
cp.fft.ifft(c)
cp.fft.rfft(v)
cp.fft.irfft(cp.fft.rfft(v))
cp.fft.fft2(d)
cp.fft.fftshift(v)
cp.fft.fftfreq(6, 0.1)
cp.take(v, j)
cp.take(d, cp.asarray([0, 2]), axis=1)
cp.take_along_axis(d, cp.argsort(d, axis=1), axis=1)
cp.compress(m[0], d, axis=1)
cp.extract(m, d)
cp.choose(j, cp.stack([v, w, v, w]))
cp.unravel_index(j, (2, 3))
cp.tril_indices(3)
cp.ix_(j, j)
cp.packbits(m[0])
cp.copy(a)
cp.ascontiguousarray(a.T)
cp.asfortranarray(a).flags.f_contiguous
cp.result_type(a, d)
cp.can_cast("int32", "float64")
cp.ndim(a)
cp.shape(a)
cp.size(a)
cp.hanning(5)
cp.mgrid[0:3, 0:2]
cp.fromfunction(lambda row, column: row + column, (2, 3))
cp.frombuffer(b"1234", dtype="uint8")
cp.fromiter(range(3), dtype="float32")
cp.ogrid[0:3, 0:2]
cp.r_[v, w]
a.flat[3]
a.flat[2:7]
len(a.flat)
a.T.flat.copy()
cp.c_[v, w]
cp.float32(3) * v
cp.add.reduce(d)
cp.add.accumulate(d, axis=1)
cp.add.outer(v, w)
cp.multiply.reduce(v)
cp.add(v, 1, dtype="float32")
cp.add.nin, cp.divmod.nout, cp.exp.nargs
a[m]
d[m]
a[i > 2]
d[[0, 2]]
d[cp.asarray([2, 0, 1]), cp.asarray([0, 3, 1])]
d[:, [1, 3]]
d[cp.asarray([0, 1]), :2]
d[..., cp.asarray([0, 1])]
d[None, 1:, ::2]
d[1, cp.asarray([True, False, True, False])]
t[0, 1:3, -1]
v[-1]
v[::-1]
v[[]]
d.max(axis=(0, 1))
d.std()
d.var(axis=1)
d.argsort(axis=1)
d.prod(axis=0)
d.all()
d.swapaxes(0, 1)
d.repeat(2, axis=0)
d.diagonal()
d.take(cp.asarray([5, 0]))
d.astype("float16")
a.astype(cp.int32)
a.view("int32")
a.strides
a.nbytes
a.itemsize
a.flags.c_contiguous
a.T.flags.f_contiguous
a.tolist()
len(a)
float(v[2])
int(i[0, 0])
bool(m[0, 0])
complex(c[0])
a.tobytes()
cp.array_equiv(v, v)
cp.bartlett(5)
cp.blackman(5)
cp.hamming(5)
cp.kaiser(5, 2.0)
cp.broadcast_shapes((2, 1), (3,))
cp.common_type(a, d) is np.float64
cp.concat([v, w])
cp.delete(v, [1, 2])
cp.diag_indices(3)
cp.diag_indices_from(p)
cp.diagflat(v[:3])
cp.dsplit(t, 2)
cp.ediff1d(v)
cp.empty((2, 3)).shape
cp.fft.fftn(d)
cp.fft.hfft(c)
cp.fft.ifft2(d)
cp.fft.ifftn(d)
cp.fft.ifftshift(v)
cp.fft.ihfft(v)
cp.fft.irfft2(d)
cp.fft.irfftn(d)
cp.fft.rfft2(d)
cp.fft.rfftfreq(6)
cp.fft.rfftn(d)
cp.histogram2d(v, w, bins=3)[0]
cp.histogram2d(v, w, 3, ((0, 1), (-2, 2)), weights=w, density=True)[0]
cp.histogramdd(cp.stack([v, w], axis=1), bins=3)[0]
cp.unpackbits(u, 0, bitorder="little")
cp.arange(0, 3, 1, dtype="float32")
cp.corrcoef(v, w)
cp.i0(v)
cp.imag(c)
cp.intersect1d(j, j + 1)
cp.iscomplex(c)
cp.isfortran(a)
cp.isneginf(n)
cp.isposinf(n)
cp.isreal(c)
cp.isrealobj(a)
cp.isscalar(3.0)
cp.linalg.cond(p)
cp.linalg.matrix_transpose(a)
cp.linalg.tensorinv(p.reshape(3, 3), ind=1)
cp.linalg.tensorsolve(p, p[0])
cp.linalg.cross(p, p[::-1])
cp.matrix_transpose(t)
cp.may_share_memory(v, v[1:])
cp.shares_memory(v, v[1:])
cp.nanargmax(n[:3])
cp.nancumprod(n[:3])
cp.nancumsum(n[:3])
cp.nanmedian(n[:3])
cp.nanmin(n[:3])
cp.nanprod(n[:3])
cp.nanvar(n[:3])
cp.permute_dims(t, (2, 0, 1))
cp.piecewise(w, [w > 0, w <= 0], [1.0, -1.0])
cp.polyadd(v, w)
cp.polymul(v, w)
cp.polysub(v, w)
cp.polyfit(v, w, 2)
cp.ravel_multi_index((cp.asarray([0, 1]), cp.asarray([2, 0])), (2, 3))
cp.real_if_close(cp.asarray([1.0 + 0j]))
cp.resize(v, (3, 4))
cp.sort(cp.roots(cp.asarray([1.0, 0.0, -1.0])))
cp.setdiff1d(j, cp.asarray([1]))
cp.setxor1d(j, cp.asarray([1, 9]))
cp.union1d(j, cp.asarray([9]))
cp.sort_complex(c)
cp.tril_indices_from(p)
cp.triu_indices(3)
cp.triu_indices_from(p)
cp.trim_zeros(cp.asarray([0, 1, 2, 0]))
cp.unpackbits(u)
cp.unwrap(w * 9)
"""

# Names of the array API: array-api-compat adds what CuPy lacks, the simulated GPU has them itself.
API_WORDS = """
xp.cumulative_sum(v)
xp.cumulative_sum(v, include_initial=True)
xp.cumulative_prod(v)
xp.sort(xp.unique_values(j))
xp.unique_counts(j)
xp.unique_inverse(j)
xp.unique_all(j)
xp.unstack(a)
xp.vecdot(v, w)
xp.std(d, correction=1)
xp.var(d, axis=0, correction=1)
xp.argsort(v, descending=True)
xp.sort(v, descending=True)
xp.clip(w, min=-0.5, max=0.5)
xp.permute_dims(t, (2, 0, 1))
xp.astype(a, xp.float64)
xp.isdtype(a.dtype, "real floating")
xp.linalg.matrix_norm(d)
xp.linalg.vector_norm(d, axis=1)
xp.linalg.svdvals(d)
xp.linalg.diagonal(p)
xp.linalg.outer(v, w)
xp.linalg.trace(p)
xp.linalg.vecdot(v, w)
xp.linalg.matmul(a, b)
xp.take(v, j)
xp.bitwise_left_shift(i, xp.ones_like(i))
xp.full((2,), 3.0)
xp.logical_not(m)
xp.matrix_transpose(t)
xp.nonzero(i)
xp.result_type(a, d)
"""

# Lines that write: the first name is changed in place, and compared.
WRITES = """
a[m] = 0
a[m] = a[m] * 2
a[0] = 5
a[1, 2] = 7
a[:, 1] = a[:, 0]
a[a < 0] = 9
a[:0] = 1
a[[0, 2]] = 3
a[[0, 2], 1] = cp.asarray([8.0, 9.0])
a[..., 0] += 1
a[m] += 1
a += 1
a -= d.astype("float32")
a *= 2
a /= 3
a //= 1
a **= 2
i %= 3
i <<= 1
i |= 8
a.flat[2] = 9
a.flat[1:5] = w
a.flat[2:8] = v[:2]
a.T.flat[:3] = 7
a.fill(2)
a.fill(0)
a.sort()
a.sort(axis=0)
cp.add.at(v, j, 1)
cp.add.at(v, j, w)
cp.maximum.at(v, j, w)
cp.add(a, 1, out=a)
cp.add(a, 1, a)
cp.exp(a, out=a)
cp.matmul(p, p + 1, out=z)
cp.dot(p, p, out=z)
cp.sum(d, axis=0, out=v[:4])
cp.cumsum(w, out=w)
cp.clip(w, 0, 1, out=w)
cp.copyto(a, 3)
cp.copyto(a, d.astype("float32"))
cp.put(v, cp.asarray([1, 2]), 5)
cp.fill_diagonal(p, 1)
cp.putmask(a, m, 4.0)
cp.place(d, m, cp.asarray([1.0, 2.0]))
cp.put_along_axis(d, cp.argmax(d, axis=1)[:, None], 9.0, axis=1)
cp.random.shuffle(v[:1])
c.real = 2
"""

# What CuPy says otherwise, or lacks; the NumPy line beside it.
SPELLED_OTHERWISE = {
    "cp.clip(w, a_min=0.0, a_max=None)": "np.clip(w, 0.0, None)",
    "cp.asnumpy(w)": "w",
    "w.get()": "w",
    "cp.concatenate([w, w], axis=0)": "np.concatenate([w, w])",
    "cp.percentile(v, 50, method='lower')": "np.percentile(v, 50, method='lower')",
    "cp.get_array_module(w) is cp": "True",
    "cp.get_array_module(1.0).__name__": "'numpy'",
    "w == None": "np.zeros(6, bool)",
    "w != None": "np.ones(6, bool)",
    "w == ...": "np.zeros(6, bool)",
    "cp.asarray([1, 2, -1]) ** cp.asarray([-1, -1, -1])": "np.asarray([1, 0, -1])",
    "w[cp.asarray([6, 13, -7])]": "w[[0, 1, 5]]",  # beyond the end an index comes in again at the other end
    "cp.take(w, cp.asarray([7]))": "w[[1]]",
    "cp.array([w, v])": "np.stack([w, v])",
    "cp.histogram2d(v, w, 3, None, w, False)[0]": "np.histogram2d(v, w, 3, weights=w)[0]",  # weights come first
    "cp.in1d(j, cp.asarray([1, 2]))": "np.isin(j, [1, 2])",
}


def lines(text):
    return [line for line in text.strip().splitlines() if line]


def names(xp, arrays):
    return {"cp": xp, "np": np, **arrays}


#: CuPy makes windows with a single-precision pi, and takes a maximum in place in single precision (seen on an H100).
IN_SINGLE = ("hanning", "blackman", "hamming", "kaiser", "maximum.at", "minimum.at")


def same(found, expected, *, on_device=True, rtol=1e-9):
    """Compare what a GPU gave with what NumPy gave, also inside of tuples and lists."""
    if isinstance(expected, tuple | list) and not isinstance(found, str):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other, on_device=on_device, rtol=rtol)
    elif isinstance(expected, np.ndarray | np.generic) and not isinstance(found, np.dtype):
        numbers = found.get() if hasattr(found, "get") else np.asarray(found)
        assert numbers.shape == np.shape(expected)
        assert numbers.dtype == expected.dtype
        rtol = {"float16": 1e-3, "float32": 2e-5, "complex64": 2e-5}.get(expected.dtype.name, rtol)
        np.testing.assert_allclose(numbers, expected, rtol=rtol, atol=rtol)
    else:
        assert (found.item() if hasattr(found, "item") else found) == expected


@pytest.fixture(params=["simulated", pytest.param("cuda", marks=pytest.mark.gpu)])
def gpu(request, gpu_named):
    """Those that know CuPy's words; WebGPU knows what the course needs."""
    return gpu_named(request.param)


@pytest.fixture
def device(gpu):
    return {name: gpu.xp.asarray(x) for name, x in HOST.items()}


def by_numpy(line):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(line, names(np, {name: x.copy() for name, x in HOST.items()}))


@pytest.mark.parametrize("line", lines(WORDS))
def test_a_word_of_cupy_gives_what_numpy_gives(gpu, device, line):
    same(eval(line, names(gpu.xp, device)), by_numpy(line), rtol=_rtol(line))


@pytest.mark.parametrize("line", lines(WRITES))
def test_a_line_that_writes_leaves_what_numpy_leaves(gpu, device, line):
    host = {name: x.copy() for name, x in HOST.items()}
    exec(line, names(np, host))
    exec(line, names(gpu.xp, device))
    for name, expected in host.items():
        same(device[name], expected, rtol=_rtol(line))


def _rtol(line):
    return 2e-7 if any(word in line for word in IN_SINGLE) else 1e-9


def test_a_truth_of_complex_numbers_is_refused(gpu):
    with pytest.raises(TypeError, match="cupy_logical_and"):
        gpu.xp.logical_and(gpu.xp.ones(2, "complex64"), gpu.xp.ones(2, "complex64"))


@pytest.mark.parametrize(("line", "expected"), SPELLED_OTHERWISE.items(), ids=SPELLED_OTHERWISE)
def test_what_cupy_spells_otherwise(gpu, device, line, expected):
    same(eval(line, names(gpu.xp, device)), eval(expected, names(np, HOST)))


@pytest.mark.parametrize("name", sorted(UFUNCS))
def test_a_function_number_by_number_has_numpys_values_and_formats(gpu, name):
    function = getattr(np, name)
    for dtype in ("int32", "float32", "float64", "complex64"):
        inputs = [np.asarray([1, 2, 3], dtype), np.asarray([3, 1, 2], dtype)][: function.nin]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = function(*inputs)
        except TypeError:
            continue  # NumPy has none of this format
        if dtype == "complex64" and name in _NO_COMPLEX:
            continue
        same(getattr(gpu.xp, name)(*map(gpu.xp.asarray, inputs)), expected)


# NumPy orders complex numbers, and finds their next one, where CuPy does not.
_NO_COMPLEX = {"sign", "fmax", "fmin", "float_power", "rint", "logical_and", "logical_not", "logical_or", "logical_xor"}


@pytest.mark.parametrize("line", lines(API_WORDS))
def test_a_word_of_the_array_api_gives_what_numpy_gives(gpu, device, line):
    expected = eval(line, {"xp": array_api_compat.array_namespace(HOST["a"]), **HOST})
    same(eval(line, {"xp": array_api_compat.array_namespace(device["a"]), **device}), expected)


def test_every_row_of_the_tables_is_tried_here():
    text = "\n".join((WORDS, API_WORDS, WRITES, *SPELLED_OTHERWISE))
    called = set(re.findall(r"\b(\w+)\(", text))
    assert not {name for name in ROWS if name.rpartition(".")[2] not in called}


@pytest.mark.parametrize("name", ["sum", "mean", "max", "prod", "std", "sort", "reshape", "trace"])
def test_a_numpy_array_is_worked_on_by_numpy_where_cupy_asks_the_array_itself(gpu, name):
    arguments = (6,) if name == "reshape" else ()
    x = np.arange(6.0) if name != "trace" else np.eye(2)
    found = getattr(gpu.xp, name)(x, *arguments)
    assert type(found).__module__ == "numpy"
    if isinstance(gpu, SimulatedGpu):
        assert [span.name for span in gpu.timeline.spans] == [f"{name} on the host"]


@pytest.mark.parametrize(
    "typed", ["cp.exp(h)", "cp.cumsum(h)", "cp.add(w, h)", "cp.concatenate([w, h])", "cp.exp([1])"]
)
def test_what_lives_on_the_host_is_refused(gpu, device, typed):
    with pytest.raises(TypeError):
        eval(typed, {"cp": gpu.xp, "h": np.ones(6), **device})


def test_the_sign_of_no_number_depends_on_the_version(gpu):
    found = gpu.xp.sign(gpu.xp.asarray([np.nan]))
    expected = np.nan if int(gpu.xp.__version__.partition(".")[0]) >= 14 else 0.0
    np.testing.assert_array_equal(found.get(), [expected])


def test_an_array_is_made_by_its_type(gpu):
    x = gpu.xp.ndarray((2, 3), dtype="float32")
    assert isinstance(x, gpu.xp.ndarray)
    assert (x.shape, x.dtype) == ((2, 3), np.float32)


# Random numbers: CuPy's generators are others, so that shapes, formats and bounds are compared.
DRAWS = {
    "cp.random.rand(2, 3)": ((2, 3), "float64", 0, 1),
    "cp.random.rand()": ((), "float64", 0, 1),
    "cp.random.randn(4)": ((4,), "float64", -9, 9),
    "cp.random.random((2, 2))": ((2, 2), "float64", 0, 1),
    "cp.random.random()": ((), "float64", 0, 1),
    "cp.random.randint(3, 9, size=(5,))": ((5,), "int64", 3, 8),
    "cp.random.randint(4, size=3)": ((3,), "int64", 0, 3),
    "cp.random.normal(10, 0.1, (6,))": ((6,), "float64", 8, 12),
    "cp.random.uniform(-1, 1, 5)": ((5,), "float64", -1, 1),
    "cp.random.uniform(-1, 1, 5, dtype='float32')": ((5,), "float32", -1, 1),
    "cp.random.choice(5, 3)": ((3,), "int64", 0, 4),
    "cp.random.choice(5, 3, replace=False)": ((3,), "int64", 0, 4),
    "cp.random.permutation(6)": ((6,), "int64", 0, 5),
    "cp.random.standard_normal((2, 3), dtype='float32')": ((2, 3), "float32", -9, 9),
    "cp.random.exponential(1.0, 4)": ((4,), "float64", 0, 99),
    "cp.random.poisson(3.0, 4)": ((4,), "int64", 0, 99),
    "cp.random.binomial(5, 0.5, 4)": ((4,), "int64", 0, 5),
    "cp.random.gamma(2.0, 1.0, 3)": ((3,), "float64", 0, 99),
    "cp.random.RandomState(3).normal(size=4)": ((4,), "float64", -9, 9),
    "cp.random.RandomState(3).rand(2)": ((2,), "float64", 0, 1),
    "cp.random.default_rng(0).random(3)": ((3,), "float64", 0, 1),
    "cp.random.default_rng(0).random(3, dtype='float32')": ((3,), "float32", 0, 1),
    "cp.random.default_rng(0).standard_normal((2, 2))": ((2, 2), "float64", -9, 9),
    "cp.random.default_rng(0).uniform(2, 3, 4)": ((4,), "float64", 2, 3),
    "cp.random.default_rng(0).integers(2, 5, 4)": ((4,), "int64", 2, 4),
    "cp.random.default_rng(0).integers(5, size=4)": ((4,), "int64", 0, 4),
    "cp.random.default_rng(0).exponential(1.0, 3)": ((3,), "float64", 0, 99),
    "cp.random.default_rng(0).poisson(2.0, 3)": ((3,), "int64", 0, 99),
}


@pytest.mark.parametrize("draw", DRAWS)
def test_random_numbers_have_their_shape_format_and_bounds(gpu, draw):
    shape, dtype, low, high = DRAWS[draw]
    found = eval(draw, {"cp": gpu.xp})
    assert isinstance(found, gpu.xp.ndarray)
    assert (found.shape, found.dtype) == (shape, np.dtype(dtype))
    assert (found.get() >= low).all()
    assert (found.get() <= high).all()


@pytest.mark.parametrize("draw", ["rand(4)", "randn(4)", "randint(0, 9, 4)", "permutation(9)", "uniform(0, 1, 3)"])
def test_the_same_seed_gives_the_same_numbers(gpu, draw):
    found = []
    for _ in range(2):
        gpu.xp.random.seed(7)
        found.append(eval(f"cp.random.{draw}", {"cp": gpu.xp}).tolist())
    assert found[0] == found[1]


def test_shuffling_keeps_the_numbers(gpu):
    x = gpu.xp.arange(20)
    gpu.xp.random.shuffle(x)
    assert sorted(x.tolist()) == list(range(20))
    assert sorted(gpu.xp.random.permutation(x).tolist()) == list(range(20))
