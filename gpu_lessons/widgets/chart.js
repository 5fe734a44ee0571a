// A Vega-Lite chart whose parameters follow other widgets of the page. Vega is loaded once for all charts of a page.
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

const MOVED = "change:place change:index"; // what a slider and buttons call the place of the chosen option

async function controlsOf({ get, widget_manager }) {
  const found = Object.entries(get("controls")).map(async ([parameter, reference]) => {
    return [parameter, await widget_manager.get_model(reference.replace("IPY_MODEL_", ""))];
  });
  return Promise.all(found);
}

async function render({ model, el }) {
  const controls = await controlsOf(model);
  let view = null;
  let drawing = 0; // how often it was drawn; after the end, none is the last
  const chart = document.createElement("div");
  chart.style.display = "block"; // Vega's own style shrinks it to the figure, which then cannot see its room
  el.append(chart);

  async function move() {
    if (!view) return;
    let combination = 0;
    for (const [parameter, control] of controls) {
      const values = model.get("values")[parameter];
      const place = control.get("place") ?? control.get("index");
      view.signal(parameter, values[place]);
      combination = combination * values.length + place;
    }
    view.description(model.get("sentences")[combination]);
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
    await move(); // a chart drawn anew is where the sliders are
  }

  // A page changes its width without a word to its window: a file browser opens, a cell comes into sight.
  const watcher = new ResizeObserver(() => {
    if (view && chart.clientWidth > 0) view.signal("room", chart.clientWidth).runAsync();
  });
  watcher.observe(chart);
  model.on("change:spec", draw);
  for (const [, control] of controls) control.on(MOVED, move);
  draw();
  return () => {
    drawing = NaN;
    watcher.disconnect();
    for (const [, control] of controls) control.off(MOVED, move);
    view?.finalize();
    view = null;
    chart.remove(); // its marks hold all there is to know of the chart
    chart.replaceChildren();
  };
}

export default { render };
