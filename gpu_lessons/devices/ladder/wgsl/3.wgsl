// Step 3: tiles in shared memory. c = a @ b of (m, k) and (k, n), in blocks of 16 x 16 numbers.
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<storage, read> sizes: array<u32>;
var<workgroup> rows: array<f32, 16 * 16>;
var<workgroup> columns: array<f32, 16 * 16>;

@compute @workgroup_size(256)
fn multiply(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_index) me: u32) {
  let m = sizes[0]; let n = sizes[1]; let k = sizes[2];
  let top = block.y * 16;
  let left = block.x * 16;
  let y = me / 16;
  let x = me % 16;
  let row = top + y;
  let column = left + x;
  var total = 0.0;
  for (var start = 0u; start < k; start += 16) {
    let inside_a = row < m && start + x < k;
    let inside_b = start + y < k && column < n;
    if (inside_a) { rows[me] = a[row * k + start + x]; } else { rows[me] = 0.0; }
    if (inside_b) { columns[me] = b[(start + y) * n + column]; } else { columns[me] = 0.0; }
    workgroupBarrier();
    for (var t = 0u; t < 16; t++) {
      total += rows[y * 16 + t] * columns[t * 16 + x];
    }
    workgroupBarrier();
  }
  if (row < m && column < n) {
    c[row * n + column] = total;
  }
}
