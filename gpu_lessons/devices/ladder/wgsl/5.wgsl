// Step 5: four numbers at a load. c = a @ b of (m, k) and (k, n), in blocks of 64 x 64 numbers, 4 x 4 a thread.
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<storage, read> sizes: array<u32>;
@group(0) @binding(4) var<storage, read> a4: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> b4: array<vec4<f32>>;
var<workgroup> rows: array<vec4<f32>, 64 * 4>;
var<workgroup> columns: array<vec4<f32>, 16 * 16>;

fn four_of_a(row: u32, column: u32, m: u32, k: u32) -> vec4<f32> {
  if (row < m && column < k && k % 4 == 0) { return a4[(row * k + column) / 4]; }
  var four: vec4<f32>;
  for (var i = 0u; i < 4; i++) { if (row < m && column + i < k) { four[i] = a[row * k + column + i]; } }
  return four;
}

fn four_of_b(row: u32, column: u32, k: u32, n: u32) -> vec4<f32> {
  if (row < k && column < n && n % 4 == 0) { return b4[(row * n + column) / 4]; }
  var four: vec4<f32>;
  for (var i = 0u; i < 4; i++) { if (row < k && column + i < n) { four[i] = b[row * n + column + i]; } }
  return four;
}

@compute @workgroup_size(256)
fn multiply(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_index) me: u32) {
  let m = sizes[0]; let n = sizes[1]; let k = sizes[2];
  let top = block.y * 64;
  let left = block.x * 64;
  let y = me / 16;
  let x = me % 16;
  var total: array<vec4<f32>, 4>;
  for (var start = 0u; start < k; start += 16) {
    rows[me] = four_of_a(top + me / 4, start + me % 4 * 4, m, k);
    columns[me] = four_of_b(start + y, left + x * 4, k, n);
    workgroupBarrier();
    for (var t = 0u; t < 16; t += 4) {
      let at = t * 16 + x;
      let b0 = columns[at]; let b1 = columns[at + 16]; let b2 = columns[at + 32]; let b3 = columns[at + 48];
      for (var i = 0u; i < 4; i++) {
        let from_a = rows[(y + 16 * i) * 4 + t / 4];
        total[i] += from_a.x * b0;
        total[i] += from_a.y * b1;
        total[i] += from_a.z * b2;
        total[i] += from_a.w * b3;
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4; i++) {
    for (var j = 0u; j < 4; j++) {
      let row = top + y + 16 * i;
      let column = left + x * 4 + j;
      if (row < m && column < n) {
        c[row * n + column] = total[i][j];
      }
    }
  }
}
