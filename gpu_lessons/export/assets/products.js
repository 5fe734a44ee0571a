// Matrix products timed in this browser: y = x w in float32, x of batch × width numbers and w of width × width.
course.products = {};
{
  // In JavaScript. A block of 64 × 256 numbers of w stays in the cache while all rows of x pass it, four terms of a sum
  // at a time, so that y is read and written once for four of them: k has to be a multiple of four.
  function multiply(x, w, y, m, k, n) {
    y.fill(0);
    for (let top = 0; top < k; top += 64) {
      for (let left = 0; left < n; left += 256) {
        const right = Math.min(n, left + 256), bottom = Math.min(k, top + 64);
        for (let i = 0; i < m; i += 1) {
          for (let t = top; t < bottom; t += 4) {
            const at = i * k + t, row = i * n, w0 = t * n, w1 = w0 + n, w2 = w1 + n, w3 = w2 + n;
            const x0 = x[at], x1 = x[at + 1], x2 = x[at + 2], x3 = x[at + 3];
            for (let j = left; j < right; j += 1) {
              y[row + j] += x0 * w[w0 + j] + x1 * w[w1 + j] + x2 * w[w2 + j] + x3 * w[w3 + j];
            }
          }
        }
      }
    }
  }

  // Numbers between -0.5 and 0.5, the first 65,536 again and again.
  function numbers(count) {
    const made = new Float32Array(count), own = Math.min(count, 65536);
    for (let i = 0; i < own; i += 1) made[i] = Math.random() - 0.5;
    for (let done = own; done < count; done *= 2) made.copyWithin(done, 0, done);
    return made;
  }

  // Seconds of one call: the median of samples, each of so many calls in a row that it lasts `shortest`, since the
  // clock of a page ticks in tenths of a millisecond. The calls that find out how many are the warm-up, kept apart.
  // The spread is the distance between the quartiles as a share of the median. Returns null if `end` comes first.
  async function timed(secondsOf, shortest, end) {
    let calls = 1;
    for (;;) {
      const seconds = await secondsOf(calls);
      if (seconds >= shortest || calls === 8192) break;
      calls = Math.min(8192, Math.ceil(calls * Math.min(10, (1.2 * shortest) / Math.max(seconds, 1e-4))));
    }
    const samples = [];
    for (let spent = 0; samples.length < 3 || (spent < 4 * shortest && samples.length < 9); ) {
      if (performance.now() > end) return null;
      const seconds = await secondsOf(calls);
      spent += seconds;
      samples.push(seconds / calls);
    }
    samples.sort((a, b) => a - b);
    const [low, time_s, high] = [0.25, 0.5, 0.75].map((share) => {
      const at = share * (samples.length - 1), under = Math.floor(at);
      return samples[under] + (at - under) * (samples[Math.ceil(at)] - samples[under]);
    });
    return { time_s, spread: (high - low) / time_s };
  }

  // Times one size after another for `budget` seconds. `prepare` returns a function that runs a size so many times and
  // returns the seconds; a size that needs too much memory, or more than about a second for four calls, is left out,
  // and those with larger batches too. `least` is the batch whose time a smaller one takes as well.
  async function sweep({ widths, budget, bytes, least, shortest, prepare, found, isStopped }) {
    const end = performance.now() + 1000 * budget;
    let best = 0; // multiply-adds a second so far
    for (const { width_log2, batches } of widths) {
      for (const batch_log2 of batches) {
        const left = (end - performance.now()) / 1000;
        if (left <= 0 || isStopped()) return;
        const batch = 2 ** batch_log2, width = 2 ** width_log2, work = Math.max(batch, least) * width ** 2;
        const most = Math.min(left, 1) / 4;
        if (4 * Math.max(batch, width) * width > bytes || (best && work / best > most)) break;
        const secondsOf = prepare(batch, width), first = await secondsOf(1);
        best = Math.max(best, work / Math.max(first, 1e-9));
        if (first > most) break;
        const time = await timed(secondsOf, shortest, end);
        if (!time) return;
        best = Math.max(best, work / time.time_s);
        found({ batch_log2, width_log2, ...time });
      }
    }
  }

  // What the worker runs, besides the functions above.
  function work() {
    let kept = { width: 0 };
    function prepare(batch, width) {
      if (kept.width !== width) kept = { width, w: numbers(width * width) };
      const x = numbers(batch * width), y = new Float32Array(batch * width);
      return (calls) => {
        const start = performance.now();
        for (let call = 0; call < calls; call += 1) multiply(x, kept.w, y, batch, width, width);
        return (performance.now() - start) / 1000;
      };
    }
    onmessage = async ({ data }) => {
      prepare(64, 256)(3); // by then the browser has compiled the loops
      await sweep({ ...data, least: 1, shortest: 0.01, prepare, found: postMessage, isStopped: () => false });
      postMessage(null);
    };
  }

  // The same on one core, in a worker: the page stays alive. `onStop` gets the function that ends it at once.
  course.products.inJavaScript = ({ found, onStop, ...rest }) =>
    new Promise((resolve, reject) => {
      const source = [multiply, numbers, timed, sweep, `(${work})();`].join("\n");
      const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      const worker = new Worker(url);
      const end = (settle, value) => {
        worker.terminate();
        URL.revokeObjectURL(url);
        settle(value);
      };
      worker.onmessage = ({ data }) => (data ? found(data) : end(resolve));
      worker.onerror = (event) => end(reject, new Error(`the worker has failed: ${event.message}`));
      onStop(() => end(resolve));
      worker.postMessage(rest);
    });

  // Whether y is x w up to the rounding of float32, by plain sums in double precision.
  function isProduct(y, x, w, m, k, n) {
    for (let i = 0; i < m; i += 1) {
      for (let j = 0; j < n; j += 1) {
        let sum = 0, size = 0;
        for (let t = 0; t < k; t += 1) {
          const term = x[i * k + t] * w[t * n + j];
          sum += term;
          size += Math.abs(term);
        }
        if (!(Math.abs(y[i * n + j] - sum) <= size * k * 2 ** -23)) return false;
      }
    }
    return true;
  }

  // Sizes that fill no tile, for a few rows and for many.
  course.products.check = async (who, product) => {
    for (const [m, k, n] of [[5, 68, 76], [75, 84, 132]]) {
      const x = numbers(m * k), w = numbers(k * n);
      if (isProduct(await product(x, w, m, k, n), x, w, m, k, n)) continue;
      throw new Error(`a product of ${m} × ${k} and ${k} × ${n} numbers by ${who} is wrong, so no time of it is shown`);
    }
  };

  course.products.multiplied = (x, w, m, k, n) => {
    const y = new Float32Array(m * n);
    multiply(x, w, y, m, k, n);
    return y;
  };
  course.products.numbers = numbers;
  course.products.sweep = sweep;
}
