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
  const token = /<!date\^\d+\^[^|>]*\|([^>]*)>|<@(\w+)>|\*([^*\n]+)\*|~([^~\n]+)~|(https?:\/\/[^\s<>]*[\w/=&#-])|\b_\(([^)\n]+)\)_/g;
  let at = 0;
  for (const found of text.matchAll(token)) {
    into.append(plain(text.slice(at, found.index)));
    at = found.index + found[0].length;
    if (found[1]) into.append(plain(found[1]));
    else if (found[2]) into.append(make("span", "mention", "@" + (state.agents[found[2]] || found[2])));
    else if (found[3]) into.append(make("b", "", plain(found[3])));
    else if (found[4]) into.append(make("s", "", plain(found[4])));
    else if (found[5]) into.append(plain(found[5]));
    else into.append(make("i", "", "(" + plain(found[6]) + ")"));
  }
  into.append(plain(text.slice(at)));
  return into;
}

function block(it, post, agent) {
  if (it.type === "section" && it.fields) {
    const node = make("div", "fields");
    for (const field of it.fields) node.append(mrkdwn(field.text, make("div")));
    return node;
  }
  if (it.type === "section") {
    const node = mrkdwn(it.text.text, make("div", "section"));
    if (it.accessory) node.prepend(pressable(it.accessory, post, agent));
    return node;
  }
  if (it.type === "context") return mrkdwn(it.elements.map((each) => each.text).join("\n"), make("div", "context"));
  const node = make("div", "actions");
  for (const each of it.elements || []) node.append(pressable(each, post, agent));
  return node;
}

function pressable(each, post, agent) {
  if (each.type === "overflow") return overflow(each, post, agent);
  const button = make("button", each.style === "primary" ? "primary" : "", each.text.text);
  button.type = "button";
  button.onclick = () => send({ do: "press", agent: agent(), action: each.action_id, value: each.value, message: post.ts });
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
  const field = make("textarea");
  node.append(make("h2", "", form.view.title.text));
  for (const it of form.view.blocks) {
    if (it.type === "section") node.append(mrkdwn(it.text.text, make("div", "section")));
    if (it.type !== "input") continue;
    const label = make("label", "", it.label.text);
    field.value = it.element.initial_value || "";
    field.rows = 4;
    label.append(field);
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
    send({ do: "submit", form: form.id, text: field.value });
  };
  dialog.onclose = () => send({ do: "dismiss", form: form.id });
  dialog.append(node);
  dialog.dataset.form = form.id;
  return dialog;
}

// A form stays what it is while others arrive, so that nobody's typing is lost.
function drawForms() {
  for (const shown of document.querySelectorAll("dialog")) {
    if (!state.forms.some((form) => form.id === shown.dataset.form)) shown.remove();
  }
  for (const form of state.forms) {
    if (document.querySelector(`dialog[data-form="${form.id}"]`)) continue;
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
    card.querySelector(":scope > .menu").remove();
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
  const place = $("threads");
  const wanted = threads.length ? threads : [drawEmptyDesk()];
  const same = wanted.length === place.children.length && wanted.every((node, at) => node === place.children[at]);
  if (!same) place.replaceChildren(...wanted);
  $("engines").replaceChildren(...state.engines.map((engine) => {
    const item = make("li", engine.works === "yes" ? "" : "no");
    item.append(make("b", "", engine.name), `: ${engine.says}`);
    return item;
  }));
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
$("write").onsubmit = (event) => {
  event.preventDefault();
  send({ do: "write", phone: chosen, text: $("words").value });
  $("words").value = "";
};
connect();
