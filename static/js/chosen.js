// What somebody chose or dropped, as files with the folders they came from.

// Files that systems keep beside those of people: nobody means to send them.
const KEPT_BY_SYSTEMS = new Set(["desktop.ini", "thumbs.db"]);

function isMeant(path) {
  const parts = path.split("/");
  return !parts.some((part) => part.startsWith(".")) && !KEPT_BY_SYSTEMS.has(parts.at(-1).toLowerCase());
}

// Those that are meant, and how many of a folder's are not. What was chosen by itself is meant.
function sift(all) {
  const files = all.filter(({ path }) => !path.includes("/") || isMeant(path));
  return { files, leftOut: all.length - files.length };
}

export function chosen(input) {
  return sift([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
}

// The entries of a folder come in parts.
async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return all;
    all.push(...some);
  }
}

async function walk(entry, path, all) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    all.push({ file, path });
  } else if (entry.isDirectory) {
    for (const below of await entriesOf(entry)) await walk(below, `${path}/${below.name}`, all);
  }
}

// To be called at once: what was dropped is gone after the event.
export async function dropped(transfer) {
  const items = [...(transfer.items ?? [])].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return sift([...transfer.files].map((file) => ({ file, path: file.name })));
  const all = [];
  for (const entry of entries) {
    try {
      await walk(entry, entry.name, all);
    } catch {
      // What cannot be read is not there for us; the others are.
    }
  }
  return sift(all);
}
