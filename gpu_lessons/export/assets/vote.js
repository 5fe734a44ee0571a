// The class: codes in a box, and how they are spread once the number is out.
{
  const WIDTH = 760, HEIGHT = 240, TOP = 34, BOTTOM = 30;

  function svg(name, attributes, text = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  }

  const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

  function tally(question) {
    const votes = course.codes.read(question, question.form.querySelector("textarea").value);
    question.votes = votes.answers;
    const said = [counted(votes.answers.length, question.kind === "guess" ? "guess" : "answer").replace("guesss", "guesses")];
    if (votes.elsewhere) said.push(`${counted(votes.elsewhere, "code")} of other questions`);
    if (votes.skipped) said.push(`${counted(votes.skipped, "word")} skipped that ${votes.skipped === 1 ? "is" : "are"} no code of this question`);
    question.form.querySelector(".counted").textContent = `${said.join("; ")}.`;
    question.reveals.filter((reveal) => reveal.isOpen).forEach(show);
  }

  function show(reveal) {
    const { question, box } = reveal;
    const place = box.querySelector(".votes");
    if (!question.votes?.length) return place.replaceChildren();
    const said = question.kind === "guess" ? guessesSaid(reveal) : choicesSaid(reveal);
    const picture = question.kind === "guess" ? guessesDrawn(reveal) : choicesDrawn(reveal);
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", said);
    place.replaceChildren(picture, course.element("p", { textContent: said }));
  }

  const middle = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

  function guessesSaid({ question, truth, was }) {
    const { votes, steps, words } = question;
    const half = middle(votes.map((vote) => vote.place));
    const off = (some) => middle(some.map(({ place }) => Math.max(truth / steps[place], steps[place] / truth)));
    const certain = votes.filter((vote) => vote.sure === 2), others = votes.filter((vote) => vote.sure < 2);
    const parts = [`${counted(votes.length, "guess").replace("guesss", "guesses")}, the middle one ${words[half]}`, was];
    if (certain.length && others.length) {
      parts.push(`Those who were certain were off by a factor of ${course.ratio(off(certain))} (median), the others by ${course.ratio(off(others))}`);
    }
    return `${parts.join(". ")}. Light: a guess; middle: fairly sure; dark: certain.`;
  }

  function guessesDrawn({ question, truth, was }) {
    const { votes, steps, words } = question;
    const low = Math.log10(steps[0]), high = Math.log10(steps.at(-1));
    const bins = Math.min(24, Math.max(6, Math.round(3 * (high - low))));
    const x = (value) => Math.min(1, Math.max(0, (Math.log10(value) - low) / (high - low))) * WIDTH;
    const stacks = Array.from({ length: bins }, () => [0, 0, 0]);
    for (const { place, sure } of votes) stacks[Math.min(bins - 1, Math.floor((x(steps[place]) / WIDTH) * bins))][sure] += 1;
    const most = Math.max(...stacks.map(([a, b, c]) => a + b + c));
    const floor = HEIGHT - BOTTOM, unit = (floor - TOP) / most;
    const drawn = svg("svg", { viewBox: `-30 0 ${WIDTH + 60} ${HEIGHT}`, class: "spread" });
    stacks.forEach((stack, bin) => {
      let top = floor;
      [2, 1, 0].forEach((sure) => {
        top -= stack[sure] * unit;
        if (stack[sure]) drawn.append(svg("rect", { class: `sure-${sure}`, x: (bin * WIDTH) / bins + 3, width: WIDTH / bins - 6, y: top, height: stack[sure] * unit }));
      });
    });
    drawn.append(svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: floor, y2: floor }));
    for (const at of decades(low, high)) drawn.append(svg("text", { x: x(10 ** at), y: HEIGHT - 8, "text-anchor": "middle" }, words[nearest(steps, 10 ** at)]));
    const there = x(truth);
    drawn.append(svg("line", { class: "truth", x1: there, x2: there, y1: TOP - 8, y2: floor }));
    const anchor = there < WIDTH / 4 ? "start" : there > (3 * WIDTH) / 4 ? "end" : "middle";
    drawn.append(svg("text", { class: "truth", x: there, y: TOP - 14, "text-anchor": anchor }, was.replace(/ \(.*/, "").replace("It was", "it is")));
    return drawn;
  }

  function decades(low, high) {
    const all = [];
    for (let at = Math.ceil(low - 1e-9); at <= high + 1e-9; at += 1) all.push(at);
    const every = Math.ceil(all.length / 8);
    return all.filter((_, place) => place % every === 0);
  }

  function nearest(steps, value) {
    const off = steps.map((step) => Math.abs(Math.log(step / value)));
    return off.indexOf(Math.min(...off));
  }

  function choicesSaid({ question, truth }) {
    const right = question.votes.filter((vote) => question.words[vote.place] === truth).length;
    return `${counted(question.votes.length, "answer")}, ${right} of them right. What happened: ${truth.replace(/\.$/, "")}.`;
  }

  function choicesDrawn({ question, truth }) {
    const list = course.element("ul", { className: "spread" });
    question.words.forEach((words, place) => {
      const votes = question.votes.filter((vote) => vote.place === place).length;
      const bar = course.element("span", { className: words === truth ? "bar-right" : "bar-other" });
      bar.style.width = `${(60 * votes) / question.votes.length}%`;
      list.append(course.element("li", {}, course.element("span", { textContent: `${words}: ${votes}` }), bar));
    });
    return list;
  }

  for (const question of course.questions.values()) {
    question.form.querySelector("textarea").addEventListener("input", () => tally(question));
  }
  document.addEventListener("opened", (event) => show(event.detail));
}
