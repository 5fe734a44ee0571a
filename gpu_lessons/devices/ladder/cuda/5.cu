// Step 5: four numbers at a load. c = a @ b of (m, k) and (k, n), in blocks of 64 x 64 numbers, 4 x 4 a thread.
__device__ float4 four(const float* x, int row, int column, int height, int width) {
  if (row < height && column < width && width % 4 == 0) { return ((const float4*)x)[(row * width + column) / 4]; }
  float four[4] = {};
  for (int i = 0; i < 4; i++) { if (row < height && column + i < width) { four[i] = x[row * width + column + i]; } }
  return make_float4(four[0], four[1], four[2], four[3]);
}

__device__ void add(float* total, float number, float4 four) {
  total[0] += number * four.x;
  total[1] += number * four.y;
  total[2] += number * four.z;
  total[3] += number * four.w;
}

extern "C" __global__ __launch_bounds__(256)
void multiply(const float* a, const float* b, float* c, int m, int n, int k) {
  __shared__ float4 rows[64 * 4];
  __shared__ float4 columns[16 * 16];
  int top = blockIdx.y * 64;
  int left = blockIdx.x * 64;
  int me = threadIdx.x;
  int y = me / 16;
  int x = me % 16;
  float total[4][4] = {};
  for (int start = 0; start < k; start += 16) {
    rows[me] = four(a, top + me / 4, start + me % 4 * 4, m, k);
    columns[me] = four(b, start + y, left + x * 4, k, n);
    __syncthreads();
    for (int t = 0; t < 16; t += 4) {
      int at = t * 16 + x;
      float4 b0 = columns[at], b1 = columns[at + 16], b2 = columns[at + 32], b3 = columns[at + 48];
      for (int i = 0; i < 4; i++) {
        float4 from_a = rows[(y + 16 * i) * 4 + t / 4];
        add(total[i], from_a.x, b0);
        add(total[i], from_a.y, b1);
        add(total[i], from_a.z, b2);
        add(total[i], from_a.w, b3);
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) {
      int row = top + y + 16 * i;
      int column = left + x * 4 + j;
      if (row < m && column < n) {
        c[row * n + column] = total[i][j];
      }
    }
  }
}
