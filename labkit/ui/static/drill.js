// The drill: draws questions and answers, chooses the next one, keeps what is known and when it comes back.
// labkit/practice has the same rules in Python (chooser, keeping, asking); tests/practice replays sessions in both.
const SLIP = 0.09, NOTHING_FIRST = 0.1, SURE = 0.92, LEAST_EVIDENCE = 3, MAX_QUESTIONS = 30;
const UNKNOWN = [[0.4, 0.4, 0.014], [0.91, 0.09, 0.01], [0.7, 0.09, 0.02], [0.5, 0.09, 0.03], [0.09, 0.91, 0.03], [0.09, 0.5, 0.03]];
const VERSION = 1, DAY = 86400, DAYS = [1, 7, 30], REST_DAYS = 30, AGAIN = 2;

const sum = (values) => values.reduce((total, value) => total + value, 0);
const likeliest = (weights, among) => among.reduce((best, number) => weights[number] > weights[best] ? number : best, among[0]);

function weightsAfter(ideas, answers) {
  const unknown = UNKNOWN.map((each) => each[2]);
  let weights = [...Array(ideas).fill((1 - NOTHING_FIRST - sum(unknown)) / ideas), NOTHING_FIRST, ...unknown];
  for (const { wrong, allowed, mistaken } of answers) {
    const chances = [...Array(ideas + 1).keys()].map((number) => wrong.includes(number) ? 1 - SLIP : SLIP)
      .concat(UNKNOWN.map((each) => each[allowed ? 1 : 0]));
    weights = weights.map((weight, number) => weight * (mistaken ? chances[number] : 1 - chances[number]));
    const total = sum(weights);
    weights = weights.map((weight) => weight / total);
  }
  return weights;
}

function choose(ideas, weights, questions) {
  let best = null, least = 1;
  const erratic = [0, 1].map((way) => sum(UNKNOWN.map((each, i) => weights[ideas + 1 + i] * (each[way] - SLIP))));
  for (const question of questions) {
    const wrong = sum(question.wrong.map((number) => weights[number]));
    const mistaken = SLIP + (1 - 2 * SLIP) * wrong + erratic[question.allowed ? 1 : 0];
    if (Math.abs(mistaken - 0.5) < least - 1e-9) [best, least] = [question, Math.abs(mistaken - 0.5)];
  }
  return best;
}

function findingOf(ideas, answers) {
  const weights = weightsAfter(ideas, answers);
  const nothing = weights[ideas], unknown = sum(weights.slice(ideas + 1));
  const idea = likeliest(weights, [...Array(ideas).keys()]);
  if (nothing >= SURE) return { kind: "nothing", idea: -1, sure: nothing };
  if (unknown >= SURE) return { kind: "unknown", idea: -1, sure: unknown };
  const explained = answers.filter((each) => each.mistaken && each.wrong.includes(idea)).length;
  if (weights[idea] >= SURE && explained >= LEAST_EVIDENCE) return { kind: "idea", idea, sure: weights[idea] };
  if (answers.length < MAX_QUESTIONS) return null;
  return nothing > unknown ? { kind: "nothing", idea: -1, sure: nothing } : { kind: "unknown", idea: -1, sure: unknown };
}

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
  if (!isMap(value) || !Number.isInteger(value.version)) return [newKept(), "What was kept of the drill is damaged. It begins anew."];
  if (value.version > VERSION) return [newKept(), "A newer labkit kept what is there of the drill. It stays as it is, and this session is not kept."];
  const kept = newKept();
  let lost = 0;
  for (const [field, valid, names] of [["asked", isTime, null], ["ideas", isIdea, known], ["measured", isMeasure, ["before", "after"]]]) {
    const entries = Object.entries(isMap(value[field]) ? value[field] : {});
    const good = entries.filter(([key, entry]) => valid(entry) && (!names || names.includes(key)));
    kept[field] = Object.fromEntries(good);
    lost += entries.length - good.length;
  }
  if (isMap(value.off) && typeof value.off.value === "boolean" && isTime(value.off.at)) kept.off = { value: value.off.value, at: value.off.at };
  return [kept, lost ? `Of what was kept of the drill, entries are left out that this labkit does not know: ${lost}.` : ""];
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
    "The clock was set back. Days are counted from now."];
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
      this.answers.push({ wrong: question.wrong, allowed: question.allowed, mistaken: !right });
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
