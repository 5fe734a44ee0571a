// A Vega-Lite chart whose parameters the kernel sets. Vega is loaded once for all charts of a page.
const page = (globalThis.gpuLessons ??= {});

function loadVega(model) {
  page.embed ??= (async () => {
    const url = URL.createObjectURL(new Blob([model.get("vega")], { type: "text/javascript" }));
    try {
      return (await import(/* webpackIgnore: true */ url)).default;
    } catch (error) {
      page.embed = undefined; // the next chart tries again
      throw error;
    } finally {
      URL.revokeObjectURL(url);
    }
  })();
  model.set("vega", ""); // a megabyte, here in the page only: the kernel still has it for another page
  return page.embed;
}

async function render({ model, el }) {
  let view = null;
  let drawing = 0; // how often it was drawn; after the end, none is the last
  const chart = document.createElement("div");
  chart.style.display = "block"; // Vega's own style shrinks it to the figure, which then cannot see its room
  el.append(chart);

  async function move() {
    if (!view) return;
    for (const [name, value] of Object.entries(model.get("chosen"))) view.signal(name, value);
    view.description(model.get("sentence"));
    await view.runAsync();
  }

  async function draw() {
    const mine = ++drawing;
    const embed = await loadVega(model);
    if (mine !== drawing) return;
    view?.finalize();
    view = null;
    const drawn = await embed(chart, structuredClone(model.get("spec")), { actions: false, renderer: "svg", defaultStyle: false });
    if (mine !== drawing) return drawn.finalize();
    view = drawn.view;
    await move(); // a chart shown again is where the sliders are
  }

  // A page changes its width without a word to its window: a file browser opens, a cell comes into sight.
  const watcher = new ResizeObserver(() => {
    if (view && chart.clientWidth > 0) view.signal("room", chart.clientWidth).runAsync();
  });
  watcher.observe(chart);
  model.on("change:spec", draw);
  model.on("change:chosen", move);
  draw();
  return () => {
    drawing = NaN;
    watcher.disconnect();
    view?.finalize();
    view = null;
    chart.remove(); // its marks hold all there is to know of the chart
    chart.replaceChildren();
  };
}

export default { render };
