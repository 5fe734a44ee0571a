"""Step 5: four numbers at a load. c = a @ b of (m, k) and (k, n), in blocks of 64 x 64 numbers, 4 x 4 a thread."""


def four(numbers, row, column, height, width):
    if row < height and column < width and width % 4 == 0:
        return numbers.fours[(row * width + column) // 4]
    found = [0.0] * 4
    for i in range(4):
        if row < height and column + i < width:
            found[i] = numbers[row * width + column + i]
    return found


def multiply(here, a, b, c, m, n, k):
    rows = here.shared("rows", 64 * 16).fours
    columns = here.shared("columns", 16 * 64).fours
    top = here.block.y * 64
    left = here.block.x * 64
    me = here.thread
    y = me // 16
    x = me % 16
    total = [[0.0] * 4 for _ in range(4)]
    for start in range(0, k, 16):
        rows[me] = four(a, top + me // 4, start + me % 4 * 4, m, k)
        columns[me] = four(b, start + y, left + x * 4, k, n)
        yield
        for t in range(0, 16, 4):
            at = t * 16 + x
            from_b = [columns[at], columns[at + 16], columns[at + 32], columns[at + 48]]
            for i in range(4):
                from_a = rows[(y + 16 * i) * 4 + t // 4]
                for s in range(4):
                    for j in range(4):
                        total[i][j] += from_a[s] * from_b[s][j]
        yield
    for i in range(4):
        for j in range(4):
            row = top + y + 16 * i
            column = left + x * 4 + j
            if row < m and column < n:
                c[row * n + column] = total[i][j]
