// Step 1: one number a thread. c = a @ b of (m, k) and (k, n), in blocks of 16 x 16 numbers.
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<storage, read> sizes: array<u32>;

@compute @workgroup_size(256)
fn multiply(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_index) me: u32) {
  let m = sizes[0]; let n = sizes[1]; let k = sizes[2];
  let top = block.y * 16;
  let left = block.x * 16;
  let row = top + me % 16;
  let column = left + me / 16;
  if (row < m && column < n) {
    var total = 0.0;
    for (var t = 0u; t < k; t++) {
      total += a[row * k + t] * b[t * n + column];
    }
    c[row * n + column] = total;
  }
}
