// The drill: draws questions and answers, chooses the next one, keeps what is known and when it comes back.
// labkit/practice has the same rules in Python (chooser, keeping, asking); tests/practice replays sessions in both.
const SLIP = 0.09, NOTHING_FIRST = 0.05, MAX_QUESTIONS = 40;
const SURE = 0.85, SURE_NOTHING = 0.95, SURE_UNKNOWN = 0.995, MOST_UNKNOWN = 0.06, LEAST_EVIDENCE = 3;
const UNKNOWN = [[0.4, 0.4, 0.014], [0.91, 0.09, 0.02], [0.7, 0.09, 0.015], [0.5, 0.09, 0.02], [0.09, 0.91, 0.03], [0.09, 0.5, 0.02]];
const TRAITS = 14, TRAIT_WRONG = 0.8;
const TRAIT_FIRST = Array.from({ length: TRAITS }, (_, trait) => trait === 6 ? 0.018 : 0.012);
const VERSION = 1, DAY = 86400, DAYS = [1, 7, 30], REST_DAYS = 30, AGAIN = 2;

const sum = (values) => values.reduce((total, value) => total + value, 0);
const likeliest = (weights, among) => among.reduce((best, number) => weights[number] > weights[best] ? number : best, among[0]);

function weightsAfter(ideas, answers) {
  const unknown = UNKNOWN.map((each) => each[2]).concat(TRAIT_FIRST);
  let weights = [...Array(ideas).fill((1 - NOTHING_FIRST - sum(unknown)) / ideas), NOTHING_FIRST, ...unknown];
  for (const { wrong, allowed, mistaken, traits } of answers) {
    const chances = [...Array(ideas + 1).keys()].map((number) => wrong.includes(number) ? 1 - SLIP : SLIP)
      .concat(UNKNOWN.map((each) => each[allowed ? 1 : 0]))
      .concat([...Array(TRAITS).keys()].map((number) => traits.includes(number) ? TRAIT_WRONG : SLIP));
    weights = weights.map((weight, number) => weight * (mistaken ? chances[number] : 1 - chances[number]));
    const total = sum(weights);
    weights = weights.map((weight) => weight / total);
  }
  return weights;
}

const doubt = (chance) => -chance * Math.log(chance) - (1 - chance) * Math.log(1 - chance);

function choose(ideas, weights, questions) {
  let best = null, most = -1;
  const erratic = [0, 1].map((way) => sum(UNKNOWN.map((each, i) => weights[ideas + 1 + i] * (each[way] - SLIP))));
  const vague = [0, 1].map((way) => sum(UNKNOWN.map((each, i) => weights[ideas + 1 + i] * (doubt(each[way]) - doubt(SLIP)))));
  const ofTrait = doubt(TRAIT_WRONG) - doubt(SLIP);
  for (const question of questions) {
    const wrong = sum(question.wrong.map((number) => weights[number])), way = question.allowed ? 1 : 0;
    const odd = sum(question.traits.map((number) => weights[weights.length - TRAITS + number]));
    const mistaken = SLIP + (1 - 2 * SLIP) * wrong + (TRAIT_WRONG - SLIP) * odd + erratic[way];
    const tells = doubt(mistaken) - ofTrait * odd - vague[way];
    if (tells > most + 1e-9) [best, most] = [question, tells];
  }
  return best;
}

function findingOf(ideas, answers) {
  const weights = weightsAfter(ideas, answers);
  const nothing = weights[ideas], unknown = sum(weights.slice(ideas + 1));
  const idea = likeliest(weights, [...Array(ideas).keys()]);
  if (nothing >= SURE_NOTHING) return { kind: "nothing", idea: -1, sure: nothing };
  if (unknown >= SURE_UNKNOWN) return { kind: "unknown", idea: -1, sure: unknown };
  const explained = answers.filter((each) => each.mistaken && each.wrong.includes(idea)).length;
  if (weights[idea] >= SURE && unknown <= MOST_UNKNOWN && explained >= LEAST_EVIDENCE) return { kind: "idea", idea, sure: weights[idea] };
  if (answers.length < MAX_QUESTIONS) return null;
  return nothing > unknown ? { kind: "nothing", idea: -1, sure: nothing } : { kind: "unknown", idea: -1, sure: unknown };
}

// What is said of odd data; the pool has these sentences too, and with it their translation.
const DAMAGED = "What was kept of the drill is damaged. It begins anew.";
const NEWER = "A newer labkit kept what is there of the drill. It stays as it is, and this session is not kept.";
const LEFT_OUT = "Of what was kept of the drill, entries are left out that this labkit does not know: {number}.";
const SET_BACK = "The clock was set back. Days are counted from now.";

const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isTime = (value) => typeof value === "number" && value >= 0 && value < 1e11;
const isCount = (value, most) => Number.isInteger(value) && value >= 0 && value <= most;
const isIdea = (entry) => isMap(entry) && isTime(entry.found) && isTime(entry.at) && isCount(entry.back, DAYS.length);
const isMeasure = (entry) => isMap(entry) && isTime(entry.at) && isCount(entry.right, 10);

function newKept() {
  return { version: VERSION, asked: {}, ideas: {}, measured: {}, off: { value: false, at: 0 } };
}

function readKept(value, known) {
  if (value === null || value === undefined) return [newKept(), ""];
  if (!isMap(value) || !Number.isInteger(value.version)) return [newKept(), DAMAGED];
  if (value.version > VERSION) return [newKept(), NEWER];
  const kept = newKept();
  let lost = 0;
  for (const [field, valid, names] of [["asked", isTime, null], ["ideas", isIdea, known], ["measured", isMeasure, ["before", "after"]]]) {
    const entries = Object.entries(isMap(value[field]) ? value[field] : {});
    const good = entries.filter(([key, entry]) => valid(entry) && (!names || names.includes(key)));
    kept[field] = Object.fromEntries(good);
    lost += entries.length - good.length;
  }
  if (isMap(value.off) && typeof value.off.value === "boolean" && isTime(value.off.at)) kept.off = { value: value.off.value, at: value.off.at };
  return [kept, lost ? LEFT_OUT.replace("{number}", lost) : ""];
}

const compare = (one, other) => { for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return one[i] - other[i]; return 0; };
const larger = (one, other, key) => one === undefined ? other : other === undefined || compare(key(one), key(other)) >= 0 ? one : other;

function joinKept(one, other) {
  const both = (field, pick) => Object.fromEntries([...new Set([...Object.keys(one[field]), ...Object.keys(other[field])])]
    .map((key) => [key, pick(one[field][key], other[field][key])]));
  return {
    version: VERSION,
    asked: both("asked", (a, b) => larger(a, b, (at) => [at])),
    ideas: both("ideas", (a, b) => larger(a, b, (each) => [each.at, each.back, each.found])),
    measured: both("measured", (a, b) => larger(a, b, (each) => [-each.at, -each.right])),
    off: larger(one.off, other.off, (each) => [each.at, Number(each.value)]),
  };
}

function dueNow(kept, now) {
  if (kept.off.value) return [];
  return Object.entries(kept.ideas).filter(([, each]) => each.back < DAYS.length && now >= each.at + DAYS[each.back] * DAY)
    .sort(([a, one], [b, other]) => one.at - other.at || (a < b ? -1 : 1)).map(([idea]) => idea);
}

const goneOf = (kept) => Object.keys(kept.ideas).filter((idea) => kept.ideas[idea].back >= DAYS.length).sort();

function settle(kept, now) {
  const times = [...Object.values(kept.asked), ...Object.values(kept.ideas).map((each) => each.at)];
  if (times.every((at) => at <= now)) return [kept, ""];
  const map = (entries, change) => Object.fromEntries(Object.entries(entries).map(([key, each]) => [key, change(each)]));
  return [{ ...kept, asked: map(kept.asked, (at) => Math.min(at, now)), ideas: map(kept.ideas, (each) => ({ ...each, at: Math.min(each.at, now) })) },
    SET_BACK];
}

class Session {
  constructor(ideas, questions, kept, now) {
    Object.assign(this, { ideas, questions, kept, now, answers: [] });
    this.number = Object.fromEntries(ideas.map((idea, number) => [idea.id, number]));
    this.again = dueNow(kept, now).map((idea) => [idea, AGAIN]);
    const gone = goneOf(kept);
    this.aside = Object.keys(kept.ideas).filter((idea) => !gone.includes(idea)).map((idea) => this.number[idea]);
  }
  get comingBack() { return this.again.length ? this.again[0][0] : ""; }
  get finding() { return this.again.length ? null : findingOf(this.ideas.length, this.answers); }
  next() {
    const left = this.questions.filter((each) => !each.set && !(each.id in this.kept.asked));
    while (this.again.length) {
      const number = this.number[this.comingBack];
      const about = left.filter((each) => each.wrong.includes(number));
      if (about.length) return about.reduce((best, each) => each.wrong.length < best.wrong.length ? each : best);
      this.again.shift();
    }
    if (this.finding) return null;
    const fresh = left.filter((each) => !each.wrong.some((number) => this.aside.includes(number)));
    return choose(this.ideas.length, weightsAfter(this.ideas.length, this.answers), fresh);
  }
  answer(question, allowed) {
    const right = allowed === question.allowed, now = this.now;
    const asked = Object.fromEntries(Object.entries(this.kept.asked).filter(([, at]) => at > now - REST_DAYS * DAY));
    this.kept = { ...this.kept, asked: { ...asked, [question.id]: now } };
    const keep = (idea, entry) => { this.kept = { ...this.kept, ideas: { ...this.kept.ideas, [idea]: entry } }; };
    if (!this.again.length) {
      this.answers.push({ wrong: question.wrong, allowed: question.allowed, mistaken: !right, traits: question.traits });
      const found = this.finding;
      if (found && found.kind === "idea") keep(this.ideas[found.idea].id, { found: now, at: now, back: 0 });
      return right;
    }
    const [idea, left] = this.again.shift();
    if (right && left > 1) this.again.unshift([idea, left - 1]);
    else keep(idea, { ...this.kept.ideas[idea], at: now, back: right ? this.kept.ideas[idea].back + 1 : 0 });
    return right;
  }
  likeliest(question) { return this.ideas[likeliest(weightsAfter(this.ideas.length, this.answers), question.wrong)]; }
}

/** A sentence of the pool in the learner's language, found by the template that it was written with. */
function sentence(english, templates) {
  for (const template of Object.keys(words).length ? templates : []) {
    const names = [];
    const pattern = template.split(/\{(\w+)\}/).map((part, i) => i % 2 ? (names.push(part), "(.+?)") : part.replace(/[.*+?()|]/g, "\\$&"));
    const match = new RegExp(`^${pattern.join("")}$`).exec(english);
    if (match) return t(template, Object.fromEntries(names.map((name, i) => [name, sentence(match[i + 1], templates)])));
  }
  return english;
}

// -- Drawing ----------------------------------------------------------------------------------------------------------

const STORE = "labkit-drill", COURSE = "labkit-course"; // in the storage of the site whose page or lab this is
const seconds = () => Date.now() / 1000;
const shuffled = (values) => {
  const left = [...values];
  for (let last = left.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [left[last], left[other]] = [left[other], left[last]];
  }
  return left;
};

/** What a site's storage keeps; where it refuses, this page keeps it until it is closed. */
function siteStore(say) {
  let memory = null;
  return {
    read() {
      try {
        const text = localStorage.getItem(STORE);
        if (text === null) return memory;
        try { return JSON.parse(text); } catch { return "damaged"; }
      } catch { return memory; }
    },
    write(kept) {
      memory = kept;
      try { localStorage.setItem(STORE, JSON.stringify(kept)); } catch { say(t("This browser stores nothing here. What you do now is lost when the page is closed.")); }
    },
  };
}

/** How far the lessons are, as the lab on this site last said, for the page without a kernel. */
function keepCourse(course) {
  try { localStorage.setItem(COURSE, course); } catch { /* refused: the page leaves it out */ }
}

function courseKept() {
  try { return localStorage.getItem(COURSE) || ""; } catch { return ""; }
}

/** Join with what another tab, or the lab, kept meanwhile; what a newer labkit kept stays. */
function joinInto(store, kept, now) {
  const there = store.read();
  if (isMap(there) && Number.isInteger(there.version) && there.version > VERSION) return kept;
  const joined = joinKept(settle(readKept(there, null)[0], now)[0], kept);
  store.write(joined);
  return joined;
}

/**
 * The drill as elements: `load` gives the pool, `stores` are where it is kept (the first is read, all are written), and
 * `redraw` is called after each change.
 */
class Drill {
  constructor(pool, stores, redraw, say, course) {
    Object.assign(this, { pool, stores, redraw, say, course, view: "start", shown: null });
    const known = pool.beliefs.map((idea) => idea.id), said = [];
    this.kept = newKept();
    for (const store of stores) {
      const [read, sentence] = readKept(store.read(), known);
      const [settled, late] = settle(read, seconds());
      this.kept = joinKept(this.kept, settled);
      said.push(sentence, late);
    }
    const sentences = [...new Set(said.filter(Boolean))].map((each) => this.sentence(each));
    if (sentences.length) say(sentences.join(" "));
  }
  sentence(english) { return sentence(english, this.pool.sentences); }
  says(question) { return question.says.split("\n").map((line) => h("p", {}, breakable(this.sentence(line)))); }
  keep(kept) {
    this.kept = this.stores.reduce((joined, store) => joinInto(store, joined, seconds()), kept);
  }
  show(view) { this.view = view; this.redraw(); }
  begin() {
    this.session = new Session(this.pool.beliefs, shuffled(this.pool.questions), this.kept, seconds());
    this.ask();
  }
  ask() {
    this.question = this.session.next();
    this.given = this.reason = null;
    this.back = Boolean(this.session.comingBack);
    this.hint = this.question && this.session.likeliest(this.question);
    this.reasons = this.question && shuffled(this.question.why);
    this.show(this.question ? "question" : "finding");
  }
  answer(allowed) {
    this.given = allowed;
    this.session.answer(this.question, allowed);
    this.keep(this.session.kept);
    this.redraw();
  }
  measure() {
    const name = "before" in this.kept.measured ? "after" : "before";
    this.measuring = { name, left: this.pool.questions.filter((each) => each.set === name), right: 0, number: 0 };
    this.show("measure");
  }
  measured(allowed) {
    const now = this.measuring, question = now.left[now.number];
    now.right += Number(allowed === question.allowed);
    now.number += 1;
    if (now.number === now.left.length) {
      this.keep(joinKept(this.kept, { ...newKept(), measured: { [now.name]: { at: seconds(), right: now.right } } }));
      this.view = "summary";
    }
    this.redraw();
  }
  again(wanted) {
    this.keep({ ...this.kept, off: { value: !wanted, at: seconds() } });
    this.redraw();
  }
  draw() {
    return this[`${this.view}View`]();
  }
  button(key, text, act, primary) {
    return h("button", { type: "button", class: `lk-button${primary ? " lk-primary" : ""}`, "data-key": key, onclick: act }, text);
  }
  policy(question) {
    return [
      h("p", { class: "lk-quiet" }, { YAML: t("This policy, as YAML without apiVersion:"), kubectl: t("These commands made the policy:"), graph: t("Who is bound to what:") }[question.form]),
      h("pre", { class: "lk-policy", tabindex: "0", role: "region", "aria-label": t("The policy") },
        question.form === "graph" ? question.text.replace(/[^\s└].*/g, (line) => this.sentence(line)) : question.text),
      question.note ? h("p", {}, this.sentence(question.note)) : null,
      h("h4", { class: "lk-ask" }, this.sentence(question.ask)),
    ];
  }
  startView() {
    const due = dueNow(this.kept, seconds()).length, measured = this.kept.measured;
    return [
      h("h3", {}, t("Who may do what here?")),
      h("p", {}, t("Each question is a small policy and one request. Say whether it is allowed. After five to twenty answers the drill says what you may believe wrongly, or that it found nothing.")),
      due ? h("p", {}, due === 1 ? t("One idea comes back today.") : t("{count} ideas come back today.", { count: due })) : null,
      h("div", { class: "lk-row" },
        this.button("begin", due ? t("Begin with what comes back") : t("Begin"), () => this.begin(), true),
        measured.after ? null : this.button("measure", measured.before ? t("Ten questions after the lessons") : t("Ten questions before the lessons"), () => this.measure()),
        this.button("summary", t("What is kept"), () => this.show("summary"))),
    ];
  }
  questionView() {
    const question = this.question, answered = this.given !== null;
    const head = [h("h3", {}, this.back ? t("This was wrong before") : t("Who may do what here?")), this.policy(question)];
    if (!answered) {
      return [...head, h("div", { class: "lk-row" },
        this.button("answer", t("Allowed"), () => this.answer(true)), this.button("forbidden", t("Forbidden"), () => this.answer(false)))];
    }
    const right = this.given === question.allowed;
    return [...head, h("div", { role: "status", class: "lk-said" },
      h("p", {}, h("strong", {}, right ? t("Right: ") : t("No: ")), verdict(question.allowed)),
      this.says(question),
      right || !this.hint ? null : h("p", {}, h("strong", {}, t("Remember: ")), t(this.hint.says))),
    h("h4", {}, t("Why?")),
    h("div", { class: "lk-reasons" }, this.reasons.map((text, number) => this.button(`why-${number}`, this.sentence(text), () => { this.reason = text; this.redraw(); }))),
    this.reason ? h("p", { role: "status" }, this.reason === question.why[0] ? t("✓ That decided it.") : t("✕ It was this: {reason}", { reason: this.sentence(question.why[0]) })) : null,
    h("div", { class: "lk-row" }, this.button("answer", t("Next question"), () => this.ask(), true), this.button("stop", t("Stop"), () => this.show("start")))];
  }
  measureView() {
    const { name, left, number } = this.measuring;
    return [h("h3", {}, name === "after" ? t("{number} of 10, after the lessons", { number: number + 1 }) : t("{number} of 10, before the lessons", { number: number + 1 })), this.policy(left[number]),
      h("div", { class: "lk-row" }, this.button("answer", t("Allowed"), () => this.measured(true)), this.button("forbidden", t("Forbidden"), () => this.measured(false))),
      h("p", { class: "lk-quiet" }, t("Only all ten count. The answers are not shown, so that they measure what you knew."))];
  }
  findingView() {
    const found = this.session.finding, percent = found && t("{percent} % sure", { percent: Math.round(100 * found.sure) });
    const next = h("div", { class: "lk-row" }, this.button("begin", t("Go on"), () => this.begin(), true), this.button("stop", t("Stop"), () => this.show("start")));
    if (!found) return [h("h3", {}, t("No question is left today")), this.button("stop", t("Back"), () => this.show("start"))];
    if (found.kind === "nothing") return [h("h3", {}, t("Nothing wrong was found")), h("p", {}, `${percent}.`), next];
    if (found.kind === "unknown") {
      return [h("h3", {}, t("Something is wrong")), h("p", {}, t("It is none of the ideas that this drill knows. Read the explanations again.")), next];
    }
    const idea = this.pool.beliefs[found.idea], byId = Object.fromEntries(this.pool.questions.map((each) => [each.id, each]));
    return [h("h3", {}, t("You may believe this")), h("p", { class: "lk-idea" }, `“${t(idea.name)}” (${percent})`),
      h("p", {}, h("strong", {}, t("In truth: ")), t(idea.says)),
      h("p", {}, t("Read {step} of the lessons again, or ", { step: idea.step }), h("a", { href: idea.source }, t("what Kubernetes says")), t(". It comes back tomorrow.")),
      idea.examples.map((id, number) => h("details", {}, h("summary", {}, t("Where it misleads, {number}", { number: number + 1 })), this.policy(byId[id]),
        h("p", {}, verdict(byId[id].allowed)), this.says(byId[id]))), next];
  }
  summaryView() {
    const name = (id) => this.pool.beliefs.find((idea) => idea.id === id)?.name;
    const gone = goneOf(this.kept), open = Object.keys(this.kept.ideas).filter((id) => !gone.includes(id) && name(id)).sort();
    const { before, after } = this.kept.measured;
    const list = (title, ids) => ids.length ? [h("h4", {}, title), h("ul", {}, ids.map((id) => h("li", {}, t(name(id)))))] : null;
    const progress = { "labkit progress": 1, steps: {}, drill: this.kept };
    const gain = before && after && `${after.right - before.right >= 0 ? "+" : "−"}${Math.abs(after.right - before.right)}`;
    return [h("h3", {}, t("What is kept")),
      this.course ? h("p", {}, t("The lessons: {course}.", { course: this.course })) : null,
      before ? h("p", {}, t("Before the lessons: {right} of 10 right.", before)) : null,
      after ? h("p", {}, t("After the lessons: {right} of 10 right.", after)) : null,
      gain ? h("p", {}, h("strong", {}, t("Gain: {gain}", { gain }))) : null,
      list(t("Gone"), gone.filter(name)), list(t("Comes back"), open),
      h("p", { class: "lk-quiet" }, t("{count} questions were asked in the last 30 days. Nothing leaves this machine.", { count: Object.keys(this.kept.asked).length })),
      h("label", {}, h("input", { type: "checkbox", "data-key": "again", checked: !this.kept.off.value, onchange: (event) => this.again(event.target.checked) }),
        t("What was found comes back after 1, 7 and 30 days")),
      h("details", {}, h("summary", {}, t("Take it along")), h("p", {}, t("The text for labkit.import_progress(…):")), command(JSON.stringify(progress))),
      h("div", { class: "lk-row lk-no-print" }, this.button("print", t("Print"), () => print()), this.button("stop", t("Back"), () => this.show("start")))];
  }
}

const drills = new WeakMap(); // by what Python gave: all views of one widget share a session

/** In JupyterLite's page the pool is a file of the site, and what it says in another language; elsewhere Python gives it. */
async function sitePool(language) {
  const root = document.getElementById("jupyter-config-data")?.dataset.jupyterLiteRoot || ".";
  const read = async (name) => (await fetch(new URL(`${root}/${name}.json`, location.href))).json();
  if (language !== "en") Object.assign(words, await read(`drill-${language}`));
  return read("drill-pool");
}

function drawDrill(data, act, view) {
  const shared = drills.get(data) || { views: new Set() };
  drills.set(data, shared);
  shared.views.add(view);
  view.stop = () => shared.views.delete(view);
  const redraw = () => shared.views.forEach((each) => each.redraw());
  const begin = (pool) => {
    const said = [];
    const kernel = { kept: data.kept, read() { return this.kept; }, write(kept) { this.kept = kept; act("keep", { kept }); } };
    shared.drill = new Drill(pool, data.pool ? [kernel] : [kernel, siteStore((text) => said.push(text))], redraw, (text) => said.push(text), data.course);
    shared.said = said;
    if (!data.pool) keepCourse(data.course);
  };
  if (!shared.drill && data.pool) begin(data.pool);
  if (!shared.drill) {
    shared.loading ||= sitePool(data.language).then(begin, (error) => { shared.failed = String(error); }).then(redraw);
    return h("p", { role: "status" }, shared.failed ? t("The questions could not be fetched ({error}). Run the cell again.", { error: shared.failed }) : t("Fetching the questions …"));
  }
  return [shared.said.map((text) => h("p", { role: "status" }, text)), shared.drill.draw()].flat(Infinity).filter(Boolean);
}

/** The drill on a page of its own, without a kernel. */
export async function mountDrill(el, language) {
  const pool = await sitePool(language);
  const body = h("div", { class: "lk-body" }), notice = h("p", { class: "lk-notice", role: "status" });
  el.append(h("section", { class: "lk lk-drill", "aria-label": t("The drill") }, body, notice));
  const say = (text) => { notice.textContent = text; };
  let drill;
  const redraw = () => {
    const active = body.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    body.replaceChildren(...drill.draw().flat(Infinity).filter(Boolean));
    if (active) (body.querySelector(`[data-key="${CSS.escape(active)}"]`) || body.querySelector("button"))?.focus();
  };
  drill = new Drill(pool, [siteStore(say)], redraw, say, courseKept());
  redraw();
}

/** Join what the lab keeps into what the site keeps. Returns how many ideas come back now. */
export function comingBack(lab) {
  const now = seconds();
  return dueNow(joinInto(siteStore(() => {}), settle(readKept(lab, null)[0], now)[0], now), now).length;
}

export default widget("drill", "The drill", drawDrill);
