// Keeps parts of a page up to date; without it they are what they were when the page was opened.
for (const part of document.querySelectorAll("[data-live]")) {
  let shown = "";
  setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(part.dataset.live).catch(() => null);
    if (!answer || !answer.ok) return;
    const text = await answer.text();
    if (text !== shown) part.innerHTML = shown = text;
  }, 1500);
}
