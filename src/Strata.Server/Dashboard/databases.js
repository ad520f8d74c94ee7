// KV databases and their entries. Keys and values come as text that the server has made of them, and are shown as text.
// Nothing is asked for that is not looked at: the databases while this view is shown, entries a page at a time.
'use strict';

const databasesEvery = 3000;  // ms

const kv = { databases: undefined, name: '', prefix: '', next: null, shown: 0, seen: null, queuesAt: undefined };
let databaseRows = new Map();
let databasesTimer = 0;
let databasesRound = 0;

// The address: #kv, #kv/NAME, #kv/NAME/PREFIX. Null: stores are looked at.
function kvHash() {
  const parts = /^#kv(?:\/([^/]*)(?:\/(.*))?)?$/.exec(location.hash);
  if (!parts || kv.databases === null) return null;
  try {
    return { name: decodeURIComponent(parts[1] ?? ''), prefix: decodeURIComponent(parts[2] ?? '') };
  } catch {
    return { name: '', prefix: '' };
  }
}

const kvHref = (name, prefix) => `#kv${name ? `/${encodeURIComponent(name)}` : ''}${name && prefix ? `/${encodeURIComponent(prefix)}` : ''}`;
const databasePath = (name) => `/databases/${encodeURIComponent(name)}`;
const figuresOf = (name) => kv.databases?.find((d) => d.name === name)?.figures ?? null;
const wordsOfError = (error) => (error instanceof TypeError ? 'The server cannot be reached.' : error.message);

// Tells what went wrong, or that nothing did.
function tell(id, text) {
  $(id).hidden = !text;
  put($(id), text ?? '');
}

// What changes something. 412 is an answer: the entry is not the one that was meant.
async function change(method, path, parameters, body) {
  const response = await fetch(`${api}${path}?${new URLSearchParams(parameters)}`, {
    method, headers: { Accept: 'application/json', ...(body && { 'Content-Type': 'application/json' }) }, body: body && JSON.stringify(body),
  });
  const answer = await response.json().catch(() => null);
  if (response.status === 200 || (response.status === 412 && answer)) return answer;
  if (response.status === 401) signedOut();
  throw new Error(answer?.message ?? `The server answered ${response.status}.`);
}

// Which there are ---------------------------------------------------------------------------------------------------

function watchDatabases() {
  clearTimeout(databasesTimer);
  showView();
  askDatabases(++databasesRound);
}

function forgetDatabases() {
  clearTimeout(databasesTimer);
  databasesRound++;
  asked?.abort();
  for (const id of ['entry', 'set']) if ($(id).open) $(id).close();
  Object.assign(kv, { databases: undefined, name: '', prefix: '', next: null, shown: 0, seen: null, queuesAt: undefined });
  databaseRows = new Map();
  for (const id of ['databases', 'databases-empty', 'entries-title', 'queues', 'entry-rows', 'entries-empty', 'entry-title', 'entry-body']) $(id).replaceChildren();
  for (const id of ['databases-count', 'entries-count', 'begins-hint']) put($(id), '');
  for (const id of ['databases-failure', 'entries-failure']) tell(id);
  $('begins').value = '';
  $('view-databases').href = '#kv';
}

async function askDatabases(round) {
  try {
    if (!document.hidden && (kv.databases === undefined || kvHash())) {
      const { databases } = await get('/databases');
      if (round !== databasesRound) return;
      tell('databases-failure');
      kv.databases = databases;
      showView();
      showDatabases(databases ?? []);
      noticeEntries();
    }
  } catch (error) {
    // The state of the connection is told elsewhere; the next round asks again.
    if (round === databasesRound && !(error instanceof TypeError)) tell('databases-failure', error.message);
  }
  if (round === databasesRound && kv.databases !== null) databasesTimer = setTimeout(askDatabases, databasesEvery, round);
}

function databaseRow({ name, backend }) {
  const figures = {
    entries: figure('Entries', 'Strata’s own among them (queues, chunks of large values), and those that have expired and are not removed yet'),
    size: figure('Size', 'Keys and values, with what each takes besides'),
    commit: figure('Last commit', 'The versionstamp of the last commit'),
    watches: figure('Watches', 'Watches under way'),
  };
  const link = el('a', { class: 'key', href: kvHref(name) }, el('bdi', {}, name));
  const note = el('span', { class: 'quiet' });
  const fault = el('p', { class: 'last-error', hidden: true });
  const node = el('li', { class: 'database' },
    el('div', { class: 'database-name' }, link, ' ', el('span', { class: 'chip none' }, backend), ' ', note),
    el('dl', {}, ...Object.values(figures).map((f) => f.node)), fault);
  return { node, link, note, figures, fault };
}

const notes = { Closed: 'not open yet: whoever asks for its keys opens it', Opening: 'being opened…', Open: '', Failed: 'cannot be opened' };

function showDatabases(databases) {
  const names = new Set(databases.map((d) => d.name));
  for (const [name, row] of databaseRows) {
    if (names.has(name)) continue;
    row.node.remove();
    databaseRows.delete(name);
  }
  databases.forEach((database, i) => {
    const row = databaseRows.get(database.name) ?? databaseRow(database);
    databaseRows.set(database.name, row);
    if ($('databases').children[i] !== row.node) $('databases').insertBefore(row.node, $('databases').children[i] ?? null);
    const { figures: f } = row, now = database.figures;
    put(row.note, notes[database.state] ?? database.state);
    put(f.entries.value, count(now?.entries), exactly(now?.entries));
    put(f.size.value, bytes(now?.bytes), `${exactly(now?.bytes, ' bytes')}${now?.fileBytes == null ? '' : `; files of ${exactly(now.fileBytes)} bytes`}`);
    put(f.commit.value, now?.lastCommit ?? '–');
    put(f.watches.value, count(now?.watches));
    row.fault.hidden = !database.fault;
    put(row.fault, database.fault ?? '');
  });
  put($('databases-count'), databases.length === 0 ? '' : exact.format(databases.length));
  const isEmpty = kv.databases !== undefined && databases.length === 0;
  if (isEmpty && $('databases-empty').hidden) {
    $('databases-empty').replaceChildren(
      el('h3', {}, 'No databases yet'), el('p', { class: 'quiet' }, 'The first value that is set makes one:'),
      command('strata kv set \'["users","ann"]\' \'{"name":"Ann"}\''));
  }
  $('databases-empty').hidden = !isEmpty;
  markChosen();
}

function markChosen() {
  for (const [name, row] of databaseRows) {
    if (name === kv.name) row.link.setAttribute('aria-current', 'true');
    else row.link.removeAttribute('aria-current');
  }
}

// Which is looked at ------------------------------------------------------------------------------------------------

// What there is to go to: databases where the server has some, tiers where a store has more than one.
function showNavigation() {
  $('view-databases').hidden = !kv.databases;
  $('view-tiers').hidden = tieredStores().length === 0;
  $('views').hidden = $('view-databases').hidden && $('view-tiers').hidden;
}

function showView() {
  const chosen = kvHash(), tiers = chosen ? null : tiersHash();
  const wasHere = !$('databases-view').hidden;
  $('blobs-view').hidden = Boolean(chosen ?? tiers);
  $('databases-view').hidden = !chosen;
  $('tiers-view').hidden = !tiers;
  for (const [id, isShown] of [['view-blobs', !chosen && !tiers], ['view-databases', chosen], ['view-tiers', tiers]]) {
    if (isShown) $(id).setAttribute('aria-current', 'page');
    else $(id).removeAttribute('aria-current');
  }
  showNavigation();
  if (chosen ?? tiers) $('view-blobs').href = state.store ? hashOf(state.store, state.prefix) : '#/';
  if (tiers) {
    offerTiers();
    showTiers();
  }
  if (!chosen) return;
  $('view-databases').href = kvHref(chosen.name, chosen.prefix);
  if (wasHere && chosen.name === kv.name && chosen.prefix === kv.prefix) return;
  const isOther = chosen.name !== kv.name;
  Object.assign(kv, chosen);
  $('entries').hidden = !kv.name;
  if ($('begins').value.trim() !== kv.prefix) $('begins').value = kv.prefix;
  markChosen();
  if (!kv.name) return;
  if (isOther) {
    $('entries-title').replaceChildren('Keys of ', el('bdi', {}, kv.name));
    $('queues').hidden = true;
    kv.queuesAt = undefined;
  }
  listEntries();
}

addEventListener('hashchange', () => {
  if ($('inside').hidden) return;
  const wasIn = !$('databases-view').hidden;
  showView();
  if (!wasIn && kvHash()) watchDatabases();
});

$('skip').addEventListener('click', (event) => {
  event.preventDefault();
  const place = tiersHash() ? $('explain-key') : !kvHash() ? $('search') : $('entries').hidden ? $('databases').querySelector('a') : $('begins');
  place?.focus();
});

async function askQueues() {
  const { name } = kv;
  kv.queuesAt = figuresOf(name)?.lastCommit ?? null;
  try {
    const { queues, mostCounted, more } = await get(`${databasePath(name)}/queues`);
    if (name !== kv.name) return;
    const most = (n) => `${exact.format(n)}${n === mostCounted ? ' or more' : ''}`;
    $('queues').hidden = queues.length === 0;
    $('queues').replaceChildren(
      el('span', { class: 'quiet' }, 'Queues'),
      ...queues.map((q) => el('span', { class: `chip ${q.deadLetters > 0 ? 'heat-0' : 'heat-4'}` },
        el('bdi', {}, q.name || '(without a name)'), ` ${most(q.messages)} waiting${q.deadLetters > 0 ? ` · ${most(q.deadLetters)} given up` : ''}`)),
      more ? el('span', { class: 'quiet' }, 'and perhaps others') : '');
  } catch {
    // They are shown beside; what is wrong with the database the list of its keys tells.
  }
}

// Entries -----------------------------------------------------------------------------------------------------------

let asked = null;           // aborts what belongs to the list that is shown
let isAsking = false;       // for more
const entryNodes = new Map();

async function listEntries(more = false) {
  if (more && isAsking) return;
  if (!more) {
    asked?.abort();
    asked = new AbortController();
    kv.next = null;
    kv.shown = 0;
    put($('begins-hint'), '');
    askQueues();
  }
  isAsking = more;
  const mine = asked;
  const { name, prefix, next } = kv;
  const isInside = () => $('entries-listing').contains(document.activeElement);
  const wasInside = isInside();
  try {
    const page = await get(`${databasePath(name)}/entries`, { prefix, limit: pageSize, ...(next && { after: next }) }, mine.signal);
    // The focus may also have come into the rows while they were on their way.
    if (mine === asked) showEntries(page, more, wasInside || isInside());
  } catch (error) {
    if (error.name === 'AbortError' || mine !== asked) return;
    tell('entries-failure', wordsOfError(error));
    if (!more) showEntries({ entries: [], next: null, figures: null }, false, wasInside, true);
  } finally {
    if (mine === asked) isAsking = false;
  }
}

function showEntries(page, more, wasInside, isFailure = false) {
  if (!more) entryNodes.clear();
  const rows = page.entries.map(entryRow);
  kv.next = page.next;
  kv.shown += rows.length;
  if (!more) kv.seen = page.figures;
  if (!isFailure) tell('entries-failure');
  $('entries-refresh').classList.remove('changed');
  if (more) $('entry-rows').append(...rows);
  else $('entry-rows').replaceChildren(...rows);
  showCount(isFailure);
  if (more || wasInside) (rows[0]?.querySelector('button') ?? $('begins')).focus();
}

function showCount(isFailure = false) {
  $('entries-listing').hidden = kv.shown === 0;
  $('entries-more').hidden = !kv.next;
  put($('entries-count'), kv.shown === 0 ? '' : `${exact.format(kv.shown)} ${kv.shown === 1 ? 'entry' : 'entries'}${kv.next ? ', more below' : ''}`);
  $('entries-empty').hidden = kv.shown > 0 || isFailure;
  if ($('entries-empty').hidden) return;
  $('entries-empty').replaceChildren(...(kv.prefix
    ? [el('p', {}, 'No key begins with ', el('q', {}, el('bdi', {}, kv.prefix)), '.')]
    : [el('h3', {}, 'Nothing here yet'), command(`strata kv set --db ${kv.name} '["users","ann"]' '{"name":"Ann"}'`)]));
}

function entryRow(entry) {
  const row = el('tr', {},
    el('td', {}, el('button', { type: 'button', class: 'key clamped', title: entry.key, onclick: () => openEntry(entry) }, el('bdi', {}, entry.key))),
    el('td', { class: 'value' }, el('span', { class: 'clamped' }, ...valueCell(entry)), entry.isCut ? quietly(`the beginning of ${bytes(entry.length)}`) : ''),
    el('td', { class: 'stamp' }, entry.versionstamp),
    el('td', { class: 'expiry' }, entry.expires ? timeOf(entry.expires) : el('span', { class: 'quiet' }, 'never')));
  entryNodes.set(entry.id, row);
  return row;
}

const quietly = (text) => el('span', { class: 'quiet' }, text);

function valueCell(entry) {
  if (entry.form === 'damaged') return [el('span', { class: 'wrong' }, `cannot be read: ${entry.text}`)];
  if (entry.text == null) return [quietly(`a large value (${entry.form}), ${bytes(entry.length)}`)];
  const note = entry.isCut ? '' : entry.form === 'bytes' ? ` ${bytes(entry.length)}` : entry.form === 'u64' ? ' u64' : '';
  return [el('bdi', {}, entry.text), entry.isCut ? '…' : '', quietly(note)];
}

// A list is not repainted under its reader's eyes, but an empty one has nothing to lose.
function noticeEntries() {
  if (!kvHash() || !kv.name) return;
  const now = figuresOf(kv.name);
  if (now && now.lastCommit !== kv.queuesAt) askQueues();
  noticeEntry(now);
  if (!now || !kv.seen) return;
  const isNewer = (now.lastCommit ?? '') > (kv.seen.lastCommit ?? '');
  const hasExpired = now.lastCommit === kv.seen.lastCommit && now.entries < kv.seen.entries;
  if (!isNewer && !hasExpired) return;
  if (kv.shown === 0) listEntries();
  else $('entries-refresh').classList.add('changed');
}

// What this page has removed is no news to it, unless somebody else came between.
function adoptCommit(versionstamp) {
  const counter = (stamp) => BigInt(`0x${stamp.slice(0, 16)}`);
  if (!kv.seen?.lastCommit || counter(versionstamp) !== counter(kv.seen.lastCommit) + 1n) return;
  kv.seen = { ...kv.seen, lastCommit: versionstamp, entries: kv.seen.entries - 1 };
}

let beginsTyping = 0;

function lookFor(prefix) {
  kv.prefix = prefix;
  history.replaceState(null, '', kvHref(kv.name, prefix));
  $('view-databases').href = kvHref(kv.name, prefix);
  listEntries();
}

function isArray(text) {
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

$('begins').addEventListener('input', () => {
  clearTimeout(beginsTyping);
  beginsTyping = setTimeout(() => {
    const text = $('begins').value.trim();
    if (text === '' || isArray(text)) lookFor(text);
    else put($('begins-hint'), 'A JSON array, as in ["users"], or ["users",{"int":42}] for an integer.');
  }, 200);
});
$('entries-find').addEventListener('submit', (event) => {
  event.preventDefault();
  clearTimeout(beginsTyping);
  lookFor($('begins').value.trim());
});
$('entries-more').addEventListener('click', () => listEntries(true));
goByArrows($('entries'), $('begins'), $('entry-rows'));
