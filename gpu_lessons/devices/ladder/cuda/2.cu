// Step 2: neighbours side by side. c = a @ b of (m, k) and (k, n), in blocks of 16 x 16 numbers.
extern "C" __global__ __launch_bounds__(256)
void multiply(const float* a, const float* b, float* c, int m, int n, int k) {
  int top = blockIdx.y * 16;
  int left = blockIdx.x * 16;
  int me = threadIdx.x;
  int row = top + me / 16;
  int column = left + me % 16;
  if (row < m && column < n) {
    float total = 0.0f;
    for (int t = 0; t < k; t++) {
      total += a[row * k + t] * b[t * n + column];
    }
    c[row * n + column] = total;
  }
}
