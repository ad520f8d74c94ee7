// Files that are dropped into the folder that is shown, or chosen. Each is a PUT of the blob API; what is there already is
// replaced only when somebody says so, and only the very blob that they were asked about.
'use strict';

const transfersAtOnce = 3;
const unansweredAtOnce = 20;   // files that wait for an answer or failed, beyond which no other is begun
const doneShown = 20;

const transfers = [];          // all of this batch, in order
const tally = {};              // how many of them are in each state
const doneRows = [];
let next = 0;                  // none before it waits
let policy = null;             // what to do with what exists already, once somebody has said so for all
let isStale = false;           // the listing lacks what was uploaded

// Names -------------------------------------------------------------------------------------------------------------

// A folder's files are found by walking it, which a drop allows only to what was taken from it at once.
async function filesOf(entry, path = '') {
  if (entry.isFile) return [{ path: path + entry.name, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) }];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const one of some) found.push(...await filesOf(one, `${path}${entry.name}/`));
  }
}

async function filesOfDrop(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry);

  // The list of files is gone once this returns to wait.
  const plain = [...data.files].map((file) => ({ path: file.name, file }));
  if (!entries.some((entry) => entry.isDirectory)) return plain;
  return (await Promise.all(entries.map((entry) => filesOf(entry)))).flat();
}

function begin(store, folder, files) {
  if (inState('done', 'left') === transfers.length) clearTransfers();
  for (const { path, file } of files) {
    const transfer = { store, key: folder + path, file, state: null, loaded: 0, xhr: null, row: null, replaces: null };
    transfers.push(transfer);
    become(transfer, 'waiting');
  }
  goOn();
}

// One file ----------------------------------------------------------------------------------------------------------

// The metadata of a write travels as base64url of JSON (BlobWire.OptionsHeader).
function optionsHeader(options) {
  const text = String.fromCharCode(...new TextEncoder().encode(JSON.stringify(options)));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

async function start(transfer) {
  move(transfer, 'checking');
  try {
    // Asked first, so that a large file is not sent for nothing.
    if (!transfer.replaces) {
      const page = await get(`/stores/${encodeURIComponent(transfer.store)}/blobs`, { prefix: transfer.key, limit: 1 });
      if (transfer.state !== 'checking') return;
      if (page.items[0]?.key === transfer.key) return exists(transfer, page.items[0].etag);
    }
    send(transfer);
  } catch (error) {
    fail(transfer, error instanceof TypeError ? 'the server cannot be reached' : error.message);
  }
}

function send(transfer) {
  const xhr = transfer.xhr = new XMLHttpRequest();
  xhr.open('PUT', blobAddress(transfer.store, transfer.key));
  const condition = transfer.replaces ? { kind: 'IfMatch', etag: transfer.replaces } : { kind: 'IfAbsent' };
  xhr.setRequestHeader('Strata-Options', optionsHeader({ condition, contentType: transfer.file.type || undefined }));
  xhr.setRequestHeader('Content-Type', 'application/octet-stream');
  xhr.upload.addEventListener('progress', (event) => {
    transfer.loaded = event.loaded;
    if (transfer.state === 'sending') showTransfer(transfer);
  });
  xhr.addEventListener('load', () => answered(transfer, xhr));
  xhr.addEventListener('error', () => fail(transfer, 'the connection broke off'));
  move(transfer, 'sending');
  xhr.send(transfer.file);
}

function answered(transfer, xhr) {
  let answer = null;
  try {
    answer = JSON.parse(xhr.responseText);
  } catch {
    // An answer of something in between, that is no server of ours.
  }
  if (xhr.status === 200) {
    transfer.loaded = transfer.file.size;
    isStale ||= transfer.store === state.store;
    move(transfer, 'done');
  } else if (xhr.status === 412 && answer?.status === 'PreconditionFailed') {
    exists(transfer, answer.info?.etag ?? null);
  } else {
    fail(transfer, answer?.message ?? `the server answered ${xhr.status}`);
    if (xhr.status === 401) signedOut();
  }
}

function exists(transfer, etag) {
  transfer.replaces = etag;
  if (policy === 'skip') move(transfer, 'left');
  else if (policy === 'replace' && etag) start(transfer);
  else move(transfer, 'exists');
}

function fail(transfer, reason) {
  transfer.reason = reason;
  if (transfer.state !== 'left') move(transfer, 'failed');
}

function cancel(transfer) {
  const { xhr } = transfer;
  move(transfer, 'left');
  xhr?.abort();
}

// All of them -------------------------------------------------------------------------------------------------------

const inState = (...states) => states.reduce((sum, s) => sum + (tally[s] ?? 0), 0);
const allIn = (...states) => transfers.filter((t) => states.includes(t.state));

function become(transfer, state) {
  if (transfer.state) tally[transfer.state]--;
  transfer.state = state;
  tally[state] = (tally[state] ?? 0) + 1;
}

function move(transfer, state) {
  if (transfer.state === 'forgotten') return;
  become(transfer, state);
  showTransfer(transfer);
  goOn();
}

function goOn() {
  while (next < transfers.length && inState('checking', 'sending') < transfersAtOnce && inState('exists', 'failed') < unansweredAtOnce) {
    const transfer = transfers[next++];
    if (transfer.state === 'waiting') start(transfer);
  }
  showTransfers();
  if (!isStale || inState('waiting', 'checking', 'sending') > 0) return;
  isStale = false;
  list();
}

function clearTransfers() {
  for (const transfer of transfers) transfer.state = 'forgotten';
  for (const state of Object.keys(tally)) tally[state] = 0;
  transfers.length = doneRows.length = next = 0;
  policy = null;
  isStale = false;
  $('transfer-rows').replaceChildren();
}

function forgetFiles() {
  const under = allIn('sending');
  clearTransfers();
  for (const transfer of under) transfer.xhr.abort();
  showTransfers();
}

// What is seen of them ----------------------------------------------------------------------------------------------

const wordsOf = {
  checking: () => 'looking whether it is there already',
  sending: (t) => (t.loaded < t.file.size ? `${bytes(t.loaded)} of ${bytes(t.file.size)}` : 'being kept…'),
  done: (t) => `uploaded, ${bytes(t.file.size)}`,
  exists: () => 'is there already',
  failed: (t) => `failed: ${t.reason}`,
};

function rowOf(transfer) {
  const button = (label, action) => el('button', { type: 'button', class: 'small', 'aria-label': `${label}: ${transfer.key}`, onclick: action }, label);
  const row = {
    words: el('span', {}),
    bar: el('progress', { max: 1, value: 0, 'aria-label': `Progress of ${transfer.key}` }),
    cancel: button('Cancel', () => cancel(transfer)),
    replace: button('Replace', () => start(transfer)),
    skip: button('Skip', () => move(transfer, 'left')),
    again: button('Try again', () => start(transfer)),
  };
  row.node = el('li', { class: 'transfer' },
    el('span', { class: 'what' }, el('bdi', { class: 'key-text' }, transfer.key), ' ', row.words), row.bar,
    el('span', { class: 'buttons' }, row.cancel, row.replace, row.again, row.skip));
  $('transfer-rows').append(row.node);
  return row;
}

function showTransfer(transfer) {
  const { state: now } = transfer;
  if (now === 'left') return dropRow(transfer);
  const hadFocus = transfer.row?.node.contains(document.activeElement);
  const row = transfer.row ??= rowOf(transfer);
  row.node.className = `transfer ${now}`;
  put(row.words, wordsOf[now](transfer));
  row.bar.hidden = now !== 'sending';
  row.bar.value = transfer.file.size > 0 ? transfer.loaded / transfer.file.size : 1;
  row.cancel.hidden = now !== 'checking' && now !== 'sending';
  row.replace.hidden = now !== 'exists' || !transfer.replaces;
  row.again.hidden = now !== 'failed';
  row.skip.hidden = now !== 'exists' && now !== 'failed';
  if (hadFocus && document.activeElement.closest?.('.transfer') !== row.node) (row.node.querySelector('button:not([hidden])') ?? $('choose-files')).focus();
  if (now === 'done' && doneRows.push(transfer) > doneShown) dropRow(doneRows.shift());
}

function dropRow(transfer) {
  const hadFocus = transfer.row?.node.contains(document.activeElement);
  transfer.row?.node.remove();
  transfer.row = null;
  if (hadFocus) $('choose-files').focus();
}

function showTransfers() {
  const done = inState('done'), left = inState('left'), waiting = inState('waiting');
  const unanswered = inState('exists'), failed = inState('failed');
  const busy = waiting + inState('checking', 'sending');
  $('transfers').hidden = transfers.length === left;
  const words = [`${exact.format(done)} of ${exact.format(transfers.length - left)} uploaded`];
  if (unanswered > 0) words.push(`${exact.format(unanswered)} there already`);
  if (failed > 0) words.push(`${exact.format(failed)} failed`);
  if (waiting > 0) words.push(`${exact.format(waiting)} waiting${unanswered + failed >= unansweredAtOnce ? ' until you have answered these' : ''}`);
  put($('transfers-text'), words.join(' · '));
  $('replace-all').hidden = $('skip-all').hidden = unanswered === 0 || transfers.length - left < 2;
  $('cancel-all').hidden = busy === 0;
  $('transfers-close').hidden = busy > 0;
}

$('replace-all').addEventListener('click', async () => {
  const there = allIn('exists');
  const more = inState('waiting') > 0 ? ' Those of this upload that are found later are replaced as well.' : '';
  if (!await ask('Replace them all?', `${exact.format(there.length)} ${there.length === 1 ? 'blob is' : 'blobs are'} overwritten by the files that you upload.${more}`, 'Replace all', 'Cancel')) return;
  policy = 'replace';
  for (const transfer of allIn('exists')) if (transfer.replaces) become(transfer, 'waiting');
  next = 0;
  goOn();
});
$('skip-all').addEventListener('click', () => {
  policy = 'skip';
  for (const transfer of allIn('exists')) move(transfer, 'left');
});
$('cancel-all').addEventListener('click', () => {
  for (const transfer of allIn('waiting')) {
    become(transfer, 'left');
    dropRow(transfer);
  }
  for (const transfer of allIn('checking', 'sending')) cancel(transfer);
  showTransfers();
});
$('transfers-close').addEventListener('click', () => {
  clearTransfers();
  showTransfers();
  $('choose-files').focus();
});

// Choosing and dropping ---------------------------------------------------------------------------------------------

for (const [button, input] of [['choose-files', 'files'], ['choose-folder', 'folder']]) {
  $(button).addEventListener('click', () => $(input).click());
  $(input).addEventListener('change', () => {
    const files = [...$(input).files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
    $(input).value = '';
    begin(state.store, folderOf(state.prefix), files);
  });
}

const dropPlace = document.querySelector('.keys');
const bringsFiles = (event) => event.dataTransfer?.types.includes('Files') && !$('inside').hidden && state.store;

addEventListener('dragover', (event) => {
  if (!event.dataTransfer?.types.includes('Files')) return;

  // Beside the place the browser would leave the page to show the file.
  event.preventDefault();
  const isHere = bringsFiles(event) && dropPlace.contains(event.target) && !document.querySelector('dialog[open]');
  event.dataTransfer.dropEffect = isHere ? 'copy' : 'none';
  dropPlace.classList.toggle('dropping', Boolean(isHere));
  dropPlace.dataset.drop = isHere ? `Drop to upload into ${state.store}/${folderOf(state.prefix)}` : '';
});
addEventListener('dragleave', (event) => { if (!event.relatedTarget) dropPlace.classList.remove('dropping'); });
addEventListener('drop', async (event) => {
  if (!event.dataTransfer?.types.includes('Files')) return;
  event.preventDefault();
  dropPlace.classList.remove('dropping');
  if (!bringsFiles(event) || !dropPlace.contains(event.target) || document.querySelector('dialog[open]')) return;
  const { store } = state, folder = folderOf(state.prefix);
  try {
    begin(store, folder, await filesOfDrop(event.dataTransfer));
  } catch (error) {
    $('keys-failure').hidden = false;
    put($('keys-failure'), `What was dropped cannot be read: ${error.message}`);
  }
});

addEventListener('beforeunload', (event) => { if (inState('waiting', 'checking', 'sending') > 0) event.preventDefault(); });
