// Where the blobs of a store are, what moves them, and why one is where it is. Nothing is asked for that is not looked at:
// the figures of one store while this view is shown. Keys and the server's words are shown as text.
'use strict';

const tiersEvery = 2000;    // ms
const movesInProgressShown = 50;

const placed = { store: '', figures: null, key: '', found: null, isBusy: false };
let placedRows = new Map();
let placement = { rows: [], table: null, shape: '' };
let drawn = new Map();      // what a part of the view shows, by its element
let tiersTimer = 0;
let tiersRound = 0;

// The address: #tiers, #tiers/STORE, #tiers/STORE/KEY. Null: something else is looked at.
function tiersHash() {
  const parts = /^#tiers(?:\/([^/]*)(?:\/(.*))?)?$/.exec(location.hash);
  if (!parts) return null;
  try {
    return { store: decodeURIComponent(parts[1] ?? ''), key: decodeURIComponent(parts[2] ?? '') };
  } catch {
    return { store: '', key: '' };
  }
}

const tiersHref = (store, key) => `#tiers${store ? `/${encodeURIComponent(store)}` : ''}${store && key ? `/${encodeURIComponent(key)}` : ''}`;
const tieringPath = (store, what = '') => `/stores/${encodeURIComponent(store)}/tiering${what}`;
const tieredStores = () => state.stores.filter((s) => s.tiers.length > 1);
const bytesOfStore = (store) => store.tiers.at(-1)?.bytes ?? null;

// Which store -------------------------------------------------------------------------------------------------------

// Every second, with the figures of all stores.
function offerTiers() {
  showNavigation();
  if ($('tiers-view').hidden) return;
  const stores = tieredStores();
  const names = new Set(stores.map((s) => s.name));
  for (const [name, row] of placedRows) {
    if (names.has(name)) continue;
    row.node.remove();
    placedRows.delete(name);
  }
  stores.forEach((store, i) => {
    let row = placedRows.get(store.name);
    const shape = JSON.stringify(store.tiers.map((t) => t.name));
    if (row && row.shape !== shape) row.node.remove();
    if (!row || row.shape !== shape) placedRows.set(store.name, row = placedRow(store, shape));
    if ($('tiered').children[i] !== row.node) $('tiered').insertBefore(row.node, $('tiered').children[i] ?? null);
    store.tiers.forEach((t, n) => { row.segments[n].style.flexGrow = t.bytes ?? 0; });
    put(row.size, bytes(bytesOfStore(store)), exactly(bytesOfStore(store), ' bytes'));
    const fault = store.tiers.find((t) => t.fault);
    put(row.fault, fault ? `${fault.name}: ${fault.fault}` : '');
  });
  $('tiered-panel').hidden = stores.length < 2;
  put($('tiered-count'), stores.length < 2 ? '' : exact.format(stores.length));
  $('tiers-empty').hidden = stores.length > 0;
  if (!names.has(placed.store)) showTiers();
  else markPlaced();
}

function placedRow(store, shape) {
  const segments = store.tiers.map((t, i) => el('span', { class: `heat-${heat(i, store.tiers.length)}` }));
  const size = el('span', { class: 'number' });
  const fault = el('span', { class: 'wrong' });
  const link = el('a', { class: 'key', href: tiersHref(store.name) }, el('bdi', {}, store.name));
  return { shape, segments, size, fault, link, node: el('li', { class: 'placed' }, link, el('div', { class: 'share', 'aria-hidden': 'true' }, ...segments), size, fault) };
}

function markPlaced() {
  for (const [name, row] of placedRows) {
    if (name === placed.store) row.link.setAttribute('aria-current', 'true');
    else row.link.removeAttribute('aria-current');
  }
}

function showTiers() {
  const chosen = tiersHash();
  if (!chosen || $('inside').hidden) return;
  const stores = tieredStores();
  const store = stores.some((s) => s.name === chosen.store) ? chosen.store : stores[0]?.name ?? '';
  const isOther = store !== placed.store;
  if (isOther) {
    Object.assign(placed, { store, figures: null, found: null, key: '' });
    $('placement-title').replaceChildren('Placement in ', el('bdi', {}, store));
    $('placement-body').replaceChildren();
    for (const id of ['placement-failure', 'explain-failure']) tell(id);
    put($('explain-done'), '');
    showExplanation();
  }
  $('placement').hidden = $('tiers-lower').hidden = !store;
  $('view-tiers').href = tiersHref(chosen.store, chosen.key);
  markPlaced();
  if (!store) return;
  if (isOther) watchTiers();
  const key = chosen.store === store ? chosen.key : '';
  if (key !== placed.key) explain(key);
}

function watchTiers() {
  clearTimeout(tiersTimer);
  askTiering(++tiersRound);
}

function forgetTiers() {
  clearTimeout(tiersTimer);
  tiersRound++;
  Object.assign(placed, { store: '', figures: null, key: '', found: null, isBusy: false });
  placedRows = new Map();
  placement = { rows: [], table: null, shape: '' };
  drawn = new Map();
  for (const id of ['tiered', 'placement-title', 'placement-body', 'explain-body', 'tier-moves', 'tier-runs', 'explain-tier']) $(id).replaceChildren();
  for (const id of ['explain-done', 'tiered-count', 'placement-cost']) put($(id), '');
  for (const id of ['placement-failure', 'explain-failure']) tell(id);
  $('explain-key').value = '';
  $('view-tiers').href = '#tiers';
  showNavigation();
}

async function askTiering(round) {
  const { store } = placed;
  try {
    if (!document.hidden && tiersHash() && store) {
      const figures = await get(tieringPath(store));
      if (round !== tiersRound || store !== placed.store) return;
      tell('placement-failure');
      showFigures(placed.figures = figures);
      if (placed.key && !placed.isBusy) await explain(placed.key, true);
    }
  } catch (error) {
    // The state of the connection is told elsewhere; the next round asks again.
    if (round === tiersRound && !(error instanceof TypeError)) tell('placement-failure', error.message);
  }
  if (round === tiersRound) tiersTimer = setTimeout(askTiering, tiersEvery, round);
}

// The map -----------------------------------------------------------------------------------------------------------

const money = (n) => n.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function placementRow(tier, i, total) {
  const shade = `heat-${heat(i, total)}`;
  const bar = () => el('span', { class: 'fill' });
  const cells = Object.fromEntries(['blobs', 'bytes', 'hits', 'promotions', 'demotions', 'evictions', 'cost'].map((name) => [name, el('span', {})]));
  const fills = { bytes: bar(), blobs: bar() };
  const node = el('tr', { class: shade, 'data-tier': tier.name },
    el('th', { scope: 'row' }, el('span', { class: 'name' }, el('bdi', {}, tier.name), tier.isOrigin ? el('span', { class: 'quiet' }, ' origin') : '')),
    el('td', { class: 'barred' }, el('div', { class: 'bar', 'aria-hidden': 'true' }, fills.bytes), cells.bytes),
    el('td', { class: 'barred' }, el('div', { class: 'bar', 'aria-hidden': 'true' }, fills.blobs), cells.blobs),
    ...['hits', 'promotions', 'demotions', 'evictions', 'cost'].map((name) => el('td', { class: `number ${name}` }, cells[name])));
  return { node, cells, fills };
}

function buildPlacement(tiers) {
  const rows = tiers.map((t, i) => placementRow(t, i, tiers.length));
  const heads = [['Bytes', 'barred'], ['Blobs', 'barred'], ['Hits', 'number hits'], ['Promoted', 'number promotions'], ['Demoted', 'number demotions'], ['Evicted', 'number evictions'], ['A month', 'number cost']];
  const table = el('table', { class: 'placement-map' },
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Tier'), ...heads.map(([text, type]) => el('th', { scope: 'col', class: type }, text)))),
    el('tbody', {}, ...rows.map((r) => r.node)));
  $('placement-body').replaceChildren(table);
  placement = { rows, table, shape: JSON.stringify(tiers.map((t) => t.name)) };
  $('explain-tier').replaceChildren(...tiers.map((t) => el('option', { value: t.name }, t.name)));
}

function showFigures({ tiers, status, moves: underWay, pins, doubts, cost }) {
  if (!$('placement-body').firstChild || placement.shape !== JSON.stringify(tiers.map((t) => t.name))) buildPlacement(tiers);
  const most = (name) => Math.max(1, ...tiers.map((t) => t[name] ?? 0));
  tiers.forEach((tier, i) => {
    const { cells, fills } = placement.rows[i];
    for (const name of ['bytes', 'blobs']) fills[name].style.width = `${(100 * (tier[name] ?? 0) / most(name)).toFixed(2)}%`;
    put(cells.bytes, `${bytes(tier.bytes)}${tier.maxBytes ? ` of ${bytes(tier.maxBytes)}` : ''}`, exactly(tier.bytes, ' bytes'));
    put(cells.blobs, count(tier.blobs), exactly(tier.blobs));
    for (const name of ['hits', 'promotions', 'demotions', 'evictions']) put(cells[name], count(tier[name]), exactly(tier[name]));
    put(cells.cost, cost ? money(cost.tiers[i].total) : '–');
  });
  placement.table.classList.toggle('priced', Boolean(cost));
  put($('placement-cost'), cost
    ? `A month costs ${money(cost.total)}; all in ${tiers[0].name} ${money(cost.allHot)}, all in ${tiers.at(-1).name} ${money(cost.allCold)}.` : '');
  showRuns(status, pins, doubts);
  showUnderWay(underWay);
}

function spanOf(text) {
  // .NET writes 1.02:03:04.5 for a day, two hours and so on.
  const [, days, hours, minutes, seconds] = /^(?:(\d+)\.)?(\d+):(\d+):([\d.]+)$/.exec(text) ?? [];
  return duration(1e6 * ((((Number(days ?? 0) * 24) + Number(hours ?? 0)) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0)) || 1);
}

function runWords(run) {
  const parts = [`${count(run.lookedAt)} looked at`, `${count(run.promoted)} up`, `${count(run.demoted)} down`, `${bytes(run.bytes)} copied`];
  if (run.refused > 0) parts.push(`${count(run.refused)} refused`);
  if (run.failed > 0) parts.push(`${count(run.failed)} failed`);
  if (run.left > 0) parts.push(`${count(run.left)} left`);
  return `${dateTime(run.began)}, ${spanOf(run.elapsed)}: ${parts.join(', ')}`;
}

function showRuns(status, pins, doubts) {
  if (!status) return;
  const { recent, progress } = status;
  const last = recent[0];
  const terms = [
    ['Now', status.isRunning ? `running: ${count(progress.lookedAt)} looked at, ${count(progress.promoted)} up, ${count(progress.demoted)} down, ${bytes(progress.bytes)}` : null],
    ['Last run', last ? runWords(last) : 'none since the store was opened'],
    ['First failure', last?.firstError], ['Error', status.lastError],
    ['Next run', status.next ? dateTime(status.next) : status.isRunning ? null : 'by hand: strata tier run'],
    ['All runs', `${count(status.runs)}${status.failedRuns > 0 ? `, ${count(status.failedRuns)} failed` : ''}: ${count(status.promoted)} up, ${count(status.demoted)} down, ${bytes(status.bytes)} copied`],
    ['Pinned', `${count(pins)} ${pins === 1 ? 'key' : 'keys'}`],
    ['In doubt', doubts?.keys > 0 ? `${count(doubts.keys)}: changes of unknown outcome` : null],
    ['Remembered', `the use of ${count(status.tracker.keys)} ${status.tracker.keys === 1 ? 'key' : 'keys'}, ${bytes(status.tracker.bytes)}${status.isDurable ? '' : '; not beyond a restart'}`],
  ].filter(([, value]) => value != null);
  const before = recent.slice(1).map((run) => `${runWords(run)}${run.firstError ? `; ${run.firstError}` : ''}`);
  redraw($('tier-runs'), [terms, before], () => [pairs(terms), ...(before.length
    ? [el('h3', { class: 'runs-head', id: 'tier-runs-before' }, 'Runs before it'), el('ol', { class: 'runs', 'aria-labelledby': 'tier-runs-before' }, ...before.map((run) => el('li', {}, run)))]
    : [])]);
}

function showUnderWay(underWay) {
  const shown = underWay.slice(0, movesInProgressShown);
  $('tier-moves-empty').hidden = underWay.length > 0;
  put($('tier-moves-count'), underWay.length > shown.length ? `${exact.format(underWay.length)}, of which ${shown.length} are shown` : '');
  redraw($('tier-moves'), shown, () => shown.map((move) => el('li', { class: 'under-way' },
    el('bdi', { class: 'key-text' }, move.key),
    el('span', { class: 'what' }, chip(placed.store, move.from), ' → ', chip(placed.store, move.to), ` ${move.state.toLowerCase()} · ${bytes(move.length)} · ${ago(move.began)}`))));
}

// What has not changed is not touched: a reader may have marked text in it.
function redraw(place, value, make) {
  const text = JSON.stringify(value);
  if (drawn.get(place) === text && place.firstChild) return;
  drawn.set(place, text);
  place.replaceChildren(...make());
}

// One key -----------------------------------------------------------------------------------------------------------

async function explain(key, isAgain = false) {
  const { store } = placed;
  if (!isAgain) {
    Object.assign(placed, { key, found: null });
    $('explain-key').value = key;
    tell('explain-failure');
    put($('explain-done'), '');
    showExplanation();
  }
  if (!key) return;
  try {
    const found = await get(tieringPath(store, '/explain'), { key });
    if (store !== placed.store || key !== placed.key) return;
    tell('explain-failure');
    placed.found = found;
  } catch (error) {
    if (store !== placed.store || key !== placed.key) return;
    placed.found = null;
    tell('explain-failure', error.status === 404 ? 'There is no such blob.' : wordsOfError(error));
  }
  showExplanation();
}

function ruleWords(rule) {
  const what = [rule.prefix && `keys that begin with ${rule.prefix}`, rule.pattern && `keys like ${rule.pattern}`].filter(Boolean).join(' and ') || 'all keys';
  const where = rule.tier ?? ([rule.hottest && `${rule.hottest} at the fastest`, rule.coldest && `${rule.coldest} at the slowest`].filter(Boolean).join(', ') || 'as they are used');
  return `${what}: ${where}`;
}

function showExplanation() {
  const { found, store } = placed;
  $('explain-result').hidden = !found;
  if (!found) return;
  const all = tiersOf(store);
  const terms = [
    ['Why', found.why], ['What moves it', found.moves],
    ['Due', found.belongs.due ? dateTime(found.belongs.due) : 'never, as things are'],
    ['Score', found.use.score.toLocaleString('en', { maximumFractionDigits: 3 })],
    ['Accesses', `${count(found.use.accesses)} lately, ${count(found.use.historyAccesses)} in all that is remembered`],
    ['Last used', found.use.lastAccess ? dateTime(found.use.lastAccess) : 'never, as far as is remembered'],
    ['Modified', dateTime(found.modified)], ['Size', bytes(found.length)],
    ['Pinned to', found.pin], ['Rule', found.rule ? ruleWords(found.rule) : null],
    ['In doubt', found.isInDoubt ? 'its last change is of unknown outcome: it is read at the origin alone' : null],
  ].filter(([, value]) => value != null);
  redraw($('explain-body'), [found.key, found.tiers, found.belongs.tier, terms], () => [
    el('ol', { class: 'core', 'aria-label': 'Tiers' }, ...all.map((t, i) =>
      el('li', { class: `heat-${heat(i, all.length)} ${found.tiers.includes(t.name) ? 'holds' : ''}` },
        el('strong', {}, t.name), el('span', {}, [t.name === found.tier ? 'it is here' : found.tiers.includes(t.name) ? 'holds it too' : '', t.name === found.belongs.tier ? 'belongs here' : ''].filter(Boolean).join(', ') || 'no copy')))),
    pairs(terms)]);
  $('explain-promote').disabled = placed.isBusy || all[0]?.name === found.tier;
  $('explain-demote').disabled = placed.isBusy || all.at(-1)?.name === found.tier;
  $('explain-pin').disabled = $('explain-unpin').disabled = placed.isBusy;
  $('explain-unpin').hidden = !found.pin;
}

const moveWords = {
  Moved: 'It was moved.', Unchanged: 'It was there already.', Missing: 'There is no such blob any more.',
  Overtaken: 'It was written or deleted meanwhile, and not moved.', Refused: 'The tier does not take it: it is too long, or the tier is full.',
};

async function decide(what, body, words) {
  if (placed.isBusy) return;
  const { store, key } = placed;
  const focused = document.activeElement;
  placed.isBusy = true;
  put($('explain-done'), 'Working…');
  tell('explain-failure');
  showExplanation();
  let done = '';
  try {
    done = words(await change('POST', tieringPath(store, what), {}, { key, ...body }));
  } catch (error) {
    if (store === placed.store && key === placed.key) tell('explain-failure', wordsOfError(error));
  }
  placed.isBusy = false;
  if (store !== placed.store || key !== placed.key) return showExplanation();
  if (done) await explain(key, true);
  else showExplanation();
  put($('explain-done'), done);

  // A button that has done its work and cannot be used again gives the focus to what it has brought about.
  if (focused?.disabled || focused?.hidden) $('explain-result').focus();
  else if (document.activeElement === document.body) focused?.focus();
  watchTiers();
}

$('explain').addEventListener('submit', (event) => {
  event.preventDefault();
  const key = $('explain-key').value;
  history.replaceState(null, '', tiersHref(placed.store, key));
  $('view-tiers').href = tiersHref(placed.store, key);
  explain(key);
});
$('explain-promote').addEventListener('click', () => decide('/promote', {}, (a) => moveWords[a.status]));
$('explain-demote').addEventListener('click', () => decide('/demote', {}, (a) => moveWords[a.status]));
$('explain-pin').addEventListener('click', () => {
  const tier = $('explain-tier').value;
  decide('/pin', { tier }, (a) => `Pinned to ${tier}. ${moveWords[a.status]}`);
});
$('explain-unpin').addEventListener('click', () => decide('/unpin', {}, (a) => (a.wasPinned ? 'It is not pinned any more.' : 'It was not pinned.')));
