// Deno KV as a program of Deno uses it: deno-kv.mjs DATABASE, a path or a URL. Each line of the standard input is "OPERATION CALLERS
// COUNT"; when so many have been done, by so many callers at once, a line comes back.
import process from 'node:process';
import { createInterface } from 'node:readline';

const kv = await globalThis.Deno.openKv(process.argv[2]);
const keys = Array.from({ length: 1000 }, (_, i) => ['users', i, 'profile']);
const value = Uint8Array.from({ length: 1024 }, (_, i) => i);
const operations = {
  set: i => kv.set(keys[i % keys.length], value),
  get: async i => {
    if ((await kv.get(keys[i % keys.length])).value?.length !== value.length) throw new Error('The value is not there.');
  },
};

for (let i = 0; i < keys.length; i += 500) await keys.slice(i, i + 500).reduce((all, key) => all.set(key, value), kv.atomic()).commit();
console.log('ready');
let next = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const [operation, callers, count] = line.split(' ');
  const end = next + Number(count);
  await Promise.all(Array.from({ length: Number(callers) }, async () => {
    while (next < end) await operations[operation](next++);
  }));
  console.log('done');
}

process.exit(0);
