// A folder: choosing several files, and filtering what is shown while one types. Words and units
// come from the page.
const rows = [...document.querySelectorAll("[data-row]")];
const form = document.querySelector("[data-choose]");
const boxes = form ? [...form.querySelectorAll("input[name=g]")] : [];

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function sizeSaid(bytes) {
  const units = form.dataset.units.split(" ");
  let unit = 0;
  while (bytes >= 999.5 && unit + 1 < units.length) {
    bytes /= 1000;
    unit += 1;
  }
  const digits = { maximumFractionDigits: unit > 0 && bytes < 100 ? 1 : 0 };
  return `${bytes.toLocaleString(document.documentElement.lang, digits)}\u00a0${units[unit]}`;
}

function choose() {
  const bar = form.querySelector("[data-bar]");
  const all = form.querySelector("[data-all]");
  const shown = boxes.filter((box) => !box.closest("[data-row]").hidden);
  const chosen = boxes.filter((box) => box.checked);
  const bytes = chosen.reduce((sum, box) => sum + Number(box.dataset.bytes), 0);
  bar.hidden = chosen.length === 0;
  if (chosen.length) {
    const count = chosen.length.toLocaleString(document.documentElement.lang);
    const words = chosen.length === 1 ? form.dataset.one : form.dataset.many;
    bar.querySelector("[data-count]").textContent = fill(words, { count, size: sizeSaid(bytes) });
  }
  if (all) {
    all.checked = shown.length > 0 && shown.every((box) => box.checked);
    all.indeterminate = !all.checked && shown.some((box) => box.checked);
  }
}

if (form) {
  const all = form.querySelector("[data-all]");
  let last = null;
  if (all) {
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) if (!box.closest("[data-row]").hidden) box.checked = all.checked;
      choose();
    });
  }
  // With the shift key all between this one and the one before.
  form.addEventListener("click", (event) => {
    const at = boxes.indexOf(event.target);
    if (at < 0) return;
    if (event.shiftKey && last !== null) {
      const between = boxes.slice(Math.min(at, last), Math.max(at, last) + 1);
      for (const box of between) if (!box.closest("[data-row]").hidden) box.checked = event.target.checked;
    }
    last = at;
  });
  form.addEventListener("change", choose);
  // What was chosen when one comes back to the page still is.
  addEventListener("pageshow", choose);
  choose();
}

const filter = document.querySelector("[data-filter]");
if (filter && rows.length) {
  const field = filter.elements.w;
  const said = document.querySelector("[data-said]");
  const names = rows.map((row) => row.querySelector("[data-name]").textContent.toLowerCase());
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, at) => {
      row.hidden = !words.every((word) => names[at].includes(word));
      if (!row.hidden) shown += 1;
    });
    said.textContent = words.length ? fill(filter.dataset.shown, { shown, all: rows.length }) : "";
    choose();
  });
}
