// Predictions: asked, kept in the browser, and what waits for them.
course.questions = new Map();
{
  function start(form) {
    const asked = course.read(form.querySelector("script.asked"));
    const range = form.querySelector("input[type=range]");
    const question = { ...asked, form, answer: null, isTouched: false, reveals: [] };
    course.questions.set(asked.key, question);
    form.querySelectorAll(".alive, .vote").forEach((part) => (part.hidden = false));
    range?.addEventListener("input", () => {
      question.isTouched = true;
      say(range, asked.words[range.value]);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      commit(question);
    });
    restore(question);
  }

  function say(range, words) {
    range.setAttribute("aria-valuetext", words);
    range.nextElementSibling.textContent = words;
  }

  function commit(question) {
    const { form, kind, isTouched } = question;
    const line = form.querySelector(".said");
    const pressed = form.querySelector("input[type=radio]:checked");
    if (kind === "guess" && !isTouched) return (line.textContent = "Move the slider, then press the button again.");
    if (!pressed) {
      const missing = kind === "guess" ? "Say how sure you are" : "Choose one";
      return (line.textContent = `${missing}, then press the button again.`);
    }
    const at = Number(pressed.value);
    const range = form.querySelector("input[type=range]");
    question.answer = kind === "guess" ? { place: Number(range.value), sure: at } : { place: at };
    const kept = { ...question.answer, words: question.words[question.answer.place] };
    tell(question, course.remember(question.key, kept));
    question.reveals.forEach((reveal) => open(reveal));
  }

  // An answer whose place now says something else was given to another version of the question.
  function restore(question) {
    const kept = course.recall(question.key);
    const isKnown = kept && question.words[kept.place] === kept.words;
    if (!isKnown || (question.kind === "guess" && ![0, 1, 2].includes(kept.sure))) return;
    const { form } = question;
    question.answer = { place: kept.place, sure: kept.sure };
    question.isTouched = true;
    const range = form.querySelector("input[type=range]");
    if (range) {
      range.value = kept.place;
      say(range, kept.words);
    }
    const radios = form.querySelectorAll("input[type=radio]");
    radios[range ? kept.sure : kept.place].checked = true;
    tell(question, "");
  }

  function saying({ kind, words, confidences, answer }) {
    const said = words[answer.place];
    return kind === "guess" ? `You said ${said}, ${confidences[answer.sure]}.` : `You said: ${said.replace(/\.$/, "")}.`;
  }

  function tell(question, note) {
    const code = course.codes.write(question, question.answer);
    const line = question.form.querySelector(".said");
    line.replaceChildren(`${saying(question)}${note} Your code: `, course.element("code", { textContent: code }));
    const made = [...course.questions.values()].filter((each) => each.answer);
    const box = document.querySelector(".codes");
    box.hidden = false;
    box.querySelector("output").textContent = made.map((each) => course.codes.write(each, each.answer)).join(" ");
    const all = document.querySelectorAll("form.question[data-key]").length;
    document.querySelector(".made").textContent = `${made.length} of ${all} predictions made`;
  }

  function wait(box) {
    const revealed = course.read(box.querySelector("script.revealed"));
    const reveal = { ...revealed, box, question: course.questions.get(revealed.key), isOpen: false };
    reveal.question.reveals.push(reveal);
    course.reveals.push(reveal);
    box.querySelector("details.answer").hidden = true;
    box.querySelector(".waits").hidden = false;
    box.querySelector(".waits button").addEventListener("click", () => open(reveal));
    if (reveal.question.answer) open(reveal);
  }

  function open(reveal) {
    reveal.isOpen = true;
    const answer = reveal.box.querySelector("details.answer");
    reveal.box.querySelector(".waits").hidden = true;
    answer.hidden = false;
    answer.open = true;
    answer.querySelector(".verdict").textContent = verdict(reveal);
    reveal.box.dispatchEvent(new CustomEvent("opened", { detail: reveal, bubbles: true }));
  }

  // The same sentences as gpu_lessons.lessons.guesses says.
  function verdict({ question, truth, was, then }) {
    if (!question.answer) return `${was}. ${then}`.trim();
    if (question.kind === "choice") {
      const isRight = question.words[question.answer.place] === truth;
      return `${saying(question)} ${isRight ? "That is what happened" : was}. ${then}`.trim();
    }
    const said = question.steps[question.answer.place];
    const factor = Math.max(truth / said, said / truth);
    const { close, far } = course.facts;
    if (factor <= close) return `${saying(question)} ${was}: close, within a factor of ${close}. ${then}`.trim();
    const sorry = question.answer.sure === 2 && factor > far;
    const surprise = sorry ? " You were certain: errors like this one are corrected best, because they surprise." : "";
    const off = `${course.ratio(factor)} times ${truth > said ? "more" : "less"} than you thought.`;
    return `${saying(question)} ${was}: ${off}${surprise} ${then}`.trim();
  }

  course.reveals = [];
  course.reveal = open;
  document.querySelectorAll("form.question[data-key]").forEach(start);
  document.querySelectorAll(".reveal").forEach(wait);
}
