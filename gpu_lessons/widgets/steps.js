// A slider over named steps: its readout and screen readers say the name of a step, never its number.
const page = (globalThis.gpuLessons ??= {});

// Jupyter's shortcuts take the arrow keys before they reach a slider, unless the window keeps them from the document.
function keepKeys(event) {
  if (event.target.matches?.("input[type=range].gpu-lessons-steps, .vega-bind input")) event.stopPropagation();
}

function render({ model, el }) {
  const row = document.createElement("div");
  const name = document.createElement("span");
  const range = document.createElement("input");
  const readout = document.createElement("span");
  readout.setAttribute("aria-hidden", "true"); // the slider says it already
  Object.assign(range, { type: "range", min: 0, step: 1, className: "gpu-lessons-steps" });
  Object.assign(row.style, { display: "flex", alignItems: "center", gap: "10px", margin: "2px 16px 2px 2px" });
  Object.assign(range.style, { width: "260px" });
  Object.assign(readout.style, { minWidth: "4em", whiteSpace: "nowrap" });

  function show() {
    const steps = model.get("steps");
    const place = model.get("place");
    name.textContent = model.get("description");
    range.max = steps.length - 1;
    range.value = place;
    range.setAttribute("aria-label", model.get("description"));
    range.setAttribute("aria-valuetext", steps[place]);
    readout.textContent = model.get("readout") ? steps[place] : "";
  }

  range.addEventListener("input", () => {
    model.set("place", Number(range.value));
    model.save_changes();
  });
  if (!page.keepsKeys) window.addEventListener("keydown", keepKeys, true);
  page.keepsKeys = true;
  model.on("change", show);
  row.append(name, range, readout);
  el.append(row);
  show();
}

export default { render };
