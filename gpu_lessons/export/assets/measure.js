// "Measure this GPU": times from the reader's own browser as dots in the figures of one layer.
{
  const GPU_S = 5, CPU_S = 3; // seconds that each may take
  const WIDE_SPREAD = 0.1; // as gpu_lessons.records has it
  const CPU = "this browser, JavaScript on one core";
  const figures = course.explorers.filter((explorer) => explorer.spec.datasets?.browser_times);
  if (figures.length) start(figures[0]);

  async function start(explorer) {
    const status = course.element("p", { className: "said" });
    status.setAttribute("role", "status");
    const panel = course.element("div", { className: "control measuring" }, status);
    explorer.figure.querySelector(".controls").append(panel);
    const missing = await whatIsMissing();
    if (missing) return (status.textContent = missing);
    const button = course.element("button", { type: "button" });
    const run = { explorer, status, stop: null };
    const show = () => (button.textContent = run.stop ? "Stop" : `Measure this GPU (about ${GPU_S + CPU_S} s)`);
    button.addEventListener("click", async () => {
      if (run.stop) return run.stop();
      const ended = measure(run);
      show();
      await ended;
      show();
    });
    show();
    panel.prepend(button);
  }

  async function whatIsMissing() {
    if (!navigator.gpu) return "This browser has no WebGPU for this page, so the page cannot measure your GPU.";
    const adapter = await course.webgpu.adapter().catch(() => null);
    return adapter ? "" : "WebGPU finds no GPU here that it may use, so the page cannot measure yours.";
  }

  async function measure(run) {
    const { explorer, status } = run;
    const times = [];
    let isStopped = false, ending = "", stopWorker = () => {};
    run.stop = () => {
      isStopped = true;
      stopWorker();
    };
    const sweep = (kind, name, words) => ({
      widths: widthsNear(explorer),
      isStopped: () => isStopped,
      found(time) {
        const spread = time.spread > WIDE_SPREAD ? `, spread by ${Math.round(100 * time.spread)}%` : "";
        times.push({ ...time, kind, name, told: `${name}, measured: ${course.words("time_s", time.time_s)}${spread}` });
        status.textContent = `Measuring ${words}: ${sizes(times, kind)} so far, now width ${power(time.width_log2)}.`;
      },
    });
    status.textContent = "Preparing the GPU.";
    let gpu = null;
    try {
      const adapter = await course.webgpu.adapter();
      if (!adapter) throw new Error("WebGPU finds no GPU any more");
      const { name, isSoftware } = course.webgpu.named(adapter);
      gpu = await course.webgpu.open(adapter);
      await course.products.check(name, gpu.product);
      await course.products.check("JavaScript", course.products.multiplied);
      const { bytes, least, prepare } = gpu;
      const here = sweep("gpu", `this browser, ${name}${isSoftware ? ", software" : ""}`, isSoftware ? "software, not a GPU" : "this GPU");
      await course.products.sweep({ ...here, budget: GPU_S, bytes, least, prepare, shortest: await gpu.shortest() });
      gpu.close();
      await draw(times);
      const { widths, found } = sweep("cpu", CPU, "JavaScript on one core");
      const onStop = (stop) => (stopWorker = stop);
      if (!isStopped) await course.products.inJavaScript({ widths, found, onStop, budget: CPU_S, bytes });
      ending = isStopped ? "Stopped." : "";
    } catch (error) {
      ending = `The measurement has ended: ${error.message.replace(/\.$/, "")}.`;
    }
    gpu?.close();
    if (times.length) await draw(times);
    status.textContent = [ending, times.length || !ending ? summary(explorer, times) : ""].join(" ").trim();
    run.stop = null;
  }

  // All batches at the slider's width, then every other batch at the widths around it.
  function widthsNear({ controls, chosen }) {
    const values = (name) => controls.find((each) => each.parameter === name).values;
    const off = (width_log2) => Math.abs(width_log2 - chosen.width_log2);
    const batches = values("batch_log2"), some = batches.filter((each) => each % 2 === 0);
    const widths = [...values("width_log2")].sort((a, b) => off(a) - off(b));
    return widths.map((width_log2) => ({ width_log2, batches: off(width_log2) ? some : batches }));
  }

  // The dots, and the same times in the sentence and in the numbers of each figure.
  async function draw(times) {
    const kinds = ["gpu", "cpu"].filter((kind) => times.some((time) => time.kind === kind));
    const at = (row) => `${row.kind} ${row.batch_log2} ${row.width_log2}`;
    const found = new Map(times.map((time) => [at(time), time]));
    for (const explorer of figures) {
      for (const list of ["names", "columns"]) explorer[list] = explorer[list].filter((each) => !/^browser_/.test(each.column ?? each));
      for (const kind of kinds) {
        const { name } = times.find((time) => time.kind === kind);
        explorer.names.push({ column: `browser_${kind}` });
        explorer.columns.push(`browser_${kind}_s`);
        for (const row of explorer.spec.data.values) {
          const time = found.get(at({ ...row, kind }));
          row[`browser_${kind}`] = (time?.told ?? `${name}, not measured at this size`).replace(/^t/, "T");
          row[`browser_${kind}_s`] = time?.time_s ?? null;
        }
      }
      await explorer.view?.data("browser_times", structuredClone(times)).runAsync();
      explorer.view?.resize(); // for the names below the axis
      course.move(explorer);
    }
  }

  const power = (log2) => (2 ** log2).toLocaleString("en");

  function sizes(times, kind) {
    const { length } = times.filter((time) => time.kind === kind);
    return `${length} ${length === 1 ? "size" : "sizes"}`;
  }

  // What was found, and for the size nearest to the sliders' the two times beside each other.
  function summary({ chosen }, times) {
    const of = (kind) => times.filter((time) => time.kind === kind);
    const off = (time) => 100 * Math.abs(time.width_log2 - chosen.width_log2) + Math.abs(time.batch_log2 - chosen.batch_log2);
    const same = (one) => (other) => one.batch_log2 === other.batch_log2 && one.width_log2 === other.width_log2;
    if (!times.length) return "No size was fast enough to be timed.";
    const kinds = ["gpu", "cpu"].filter((kind) => of(kind).length);
    const said = [`Dots in the figure: ${kinds.map((kind) => `${sizes(times, kind)} on ${of(kind)[0].name}`).join("; ")}.`];
    const [gpu] = of("gpu").filter((one) => of("cpu").some(same(one))).sort((one, other) => off(one) - off(other));
    if (gpu) {
      const who = (time) => time.name.replace("this browser, ", "");
      const both = [gpu, of("cpu").find(same(gpu))].map((time) => `${course.words("time_s", time.time_s)} (${who(time)})`);
      said.push(`At batch ${power(gpu.batch_log2)}, width ${power(gpu.width_log2)}: ${both.join(" and ")}.`);
    }
    const wide = times.filter((time) => time.spread > WIDE_SPREAD).length;
    if (wide) said.push(`${wide} of these times spread by more than 10%: another program ran.`);
    said.push("Products without the bias, by a plain kernel: a vendor's library is faster.");
    return said.join(" ");
  }
}
