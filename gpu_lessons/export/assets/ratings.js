// What a reader believes of the claims: kept in the browser, and shown in every table of them.
{
  const tables = [...document.querySelectorAll(".output table")].filter(
    (table) => [...table.querySelectorAll("th")].map((cell) => cell.textContent).slice(0, 3).join() === "Claim,You say,How sure",
  );
  const form = document.querySelector("form.ratings");
  const claims = course.facts.claims ?? [];
  const kept = (claim) => course.recall(`claim ${claim}`) ?? {};

  function show(note = "") {
    for (const table of tables) {
      claims.forEach((claim, place) => {
        const cells = table.querySelectorAll("tbody tr")[place].cells;
        cells[1].textContent = kept(claim).belief ?? "not rated";
        cells[2].textContent = kept(claim).confidence ?? "";
      });
    }
    const rated = claims.filter((claim) => kept(claim).belief).length;
    if (form) form.querySelector(".said").textContent = `${rated} of ${claims.length} rated.${note}`;
  }

  form?.querySelectorAll("[data-claim]").forEach((row) => {
    row.querySelector(".alive").hidden = false;
    for (const input of row.querySelectorAll("input")) {
      const part = input.closest("[data-part]").dataset.part;
      input.checked = kept(row.dataset.claim)[part] === input.value;
      input.addEventListener("change", () => {
        show(course.remember(`claim ${row.dataset.claim}`, { ...kept(row.dataset.claim), [part]: input.value }));
      });
    }
  });
  show();
}
