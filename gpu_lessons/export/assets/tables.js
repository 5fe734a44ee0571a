// "Show the numbers": the rows of a figure; of an explorer those along its first control, all others as they are set.
{
  const UNITS = {
    s: [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]],
    bytes: [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]],
  };

  function words(column, value) {
    if (value === null || value === undefined) return "–";
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value !== "number") return String(value).replaceAll("\n", " ");
    const units = UNITS[column.match(/_(s|bytes)$/)?.[1]];
    if (!units || value === 0) return Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 });
    const [factor, unit] = units.find(([each]) => Math.abs(value) >= each * 0.9995) ?? units.at(-1);
    return `${Number((value / factor).toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 })} ${unit}`;
  }

  course.words = words;

  function rowsOf(explorer) {
    const all = explorer.spec.data.values;
    const others = explorer.controls.slice(1);
    return all.filter((row) => others.every(({ parameter }) => row[parameter] === explorer.chosen[parameter]));
  }

  function cell(explorer, column, row) {
    const control = explorer.controls.find((each) => each.parameter === column);
    return control ? control.words[control.values.indexOf(row[column])] : words(column, row[column]);
  }

  function heading(explorer, column) {
    const control = explorer.controls.find((each) => each.parameter === column);
    return control?.label ?? column.replace(/_(s|bytes)$/, "").replaceAll("_", " ");
  }

  function show(explorer, box) {
    const parameters = explorer.controls.map((each) => each.parameter);
    const columns = [...parameters, ...explorer.columns.filter((each) => !parameters.includes(each))];
    const head = course.element("tr");
    for (const each of columns) head.append(course.element("th", { scope: "col", textContent: heading(explorer, each) }));
    const body = course.element("tbody");
    for (const row of rowsOf(explorer)) {
      const line = course.element("tr");
      if (row === explorer.row) line.setAttribute("aria-current", "true");
      for (const each of columns) line.append(course.element("td", { textContent: cell(explorer, each, row) }));
      body.append(line);
    }
    box.replaceChildren(course.element("table", {}, course.element("thead", {}, head), body));
  }

  for (const explorer of course.explorers) {
    const numbers = explorer.figure.querySelector("details.numbers");
    numbers.hidden = explorer.columns.length === 0;
    const box = numbers.querySelector("div");
    const showIfOpen = () => numbers.open && show(explorer, box);
    numbers.addEventListener("toggle", showIfOpen);
    explorer.figure.addEventListener("moved", showIfOpen);
  }
}
