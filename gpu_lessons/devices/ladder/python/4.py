"""Step 4: several numbers a thread. c = a @ b of (m, k) and (k, n), in blocks of 64 x 64 numbers, 4 x 4 a thread."""


def multiply(here, a, b, c, m, n, k):
    rows = here.shared("rows", 64 * 16)
    columns = here.shared("columns", 16 * 64)
    top = here.block.y * 64
    left = here.block.x * 64
    me = here.thread
    y = me // 16
    x = me % 16
    total = [[0.0] * 4 for _ in range(4)]
    for start in range(0, k, 16):
        for f in range(me, 64 * 16, 256):
            inside_a = top + f // 16 < m and start + f % 16 < k
            inside_b = start + f // 64 < k and left + f % 64 < n
            rows[f] = a[(top + f // 16) * k + start + f % 16] if inside_a else 0.0
            columns[f] = b[(start + f // 64) * n + left + f % 64] if inside_b else 0.0
        yield
        for t in range(16):
            at = t * 64 + x
            from_b = [columns[at], columns[at + 16], columns[at + 32], columns[at + 48]]
            for i in range(4):
                from_a = rows[(y + 16 * i) * 16 + t]
                for j in range(4):
                    total[i][j] += from_a * from_b[j]
        yield
    for i in range(4):
        for j in range(4):
            row = top + y + 16 * i
            column = left + x + 16 * j
            if row < m and column < n:
                c[row * n + column] = total[i][j]
