// Step 4: several numbers a thread. c = a @ b of (m, k) and (k, n), in blocks of 64 x 64 numbers, 4 x 4 a thread.
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<storage, read> sizes: array<u32>;
var<workgroup> rows: array<f32, 64 * 16>;
var<workgroup> columns: array<f32, 16 * 64>;

@compute @workgroup_size(256)
fn multiply(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_index) me: u32) {
  let m = sizes[0]; let n = sizes[1]; let k = sizes[2];
  let top = block.y * 64;
  let left = block.x * 64;
  let y = me / 16;
  let x = me % 16;
  var total: array<vec4<f32>, 4>;
  for (var start = 0u; start < k; start += 16) {
    for (var f = me; f < 64 * 16; f += 256) {
      let inside_a = top + f / 16 < m && start + f % 16 < k;
      let inside_b = start + f / 64 < k && left + f % 64 < n;
      if (inside_a) { rows[f] = a[(top + f / 16) * k + start + f % 16]; } else { rows[f] = 0.0; }
      if (inside_b) { columns[f] = b[(start + f / 64) * n + left + f % 64]; } else { columns[f] = 0.0; }
    }
    workgroupBarrier();
    for (var t = 0u; t < 16; t++) {
      let at = t * 64 + x;
      let from_b = vec4(columns[at], columns[at + 16], columns[at + 32], columns[at + 48]);
      for (var i = 0u; i < 4; i++) {
        let from_a = rows[(y + 16 * i) * 16 + t];
        total[i] += from_a * from_b;
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4; i++) {
    for (var j = 0u; j < 4; j++) {
      let row = top + y + 16 * i;
      let column = left + x + 16 * j;
      if (row < m && column < n) {
        c[row * n + column] = total[i][j];
      }
    }
  }
}
