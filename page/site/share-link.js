// Read what stands after the "#" of a link to a picture (labkit/ui/share.py writes it). It may come from anybody:
// only what share.json names is taken, and each part has a limit.
const SHAPES = {{shapes}};
const MAX_TEXT = 32_000, MAX_BYTES = 512_000, MAX_STRING = 4000, MAX_LIST = 1000;
const PICTURES = ["xray", "graph", "matrix"];
const KINDS = ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];
const TYPES = { flag: "boolean", number: "number" };

/** The bytes of a text in URL-safe base64, inflated; more than the limit is an error. */
async function inflate(text) {
  if (text.length > MAX_TEXT || !/^[\w-]+$/.test(text)) throw new Error("text");
  const packed = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts).text();
    size += value.length;
    if (size > MAX_BYTES) {
      await reader.cancel();
      throw new Error("size");
    }
    parts.push(value);
  }
}

/** A copy of what a shape names. Anything of another type, or too long, is an error. */
function checked(value, shape) {
  if (Array.isArray(shape)) {
    if (!Array.isArray(value) || value.length > MAX_LIST) throw new Error("list");
    return value.map((each) => checked(each, shape[0]));
  }
  if (typeof shape === "object") {
    if (value === null || typeof value !== "object") throw new Error("object");
    const fields = Object.entries(shape).map(([key, inner]) => [key.replace("?", ""), inner, key.endsWith("?")]);
    return Object.fromEntries(fields.filter(([key, , optional]) => !optional || Object.hasOwn(value, key))
      .map(([key, inner]) => [key, checked(value[key], inner)]));
  }
  if (shape in SHAPES) return checked(value, SHAPES[shape]);
  if (typeof value !== (TYPES[shape] ?? "string") || value.length > MAX_STRING) throw new Error("type");
  return value;
}

/**
 * The picture of a link: which widget draws it, its data, and the policy as RBAC objects.
 *
 * @throws {Error} It is none, or not whole.
 */
export async function readPicture(text) {
  const found = JSON.parse(await inflate(text));
  if (found.version !== 1 || !PICTURES.includes(found.picture)) throw new Error("version");
  const policy = checked(found.policy, "policy");
  if (!policy.every(({ kind }) => KINDS.includes(kind))) throw new Error("kind");
  return { picture: found.picture, data: checked(found.data, found.picture), policy };
}

/** A policy's manifests, after those of the namespaces and accounts that it needs. */
export function manifestsOf(policy) {
  const accounts = new Map(policy.flatMap(({ subjects }) => subjects ?? []).filter(({ namespace }) => namespace)
    .map(({ namespace, name }) => [`${namespace}/${name}`, { namespace, name }]));
  const namespaces = new Set([...policy.map(({ metadata }) => metadata), ...accounts.values()]
    .map(({ namespace }) => namespace).filter(Boolean));
  const core = (kind, metadata) => ({ apiVersion: "v1", kind, metadata });
  return [
    ...[...namespaces].map((name) => core("Namespace", { name })),
    ...[...accounts.values()].map((metadata) => core("ServiceAccount", metadata)),
    ...policy.map((each) => ({ apiVersion: "rbac.authorization.k8s.io/v1", ...each })),
  ];
}

/** A notebook of a text and some code. */
function notebook(words, ...sources) {
  const cell = (cell_type, source, more) => ({ cell_type, id: `shared-${cell_type}-${source.length}`, metadata: {}, source, ...more });
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "python", display_name: "Python (Pyodide)", language: "python" } },
    cells: [cell("markdown", words), ...sources.map((source) => cell("code", source, { execution_count: null, outputs: [] }))],
  };
}

/** A notebook whose cell creates a policy; JSON of texts, lists and objects alone is Python too. */
export function notebookOf(policy) {
  const words = "# A shared policy\n\nThese objects came with a link. The next cell creates those that your cluster " +
    "lacks. What is there already stays as it is.";
  return notebook(
    words,
    `from labkit import Lab\n\nlab = Lab()\npolicy = ${JSON.stringify(manifestsOf(policy), null, 2)}\nlab.prepare(policy)`,
    "from labkit.ui import RBACGraph\n\nRBACGraph(lab)",
  );
}

const PYTHON = { true: "True", false: "False", null: "None" };

/** A notebook whose cell creates what could be read of a damaged cluster, after the namespaces that could not. */
export function notebookOfRest(objects) {
  const there = new Set(objects.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name));
  const needed = new Set(objects.map(({ metadata }) => metadata.namespace).filter((name) => name && !there.has(name)));
  const spaces = [...needed].map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
  // JSON is Python but for three words, and each value has a line of its own here.
  const json = JSON.stringify([...spaces, ...objects], null, 2);
  const python = json.replace(/^(\s*(?:"(?:[^"\\]|\\.)*": )?)(true|false|null)(?=,?$)/gm, (_, before, word) => before + PYTHON[word]);
  const words = "# The rest of the damaged cluster\n\nThese objects of yours could be read. The next cell creates those " +
    "that your cluster lacks, and lists what it could not create. What is there already stays as it is.";
  const load = "load(lab, objects, overwrite=False)";
  return notebook(words, `from labkit import Lab\nfrom labkit.lab.work import load\n\nlab = Lab()\nobjects = ${python}\n${load}`);
}
