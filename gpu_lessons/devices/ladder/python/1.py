"""Step 1: one number a thread. c = a @ b of (m, k) and (k, n), in blocks of 16 x 16 numbers."""


def multiply(here, a, b, c, m, n, k):
    top = here.block.y * 16
    left = here.block.x * 16
    me = here.thread
    row = top + me % 16
    column = left + me // 16
    if row < m and column < n:
        total = 0.0
        for t in range(k):
            total += a[row * k + t] * b[t * n + column]
        c[row * n + column] = total
