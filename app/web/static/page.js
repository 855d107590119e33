"use strict";

const byId = (id) => document.getElementById(id);
const form = byId("form"), file = byId("file"), status = byId("status"), problem = byId("problem");
let running = null;

function say(text, busy = false) {
  status.textContent = text;
  status.classList.toggle("busy", busy);
}

function complain(text) {
  say("");
  problem.replaceChildren();
  if (!text) return;
  const line = document.createElement("p");
  line.className = "problem";
  line.textContent = text;
  problem.append(line);
}

function fields() {
  const data = new FormData();
  for (const [name, value] of new FormData(form)) {
    if (name !== "file" && value !== "") data.append(name, value);
  }
  const kinds = {};
  for (const select of document.querySelectorAll("select.kind")) {
    if (select.value !== select.dataset.found || select.dataset.corrected) kinds[select.dataset.column] = select.value;
  }
  data.append("kinds", JSON.stringify(kinds));
  data.append("file", file.files[0], "table");
  return data;
}

async function ask(method, path, accept, body) {
  const headers = { accept };
  if (byId("key")) headers.authorization = "Bearer " + byId("key").value;
  running = running || new AbortController();
  const response = await fetch(path, { method, body, headers, signal: running.signal });
  if (!response.ok) throw new Error(await explain(await response.text(), response.status));
  return response;
}

const post = (path, accept) => ask("POST", path, accept, fields());

async function explain(text, code) {
  try {
    const found = JSON.parse(text);
    return found.detail || found.title;
  } catch {
    return "The service answered with status " + code + ".";
  }
}

// The service's own fragment: rendered and escaped there.
function show(id, html) {
  const holder = byId(id);
  holder.innerHTML = html;
  for (const table of holder.querySelectorAll("table")) label(table);
  const heading = holder.querySelector("h2");
  heading.focus();
  heading.scrollIntoView({ block: "start" });
}

// Each cell gets its column's heading, which a narrow screen shows beside it.
function label(table) {
  const headings = [...table.querySelectorAll("thead th")].map((heading) => heading.textContent);
  for (const row of table.querySelectorAll("tbody tr")) {
    [...row.children].forEach((cell, place) => { cell.dataset.label = headings[place]; });
  }
}

async function attempt(work) {
  complain("");
  const buttons = ["profile-button", "plan-button", "make-button"].map(byId).filter(Boolean);
  buttons.forEach((button) => { button.disabled = true; });
  try {
    await work();
  } catch (error) {
    complain(error.name === "AbortError" ? "Stopped." : error.message);
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
    byId("stop-button").hidden = true;
    running = null;
  }
}

// The columns' names, to choose from: of a text file from its first line, of every table from its profile.
function offer(names) {
  byId("columns").replaceChildren(...names.map((name) => {
    const option = document.createElement("option");
    option.value = name;
    return option;
  }));
}

async function header(table) {
  let part = table.slice(0, 65536);
  if (/\.gz$/i.test(table.name)) part = new Response(part.stream().pipeThrough(new DecompressionStream("gzip")));
  else if (!/\.(csv|tsv|txt)$/i.test(table.name)) return [];
  const reader = (part.body || part.stream()).getReader();
  let text = "";
  const decoder = new TextDecoder();
  while (!text.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  reader.cancel().catch(() => {});
  const line = text.replace(/^\ufeff/, "").split(/\r?\n/, 1)[0];
  const headers = [",", ";", "\t", "|"].map((mark) => cut(line, mark));
  return headers.reduce((best, names) => names.length > best.length ? names : best);
}

function cut(line, mark) {
  const names = [""];
  let quoted = false;
  for (const char of line) {
    if (char === '"') quoted = !quoted;
    else if (char === mark && !quoted) names.push("");
    else names[names.length - 1] += char;
  }
  return names.map((name) => name.trim()).filter(Boolean);
}

async function profile() {
  say("Profiling the table …", true);
  forget("plan", "job");
  byId("plan-step").hidden = true;
  const response = await post("page/profile", "text/html");
  show("profile", await response.text());
  offer([...document.querySelectorAll("select.kind")].map((select) => select.dataset.column));
  byId("plan-step").hidden = false;
  say("The profile is ready.");
}

async function plan() {
  say("Asking for a plan …", true);
  forget("job");
  byId("stop-button").hidden = false;
  const response = await post("page/plan", "text/event-stream");
  for await (const [event, data] of events(response.body)) {
    if (event === "progress") say(JSON.parse(data).text + " …", true);
    if (event === "problem") throw new Error(await explain(data, 500));
    if (event === "result") {
      show("plan", data);
      say("The plan is ready.");
    }
  }
}

// The plan is carried out with the table that is chosen above, by a worker of the service.
async function make() {
  const data = new FormData();
  data.append("kind", "synthesize");
  for (const name of ["target", "patient_id", "compliance"]) {
    const field = form.elements[name];
    if (field && field.value) data.append(name, field.value);
  }
  data.append("plan", new Blob([byId("result-json").textContent]), "plan");
  data.append("file", file.files[0], "table");
  say("Sending the table …", true);
  forget("job");
  byId("stop-button").hidden = false;
  let job = await (await ask("POST", "v1/jobs", "application/json", data)).json();
  const address = "v1/jobs/" + job.id;
  try {
    while (job.state === "queued" || job.state === "running") {
      say(progress(job), true);
      await new Promise((resolve) => setTimeout(resolve, 700));
      job = await (await ask("GET", address, "application/json")).json();
    }
  } catch (error) {
    if (error.name === "AbortError") {
      running = null;
      await ask("DELETE", address, "application/json");
    }
    throw error;
  }
  show("job", await (await ask("GET", "page/jobs/" + job.id, "text/html")).text());
  say(job.state === "succeeded" ? "The synthetic table is ready." : "It could not be made.");
}

function progress(job) {
  if (job.state === "queued") return "Waiting for a worker …";
  const left = job.seconds_left === null ? "" : ", about " + Math.ceil(job.seconds_left) + " s left";
  return (job.step || "Opening the table") + " (" + Math.round(job.elapsed_seconds) + " s" + left + ") …";
}

async function download(link) {
  const content = await (await ask("GET", link.dataset.file, "*/*")).blob();
  const target = document.createElement("a");
  target.href = URL.createObjectURL(content);
  target.download = link.download;
  target.click();
  setTimeout(() => URL.revokeObjectURL(target.href), 10000);
}

async function remove(address) {
  await ask("DELETE", address, "application/json");
  forget("job");
  say("Table and results are removed.");
}

function forget(...names) {
  for (const name of names) byId(name).replaceChildren();
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n");
      const event = lines.filter((line) => line.startsWith("event: ")).map((line) => line.slice(7))[0];
      const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (event) yield [event, data];
    }
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(profile);
});
byId("plan-button").addEventListener("click", () => attempt(plan));
byId("stop-button").addEventListener("click", () => running && running.abort());

file.addEventListener("change", () => {
  forget("profile", "plan", "job");
  byId("plan-step").hidden = true;
  offer([]);
  // A header that cannot be read is no choice lost: names can be typed.
  if (file.files.length) header(file.files[0]).then(offer, () => offer([]));
});

const drop = byId("drop");
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) {
    file.files = event.dataTransfer.files;
    file.dispatchEvent(new Event("change"));
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("select.kind")) {
    event.target.classList.toggle("changed", event.target.value !== event.target.dataset.found);
    say("Show the profile again to see what follows from this kind.");
  }
});

document.addEventListener("click", (event) => {
  if (event.target.id === "make-button") attempt(make);
  if (event.target.id === "remove-button") attempt(() => remove(event.target.dataset.job));
  const result = event.target.closest("a[data-file]");
  if (result) {
    event.preventDefault();
    attempt(() => download(result));
  }
  const link = event.target.closest("a[data-from]");
  if (!link) return;
  const content = new Blob([byId(link.dataset.from).textContent], { type: "application/octet-stream" });
  link.href = URL.createObjectURL(content);
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});
