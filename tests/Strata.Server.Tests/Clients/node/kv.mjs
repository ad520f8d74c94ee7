// One program that uses every operation of Deno KV and prints what it sees: kv.mjs SCENARIO DATABASE
// It runs unchanged under Deno and, with the package @deno/kv, under Node.js; against a local database (a path) and one that is
// reached over KV Connect (a URL). What it prints depends neither on times nor on versionstamps, so that runs can be compared.
import { createRequire } from 'node:module';
import process from 'node:process';

const isDeno = 'Deno' in globalThis;
const { openKv, KvU64 } = isDeno ? globalThis.Deno : createRequire(import.meta.url)('@deno/kv');
const [scenario, path] = process.argv.slice(2);

// What the local database of @deno/kv says, to nobody, after a watch was cancelled.
if (!isDeno) process.on('unhandledRejection', error => { if (error.message !== 'watch not found') throw error; });

const print = (...words) => console.log(words.join(' '));

// Writes a value out with its type: 1 is not 1n, and -0 not 0.
function show(value) {
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return value.length > 100 ? `string of ${value.length}` : JSON.stringify(value);
  if (value instanceof KvU64) return `u64 ${value.value}`;
  if (value instanceof Date) return `Date ${value.getTime()}`;
  if (value instanceof RegExp) return `RegExp ${value}`;
  if (value instanceof Error) return `${value.name} ${JSON.stringify(value.message)}`;
  if (value instanceof Map) return `Map{${[...value].map(([k, v]) => `${show(k)}=>${show(v)}`).join()}}`;
  if (value instanceof Set) return `Set{${[...value].map(show).join()}}`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer[${new Uint8Array(value)}]`;
  if (value instanceof DataView) return `DataView[${new Uint8Array(value.buffer, value.byteOffset, value.byteLength)}]`;
  if (ArrayBuffer.isView(value)) return value.byteLength > 100 ? `${kind(value)} of ${value.length}` : `${kind(value)}[${[...value].map(show)}]`;
  if (Array.isArray(value)) return `[${Array.from({ length: value.length }, (_, i) => (i in value ? show(value[i]) : 'hole')).join()}]`;
  if (value instanceof Boolean || value instanceof Number || value instanceof String) return `boxed ${show(value.valueOf())}`;
  return `{${Object.entries(value).map(([k, v]) => `${k}:${v === value ? 'itself' : show(v)}`).join()}}`;
}

// The local database of @deno/kv gives bytes back as Node.js's own kind of them.
const kind = view => (view.constructor.name === 'Buffer' ? 'Uint8Array' : view.constructor.name);

const isStamp = text => typeof text === 'string' && /^[0-9a-f]{20}$/.test(text);
const entry = e => `${show(e.key.map(p => (isStamp(p) ? 'VERSIONSTAMP' : p)))} = ${show(e.value)}${e.versionstamp === null ? '' : isStamp(e.versionstamp) ? ' @' : ' WRONG STAMP'}`;

async function collect(list) {
  const found = [];
  for await (const e of list) found.push(e);
  return found;
}

async function refused(what, call) {
  try {
    const answer = await call();
    print(what, 'was taken:', show(answer));
  } catch (error) {
    // Databases have words of their own; what Deno itself says is the same for all.
    const isOfDeno = isDeno && !/'(sum|min|max)'|KV Connect|Cannot/.test(error.message);
    print(what, isOfDeno ? `is refused: ${error.name} ${error.message}` : 'is refused');
  }
}

const values = {
  'undefined': undefined, 'null': null, 'true': true, 'false': false,
  'integer': 42, 'negative': -7, 'fraction': 1.5, 'minus zero': -0, 'NaN': NaN, 'infinity': -Infinity, 'largest': Number.MAX_VALUE, 'smallest': Number.MIN_VALUE,
  'bigint': 12345678901234567890n, 'negative bigint': -(2n ** 200n), 'zero bigint': 0n,
  'empty string': '', 'ascii': 'plain', 'latin': 'größe', 'two bytes': 'Ω π 漢字', 'pair': '😀', 'half a pair': '\ud800', 'NUL': 'a\0b', 'long string': 'é'.repeat(20_000),
  'date': new Date(1_700_000_000_123), 'old date': new Date(-1), 'no date': new Date(NaN), 'regexp': /a+[^b]/giu,
  'bytes': new Uint8Array([0, 1, 255]), 'no bytes': new Uint8Array(), 'many bytes': new Uint8Array(60_000).fill(7), 'view': new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  'buffer': new Uint8Array([9, 8]).buffer, 'int16': new Int16Array([-1, 2]), 'float64': new Float64Array([0.1, -0]), 'bigint64': new BigInt64Array([-5n]), 'data view': new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 2),
  'u64': new KvU64(2n ** 64n - 1n), 'u64 zero': new KvU64(0n),
  'map': new Map([['a', 1], [{ k: 1n }, new Map([[null, undefined]])]]), 'set': new Set([1, '1', 1n, new Set()]),
  'array': [1, , 'three', [], [[undefined]]], 'object': { a: 1, nested: { b: [new Date(5), { c: new Map([['d', new Set(['e'])]]) }] }, 'a key with blanks': null, 7: 'seven' },
  'error': new RangeError('far out'), 'boxed': [new Boolean(true), new Number(1), new String('s')], 'empty': {},
};

async function everyValue(kv) {
  for (const [name, value] of Object.entries(values)) {
    await kv.set(['value', name], value);
    print(name, entry(await kv.get(['value', name])));
  }

  const itself = { name: 'loop' };
  itself.itself = itself;
  await kv.set(['value', 'loop'], itself);
  const back = (await kv.get(['value', 'loop'])).value;
  print('loop', show(back), back.itself === back);
  const shared = {};
  await kv.set(['value', 'shared'], [shared, shared]);
  const [one, other] = (await kv.get(['value', 'shared'])).value;
  print('shared', one === other);
  await refused('a function', () => kv.set(['value', 'none'], () => 1));
  await refused('a symbol', () => kv.set(['value', 'none'], Symbol.iterator));
  print((await collect(kv.list({ prefix: ['value'] }))).length, 'values');
}

const parts = [
  new Uint8Array(), new Uint8Array([0]), new Uint8Array([0, 255]), new Uint8Array([1]), '', '\0', 'A', 'a', 'a\0', 'aa', 'é', '漢', '😀', -(2n ** 300n), -256n, -255n, -1n, 0n, 1n, 255n, 256n, 2n ** 64n, 2n ** 300n,
  -Infinity, -1.5, -0, 0, Number.MIN_VALUE, 1, 1.5, 1e300, Infinity, NaN, false, true,
];

async function everyKey(kv) {
  for (const part of [...parts].reverse()) await kv.set(['key', part], 0);
  for (const e of await collect(kv.list({ prefix: ['key'] }))) print(entry(e));
  await kv.set(['key', 'deep', 1, 2n, true, new Uint8Array([3])], 'deep');
  for (const e of await collect(kv.list({ prefix: ['key', 'deep'] }))) print(entry(e));
  await refused('an empty key', () => kv.set([], 1));
  await refused('an object in a key', () => kv.set([{}], 1));
  await refused('null in a key', () => kv.set([null], 1));
}

async function reads(kv) {
  print(entry(await kv.get(['nothing'])));
  const { ok, versionstamp } = await kv.set(['read', 1], 'one');
  await kv.set(['read', 2], 'two');
  print(ok, isStamp(versionstamp), (await kv.get(['read', 1])).versionstamp === versionstamp);
  for (const e of await kv.getMany([['read', 2], ['nothing'], ['read', 1], ['read', 2]])) print(entry(e));
  print(entry(await kv.get(['read', 1], { consistency: 'eventual' })));
  print(show(await kv.getMany([])));
  const again = await kv.set(['read', 1], 'one');
  print(again.versionstamp > versionstamp);
  await kv.delete(['read', 1]);
  await kv.delete(['read', 1]);
  print(entry(await kv.get(['read', 1])));
}

async function lists(kv) {
  for (let i = 0; i < 250; i++) await kv.set(['list', Math.floor(i / 100), i], i);
  await kv.set(['list'], 'the prefix itself');
  await kv.set(['lisu'], 'beyond');
  const of = async (name, selector, options) => {
    const found = (await collect(kv.list(selector, options))).map(e => e.value);
    print(name, found.length, 'entries:', found.slice(0, 5).join(), '..', found.slice(-2).join());
  };
  await of('prefix', { prefix: ['list'] });
  await of('inner prefix', { prefix: ['list', 1] });
  await of('no such', { prefix: ['list', 9] });
  await of('prefix, start', { prefix: ['list'], start: ['list', 1, 150] });
  await of('prefix, end', { prefix: ['list'], end: ['list', 1, 150] });
  await of('start, end', { start: ['list', 0, 90], end: ['list', 1, 110] });
  await of('start and end alike', { start: ['list', 0], end: ['list', 0] });
  await of('reversed', { prefix: ['list'] }, { reverse: true });
  await of('reversed, limited', { prefix: ['list', 2] }, { reverse: true, limit: 7 });
  await of('limited', { prefix: ['list'] }, { limit: 3 });
  await of('limit beyond', { prefix: ['list', 2] }, { limit: 1000 });
  await of('small batches', { prefix: ['list'] }, { batchSize: 7 });
  await of('small batches, reversed', { start: ['list', 0, 90], end: ['list', 2, 210] }, { batchSize: 7, reverse: true });
  await of('large batches', { prefix: ['list'] }, { batchSize: 500 });
  await of('eventual', { prefix: ['list', 0] }, { consistency: 'eventual', limit: 2 });
  for (const reverse of [false, true]) {
    const pages = [];
    for (let cursor; cursor !== '';) {
      const page = kv.list({ prefix: ['list', 1] }, { cursor, limit: 30, reverse });
      const found = await collect(page);
      if (found.length === 0) break;
      pages.push(`${found[0].value}-${found.at(-1).value}`);
      cursor = page.cursor;
    }

    print('by cursor', pages.join(' '));
  }

  await kv.delete(['list']);
  await kv.delete(['lisu']);
}

async function atomics(kv) {
  const first = await kv.atomic().check({ key: ['atomic', 'a'], versionstamp: null }).set(['atomic', 'a'], 1).set(['atomic', 'b'], 2).commit();
  const [a, b] = await kv.getMany([['atomic', 'a'], ['atomic', 'b']]);
  print(first.ok, entry(a), entry(b), a.versionstamp === b.versionstamp && a.versionstamp === first.versionstamp);
  print('exists', show(await kv.atomic().check({ key: ['atomic', 'a'], versionstamp: null }).set(['atomic', 'a'], 9).commit()));
  print('absent', show(await kv.atomic().check({ key: ['atomic', 'z'], versionstamp: first.versionstamp }).set(['atomic', 'z'], 9).commit()));
  await kv.set(['atomic', 'a'], 3);
  print('stale', show(await kv.atomic().check(a).set(['atomic', 'b'], 9).delete(['atomic', 'a']).commit()));
  print('one of two', show(await kv.atomic().check(b).check(a).set(['atomic', 'b'], 9).commit()));
  for (const e of await kv.getMany([['atomic', 'a'], ['atomic', 'b'], ['atomic', 'z']])) print(entry(e));
  print('fresh', (await kv.atomic().check(b, await kv.get(['atomic', 'a'])).delete(['atomic', 'a']).set(['atomic', 'b'], 4).commit()).ok);
  print('last wins', (await kv.atomic().set(['atomic', 'c'], 1).delete(['atomic', 'c']).set(['atomic', 'c'], 2).commit()).ok);
  print('nothing', (await kv.atomic().commit()).ok);
  print('a check alone', (await kv.atomic().check({ key: ['atomic', 'none'], versionstamp: null }).commit()).ok);
  for (const e of await collect(kv.list({ prefix: ['atomic'] }))) print(entry(e));

  // Eight at once, each of which counts ten times: none is lost.
  const increments = async () => {
    for (let i = 0; i < 10;) {
      const now = await kv.get(['atomic', 'counter']);
      if ((await kv.atomic().check(now).set(['atomic', 'counter'], (now.value ?? 0) + 1).commit()).ok) i++;
    }
  };
  await Promise.all(Array.from({ length: 8 }, increments));
  print('counted', entry(await kv.get(['atomic', 'counter'])));

  let stamps = [];
  for (let i = 0; i < 20; i++) stamps.push((await kv.atomic().set(['atomic', 'n'], i).commit()).versionstamp);
  print('rising', stamps.every((s, i) => i === 0 || s > stamps[i - 1]));
  await Promise.all(Array.from({ length: 50 }, (_, i) => kv.set(['atomic', 'many', i], i)));
  stamps = (await collect(kv.list({ prefix: ['atomic', 'many'] }))).map(e => e.versionstamp);
  print('each its own', new Set(stamps).size);
}

async function sums(kv) {
  const key = ['sum'];
  const read = async () => print(entry(await kv.get(key)));
  const apply = async (type, value) => (await kv.atomic().mutate({ type, key, value: new KvU64(value) }).commit()).ok && read();
  await apply('sum', 5n);
  await apply('sum', 2n ** 64n - 1n);
  await apply('min', 3n);
  await apply('max', 2n ** 63n);
  await apply('min', 2n ** 63n + 1n);
  await kv.delete(key);
  await apply('max', 7n);
  await kv.delete(key);
  await apply('min', 7n);
  await kv.atomic().sum(key, 1n).sum(key, 2n).max(key, 5n).min(key, 100n).commit();
  await read();
  await kv.set(key, 'a string');
  for (const type of ['sum', 'min', 'max']) await refused(`${type} of a string`, () => kv.atomic().set(['untouched'], 1).mutate({ type, key, value: new KvU64(1n) }).commit());
  await Promise.all(Array.from({ length: 40 }, () => kv.atomic().sum(['total'], 3n).commit()));
  print(entry(await kv.get(['total'])));
  if (!isDeno) return;

  // Deno's alone: sums over its numbers.
  for (const value of [5, 0.5, -10]) await kv.atomic().mutate({ type: 'sum', key: ['number'], value }).commit();
  print(entry(await kv.get(['number'])));
  for (const value of [5n, 2n ** 70n, -1n]) await kv.atomic().mutate({ type: 'sum', key: ['bigint'], value }).commit();
  print(entry(await kv.get(['bigint'])));
  await refused('a big integer onto a number', () => kv.atomic().mutate({ type: 'sum', key: ['number'], value: 5n }).commit());
  await refused('a number onto a u64', () => kv.atomic().mutate({ type: 'sum', key: ['total'], value: 5 }).commit());
  for (const k of ['number', 'bigint', 'total']) print(entry(await kv.get([k])));
}

async function stamped(kv) {
  if (!kv.commitVersionstamp) return;
  const results = [await kv.set(['log', kv.commitVersionstamp()], 'first'), await kv.atomic().set(['log', kv.commitVersionstamp()], 'second').set(['other', 'log', kv.commitVersionstamp()], 'third').commit()];
  const found = await collect(kv.list({ prefix: ['log'] }));
  for (const e of found) print(entry(e));
  print(found.every((e, i) => e.key[1] === results[i].versionstamp && e.versionstamp === results[i].versionstamp));
  await refused('a versionstamp that is not the last part', () => kv.set(['log', kv.commitVersionstamp(), 1], 1));
}

async function limits(kv) {
  const key = length => ['k'.repeat(length - 2)];
  print('longest key', (await kv.set(key(2048), 1)).ok, (await kv.get(key(2048))).value);
  await refused('a longer key', () => kv.set(key(2049), 1));
  await refused('a longer key in an atomic write', () => kv.atomic().set(key(2049), 1).commit());
  await refused('a longer key to check', () => kv.atomic().check({ key: key(2050), versionstamp: null }).commit());
  await refused('a longer key to read', () => kv.get(key(2050)));
  await kv.delete(key(2048));
  print('longest value', (await kv.set(['limit'], new Uint8Array(65_536))).ok, (await kv.get(['limit'])).value.length);
  await refused('a longer value', () => kv.set(['limit'], new Uint8Array(65_537)));
  await refused('a longer string', () => kv.set(['limit'], 'x'.repeat(65_536)));
  print('ten keys', (await kv.getMany(Array.from({ length: 10 }, (_, i) => ['limit', i]))).length);
  await refused('eleven keys', () => kv.getMany(Array.from({ length: 11 }, (_, i) => ['limit', i])));
  const write = (count, add) => Array.from({ length: count }, (_, i) => i).reduce(add, kv.atomic()).commit();
  const checks = isDeno ? 100 : 10; // what the local database of @deno/kv takes
  print('many checks', (await write(checks, (a, i) => a.check({ key: ['limit', i], versionstamp: null }))).ok);
  await refused('a check more', () => write(101, (a, i) => a.check({ key: ['limit', i], versionstamp: null })));
  print('a thousand mutations', (await write(1000, (a, i) => a.set(['limit', i], i))).ok);
  await refused('a mutation more', () => write(1001, (a, i) => a.set(['limit', i], -1)));
  await refused('too much in one write', () => write(13, (a, i) => a.set(['limit', i], new Uint8Array(65_000))));
  if (isDeno) await refused('keys too long together', () => write(41, (a, i) => a.set([`${i}`.padEnd(2040)], 1)));
  await refused('a batch of too many', () => collect(kv.list({ prefix: ['limit'] }, { batchSize: 1001 })));
  print((await collect(kv.list({ prefix: ['limit'] }, { batchSize: 500 }))).filter(e => e.value < 0).length, 'of a refused write');
  if (isDeno) await refused('eleven watched keys', async () => { for await (const _ of kv.watch(Array.from({ length: 11 }, (_, i) => ['limit', i]))) return; });
  for (let i = 0; i < 1000; i += 500) await write(500, (a, j) => a.delete(['limit', i + j]));
}

// Each change is awaited before the next: changes that come together may be told as one.
async function watches(kv) {
  await kv.set(['watch', 'a'], 0);
  const stream = kv.watch([['watch', 'a'], ['watch', 'b']]);
  const reader = stream.getReader();
  const until = async isIt => {
    while (true) {
      const { value, done } = await reader.read();
      if (done) throw new Error('The watch ended.');
      if (isIt(value)) return print(value.map(entry).join(', '));
    }
  };
  await until(() => true);
  await kv.set(['watch', 'b'], 'here');
  await until(([, b]) => b.value === 'here');
  await kv.atomic().set(['watch', 'a'], 1).delete(['watch', 'b']).commit();
  await until(([a, b]) => a.value === 1 && b.value === null);
  await kv.set(['watch', 'other'], 1);
  await kv.atomic().sum(['watch', 'b'], 4n).commit();
  await until(([, b]) => b.value?.value === 4n);
  await kv.delete(['watch', 'a']);
  await until(([a]) => a.value === null);
  await reader.cancel();
}

async function expiring(kv) {
  const results = [
    await kv.set(['expiring', 'set'], 1, { expireIn: 60_000 }),
    await kv.atomic().set(['expiring', 'atomic'], 2, { expireIn: 60_000 }).set(['expiring', 'stays'], 3).commit(),
    await kv.atomic().mutate({ type: 'set', key: ['expiring', 'mutate'], value: 4, expireIn: 60_000 }).commit(),
  ];
  print(results.every(r => r.ok));
  for (const e of await collect(kv.list({ prefix: ['expiring'] }))) print(entry(e));
}

const every = { everyValue, everyKey, reads, lists, atomics, sums, stamped, limits, watches, expiring };

// What an outer program says: it closes the standard input when it has seen enough.
const enough = new Promise(resolve => process.stdin.on('end', resolve).resume());

const scenarios = {
  // All that can be compared between databases.
  async all() {
    const kv = await openKv(path);
    for (const [name, part] of Object.entries(every)) {
      print(`--- ${name}`);
      await part(kv);
    }

    kv.close();
    await refused('a closed database', () => kv.get(['nothing']));
  },

  async open() {
    const kv = await openKv(path);
    print(entry(await kv.get(['nothing'])));
    kv.close();
  },

  // A write of which one mutation fails leaves nothing; Deno's local database keeps what came before it.
  async untouched() {
    const kv = await openKv(path);
    await kv.set(['text'], 'not a number');
    await refused('a sum of text', () => kv.atomic().set(['untouched'], 1).sum(['text'], 1n).commit());
    print(entry(await kv.get(['untouched'])));
    kv.close();
  },

  // An entry is gone from its time on, and who watches it is told.
  async expiry() {
    const kv = await openKv(path);
    await kv.set(['short'], 'lived', { expireIn: 1500 });
    const begun = Date.now();
    const reader = kv.watch([['short']]).getReader();
    print(entry((await reader.read()).value[0]));
    print(entry((await reader.read()).value[0]), Date.now() - begun >= 1400);
    print(entry(await kv.get(['short'])), (await collect(kv.list({ prefix: [] }, { limit: 100 }))).filter(e => e.key[0] === 'short').length);
    print('again', (await kv.atomic().check({ key: ['short'], versionstamp: null }).set(['short'], 'anew').commit()).ok);
    await reader.cancel();
    kv.close();
  },

  // Writes one entry after the other, and watches the last, until it is told that this is enough; then looks whether all that
  // was acknowledged is there. A write that fails is done again.
  async steady() {
    const kv = await openKv(path);
    const last = ['steady', 'last'];

    // What is not raw goes through a stream of @deno/kv that does not pass its errors on.
    const watch = () => kv.watch([last], { raw: !isDeno }).getReader();
    let reader = watch();
    let stops = false;
    enough.then(() => (stops = true));
    const watching = (async () => {
      for (let seen = -1; ;) {
        let read;
        try {
          read = await reader.read();
        } catch (error) {
          // A watch of @deno/kv does not outlive a connection that breaks.
          if (isDeno) throw error;
          reader = watch();
          continue;
        }

        if (read.done) throw new Error('The watch ended.');
        const [now] = read.value;
        if (now.value === 'end') return;
        if (now.value < seen) throw new Error(`${now.value} was told after ${seen}.`);
        seen = now.value ?? -1;
        print('saw', seen);
      }
    })();
    let written = 0;
    while (!stops) {
      try {
        await kv.atomic().set(['steady', written], written).set(last, written).commit();
        print('wrote', written++);
      } catch (error) {
        print('again', error.message);
      }
    }

    await kv.set(last, 'end');
    await watching;
    let missing = 0;
    for (let i = 0; i < written; i++) {
      if ((await kv.get(['steady', i])).value !== i) missing++;
    }

    print('missing', missing, 'of', written);
    await reader.cancel();
    kv.close();
  },
};

try {
  await scenarios[scenario]();
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exit(1);
}

process.exit(0);
