// What scripts say, with the words of the page: numbers, sizes and times as its language writes them.
export class Words {
  constructor(element) {
    this.data = element.dataset;
    this.sentences = new Map([...element.querySelectorAll("[data-why]")].map((li) => [li.dataset.why, li.textContent]));
    this.language = document.documentElement.lang || "en";
    this.units = this.data.units.split(" ");
    this.date = new Intl.DateTimeFormat(this.language, { dateStyle: "medium", timeStyle: "short" });
  }

  // A text of the page, with `{name}` filled in.
  fill(name, values = {}) {
    return (this.data[name] ?? "").replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
  }

  // Why a file is not taken, by the word of the node.
  why(word) {
    return this.sentences.get(word) ?? this.sentences.get("other");
  }

  number(count) {
    return count.toLocaleString(this.language);
  }

  size(bytes) {
    let unit = 0;
    while (bytes >= 999.5 && unit < this.units.length - 1) {
      bytes /= 1000;
      unit += 1;
    }
    const digits = unit > 0 && bytes < 99.95 ? 1 : 0;
    return `${bytes.toLocaleString(this.language, { maximumFractionDigits: digits })}\u00a0${this.units[unit]}`;
  }

  lasting(seconds) {
    if (seconds < 90) return this.fill("seconds", { count: Math.max(1, Math.round(seconds)) });
    const minutes = Math.round(seconds / 60);
    if (minutes < 90) return this.fill("minutes", { count: minutes });
    return this.fill("hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  }

  when(seconds) {
    return this.date.format(new Date(seconds * 1000));
  }
}
