// Keeps parts of a page up to date, and says about a form's fields what the platform says while they are filled in.
// Without it pages are what they were when they were opened, and forms say it when they are sent.
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

for (const form of document.querySelectorAll("form[data-check]")) {
  let latest = 0;
  const check = async () => {
    const mine = ++latest;
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.check, { method: "POST", body }).catch(() => null);
    if (!answer || !answer.ok || mine !== latest) return;
    const { fields, choices = {} } = await answer.json();
    for (const place of form.querySelectorAll(".verdict")) {
      const found = fields[place.id.replace("verdict.", "")];
      place.className = "verdict" + (found ? (found.works ? " good" : " bad") : "");
      place.textContent = found ? found.told : "";
    }
    for (const [name, listed] of Object.entries(choices)) {
      const select = form.elements[`field.${name}`];
      if (!listed.length || select.options.length > 1) continue;
      for (const each of listed) select.add(new Option(`#${each.name}`, each.id));
    }
  };
  form.addEventListener("change", check);
}
