"""Step 3: tiles in shared memory. c = a @ b of (m, k) and (k, n), in blocks of 16 x 16 numbers."""


def multiply(here, a, b, c, m, n, k):
    rows = here.shared("rows", 16 * 16)
    columns = here.shared("columns", 16 * 16)
    top = here.block.y * 16
    left = here.block.x * 16
    me = here.thread
    y = me // 16
    x = me % 16
    row = top + y
    column = left + x
    total = 0.0
    for start in range(0, k, 16):
        inside_a = row < m and start + x < k
        inside_b = start + y < k and column < n
        rows[me] = a[row * k + start + x] if inside_a else 0.0
        columns[me] = b[(start + y) * n + column] if inside_b else 0.0
        yield
        for t in range(16):
            total += rows[y * 16 + t] * columns[t * 16 + x]
        yield
    if row < m and column < n:
        c[row * n + column] = total
