"""Functions of numbers: one by one, reduced to fewer, or summed up on the way."""

from __future__ import annotations

from gpu_lessons.devices.rows import names, read_rows

__all__ = ["ROWS", "UFUNCS"]

#: One kernel each, one operation a number; every one takes ``out``, ``dtype`` and ``casting``.
UFUNCS = names("""
    abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh
    bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift
    bitwise_xor cbrt ceil conj conjugate copysign cos cosh deg2rad degrees divide divmod equal exp exp2 expm1
    fabs float_power floor floor_divide fmax fmin fmod frexp gcd greater greater_equal heaviside hypot invert
    isfinite isinf isnan lcm ldexp left_shift less less_equal log log10 log1p log2 logaddexp logaddexp2
    logical_and logical_not logical_or logical_xor maximum minimum mod modf multiply negative nextafter
    not_equal positive pow power rad2deg radians reciprocal remainder right_shift rint sign signbit sin sinh
    sqrt square subtract tan tanh true_divide trunc
""")

_ELEMENTWISE = """
angle(z, deg=False)
around(a, decimals=0, out=None)
clip(a, a_min=None, a_max=None, out=None, *, min=None, max=None)
fix(x, out=None)
i0(x)
imag(val)
interp(x, xp, fp, left=None, right=None, period=None) x2
isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)
iscomplex(x) x2
isneginf(x, out=None)
isposinf(x, out=None)
isreal(x) x2
nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None)
piecewise(x, condlist, funclist) x2
polyval(p, x)
real(val)
real_if_close(a, tol=100) x2
round(a, decimals=0, out=None)
select(condlist, choicelist, default=0) x2
sinc(x)
unwrap(p, discont=None, axis=-1, *, period=None) x8
where(condition, x, y)
"""

_REDUCTIONS = """
all(a, axis=None, out=None, keepdims=False)
allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False) x2
amax(a, axis=None, out=None, keepdims=False)
amin(a, axis=None, out=None, keepdims=False)
any(a, axis=None, out=None, keepdims=False)
argmax(a, axis=None, dtype=None, out=None, keepdims=False)
argmin(a, axis=None, dtype=None, out=None, keepdims=False)
array_equal(a1, a2, equal_nan=False) x2
array_equiv(a1, a2) x2
average(a, axis=None, weights=None, returned=False, *, keepdims=False) x3
corrcoef(a, y=None, rowvar=True, bias=None, ddof=None, *, dtype=None) x6
count_nonzero(a, axis=None)
cov(a, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None) x4
max(a, axis=None, out=None, keepdims=False)
mean(a, axis=None, dtype=None, out=None, keepdims=False)
median(a, axis=None, out=None, overwrite_input=False, keepdims=False) x4
min(a, axis=None, out=None, keepdims=False)
nanargmax(a, axis=None, dtype=None, out=None, keepdims=False)
nanargmin(a, axis=None, dtype=None, out=None, keepdims=False)
nanmax(a, axis=None, out=None, keepdims=False)
nanmean(a, axis=None, dtype=None, out=None, keepdims=False)
nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=False) x4
nanmin(a, axis=None, out=None, keepdims=False)
nanprod(a, axis=None, dtype=None, out=None, keepdims=False)
nanstd(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False) x3
nansum(a, axis=None, dtype=None, out=None, keepdims=False)
nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False) x2
percentile(a, q, axis=None, out=None, overwrite_input=False, method='linear', keepdims=False, *, interpolation=None) x6
prod(a, axis=None, dtype=None, out=None, keepdims=False)
ptp(a, axis=None, out=None, keepdims=False) x3
quantile(a, q, axis=None, out=None, overwrite_input=False, method='linear', keepdims=False, *, interpolation=None) x6
std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, correction=None) x3
sum(a, axis=None, dtype=None, out=None, keepdims=False)
trapezoid(y, x=None, dx=1.0, axis=-1) x3
var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, correction=None) x2
"""

_SCANS = """
cumprod(a, axis=None, dtype=None, out=None) x2
cumsum(a, axis=None, dtype=None, out=None) x2
cumulative_prod(x, /, *, axis=None, dtype=None, out=None, include_initial=False) x2
cumulative_sum(x, /, *, axis=None, dtype=None, out=None, include_initial=False) x2
diff(a, n=1, axis=-1, prepend=None, append=None)
ediff1d(ary, to_end=None, to_begin=None)
gradient(f, *varargs, axis=None, edge_order=1) x3
nancumprod(a, axis=None, dtype=None, out=None) x3
nancumsum(a, axis=None, dtype=None, out=None) x3
"""

ROWS = {
    **read_rows("elementwise", _ELEMENTWISE),
    **read_rows("reduction", _REDUCTIONS),
    **read_rows("scan", _SCANS),
}
