"""Functions of whole matrices and signals, which CuPy hands to cuBLAS, cuSOLVER and cuFFT."""

from __future__ import annotations

from gpu_lessons.devices.rows import read_rows

__all__ = ["ROWS"]

# Products with one term a number, or with several parts; matmul, dot and their kin are counted as matrix products.
_PRODUCTS = """
convolve(a, v, mode='full')
correlate(a, v, mode='valid')
cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None) x3
kron(a, b)
linalg.cross(x1, x2, /, *, axis=-1) x3
linalg.diagonal(x, /, *, offset=0)
linalg.matrix_transpose(a)
linalg.outer(x1, x2, /)
outer(a, b, out=None)
polyadd(a1, a2)
polymul(a1, a2)
polysub(a1, a2)
"""

_REDUCTIONS = """
linalg.matrix_norm(x, /, *, keepdims=False, ord='fro') x2
linalg.norm(x, ord=None, axis=None, keepdims=False) x2
linalg.trace(x, /, *, offset=0, dtype=None)
linalg.vector_norm(x, /, *, axis=None, keepdims=False, ord=2) x2
trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None)
"""

_SOLVING = """
linalg.cholesky(a) x2
linalg.det(a) x3
linalg.inv(a) x3
linalg.matrix_power(M, n) x2
linalg.slogdet(a) x3
linalg.solve(a, b) x3
linalg.tensorinv(a, ind=2) x3
linalg.tensorsolve(a, b, axes=None) x3
"""

_FACTORING = """
linalg.cond(x, p=None) x6
linalg.eig(a) x5
linalg.eigh(a, UPLO='L') x5
linalg.eigvals(a) x5
linalg.eigvalsh(a, UPLO='L') x5
linalg.lstsq(a, b, rcond=None) x8
linalg.matrix_rank(M, tol=None, *, rtol=None) x6
linalg.pinv(a, rcond=None, *, rtol=None) x8
linalg.qr(a, mode='reduced') x4
linalg.svd(a, full_matrices=True, compute_uv=True) x5
linalg.svdvals(x, /) x5
polyfit(x, y, deg, rcond=None, full=False, w=None, cov=False) x9
roots(p) x6
"""

_TRANSFORMS = """
fft.fft(a, n=None, axis=-1, norm=None)
fft.fft2(a, s=None, axes=(-2, -1), norm=None)
fft.fftn(a, s=None, axes=None, norm=None)
fft.hfft(a, n=None, axis=-1, norm=None)
fft.ifft(a, n=None, axis=-1, norm=None) x2
fft.ifft2(a, s=None, axes=(-2, -1), norm=None) x2
fft.ifftn(a, s=None, axes=None, norm=None) x2
fft.ihfft(a, n=None, axis=-1, norm=None)
fft.irfft(a, n=None, axis=-1, norm=None) x2
fft.irfft2(a, s=None, axes=(-2, -1), norm=None) x2
fft.irfftn(a, s=None, axes=None, norm=None) x2
fft.rfft(a, n=None, axis=-1, norm=None)
fft.rfft2(a, s=None, axes=(-2, -1), norm=None)
fft.rfftn(a, s=None, axes=None, norm=None)
"""

ROWS = {
    **read_rows("product", _PRODUCTS),
    **read_rows("reduction", _REDUCTIONS),
    **read_rows("solving", _SOLVING),
    **read_rows("factoring", _FACTORING),
    **read_rows("transform", _TRANSFORMS),
}
