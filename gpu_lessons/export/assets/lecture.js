// The lecture view: the same page, one step at a time. A clicker sends Page Down, Page Up, "." or b.
course.lecture = { isOn: false, at: 0, startedMs: 0 };
if (document.querySelector("footer.bar")) {
  const lecture = course.lecture;
  const main = document.querySelector("main");
  const bar = document.querySelector("footer.bar");
  const black = document.querySelector(".black");
  const steps = [...document.querySelectorAll(".step")];
  const sectionOf = (step) => course.facts.sections[step.dataset.section];
  const KEYS = {
    ArrowRight: forward, ArrowDown: forward, PageDown: forward, " ": forward,
    ArrowLeft: back, ArrowUp: back, PageUp: back,
    Home: () => show(0), End: () => show(steps.length - 1),
    b: () => blacken(true), ".": () => blacken(true),
    c: foldCode, v: vote, n: () => course.notes.open(), t: restartClock, Escape: end,
  };

  // The minutes planned until the end of a step: those of its section are shared out to its steps.
  function planned(at) {
    const number = steps[at].dataset.section;
    const own = steps.filter((step) => step.dataset.section === number);
    const before = course.facts.sections.slice(0, number).reduce((sum, each) => sum + each.minutes, 0);
    return before + (sectionOf(steps[at]).minutes * (own.indexOf(steps[at]) + 1)) / own.length;
  }

  const clock = (minutes) => `${Math.floor(minutes)}:${String(Math.floor((minutes % 1) * 60)).padStart(2, "0")}`;
  lecture.elapsed = () => clock((Date.now() - lecture.startedMs) / 60000);
  lecture.plan = () => clock(planned(lecture.at));
  lecture.section = () => Number(steps[lecture.at].dataset.section);

  function tick() {
    if (!lecture.isOn) return;
    const plan = planned(steps.length - 1) ? ` · plan ${lecture.plan()}` : "";
    bar.querySelector(".clock").textContent = `${lecture.elapsed()}${plan}`;
    course.notes.show();
  }

  function show(at, from = "top") {
    lecture.at = Math.max(0, Math.min(steps.length - 1, at));
    steps.forEach((step, place) => step.classList.toggle("now", place === lecture.at));
    main.scrollTop = from === "top" ? 0 : main.scrollHeight;
    bar.querySelector(".place").textContent = `${course.facts.lesson.slice(0, 2)} · step ${lecture.at + 1} of ${steps.length}`;
    bar.querySelector("progress").value = (lecture.at + 1) / steps.length;
    bar.querySelector(".bar-says").textContent = "";
    tick();
  }

  // A step that is taller than the screen is scrolled first, then what waits in it is opened, then comes the next one.
  function forward() {
    if (main.scrollTop + main.clientHeight < main.scrollHeight - 8) return main.scrollBy({ top: main.clientHeight * 0.8 });
    const waiting = nextToOpen(steps[lecture.at]);
    if (!waiting) return lecture.at === steps.length - 1 ? say("The lesson ends here.") : show(lecture.at + 1);
    waiting.open();
    waiting.element.scrollIntoView({ block: "center" });
  }

  function back() {
    if (main.scrollTop > 8) main.scrollBy({ top: -main.clientHeight * 0.8 });
    else if (lecture.at > 0) show(lecture.at - 1, "bottom");
  }

  function nextToOpen(step) {
    for (const element of step.querySelectorAll(".reveal, details.later, .prose details")) {
      const reveal = course.reveals.find((each) => each.box === element);
      if (reveal && !reveal.isOpen) return { element, open: () => course.reveal(reveal) };
      if (!reveal && !element.open) return { element, open: () => (element.open = true) };
    }
    return null;
  }

  const say = (text) => (bar.querySelector(".bar-says").textContent = text);

  function foldCode() {
    const sources = [...steps[lecture.at].querySelectorAll("details.source")];
    const open = sources.some((source) => !source.open);
    sources.forEach((source) => (source.open = open));
  }

  function vote() {
    const box = steps[lecture.at].querySelector("details.vote");
    if (!box) return say("No question in this step.");
    box.open = !box.open;
    if (box.open) box.querySelector("textarea").focus();
    else document.activeElement.blur();
  }

  function blacken(isBlack) {
    black.hidden = !isBlack;
  }

  function restartClock() {
    lecture.startedMs = Date.now();
    tick();
  }

  function begin() {
    const inSight = steps.findIndex((step) => step.getBoundingClientRect().bottom > 120);
    lecture.isOn = true;
    document.documentElement.classList.add("lecture");
    bar.hidden = false;
    lecture.wasOpen = [...document.querySelectorAll("details.source[open]")];
    lecture.wasOpen.forEach((source) => (source.open = false));
    lecture.startedMs ||= Date.now();
    document.documentElement.requestFullscreen?.().catch(() => {}); // a browser may forbid it; the view works without
    show(inSight < 0 ? 0 : inSight);
    main.focus({ preventScroll: true });
  }

  function end() {
    if (!lecture.isOn) return;
    lecture.isOn = false;
    document.documentElement.classList.remove("lecture");
    bar.hidden = true;
    blacken(false);
    lecture.wasOpen.forEach((source) => (source.open = true));
    if (document.fullscreenElement) document.exitFullscreen();
    steps[lecture.at].scrollIntoView();
  }

  // Letters belong to a field that takes letters, arrows to a slider; a clicker's keys always turn the page.
  function isForField({ key, target }) {
    if (key === "PageDown" || key === "PageUp" || key === "Escape") return false;
    if (target.matches("textarea")) return true;
    if (target.matches("input, select")) return key.startsWith("Arrow") || ["Home", "End", " "].includes(key);
    return key === " " && target.matches("button, summary, a");
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isForField(event)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!lecture.isOn) {
      if (key === "l") begin();
      return;
    }
    if (!black.hidden) blacken(false);
    else if (KEYS[key]) KEYS[key]();
    else return;
    event.preventDefault();
  });
  document.addEventListener("fullscreenchange", () => document.fullscreenElement || end());
  black.addEventListener("click", () => blacken(false));
  bar.addEventListener("click", (event) => {
    const key = event.target.closest("button")?.dataset.key;
    if (key) KEYS[key]();
  });
  const button = document.querySelector(".start-lecture");
  button.hidden = false;
  button.addEventListener("click", begin);
  lecture.press = (key) => KEYS[key]?.();
  setInterval(tick, 1000);
}
