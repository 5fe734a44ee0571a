// Notes for the speaker in a second window: what to say, how late it is, what comes next.
course.notes = {};
{
  let page = null;

  course.notes.open = () => {
    if (page && !page.closed) return page.focus();
    page = window.open("", "gpu_lessons_notes", "width=760,height=640");
    if (!page) {
      document.querySelector(".bar-says").textContent = "The browser keeps the second window closed; allow it for this page.";
      return;
    }
    page.document.title = `Notes, ${course.facts.title}`;
    page.document.documentElement.lang = "en";
    page.document.head.append(page.document.adoptNode(style()));
    page.document.addEventListener("keydown", (event) => course.lecture.press(event.key));
    course.notes.show();
  };

  function style() {
    const text = `body{font:20px/1.5 "DejaVu Sans",Verdana,sans-serif;max-width:42em;margin:1.5em auto;padding:0 1em}
      .clock{font-size:1.6em;font-weight:bold}h2{font-size:1em}`;
    return course.element("style", { textContent: text });
  }

  course.notes.show = () => {
    if (!page || page.closed || !course.lecture.isOn) return;
    const { sections, beside } = course.facts;
    const at = course.lecture.section();
    const content = document.createElement("main");
    // The notes are the course's own, made into HTML when the page was built.
    content.innerHTML = `<p class="clock">${course.lecture.elapsed()} · plan ${course.lecture.plan()}</p><h1></h1>
      <p>${sections[at].minutes} minutes</p>${sections[at].note}<p class="next"></p>
      ${beside.map(([heading, body]) => `<h2>${heading}</h2>${body}`).join("")}`;
    content.querySelector("h1").textContent = sections[at].title;
    content.querySelector(".next").textContent = sections[at + 1] ? `Next: ${sections[at + 1].title}` : "The last section.";
    page.document.body.replaceChildren(page.document.adoptNode(content));
  };
}
