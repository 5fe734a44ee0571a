// Every chart of the page, drawn where its picture stands, and the page's own inputs, which set its signals.
course.explorers = [];
{
  function start(figure) {
    const declared = course.read(figure.querySelector("script.figure"));
    const explorer = { figure, ...declared, chosen: {}, view: null };
    for (const control of declared.controls) explorer.chosen[control.parameter] = control.start;
    explorer.rows = new Map();
    if (declared.controls.length) for (const row of declared.spec.data.values) explorer.rows.set(place(explorer, row), row);
    course.explorers.push(explorer);
    connect(explorer);
    draw(explorer);
  }

  function place(explorer, values) {
    return JSON.stringify(explorer.controls.map((control) => values[control.parameter]));
  }

  async function draw(explorer) {
    const { figure, spec } = explorer;
    const drawn = figure.querySelector(".drawn");
    drawn.hidden = false;
    // Vega writes into the object that it is given.
    const own = structuredClone(spec);
    own.config = { ...own.config, background: "transparent" };
    const { view } = await vegaEmbed(drawn, own, { actions: false, renderer: "svg", defaultStyle: false });
    explorer.view = view;
    figure.querySelector(".still").hidden = true;
    figure.dataset.drawn = "";
    move(explorer); // an input may have been moved meanwhile
    new ResizeObserver(() => {
      if (drawn.clientWidth > 0) view.signal("room", drawn.clientWidth).runAsync();
    }).observe(drawn);
  }

  function move(explorer) {
    const { figure, view, chosen } = explorer;
    if (!view) return;
    if (!explorer.controls.length) return say(explorer, figure.querySelector(".sentence").textContent);
    for (const [name, value] of Object.entries(chosen)) view.signal(name, value);
    explorer.row = explorer.rows.get(place(explorer, chosen));
    const said = sentence(explorer);
    figure.querySelector(".sentence").textContent = said;
    say(explorer, said);
    figure.dispatchEvent(new CustomEvent("moved", { detail: explorer }));
  }

  function say({ figure, view }, said) {
    view.description(said).run();
    // A group of marks that is empty just now has a role and no name: nothing to hear in it.
    for (const marks of figure.querySelectorAll("svg g.role-mark[role]")) {
      if (marks.firstChild) marks.removeAttribute("aria-hidden");
      else marks.setAttribute("aria-hidden", "true");
    }
  }

  // What the head of the figure says, and where it says nothing of a control, what that is set to.
  function sentence({ row, names, unsaid, controls, chosen }) {
    const who = names.map((name) => name.text ?? row[name.column]);
    const set = controls.filter((control) => unsaid.includes(control.parameter));
    const settings = set.map(({ parameter, label, values, words }) => `${label} ${words[values.indexOf(chosen[parameter])]}`);
    const parts = [row.headline, ...row.line.split("   ·   "), ...settings, ...who];
    return `${parts.map((part) => part.replaceAll("\n", " ").replace(/\.$/, "")).join(". ")}.`;
  }

  function connect(explorer) {
    const box = explorer.figure.querySelector(".controls");
    if (!box) return;
    box.hidden = false;
    for (const control of explorer.controls) {
      const input = box.querySelector(`[data-parameter="${control.parameter}"]`);
      input.addEventListener("input", (event) => {
        const at = Number(event.target.value);
        explorer.chosen[control.parameter] = control.values[at];
        if (input.type === "range") {
          input.setAttribute("aria-valuetext", control.words[at]);
          input.nextElementSibling.textContent = control.words[at];
        }
        move(explorer);
      });
    }
  }

  course.move = move; // for whoever adds to the rows of an explorer
  document.querySelectorAll("figure.chart").forEach(start);
}
