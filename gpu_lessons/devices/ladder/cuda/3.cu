// Step 3: tiles in shared memory. c = a @ b of (m, k) and (k, n), in blocks of 16 x 16 numbers.
extern "C" __global__ __launch_bounds__(256)
void multiply(const float* a, const float* b, float* c, int m, int n, int k) {
  __shared__ float rows[16 * 16];
  __shared__ float columns[16 * 16];
  int top = blockIdx.y * 16;
  int left = blockIdx.x * 16;
  int me = threadIdx.x;
  int y = me / 16;
  int x = me % 16;
  int row = top + y;
  int column = left + x;
  float total = 0.0f;
  for (int start = 0; start < k; start += 16) {
    bool inside_a = row < m && start + x < k;
    bool inside_b = start + y < k && column < n;
    if (inside_a) { rows[me] = a[row * k + start + x]; } else { rows[me] = 0.0f; }
    if (inside_b) { columns[me] = b[(start + y) * n + column]; } else { columns[me] = 0.0f; }
    __syncthreads();
    for (int t = 0; t < 16; t++) {
      total += rows[y * 16 + t] * columns[t * 16 + x];
    }
    __syncthreads();
  }
  if (row < m && column < n) {
    c[row * n + column] = total;
  }
}
