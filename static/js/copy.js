// Buttons that copy a text: data-copy holds it, data-copied what is said then. They stay hidden
// where they cannot work.
function select(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  area.className = "unseen";
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}

// What stands on a button while nothing is said.
const labels = new WeakMap();

async function copy(text) {
  // Only secure pages have the clipboard, and a LAN has no certificates.
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Not allowed: the old way may be.
    }
  }
  return select(text);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || !(await copy(button.dataset.copy))) return;
  const label = button.querySelector("[data-label]") ?? button;
  if (!labels.has(label)) labels.set(label, label.textContent);
  label.textContent = button.dataset.copied;
  button.focus();
  setTimeout(() => { label.textContent = labels.get(label); }, 2000);
});

for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
