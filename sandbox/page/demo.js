"use strict";
const $ = (id) => document.getElementById(id);
const EMOJI = { white_check_mark: "✅", eyes: "👀", warning: "⚠️", hourglass_flowing_sand: "⏳" };
const DOES = {
  photo: "📷 Send a photo",
  read: "👀 Read all",
  wait: "⏳ Let 24 hours pass",
};
const CAN = {
  WhatsApp: ["photo", "read", "wait"],
  Messenger: ["photo", "read", "wait"],
  Instagram: ["photo", "read", "wait"],
  Telegram: ["photo"],
};
let state = null;
let chosen = null;
let socket = null;
const drafts = {};

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function send(order) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(order));
}

function plain(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

// Slack's notation as elements; nothing is ever set as HTML.
function mrkdwn(text, into) {
  const token = /<!date\^(\d+)\^([^|>]*)\|[^>]*>|<@(\w+)>|<(https?:[^|>]+)\|([^>]*)>|`([^`\n]+)`|\*([^*\n]+)\*|~([^~\n]+)~|(https?:\/\/[^\s<>]*[\w/=&#-])|\b_\(([^)\n]+)\)_/g;
  let at = 0;
  for (const found of text.matchAll(token)) {
    into.append(plain(text.slice(at, found.index)));
    at = found.index + found[0].length;
    const [, when, shape, agent, address, label, code, bold, struck, bare, note] = found;
    if (when) into.append(onThisClock(when, shape));
    else if (agent) into.append(make("span", "mention", "@" + (state.agents[agent] || agent)));
    else if (address) into.append(link(address, label));
    else if (code) into.append(make("code", "", plain(code)));
    else if (bold) into.append(mrkdwn(bold, make("b")));
    else if (struck) into.append(mrkdwn(struck, make("s")));
    else if (bare) into.append(plain(bare));
    else into.append(make("i", "", "(" + plain(note) + ")"));
  }
  into.append(plain(text.slice(at)));
  return into;
}

function onThisClock(when, shape) {
  const time = shape.includes("secs") ? "medium" : "short";
  return new Date(Number(when) * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: time });
}

// A link to a post leads to its thread on this page.
function link(address, label) {
  const node = mrkdwn(label, make("a"));
  const ts = (address.match(/\/p(\d+)(\d{6})$/) || []).slice(1).join(".");
  node.href = ts ? "#" : plain(address);
  if (ts) node.onclick = (event) => { event.preventDefault(); if (drafts[ts]) drafts[ts].node.scrollIntoView({ behavior: "smooth" }); };
  else node.rel = "noreferrer";
  return node;
}

function block(it, post, agent) {
  if (it.type === "section" && it.fields) {
    const node = make("div", "fields");
    for (const field of it.fields) node.append(mrkdwn(field.text, make("div")));
    return node;
  }
  if (it.type === "section") {
    const node = section(it.text.text);
    if (it.accessory) node.prepend(pressable(it.accessory, post, agent));
    return node;
  }
  if (it.type === "context") return mrkdwn(it.elements.map((each) => each.text).join("\n"), make("div", "context"));
  const node = make("div", "actions");
  for (const each of it.elements || []) node.append(pressable(each, post, agent));
  return node;
}

function section(text) {
  const node = make("div", "section");
  if (!/^> /m.test(text)) return mrkdwn(text, node);
  for (const line of text.split("\n")) {
    const quoted = line.startsWith("> ");
    node.append(mrkdwn(quoted ? line.slice(2) : line, make("div", quoted ? "quote" : "")));
  }
  return node;
}

function pressable(each, post, agent) {
  if (each.type === "overflow") return overflow(each, post, agent);
  if (post.view) return inView(each, post, agent);
  const button = make("button", each.style === "primary" ? "primary" : "", each.text.text);
  button.type = "button";
  button.onclick = () => send({ do: "press", agent: agent(), action: each.action_id, value: each.value, message: post.ts });
  return button;
}

// A button of what only one agent sees, or of the app's Home: it is in no thread.
function inView(each, post, agent) {
  const button = make("button", each.style === "primary" ? "primary" : "", each.text.text);
  button.type = "button";
  button.onclick = () => send({ do: "press_in_view", agent: agent(), action: each.action_id, value: each.value, whisper: post.number });
  return button;
}

function choices(label, options, chosen) {
  const select = make("select", "menu");
  select.setAttribute("aria-label", label);
  select.append(new Option("⋯", ""));
  for (const [text, value] of options) select.append(new Option(text, value));
  select.onchange = () => { chosen(select.value); select.value = ""; };
  return select;
}

function overflow(each, post, agent) {
  const options = each.options.map((it) => [it.text.text, it.value]);
  return choices("More for this conversation", options, (value) => send({ do: "press", agent: agent(), action: each.action_id, value, message: post.ts }));
}

// What stands in a message's own menu in Slack.
function menu(post, agent, kinds) {
  return choices("About this message", kinds, (action) => send({ do: "choose", agent: agent(), action, message: post.ts }));
}

function drawForm(form) {
  const dialog = make("dialog");
  const node = make("form");
  const fields = {};
  node.append(make("h2", "", form.view.title.text));
  for (const it of form.view.blocks) {
    if (it.type === "section") node.append(mrkdwn(it.text.text, make("div", "section")));
    if (it.type !== "input") continue;
    const label = make("label", "", it.label.text);
    const field = fields[it.block_id] = input(it.element);
    field.required = !it.optional;
    const wrong = make("small", "wrong");
    wrong.dataset.field = it.block_id;
    label.append(field, wrong);
    node.append(label);
  }
  const cancel = make("button", "", form.view.close.text);
  cancel.type = "button";
  cancel.onclick = () => dialog.close();
  const submit = make("button", "primary", form.view.submit.text);
  const row = make("div", "actions");
  row.append(cancel, submit);
  node.append(row);
  node.onsubmit = (event) => {
    event.preventDefault();
    const said = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]));
    send({ do: "submit", form: form.id, fields: said });
  };
  dialog.onclose = () => send({ do: "dismiss", form: form.id });
  dialog.append(node);
  dialog.dataset.form = form.id;
  return dialog;
}

function input(element) {
  if (element.type === "static_select") {
    const select = make("select");
    for (const it of element.options) select.append(new Option(it.text.text, it.value));
    if (element.initial_option) select.value = element.initial_option.value;
    return select;
  }
  const field = make(element.multiline ? "textarea" : "input");
  field.value = element.initial_value || "";
  field.maxLength = element.max_length || 3000;
  if (element.multiline) field.rows = 4;
  return field;
}

// A form stays what it is while others arrive, so that nobody's typing is lost.
function drawForms() {
  for (const shown of document.querySelectorAll("dialog")) {
    if (!state.forms.some((form) => form.id === shown.dataset.form)) shown.remove();
  }
  for (const form of state.forms) {
    const open = document.querySelector(`dialog[data-form="${form.id}"]`);
    if (open) {
      for (const wrong of open.querySelectorAll(".wrong")) wrong.textContent = (form.errors || {})[wrong.dataset.field] || "";
      continue;
    }
    const dialog = drawForm(form);
    document.body.append(dialog);
    dialog.showModal();
  }
}

function drawPost(post, agent) {
  const node = make("div", "post");
  if (post.user) {
    const head = make("div", "agent", state.agents[post.user] || post.user);
    head.append(menu(post, agent, [["Fix the translation", "fix"], ["Where has it been?", "passport"]]));
    node.append(head);
  } else if (post.username) {
    const head = make("div", "customer");
    if (post.icons) {
      const face = make("img");
      face.src = new URL(post.icons.image_48).pathname;
      face.alt = "";
      head.append(face);
    }
    head.append(make("span", "", post.username), menu(post, agent, [["Where has it been?", "passport"]]));
    node.append(head);
  } else node.append(menu(post, agent, [["Where has it been?", "passport"]]));
  if (post.blocks && post.blocks.length) for (const it of post.blocks) node.append(block(it, post, agent));
  else if (post.text) node.append(mrkdwn(post.text, make("div", "section")));
  for (const file of post.files) node.append(drawFile(file));
  if (post.reactions.length) {
    const row = make("div", "reactions");
    for (const name of post.reactions) row.append(make("span", "", EMOJI[name] || name));
    node.append(row);
  }
  return node;
}

function drawFile(file) {
  if (!file.photo) return make("div", "file", `📄 ${file.name || file.file}`);
  const picture = make("img");
  picture.src = file.photo;
  picture.alt = file.name || "a photo";
  return picture;
}

function assignee(thread) {
  const found = JSON.stringify(thread.blocks || []).match(/<@(\w+)>/);
  return found ? found[1] : Object.keys(state.agents)[0];
}

function composer(thread) {
  const form = make("form");
  const agents = make("select");
  agents.setAttribute("aria-label", "Answer as");
  for (const [id, name] of Object.entries(state.agents)) {
    const option = make("option", "", name);
    option.value = id;
    agents.append(option);
  }
  const input = make("input");
  input.placeholder = "Answer in English…";
  input.setAttribute("aria-label", "Answer");
  input.autocomplete = "off";
  input.maxLength = 4000;
  const button = make("button", "primary", "Send");
  button.type = "submit";
  const attach = make("button", "", "📎");
  attach.type = "button";
  attach.title = "Send a picture";
  attach.setAttribute("aria-label", "Send a picture");
  attach.onclick = () => send({ do: "attach", agent: agents.value, thread: thread.ts });
  form.append(agents, input, attach, button);
  form.onsubmit = (event) => {
    event.preventDefault();
    send({ do: "answer", agent: agents.value, thread: thread.ts, text: input.value });
    input.value = "";
  };
  return { form, agents, input };
}

// A thread's composer stays what it is, so that nobody's typing is lost when something arrives.
function drawThread(thread) {
  let kept = drafts[thread.ts];
  if (!kept) {
    const node = make("article", "thread");
    const posts = make("div");
    const chips = make("div", "chips");
    const { form, agents, input } = composer(thread);
    agents.value = assignee(thread);
    for (const text of state.suggestions) {
      const chip = make("button", "", text);
      chip.type = "button";
      chip.onclick = () => send({ do: "answer", agent: agents.value, thread: thread.ts, text });
      chips.append(chip);
    }
    node.append(posts, chips, form);
    kept = drafts[thread.ts] = { node, posts, agents, input, drawn: "" };
  }
  const picture = JSON.stringify([thread, state.whispers.filter((each) => each.thread === thread.ts)]);
  if (picture !== kept.drawn) {
    kept.drawn = picture;
    const agent = () => kept.agents.value;
    const card = drawPost(thread, agent);
    card.classList.add("card");
    card.querySelector(":scope > .menu, :scope > .customer > .menu").remove();
    kept.posts.replaceChildren(card, ...thread.replies.map((reply) => drawPost(reply, agent)));
    for (const each of state.whispers.filter((it) => it.thread === thread.ts)) {
      const node = make("div", "post whisper");
      node.append(make("div", "context", `Only visible to ${state.agents[each.agent] || each.agent}`));
      for (const it of each.blocks) node.append(block(it, thread, () => each.agent));
      kept.posts.append(node);
    }
  }
  return kept.node;
}

function drawPhone() {
  const people = state.customers;
  if (chosen === null) chosen = people[0].phone;
  $("people").replaceChildren(...people.map((person) => {
    const button = make("button", "", `${person.name} · ${person.platform}`);
    button.type = "button";
    button.setAttribute("aria-pressed", String(person.phone === chosen));
    button.onclick = () => { chosen = person.phone; drawPhone(); };
    return button;
  }));
  const person = people.find((each) => each.phone === chosen);
  $("who").textContent = person.name;
  $("speaks").textContent = `writes ${person.language}`;
  $("app").textContent = `${person.platform}, as the customer sees it`;
  document.querySelector(".screen").dataset.app = person.platform;
  const bubbles = person.messages.map((each) => {
    const bubble = make("div", each.mine ? "bubble mine" : "bubble", each.text);
    if (each.photo || each.file) bubble.append(drawFile(each));
    return bubble;
  });
  $("chat").replaceChildren(...(bubbles.length ? bubbles : [make("p", "hint", "Choose a sentence below, or write your own.")]));
  $("chat").scrollTop = $("chat").scrollHeight;
  if ($("say").dataset.phone !== chosen) {
    $("say").dataset.phone = chosen;
    $("can").replaceChildren(...CAN[person.platform].map((what) => {
      const chip = make("button", "", DOES[what]);
      chip.type = "button";
      chip.onclick = () => {
        send({ do: what, phone: chosen });
        if (what === "wait") chip.textContent = "⏳ 24 hours have passed";
      };
      return chip;
    }));
    $("say").replaceChildren(...person.suggestions.map((text) => {
      const chip = make("button", "", text);
      chip.type = "button";
      chip.onclick = () => send({ do: "write", phone: chosen, text });
      return chip;
    }));
  }
}

// What the app itself says to one agent: the answer to a command, or its Home.
let shown = null, looking = null, pictured = "";

function drawApp() {
  const agents = $("as");
  if (!agents.children.length) for (const [id, name] of Object.entries(state.agents)) agents.append(new Option(name, id));
  const answers = state.whispers.filter((each) => !each.thread);
  const latest = answers[answers.length - 1];
  if (latest && latest.number > (shown ?? -1)) { shown = latest.number; looking = latest.number; }
  const home = looking === "home" && state.homes[agents.value];
  const answer = answers.find((each) => each.number === looking);
  const picture = JSON.stringify([looking, agents.value, home || answer]);
  if (picture === pictured) return;
  pictured = picture;
  const place = $("app-says");
  place.replaceChildren();
  if (!home && !answer) return;
  const node = make("div", home ? "post home" : "post whisper");
  const head = make("div", "context", home ? `The app's Home, as ${state.agents[agents.value]} sees it` : `Only visible to ${state.agents[answer.agent] || answer.agent}`);
  const close = make("button", "close", "✕");
  close.type = "button";
  close.setAttribute("aria-label", "Close");
  close.onclick = () => { looking = null; drawApp(); };
  node.append(close, head);
  const from = { view: true, number: home ? null : answer.number };
  const agent = () => (home ? agents.value : answer.agent);
  for (const it of (home || answer).blocks) node.append(block(it, from, agent));
  place.append(node);
}

function drawEmptyDesk() {
  const hint = make("div", "hint");
  hint.append(make("p", "", "No conversation yet. Write as a customer, or"));
  const button = make("button", "primary", "▶ Play a first exchange");
  button.type = "button";
  button.onclick = play;
  hint.append(button);
  return hint;
}

function draw() {
  drawPhone();
  const threads = state.threads.slice().reverse().map(drawThread);
  drawForms();
  drawApp();
  const place = $("threads");
  const wanted = threads.length ? threads : [drawEmptyDesk()];
  const same = wanted.length === place.children.length && wanted.every((node, at) => node === place.children[at]);
  if (!same) place.replaceChildren(...wanted);
  drawMishaps();
  $("engines").replaceChildren(...state.engines.map((engine) => {
    const item = make("li", engine.works === "yes" ? "" : "no");
    item.append(make("b", "", engine.name), `: ${engine.says}`);
    return item;
  }));
}

function drawMishaps() {
  const place = $("mishaps");
  if (!place.children.length) place.append(...state.mishaps.map(mishap));
  for (const it of state.mishaps) $(`mishap-${it.name}`).checked = it.on;
}

function mishap(it) {
  const box = make("input");
  box.type = "checkbox";
  box.id = `mishap-${it.name}`;
  box.onchange = () => send({ do: "mishap", name: it.name, on: box.checked });
  const label = make("label", "", it.title);
  label.htmlFor = box.id;
  const item = make("li");
  item.append(box, " ", label);
  return item;
}

function play() {
  $("play").disabled = true;
  if (state) chosen = state.customers[0].phone;
  send({ do: "play" });
  setTimeout(() => { $("play").disabled = false; }, 8000);
}

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/demo`);
  socket.onopen = () => { $("connection").textContent = "connected"; };
  socket.onmessage = (message) => { state = JSON.parse(message.data); draw(); };
  socket.onclose = () => {
    $("connection").textContent = "the gateway is gone; trying again…";
    setTimeout(connect, 1500);
  };
}

$("play").onclick = play;
$("slash").onsubmit = (event) => {
  event.preventDefault();
  send({ do: "command", agent: $("as").value, text: $("command").value });
};
$("home").onclick = () => { looking = "home"; send({ do: "home", agent: $("as").value }); };
$("as").onchange = () => { if (looking === "home") send({ do: "home", agent: $("as").value }); drawApp(); };
$("write").onsubmit = (event) => {
  event.preventDefault();
  send({ do: "write", phone: chosen, text: $("words").value });
  $("words").value = "";
};
connect();
