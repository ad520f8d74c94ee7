// Makes the vectors beside this file with the real Deno: how it encodes and orders keys, serialises values, forms cursors
// and adds numbers. Run by hand, in this folder, when Deno changes (last: 2.9.6):
//
//   npm install --prefix /tmp/deno deno && /tmp/deno/node_modules/.bin/deno run -A --unstable-kv generate.ts
//
// DenoVectors.cs makes the same random keys from the same random numbers, so that their hashes suffice.

import { DatabaseSync } from "node:sqlite";
import { createHash } from "node:crypto";

const Count = 132_000, Shown = 1_000, Block = 1_000;
const hex = (bytes: Uint8Array) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
const write = (name: string, lines: unknown[]) => Deno.writeTextFileSync(name, lines.map((l) => JSON.stringify(l) + "\n").join(""));

let state = 2026;
function below(n: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state >>> 8) % n;
}

function bytes(length: number): Uint8Array {
  const result = new Uint8Array(length);
  for (let i = 0; i < length; i++) result[i] = below(4) === 0 ? [0, 255, 1, 254][below(4)] : below(256);
  return result;
}

function text(): string {
  let result = "";
  for (let i = below(8); i > 0; i--) {
    switch (below(6)) {
      case 0: result += "\0"; break;
      case 1: result += String.fromCodePoint(0x61 + below(3)); break;
      case 2: result += String.fromCodePoint(0x20 + below(95)); break;
      case 3: result += String.fromCodePoint(0xA0 + below(0x700)); break;
      case 4: result += String.fromCodePoint(0xE000 + below(0x1FFE)); break;
      default: result += String.fromCodePoint(0x10000 + below(0x100000)); break;
    }
  }
  return result;
}

function magnitude(length: number): bigint {
  let result = 0n;
  for (const b of bytes(length)) result = result * 256n + BigInt(b);
  return result;
}

function integer(): bigint {
  switch (below(4)) {
    case 0: return BigInt(below(512) - 256);
    case 1: {
      const near = 256n ** BigInt(below(10)) + BigInt(below(3) - 1);
      return below(2) === 0 ? near : -near;
    }
    case 2: {
      const any = magnitude(below(20));
      return below(2) === 0 ? any : -any;
    }
    default: {
      const long = magnitude(below(50) === 0 ? 255 : 1 + below(40));
      return below(2) === 0 ? long : -long;
    }
  }
}

const Specials = [0, -0, NaN, Infinity, -Infinity, Number.MIN_VALUE, -Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, Number.EPSILON, 0.1, -1.5];
function double(): number {
  switch (below(3)) {
    case 0: return below(200) - 100;
    case 1: return Specials[below(Specials.length)];
    default: return new DataView(bytes(8).buffer).getFloat64(0);
  }
}

function part(): Deno.KvKeyPart {
  switch (below(6)) {
    case 0: return bytes(below(12));
    case 1: return text();
    case 2: return ["", "a", "b", "users", "é"][below(5)];
    case 3: return integer();
    case 4: return double();
    default: return below(2) === 1;
  }
}

function key(): Deno.KvKey {
  const result: Deno.KvKeyPart[] = [];
  for (let i = below(4); i >= 0; i--) result.push(part());
  return result;
}

// Strata's form of a key for people.
function form(key: Deno.KvKey): string {
  return "[" + key.map((p) => {
    if (typeof p === "bigint") return `{"int":${p}}`;
    if (p instanceof Uint8Array) return `{"bytes":"${hex(p)}"}`;
    if (typeof p === "number" && !Number.isFinite(p)) return `{"number":"${p}"}`;
    if (Object.is(p, -0)) return "-0";
    return JSON.stringify(p);
  }).join(",") + "]";
}

let path = Deno.makeTempDirSync() + "/kv.db";
let kv = await Deno.openKv(path);
const rows = (sql: string) => {
  const db = new DatabaseSync(path);
  try {
    return db.prepare(sql).all() as { k: Uint8Array; v: Uint8Array; v_encoding: number }[];
  } finally {
    db.close();
  }
};

// 1. Keys: encoded, and in Deno's order.
for (let made = 0; made < Count;) {
  const operation = kv.atomic();
  for (let i = 0; i < 1000; i++, made++) operation.set(key(), true);
  await operation.commit();
}

const listed: Deno.KvKey[] = [];
for await (const entry of kv.list({ prefix: [] }, { batchSize: 500 })) listed.push(entry.key);
const stored = rows("select k from kv order by k").map((r) => r.k);
if (stored.length !== listed.length) throw new Error(`${stored.length} keys stored, ${listed.length} listed`);
const digest = (from: number, to: number) => {
  const hash = createHash("sha256");
  for (const k of stored.slice(from, to)) {
    hash.update(new Uint8Array([k.length >> 8, k.length & 255]));
    hash.update(k);
  }
  return hash.digest("hex");
};
const blocks: string[] = [];
for (let i = 0; i < stored.length; i += Block) blocks.push(digest(i, i + Block).slice(0, 16));
write("deno-key-order.json", [{ deno: Deno.version.deno, made: Count, distinct: stored.length, sha256: digest(0, stored.length), block: Block, blocks }]);
const step = Math.floor(stored.length / Shown);
write("deno-keys.jsonl", Array.from({ length: Shown }, (_, i) => ({ key: form(listed[i * step]), hex: hex(stored[i * step]) }))
  // JavaScript does not show the sign of a NaN. (Deno keeps it in the key, but not in a cursor: there a list of Deno's may leave keys out.)
  .filter((line) => !line.hex.includes("210007ffffffffffff")));

// 2. Cursors.
kv.close();
path = Deno.makeTempDirSync() + "/kv.db";
kv = await Deno.openKv(path);
const sample: Deno.KvKey[] = [["c"], ["c", 0], ["c", 1], ["c", 1, "x"], ["c", 2n], ["c", "é"], ["c", "t\0u"], ["c", new Uint8Array([0, 255])], ["c", true], ["d", 1], ["d", 2]];
for (const k of sample) await kv.set(k, 1);
type Selector = { prefix?: Deno.KvKey; start?: Deno.KvKey; end?: Deno.KvKey };
const selectors: Selector[] = [
  { prefix: ["c"] }, { prefix: ["c", 1] }, { prefix: ["c"], start: ["c", 0] }, { prefix: ["c"], end: ["c", 2n] },
  { start: ["c"], end: ["d", 2] }, { start: ["c", 0], end: ["c", 3] }, { start: ["d"], end: ["d", 2] },
];
const cursors: unknown[] = [];
for (const selector of selectors) {
  for (const reverse of [false, true]) {
    const list = kv.list(selector as Deno.KvListSelector, { reverse });
    const found: string[] = [], after: string[] = [];
    for await (const entry of list) {
      found.push(form(entry.key));
      after.push(list.cursor);
    }
    const one = (k?: Deno.KvKey) => k && form(k);
    cursors.push({ prefix: one(selector.prefix), start: one(selector.start), end: one(selector.end), reverse, found, after });
  }
}
write("deno-cursors.jsonl", cursors);

// 3. Values: what Deno wrote for an expression. The expression is also how Strata shows the value.
const expressions = [
  "undefined", "null", "true", "false", "0", "-0", "1", "-1", "63", "64", "-65", "2147483647", "-2147483648", "2147483648", "4294967295", "1.5", "-0.1",
  "9007199254740991", "1e+300", "5e-324", "NaN", "Infinity", "-Infinity",
  "0n", "1n", "-1n", "18446744073709551615n", "-18446744073709551616n", "340282366920938463463374607431768211456n",
  '""', '"text"', '"é"', '"日本"', '"x日本"', '"😀"', '"a\\"b\\\\c\\n\\u0000"', '"' + "k".repeat(200) + '"', '"\\ud800"',
  'new Date("2026-01-02T03:04:05.678Z")', "new Date(NaN)",
  "[]", "[1, 2, 3]", '["a", null, undefined]', "[1, , 3]", "[[1], [[2]]]",
  "{}", '{"a": 1}', '{"1": true, "a": {"b": [1, "é"]}}', '{"日本": 1n}', '{"__proto__x": 1}',
  "new Uint8Array([])", "[new Uint8Array([1, 2, 255])]", '{"bytes": new Uint8Array([0])}',
  "new Map([])", 'new Map([["a", 1], [2, "b"]])', "new Set([])", 'new Set([1, "a", null])', 'new Map([[{"k": 1}, new Set([1n])]])',
];
const values: unknown[] = [];
for (const expression of expressions) {
  // Bytes alone are no V8 value in Deno.
  const value = (0, eval)(`(${expression})`);
  if (value instanceof Uint8Array) continue;
  await kv.set(["value"], value);
  const row = rows("select v, v_encoding from kv where k = x'0276616c756500'")[0];
  if (row.v_encoding !== 1) throw new Error(`${expression} is of encoding ${row.v_encoding}`);
  values.push({ value: expression, hex: hex(row.v) });
}
write("deno-values.jsonl", values);

// Others that are told in words of their own.
const cycle: Record<string, unknown> = { name: "cycle" };
cycle.self = cycle;
const shared = [1];
const others: [string, unknown][] = [
  ["cycle", cycle], ["shared", [shared, shared]], ["sparse", Object.assign([], { length: 1000, 500: 1 })], ["array with a property", Object.assign([1], { x: 2 })],
  ["boxed", [Object(1), Object(true), Object("s"), Object(5n)]], ["regular expression", /a+/gi], ["error", Object.assign(new TypeError("bad"), { stack: "at x" })],
  ["views", [new Int8Array([-1]), new Uint16Array([1, 2]), new Float64Array([1.5]), new BigInt64Array([-1n]), new DataView(new ArrayBuffer(2))]],
  ["buffer", { buffer: new Uint8Array([1, 2]).buffer }], ["clamped", [new Uint8ClampedArray([9])]], ["floats", [new Float32Array([0.5]), new Uint32Array([7]), new Int32Array([-7]), new Int16Array([-3]), new BigUint64Array([8n])]],
];
const shapes: unknown[] = [];
for (const [name, value] of others) {
  await kv.set(["value"], value);
  shapes.push({ value: name, hex: hex(rows("select v, v_encoding from kv where k = x'0276616c756500'")[0].v) });
}
write("deno-shapes.jsonl", shapes);

// 4. Sums: what is there, what is added, what comes of it.
const numbers = ["1", "1.5", "-2", "4294967295", "NaN", "1n", "-5n", "18446744073709551615n", "new Deno.KvU64(3n)", "new Deno.KvU64(18446744073709551615n)", '"text"'];
const sums: unknown[] = [];
for (const there of [undefined, ...numbers]) {
  for (const added of numbers) {
    await kv.delete(["value"]);
    if (there !== undefined) await kv.set(["value"], (0, eval)(there));
    const before = rows("select v, v_encoding from kv where k = x'0276616c756500'")[0];
    await kv.set(["added"], (0, eval)(added));
    const operand = rows("select v, v_encoding from kv where k = x'02616464656400'")[0];
    let error: string | undefined;
    try {
      await kv.atomic().mutate({ type: "sum", key: ["value"], value: (0, eval)(added) }).commit();
    } catch (e) {
      error = (e as Error).message;
    }
    const after = rows("select v, v_encoding from kv where k = x'0276616c756500'")[0];
    const told = (r?: { v: Uint8Array; v_encoding: number }) => r && { encoding: r.v_encoding, hex: hex(r.v) };
    sums.push({ there, added, before: told(before), operand: told(operand), after: error ? undefined : told(after), error });
  }
}
write("deno-sums.jsonl", sums);
kv.close();
