// Loads htmx when the page is used for the first time. Without it every form works by itself.
for (const event of ["pointerover", "keydown", "touchstart"]) {
  addEventListener(event, load, { once: true, passive: true });
}
function load() {
  if (document.querySelector("script[data-htmx]")) return;
  const script = document.createElement("script");
  script.src = document.querySelector("script[data-next]").dataset.next;
  script.dataset.htmx = "";
  document.head.append(script);
}
