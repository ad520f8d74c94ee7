// What the tests do with the AWS SDK for JavaScript: node client.cjs SCENARIO ARGUMENT...
// The address comes by STRATA_ENDPOINT, the key by the SDK's own AWS_ variables; everything else is as the SDK comes.
// An answer is one line of JSON on standard output. A failure is "NAME: MESSAGE" on standard error and exit code 1.
'use strict';

const { createHash } = require('node:crypto');
const { createReadStream, createWriteStream, promises: files } = require('node:fs');
const path = require('node:path');
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const s3 = require('@aws-sdk/client-s3');
const { Upload } = require('@aws-sdk/lib-storage');
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner');

const client = new s3.S3Client({ endpoint: process.env.STRATA_ENDPOINT, forcePathStyle: true, region: 'us-east-1' });
const partSize = 5 * 1024 * 1024;

const put = async (Bucket, Key, file) =>
  client.send(new s3.PutObjectCommand({ Bucket, Key, Body: await files.readFile(file), ContentType: 'text/x-node', Metadata: { who: 'node' } }));

// ChecksumMode lets the SDK verify what it reads; it is what it does without being told, too.
async function get(Bucket, Key, file) {
  const { Body, ...rest } = await client.send(new s3.GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
  await pipeline(Body, createWriteStream(file));
  return rest;
}

const upload = (Bucket, Key, file) => new Upload({ client, params: { Bucket, Key, Body: createReadStream(file) }, partSize }).done();

const uploadSummed = (Bucket, Key, file, ChecksumAlgorithm) =>
  new Upload({ client, params: { Bucket, Key, Body: createReadStream(file), ChecksumAlgorithm }, partSize }).done();

// Comes to a halt in the middle of the third part, until somebody kills it.
async function uploadHalf(Bucket, Key, file) {
  const halting = async function* () {
    yield* createReadStream(file, { end: 2.5 * partSize });
    await new Promise(() => setInterval(() => {}, 1000));
  };
  return new Upload({ client, params: { Bucket, Key, Body: Readable.from(halting()) }, partSize }).done();
}

// Goes on with the one upload of this key: the parts that are there and whole are not sent again.
async function resume(Bucket, Key, file) {
  const { Uploads = [] } = await client.send(new s3.ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
  const [{ UploadId }] = Uploads.filter(u => u.Key === Key);
  const there = new Map();
  for await (const page of s3.paginateListParts({ client, pageSize: 1 }, { Bucket, Key, UploadId })) {
    for (const part of page.Parts ?? []) there.set(part.PartNumber, part);
  }

  const bytes = await files.readFile(file);
  const parts = [];
  for (let number = 1, at = 0; at < bytes.length; number++, at += partSize) {
    const Body = bytes.subarray(at, at + partSize);
    const known = there.get(number);
    const part = known?.ETag === `"${md5(Body)}"` ? known : await client.send(new s3.UploadPartCommand({ Bucket, Key, UploadId, PartNumber: number, Body }));
    parts.push({ PartNumber: number, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 });
  }

  await client.send(new s3.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts } }));
  return { kept: there.size, parts: parts.length };
}

async function abort(Bucket, Key, file) {
  const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key }));
  await client.send(new s3.UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: await files.readFile(file) }));
  await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  const { Uploads = [] } = await client.send(new s3.ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
  return Uploads;
}

async function list(Bucket, Prefix) {
  const found = [];
  for await (const page of s3.paginateListObjectsV2({ client }, { Bucket, Prefix })) found.push(...(page.Contents ?? []));
  return found;
}

// The SDK has no sync of its own; this is the one that programs write with it: by ETag, which is the MD5 of what was put whole.
async function sync(Bucket, Prefix, folder) {
  const there = new Map((await list(Bucket, Prefix)).map(o => [o.Key, o.ETag]));
  let sent = 0;
  for (const entry of await files.readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    const Key = Prefix + path.relative(folder, file);
    const Body = await files.readFile(file);
    if (there.get(Key) === `"${md5(Body)}"`) continue;
    await client.send(new s3.PutObjectCommand({ Bucket, Key, Body }));
    sent++;
  }

  return sent;
}

const md5 = bytes => createHash('md5').update(bytes).digest('hex');

const scenarios = {
  put,
  get,
  upload,
  uploadSummed,
  uploadHalf,
  resume,
  abort,
  sync,
  list: async (bucket, prefix) => (await list(bucket, prefix)).map(o => o.Key),
  head: (Bucket, Key) => client.send(new s3.HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' })),
  copy: (Bucket, Key, CopySource) => client.send(new s3.CopyObjectCommand({ Bucket, Key, CopySource })),
  delete: (Bucket, Key) => client.send(new s3.DeleteObjectCommand({ Bucket, Key })),
  deleteMany: (Bucket, ...keys) => client.send(new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map(Key => ({ Key })) } })),
  presignGet: (Bucket, Key) => getSignedUrl(client, new s3.GetObjectCommand({ Bucket, Key }), { expiresIn: 300 }),
  presignPut: (Bucket, Key) => getSignedUrl(client, new s3.PutObjectCommand({ Bucket, Key }), { expiresIn: 300 }),
};

const [scenario, ...given] = process.argv.slice(2);
scenarios[scenario](...given).then(
  answer => console.log(JSON.stringify(answer)),
  error => {
    console.error(`${error.name}: ${error.message}`);
    process.exit(1);
  });
