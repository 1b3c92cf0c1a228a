// One file: the arrows lead to the one before and after, where nothing else needs them.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.defaultPrevented) return;
  if (event.target.closest("input, textarea, select, audio, video, pre, [contenteditable]")) return;
  const isRtl = getComputedStyle(document.documentElement).direction === "rtl";
  const ways = { ArrowLeft: isRtl ? "next" : "prev", ArrowRight: isRtl ? "prev" : "next" };
  const link = ways[event.key] && document.querySelector(`main a[rel=${ways[event.key]}]`);
  if (link) link.click();
});
