// The reader's own GPU through WebGPU: which one it is, a tiled product of matrices, and how long that takes.
course.webgpu = {};
{
  const SIDE = 16; // threads along each side of a workgroup, and terms of a sum that a tile holds
  const MOST_BYTES = 2 ** 28; // of one matrix: a laptop shares its memory with the GPU
  const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b|software/i;

  // A workgroup computes 16 × `rows` rows and 64 columns of y, a thread `rows` rows of four columns. It goes along the
  // sums 16 terms at a time and keeps those of x and w in the workgroup's own memory, where each is read many times.
  function code(rows) {
    const each = (line) => Array.from({ length: rows }, (_, r) => line.replaceAll("#", r)).join("\n");
    return `
      @group(0) @binding(0) var<storage, read> x: array<f32>; // m × k
      @group(0) @binding(1) var<storage, read> w: array<vec4f>; // k × n, four columns at a time
      @group(0) @binding(2) var<storage, read_write> y: array<vec4f>; // m × n
      @group(0) @binding(3) var<uniform> sizes: vec4u; // m, k, n / 4
      var<workgroup> tile_x: array<f32, ${rows * SIDE * SIDE}>;
      var<workgroup> tile_w: array<vec4f, ${SIDE * SIDE}>;

      @compute @workgroup_size(${SIDE}, ${SIDE})
      fn multiply(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
        let m = sizes.x; let k = sizes.y; let n = sizes.z;
        let column = group.x * ${SIDE} + local.x;
        ${each(`let row_# = (group.y * ${rows} + #) * ${SIDE} + local.y; var sum_# = vec4f(0);`)}
        for (var step = 0u; step < k; step += ${SIDE}) {
          let term_x = step + local.x; let term_w = step + local.y;
          tile_w[local.y * ${SIDE} + local.x] = select(vec4f(0), w[min(term_w * n + column, k * n - 1)], term_w < k && column < n);
          ${each(`tile_x[(# * ${SIDE} + local.y) * ${SIDE} + local.x] =
            select(0.0, x[min(row_# * k + term_x, m * k - 1)], row_# < m && term_x < k);`)}
          workgroupBarrier();
          for (var t = 0u; t < ${SIDE}; t++) {
            let four = tile_w[t * ${SIDE} + local.x];
            ${each(`sum_# += tile_x[(# * ${SIDE} + local.y) * ${SIDE} + t] * four;`)}
          }
          workgroupBarrier();
        }
        ${each("if (row_# < m && column < n) { y[row_# * n + column] = sum_#; }")}
      }`;
  }

  course.webgpu.adapter = () => navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }) ?? null;

  // How the browser names the GPU, and whether it is only software.
  course.webgpu.named = (adapter) => {
    const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
    const name = description || [vendor, device || architecture].filter(Boolean).join(" ") || "a GPU without a name";
    const isSoftware = Boolean(isFallbackAdapter || adapter.isFallbackAdapter) || SOFTWARE.test(`${vendor} ${architecture} ${name}`);
    return { name, isSoftware };
  };

  course.webgpu.open = async (adapter) => {
    const limits = {};
    for (const each of ["maxStorageBufferBindingSize", "maxBufferSize"]) limits[each] = Math.min(MOST_BYTES, adapter.limits[each]);
    const device = await adapter.requestDevice({ requiredLimits: limits });
    let failure = null;
    device.onuncapturederror = (event) => {
      event.preventDefault(); // it is told on the page
      failure ??= event.error;
    };
    const lost = device.lost.then(({ message }) => Promise.reject(new Error(`the GPU was lost: ${message || "no reason given"}`)));
    lost.catch(() => {}); // nobody may be waiting
    const pipelines = new Map();
    const kept = { width: 0, w: null, own: [] }; // buffers of the size that is timed
    const pattern = buffer(4 * 65536);
    device.queue.writeBuffer(pattern, 0, course.products.numbers(65536));

    function buffer(size, usage = GPUBufferUsage.STORAGE) {
      return device.createBuffer({ size, usage: usage | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
    }

    function filled(count) {
      const made = buffer(4 * count), encoder = device.createCommandEncoder();
      for (let at = 0; at < made.size; at += pattern.size) {
        encoder.copyBufferToBuffer(pattern, 0, made, at, Math.min(pattern.size, made.size - at));
      }
      device.queue.submit([encoder.finish()]);
      return made;
    }

    // A call returns before the GPU is done: no clock is read before this has waited for it.
    async function done() {
      await Promise.race([device.queue.onSubmittedWorkDone(), lost]);
      if (!failure) return;
      const isMemory = failure instanceof GPUOutOfMemoryError;
      throw new Error(isMemory ? "the GPU has not enough memory that is free" : `the GPU refused: ${failure.message}`);
    }

    // Returns a function that runs y = x w so many times and waits.
    function launcher(x, w, y, m, k, n) {
      const rows = m >= 4 * SIDE ? 4 : 1;
      if (!pipelines.has(rows)) {
        const module = device.createShaderModule({ code: code(rows) });
        pipelines.set(rows, device.createComputePipeline({ layout: "auto", compute: { module } }));
      }
      const sizes = buffer(16, GPUBufferUsage.UNIFORM);
      device.queue.writeBuffer(sizes, 0, new Uint32Array([m, k, n / 4, 0]));
      kept.own.push(sizes);
      const entries = [x, w, y, sizes].map((each, binding) => ({ binding, resource: { buffer: each } }));
      const group = device.createBindGroup({ layout: pipelines.get(rows).getBindGroupLayout(0), entries });
      return async (calls) => {
        const encoder = device.createCommandEncoder(), pass = encoder.beginComputePass();
        pass.setPipeline(pipelines.get(rows));
        pass.setBindGroup(0, group);
        for (let call = 0; call < calls; call += 1) pass.dispatchWorkgroups(Math.ceil(n / (4 * SIDE)), Math.ceil(m / (rows * SIDE)));
        pass.end();
        device.queue.submit([encoder.finish()]);
        await done();
      };
    }

    function forget() {
      kept.own.splice(0).forEach((each) => each.destroy());
    }

    return {
      bytes: Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize),
      least: SIDE, // rows of the smallest tile
      close: () => device.destroy(),

      // The product of two arrays of float32, k and n multiples of four.
      async product(x, w, m, k, n) {
        const [on, by, to] = [x.length, w.length, m * n].map((count) => buffer(4 * count));
        const back = device.createBuffer({ size: to.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
        device.queue.writeBuffer(on, 0, x);
        device.queue.writeBuffer(by, 0, w);
        await launcher(on, by, to, m, k, n)(1);
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(to, 0, back, 0, to.size);
        device.queue.submit([encoder.finish()]);
        await back.mapAsync(GPUMapMode.READ);
        const found = new Float32Array(back.getMappedRange().slice(0));
        [on, by, to, back].forEach((each) => each.destroy());
        return found;
      },

      // Returns a function that times so many products in a row, launches included, in seconds.
      prepare(batch, width) {
        forget();
        if (kept.width !== width) {
          kept.w?.destroy();
          Object.assign(kept, { width, w: filled(width * width) });
        }
        const x = filled(batch * width), y = buffer(4 * batch * width);
        kept.own.push(x, y);
        const launch = launcher(x, kept.w, y, batch, width, width);
        return async (calls) => {
          const start = performance.now();
          await launch(calls);
          return (performance.now() - start) / 1000;
        };
      },

      // Seconds that a sample has to last so that waiting for the GPU adds less than a twentieth to it; at most 0.05.
      async shortest() {
        const waits = [];
        for (let wait = 0; wait < 9; wait += 1) {
          const start = performance.now();
          device.queue.submit([]);
          await done();
          waits.push((performance.now() - start) / 1000);
        }
        return Math.min(0.05, Math.max(0.01, 20 * waits.sort((a, b) => a - b)[4]));
      },
    };
  };
}
