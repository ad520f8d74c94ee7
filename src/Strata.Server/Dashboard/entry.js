// One entry of a KV database: its whole value as far as the server shows it, its end, and another value in its place. What
// is deleted or replaced is the very entry that was shown; what has changed since is asked about again.
'use strict';

// One entry ---------------------------------------------------------------------------------------------------------

let opened = null;

function openEntry({ id, key }) {
  opened = { database: kv.name, id, entry: null, at: undefined };
  $('entry-title').replaceChildren(el('bdi', {}, key));
  $('entry-body').replaceChildren(quietly('Looking…'));
  $('entry-set').hidden = $('entry-delete').hidden = true;
  tell('entry-failure');
  if (!$('entry').open) $('entry').showModal();
  loadEntry();
}

async function loadEntry() {
  const mine = opened;
  mine.at = figuresOf(mine.database)?.lastCommit;
  try {
    const entry = await get(`${databasePath(mine.database)}/entry`, { id: mine.id });
    if (mine === opened) showEntry(entry);
  } catch (error) {
    if (mine !== opened) return;
    if (error.status === 404) showGone();
    else tell('entry-failure', wordsOfError(error));
  }
}

function showGone() {
  opened.entry = null;
  $('entry-body').replaceChildren();
  $('entry-set').hidden = $('entry-delete').hidden = true;
  tell('entry-failure', 'This entry is not there any more.');
}

const forms = { js: 'JavaScript’s value', u64: 'number of 64 bits, for sums', text: 'bytes that are text', bytes: 'bytes', damaged: 'damaged' };
const quotedForShell = (text) => `'${text.replaceAll('\'', '\'\\\'\'')}'`;

function showEntry(entry) {
  tell('entry-failure');
  if (opened.entry?.versionstamp === entry.versionstamp) return;
  opened.entry = entry;
  const isTuple = entry.key.startsWith('[');
  const rest = isTuple && (entry.isCut || entry.text == null)
    ? [el('p', { class: 'quiet' }, entry.text == null ? `The value is large (${bytes(entry.length)}) and not shown here. All of it:` : `This is the beginning of ${bytes(entry.length)}. All of it:`),
      command(`strata kv get --db ${opened.database} ${quotedForShell(entry.key)}`)]
    : [];
  $('entry-body').replaceChildren(
    entry.text == null ? '' : el('pre', { class: 'shown', tabindex: 0, role: 'region', 'aria-label': 'Value' }, el('bdi', {}, entry.text), entry.isCut ? '…' : ''),
    ...rest,
    pairs([
      ['Kind', forms[entry.form] ?? entry.form], ['Size', `${bytes(entry.length)} (${exactly(entry.length, ' bytes')})`],
      ['Versionstamp', el('code', {}, entry.versionstamp)], ['Expires', entry.expires ? timeOf(entry.expires) : 'never'],
    ]));
  $('entry-set').hidden = !isTuple;
  $('entry-delete').hidden = false;
}

// While it is looked at it follows what is written; without figures nobody says whether anything was.
function noticeEntry(now) {
  if (!opened || opened.database !== kv.name || !opened.entry) return;
  const hasExpired = opened.entry.expires && new Date(opened.entry.expires) <= Date.now();
  if (!now || now.lastCommit !== opened.at || hasExpired) loadEntry();
}

async function deleteEntry() {
  const mine = opened;
  const { database, id, entry } = mine;
  const sure = await ask('Delete this entry?', ['The entry ', el('bdi', { class: 'key-text' }, entry.key), ` of the database ${database} is deleted.`], 'Delete it', 'Keep it');
  if (!sure || mine !== opened) return;
  try {
    const answer = await change('DELETE', `${databasePath(database)}/entry`, { id, versionstamp: entry.versionstamp });
    if (answer.versionstamp) removeRow(id, answer.versionstamp);
    else if (mine === opened && !answer.entry) showGone();
    else if (mine === opened) {
      showEntry(answer.entry);
      tell('entry-failure', 'It was changed meanwhile and is not deleted. This is what is there now.');
    }
  } catch (error) {
    if (mine === opened) tell('entry-failure', wordsOfError(error));
  }
}

function removeRow(id, versionstamp) {
  $('entry').close();
  adoptCommit(versionstamp);
  const row = entryNodes.get(id);
  if (!row?.isConnected) return;
  const next = (row.nextElementSibling ?? row.previousElementSibling)?.querySelector('button') ?? $('begins');
  row.remove();
  entryNodes.delete(id);
  kv.shown--;
  if (kv.shown === 0 && kv.next) listEntries();
  else showCount();
  next.focus();
}

$('entry-delete').addEventListener('click', deleteEntry);
$('entry-set').addEventListener('click', () => openSet(opened.entry));
$('entry').addEventListener('close', () => { opened = null; });

// Setting -----------------------------------------------------------------------------------------------------------

let replaced = null;        // the entry whose value is replaced; null: there must be none

function openSet(entry) {
  replaced = entry;
  put($('set-title'), entry ? 'Replace the value' : 'Set a value');
  $('set-key').value = entry?.key ?? '';
  $('set-key').readOnly = Boolean(entry);
  $('set-value').value = entry && isJson(entry) ? entry.text : '';
  tell('set-failure');
  $('set').showModal();
  $(entry ? 'set-value' : 'set-key').focus();
}

// What is shown as JavaScript is JSON where it has nothing else in it.
function isJson({ form, text, isCut }) {
  if (form !== 'js' || text == null || isCut) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function setValue(database, key, value) {
  for (;;) {
    const answer = await change('PUT', `${databasePath(database)}/entry`, {}, { key, value, versionstamp: replaced?.versionstamp });
    if (answer.versionstamp) return answer.entry;
    const there = answer.entry;
    const expiry = there?.expires ? ` It expires at ${dateTime(there.expires)}; the new value does not expire.` : '';
    const sure = there
      ? await ask('Replace the value?', ['The key ', el('bdi', { class: 'key-text' }, there.key), replaced ? ' was given another value meanwhile.' : ' has a value already.', expiry], 'Replace it', 'Leave it')
      : await ask('Set it anew?', 'The entry is not there any more.', 'Set it', 'Leave it');
    if (!sure) return null;
    replaced = there;
  }
}

$('set-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  if ($('set-submit').disabled) return;
  const database = kv.name;
  $('set-submit').disabled = true;
  tell('set-failure');
  try {
    const entry = await setValue(database, $('set-key').value.trim(), $('set-value').value);
    if (!entry || !$('set').open || database !== kv.name) return;
    $('set').close();
    listEntries();
    if (opened?.id === entry.id) showEntry(entry);
    else openEntry(entry);
  } catch (error) {
    tell('set-failure', wordsOfError(error));
  } finally {
    $('set-submit').disabled = false;
  }
});
$('set-open').addEventListener('click', () => openSet(null));

for (const id of ['entry', 'set']) {
  $(`${id}-close`).addEventListener('click', () => $(id).close());
}

// Beside the form a click closes nothing: what was typed would be lost.
$('entry').addEventListener('click', (event) => { if (event.target === $('entry')) $('entry').close(); });
