// Uploads in parts that S3 clients have begun and not completed, of all stores, asked for every few seconds while the page
// is looked at.
'use strict';

const uploadsEvery = 3000;  // ms

let uploads = [];
let uploadRows = new Map();
let uploadsTimer = 0;
let uploadsRound = 0;

function watchUploads() {
  clearTimeout(uploadsTimer);
  askUploads(++uploadsRound);
}

function forgetUploads() {
  clearTimeout(uploadsTimer);
  uploadsRound++;
  showUploads([], false);
}

async function askUploads(round) {
  try {
    if (!document.hidden) {
      const found = [];
      let more = false;
      for (const { name } of state.stores) {
        const page = await get(`/stores/${encodeURIComponent(name)}/uploads`);
        found.push(...page.uploads.map((u) => ({ ...u, store: name })));
        more ||= page.more;
      }
      if (round === uploadsRound) {
        $('uploads-failure').hidden = true;
        showUploads(found, more);
      }
    }
  } catch {
    // The state of the connection is told elsewhere; the next round asks again.
  }
  if (round === uploadsRound) uploadsTimer = setTimeout(askUploads, state.stores.length > 0 ? uploadsEvery : 200, round);
}

const uploadName = (u) => JSON.stringify([u.store, u.key, u.id]);

function ago(iso) {
  const seconds = Math.max(0, (Date.now() - new Date(iso)) / 1000);
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 172800 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86400)} days ago`;
}

function uploadRow(upload) {
  const figures = el('span', { class: 'upload-figures' });
  const age = el('span', { class: 'quiet' });
  const abort = el('button', { type: 'button', class: 'small', 'aria-label': `Abort the upload of ${upload.key}` }, 'Abort…');
  const node = el('li', { class: 'upload' },
    el('span', { class: 'upload-key' }, el('bdi', { class: 'key-text' }, upload.key), state.stores.length > 1 ? el('span', { class: 'quiet' }, ` in ${upload.store}`) : ''),
    figures, age, abort);
  const row = { node, figures, age, upload };
  abort.addEventListener('click', () => abortUpload(row));
  return row;
}

function showUploads(found, more) {
  const focused = document.activeElement;
  uploads = found;
  const rows = new Map();
  for (const upload of found) {
    const row = uploadRows.get(uploadName(upload)) ?? uploadRow(upload);
    row.upload = upload;
    rows.set(uploadName(upload), row);
    put(row.figures, `${exact.format(upload.parts)} ${upload.parts === 1 ? 'part' : 'parts'} · ${bytes(upload.bytes)}`, exactly(upload.bytes, ' bytes'));
    put(row.age, `begun ${ago(upload.created)}${upload.parts > 0 ? `, last part ${ago(upload.touched)}` : ''}`, dateTime(upload.created));
  }
  for (const [name, row] of uploadRows) if (!rows.has(name)) row.node.remove();
  [...rows.values()].forEach((row, i) => {
    const there = $('uploads-list').children[i];
    if (there !== row.node) $('uploads-list').insertBefore(row.node, there ?? null);
  });
  uploadRows = rows;
  $('uploads').hidden = found.length === 0 && $('uploads-failure').hidden;
  put($('uploads-more'), found.length === 0 ? '' : `${exact.format(found.length)}${more ? ' and more' : ''} under way`);
  if (focused !== document.activeElement && document.contains(focused)) focused.focus();
}

async function abortUpload({ upload }) {
  const sure = await ask('Abort this upload?', [
    'The upload of ', el('bdi', { class: 'key-text' }, upload.key), ` ends, and its ${exact.format(upload.parts)} ${upload.parts === 1 ? 'part' : 'parts'} of ${bytes(upload.bytes)} are dropped. Whoever is uploading gets an error.`,
  ], 'Abort the upload', 'Keep it');
  if (!sure) return;
  const response = await fetch(`${api}/stores/${encodeURIComponent(upload.store)}/uploads?${new URLSearchParams({ key: upload.key, id: upload.id })}`, { method: 'DELETE' }).catch(() => null);
  if (response?.status === 401) return signedOut();
  const isGone = response?.ok || response?.status === 404;
  $('uploads-failure').hidden = isGone;
  if (!isGone) put($('uploads-failure'), response ? (await response.json().catch(() => null))?.message ?? `The server answered ${response.status}.` : 'The server cannot be reached.');
  if (isGone) showUploads(uploads.filter((u) => uploadName(u) !== uploadName(upload)), false);
  watchUploads();
}
