"use strict";
// What the scripts of a page share: what it was made with, answers kept in the browser, numbers as words.
const course = {
  read(script) {
    return JSON.parse(script.textContent);
  },

  // A browser that keeps nothing, or whose memory holds something else, counts as one that knows no answer.
  recall(key) {
    try {
      return JSON.parse(localStorage.getItem(`gpu_lessons ${key}`));
    } catch {
      return null;
    }
  },

  remember(key, answer) {
    try {
      localStorage.setItem(`gpu_lessons ${key}`, JSON.stringify(answer));
      return "";
    } catch {
      return " This browser keeps nothing: the answer is gone once the page is closed.";
    }
  },

  // As gpu_lessons.units writes a ratio: two digits are enough.
  ratio(factor) {
    if (factor < 10) return String(Number(factor.toPrecision(2)));
    return Number(factor.toPrecision(2)).toLocaleString("en");
  },

  element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  },
};
course.facts = course.read(document.getElementById("facts"));

// Dark or light: as the system says, until somebody presses the button.
{
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = document.querySelector("button.theme");

  function show(theme) {
    root.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    course.remember("theme", theme);
    show(theme);
  });
  system.addEventListener("change", () => show(system.matches ? "dark" : "light"));
  const kept = course.recall("theme");
  show(["dark", "light"].includes(kept) ? kept : system.matches ? "dark" : "light");
}
