// Step 4: several numbers a thread. c = a @ b of (m, k) and (k, n), in blocks of 64 x 64 numbers, 4 x 4 a thread.
extern "C" __global__ __launch_bounds__(256)
void multiply(const float* a, const float* b, float* c, int m, int n, int k) {
  __shared__ float rows[64 * 16];
  __shared__ float columns[16 * 64];
  int top = blockIdx.y * 64;
  int left = blockIdx.x * 64;
  int me = threadIdx.x;
  int y = me / 16;
  int x = me % 16;
  float total[4][4] = {};
  for (int start = 0; start < k; start += 16) {
    for (int f = me; f < 64 * 16; f += 256) {
      bool inside_a = top + f / 16 < m && start + f % 16 < k;
      bool inside_b = start + f / 64 < k && left + f % 64 < n;
      if (inside_a) { rows[f] = a[(top + f / 16) * k + start + f % 16]; } else { rows[f] = 0.0f; }
      if (inside_b) { columns[f] = b[(start + f / 64) * n + left + f % 64]; } else { columns[f] = 0.0f; }
    }
    __syncthreads();
    for (int t = 0; t < 16; t++) {
      int at = t * 64 + x;
      float from_b[4] = {columns[at], columns[at + 16], columns[at + 32], columns[at + 48]};
      for (int i = 0; i < 4; i++) {
        float from_a = rows[(y + 16 * i) * 16 + t];
        for (int j = 0; j < 4; j++) { total[i][j] += from_a * from_b[j]; }
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) {
      int row = top + y + 16 * i;
      int column = left + x + 16 * j;
      if (row < m && column < n) {
        c[row * n + column] = total[i][j];
      }
    }
  }
}
