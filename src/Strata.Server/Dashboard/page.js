// The page of a Strata server: figures by server-sent events, keys by the admin API. Keys, metadata and error messages
// are other people's text: they reach the document through textContent and attributes only, never as markup.
'use strict';

const $ = (id) => document.getElementById(id);
const api = '/_strata/v1';
const heats = 5;            // shades between hottest and coldest in page.css
const samples = 60;         // seconds of a sparkline
const movesShown = 60;
const pageSize = 50;
const locatesAtOnce = 4;
const patience = 1000;      // ms between two tries to reach the server
const silence = 5000;       // ms without an event, of which one a second is due, after which the connection counts as lost

const state = { stores: [], store: '', prefix: '', token: null, shown: 0, blobs: null };

// Elements ------------------------------------------------------------------------------------------------------------

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Once a second most figures are what they were; the document is touched only where they are not.
function put(element, text, title) {
  if (element.textContent !== text) element.textContent = text;
  if (title !== undefined && element.title !== title) element.title = title;
}

// Figures -------------------------------------------------------------------------------------------------------------

const exact = new Intl.NumberFormat('en');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const count = (n) => (n == null ? '–' : n < 100000 ? exact.format(n) : compact.format(n));
const exactly = (n, unit = '') => (n == null ? 'not counted' : exact.format(n) + unit);
const percent = (part, whole) => (whole > 0 ? `${(100 * part / whole).toFixed(part === whole || part === 0 ? 0 : 1)} %` : '–');

function bytes(n) {
  if (n == null) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  while (n >= 1023.5 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(n >= 10 ? 1 : 2)} ${units[unit]}`;
}

function rate(perSecond) {
  if (perSecond == null) return '–';
  return perSecond >= 1000 ? compact.format(perSecond) : perSecond.toFixed(perSecond > 0 && perSecond < 10 ? 1 : 0);
}

function duration(us) {
  if (!us) return '–';
  if (us < 1000) return `${us < 10 ? us.toFixed(1) : Math.round(us)} µs`;
  return us < 1e6 ? `${(us / 1000).toFixed(us < 1e4 ? 1 : 0)} ms` : `${(us / 1e6).toFixed(1)} s`;
}

const two = (n) => String(n).padStart(2, '0');
const clockOf = (d) => `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
const dayOf = (d) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
const dateTime = (iso) => `${dayOf(new Date(iso))} ${clockOf(new Date(iso))}`;
const timeOf = (iso) => el('time', { datetime: iso, title: iso }, dateTime(iso));

// Tier i of n as a shade: the ends are always the hottest and the coldest; a store of one tier is its origin, cold.
const heat = (i, n) => (n < 2 ? heats - 1 : Math.round(i * (heats - 1) / (n - 1)));
const tiersOf = (store) => state.stores.find((s) => s.name === store)?.tiers ?? [];

function heatOf(store, tier) {
  const tiers = tiersOf(store);
  const index = tiers.findIndex((t) => t.name === tier);
  return heat(index < 0 ? tiers.length - 1 : index, tiers.length);
}

const chip = (store, tier) => el('span', { class: `chip heat-${heatOf(store, tier)}` }, tier);

// Stores --------------------------------------------------------------------------------------------------------------

const cards = new Map();

function figure(label, hint) {
  const value = el('dd', {}, '–');
  return { value, node: el('div', { title: hint ?? false }, el('dt', {}, label), value) };
}

function sparkline() {
  const area = svg('path', { class: 'area' });
  const line = svg('path', { class: 'line' });
  const label = el('figcaption', {});
  const drawing = svg('svg', { viewBox: '0 0 120 28', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, area, line);
  return {
    node: el('figure', { class: 'spark' }, drawing, label),
    draw(history, greatest, now) {
      const step = 120 / (samples - 1);
      const points = history.map((v, i) => `${((samples - history.length + i) * step).toFixed(1)} ${(26 - 23 * v / (greatest || 1)).toFixed(1)}`);
      const path = points.length > 1 ? `M${points.join('L')}` : '';
      line.setAttribute('d', path);
      area.setAttribute('d', path && `${path}V28H${((samples - history.length) * step).toFixed(1)}Z`);
      put(label, now == null ? 'reads/s' : `${rate(now)} reads/s`, 'Reads that this tier answered, of the last minute');
    },
  };
}

// The line between two layers: the same for a tier's place on every visit, different from its neighbours'.
function contour(index) {
  const height = (x) => 6 + 3.4 * Math.sin(x / 97 + index * 2.1) + 2 * Math.sin(x / 41 + index * 4.7);
  let path = 'M0 14';
  for (let x = 0; x <= 1200; x += 20) path += `L${x} ${height(x).toFixed(1)}`;
  return svg('svg', { class: 'contour', viewBox: '0 0 1200 14', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('path', { d: `${path}V14Z` }));
}

function stratum(tier, index, total) {
  const fill = el('span', { class: 'fill' });
  const bar = el('div', { class: 'bar', role: 'meter', 'aria-label': `Room used in ${tier.name}`, 'aria-valuemin': 0, 'aria-valuemax': 100 }, fill);
  const used = el('strong', {});
  const room = el('span', { class: 'quiet' });
  const blobs = el('span', { class: 'blobs' });
  const figures = {
    hitRate: figure('Hit rate', 'Reads that this tier answered, of those that asked it'),
    hits: figure('Hits', 'Reads that this tier answered'),
    misses: figure('Misses', 'Reads that went on to the next tier'),
    promotions: figure('Promoted', 'Copies made here because of a read'),
    evictions: figure('Evicted', 'Copies dropped to make room'),
    repairs: figure('Repaired', 'Copies dropped because they were damaged or out of date'),
    errors: figure('Errors', 'Operations on this tier that failed'),
    read: figure('Mean read', 'Mean time of a read that this tier answered'),
  };
  const spark = sparkline();
  const lastError = el('p', { class: 'last-error', hidden: true });
  const role = tier.isOrigin ? 'origin' : index === 0 ? 'fastest' : `tier ${index + 1}`;
  const node = el('li', { class: `stratum heat-${heat(index, total)}`, 'data-tier': tier.name },
    contour(index),
    el('div', { class: 'layer' },
      el('div', { class: 'name' }, el('h3', {}, tier.name), el('span', { class: 'quiet' }, role)),
      el('div', { class: 'capacity' }, bar, el('p', {}, used, ' ', room, el('span', { class: 'quiet dot' }, ' · '), blobs)),
      el('dl', { class: 'figures' }, ...Object.values(figures).map((f) => f.node)),
      spark.node),
    lastError);
  return { node, fill, bar, used, room, blobs, figures, spark, lastError, history: [], last: null };
}

function updateStratum(view, tier) {
  const share = tier.maxBytes ? Math.min(1, (tier.bytes ?? 0) / tier.maxBytes) : null;
  view.bar.classList.toggle('unbounded', share == null);
  view.fill.style.width = share == null ? '' : `${(100 * share).toFixed(2)}%`;
  const words = tier.maxBytes ? `of ${bytes(tier.maxBytes)} · ${percent(tier.bytes ?? 0, tier.maxBytes)}` : 'no limit but the medium';
  view.bar.setAttribute('aria-valuenow', share == null ? 0 : Math.round(100 * share));
  view.bar.setAttribute('aria-valuetext', `${bytes(tier.bytes)} ${words}`);
  const files = tier.fileBytes == null ? '' : `; files of ${exactly(tier.fileBytes)} bytes, with what is not yet compacted and what is held in reserve`;
  put(view.used, bytes(tier.bytes), `${exactly(tier.bytes, ' bytes')}${files}`);
  put(view.room, words, tier.maxBytes ? exactly(tier.maxBytes, ' bytes') : '');
  put(view.blobs, `${count(tier.blobs)} ${tier.blobs === 1 ? 'blob' : 'blobs'}`, exactly(tier.blobs));
  const f = view.figures;
  put(f.hitRate.value, percent(tier.hits, tier.hits + tier.misses), `${exactly(tier.hits)} of ${exactly(tier.hits + tier.misses)} reads`);
  for (const name of ['hits', 'misses', 'evictions', 'repairs', 'errors']) put(f[name].value, count(tier[name]), exactly(tier[name]));
  put(f.promotions.value, count(tier.promotions), `${exactly(tier.promotions)} by reads; ${exactly(tier.fills)} more came with a write`);
  put(f.read.value, duration(tier.meanReadMicroseconds), tier.meanReadMicroseconds ? `${exact.format(tier.meanReadMicroseconds)} µs` : 'not timed');
  f.errors.node.classList.toggle('bad', tier.errors > 0);
  const wrong = tier.fault || (tier.lastError ? `Last error: ${tier.lastError}` : '');
  view.lastError.hidden = !wrong;
  put(view.lastError, wrong);
}

function buildCard(store) {
  const strata = store.tiers.map((t, i) => stratum(t, i, store.tiers.length));
  const segments = store.tiers.map((t, i) => el('span', { class: `heat-${heat(i, store.tiers.length)}` }));
  const legend = store.tiers.map((t, i) => el('span', { class: `chip heat-${heat(i, store.tiers.length)}` }));
  const missed = el('span', { class: 'missed' });
  const missedLegend = el('span', { class: 'chip none' });
  const summary = { hitRate: figure('Hit rate', 'Reads that found the blob in any tier'), now: figure('Reads/s'), reads: figure('Reads') };
  const node = el('article', { class: 'card', 'aria-label': `Store ${store.name}` },
    el('header', {},
      el('h2', {}, el('bdi', {}, store.name)),
      el('div', { class: 'answered' },
        el('div', { class: 'share', 'aria-hidden': 'true' }, ...segments, missed),
        el('p', { class: 'legend' }, el('span', { class: 'quiet' }, 'Reads answered by'), ...legend, missedLegend)),
      el('dl', { class: 'summary' }, ...Object.values(summary).map((f) => f.node))),
    el('ol', { class: 'strata' }, ...strata.map((s) => s.node)));
  const shape = JSON.stringify(store.tiers.map((t) => [t.name, t.isOrigin]));
  return { node, shape, strata, segments, legend, missed, missedLegend, summary, last: null };
}

function updateCard(card, store, time) {
  const reads = store.reads.hits + store.reads.misses;
  const before = card.last;
  const seconds = before ? (time - before.time) / 1000 : 0;

  // A server that was started again counts from 0; what is known of the last minute is then of another life.
  const again = before && (reads < before.reads || seconds < 0);
  const since = (now, then) => (before && !again && seconds > 0 ? Math.max(0, now - then) / seconds : null);
  const now = since(reads, before?.reads);
  store.tiers.forEach((tier, i) => {
    const view = card.strata[i];
    const perSecond = since(tier.hits, view.last);
    if (again) view.history = [];
    if (perSecond != null) view.history = [...view.history, perSecond].slice(-samples);
    view.last = tier.hits;
    view.now = perSecond;
    updateStratum(view, tier);
    card.segments[i].style.flexGrow = tier.hits;
    put(card.legend[i], `${tier.name} ${percent(tier.hits, reads)}`, `${exactly(tier.hits)} reads`);
  });
  const greatest = Math.max(...card.strata.flatMap((s) => s.history), 0);
  for (const view of card.strata) view.spark.draw(view.history, greatest, view.now);
  card.missed.style.flexGrow = store.reads.misses;
  put(card.missedLegend, `missing ${percent(store.reads.misses, reads)}`, `${exactly(store.reads.misses)} reads found nothing`);
  put(card.summary.hitRate.value, percent(store.reads.hits, reads), `${exactly(store.reads.hits)} of ${exactly(reads)} reads`);
  put(card.summary.now.value, rate(now), now == null ? '' : `${now.toFixed(2)} reads/s`);
  put(card.summary.reads.value, count(reads), exactly(reads));
  card.last = { reads, time };
}

function onStores(stores, time) {
  state.stores = stores;
  const names = new Set(stores.map((s) => s.name));
  for (const [name, card] of cards) {
    if (names.has(name)) continue;
    card.node.remove();
    cards.delete(name);
  }
  for (const store of stores) {
    let card = cards.get(store.name);
    if (!card || card.shape !== JSON.stringify(store.tiers.map((t) => [t.name, t.isOrigin]))) {
      const built = buildCard(store);
      if (card) card.node.replaceWith(built.node);
      else $('stores').append(built.node);
      cards.set(store.name, card = built);
    }
    updateCard(card, store, time);
  }
  $('stores-waiting').hidden = true;
  offerStores([...names]);
  offerTiers();
  noticeChange();
}

// Moves ---------------------------------------------------------------------------------------------------------------

const kinds = { Promoted: ['↑', 'Promoted'], Evicted: ['↓', 'Evicted'], Repaired: ['⟳', 'Repaired'], Invalidated: ['✕', 'Invalidated'], Demoted: ['↓', 'Demoted'], ServedStale: ['!', 'Stale'] };
let moves = [];
let paused = false;

function moveRow(move) {
  const [sign, word] = kinds[move.kind] ?? ['·', move.kind];
  const time = new Date(move.time);
  return el('li', { class: `move ${word.toLowerCase()}` },
    el('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
    el('button', { type: 'button', class: 'key', title: move.key, onclick: () => openDetails(move.store, move.key) }, el('bdi', {}, move.key)),
    el('span', { class: 'what' },
      el('span', {}, word), ' ', chip(move.store, move.tier), ' ',
      el('span', { title: exactly(move.length, ' bytes') }, bytes(move.length)), ' · ',
      el('time', { datetime: move.time, title: time.toISOString() }, clockOf(time)),
      state.stores.length > 1 ? el('span', { class: 'quiet' }, ` · ${move.store}`) : ''));
}

function onMoves(fresh, restart) {
  moves = [...(restart ? [] : moves), ...fresh].slice(-movesShown);
  if (!restart) refreshTiers(fresh);
  if (paused) return;
  const list = $('moves');
  if (restart) list.replaceChildren();
  list.prepend(...fresh.slice(-movesShown).reverse().map(moveRow));
  while (list.children.length > movesShown) list.lastChild.remove();
  $('moves-empty').hidden = moves.length > 0;
}

$('pause').addEventListener('click', () => {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', paused);
  put($('pause'), paused ? 'Resume' : 'Pause');
  if (!paused) onMoves(moves, true);
});

// Connection ----------------------------------------------------------------------------------------------------------

const connections = { live: 'Live', lost: 'Connection lost, trying again…', out: 'Signed out' };
let source = null;
let heard = 0;

function say(connection) {
  if ($('state').dataset.state === connection) return;
  $('state').dataset.state = connection;
  put($('state-text'), connections[connection]);
}

function connect() {
  source?.close();
  heard = performance.now();
  const mine = source = new EventSource(`${api}/events`);
  let first = true;
  mine.addEventListener('open', () => { first = true; });
  mine.addEventListener('stores', (event) => {
    heard = performance.now();
    say('live');
    onStores(JSON.parse(event.data), Number(event.lastEventId));
  });
  mine.addEventListener('moves', (event) => {
    // The first of a connection holds all that the server remembers.
    onMoves(JSON.parse(event.data), first);
    first = false;
  });
  mine.addEventListener('error', () => {
    if (mine !== source) return;
    say('lost');

    // A connection that broke is tried again by the browser; one that was refused is not, and a session may be the reason.
    if (mine.readyState === EventSource.CLOSED) setTimeout(() => mine === source && resume(), patience);
  });
}

function disconnect() {
  source?.close();
  source = null;
}

setInterval(() => {
  if (!source || performance.now() - heard < silence) return;
  say('lost');
  connect();
}, 1000);

// Keys ----------------------------------------------------------------------------------------------------------------

let listing = null;         // aborts what belongs to the listing that is shown
let located = new Map();    // key → the cell that shows its tiers
let waiting = [];
let locating = 0;

const blobAddress = (store, key) => `${api}/stores/${encodeURIComponent(store)}/blob?${new URLSearchParams({ key })}`;
const pathOf = (key) => key.split('/').map(encodeURIComponent).join('/');
const hashOf = (store, prefix) => `#/${encodeURIComponent(store)}/${pathOf(prefix)}`;
const folderOf = (prefix) => prefix.slice(0, prefix.lastIndexOf('/') + 1);
const blobsOf = (store) => tiersOf(store).at(-1)?.blobs ?? null;

async function get(path, parameters, signal) {
  const query = new URLSearchParams(parameters);
  const response = await fetch(`${api}${path}?${query}`, { signal, headers: { Accept: 'application/json' } });
  const body = await response.json().catch(() => null);
  if (response.ok) return body;
  if (response.status === 401) signedOut();
  throw Object.assign(new Error(body?.message ?? `The server answered ${response.status}.`), { status: response.status });
}

function offerStores(names) {
  const select = $('store');
  if (JSON.stringify(names) === select.dataset.names) return;
  select.dataset.names = JSON.stringify(names);
  select.replaceChildren(...names.map((name) => el('option', { value: name }, name)));
  readHash();
}

// The address holds what is looked at, so that folders are plain links and Back goes back.
function readHash() {
  // A database, or tiers, are looked at: the keys stay as they were.
  if ((kvHash() ?? tiersHash()) && state.store) return;
  let parts;
  try {
    parts = location.hash.slice(2).split('/').map(decodeURIComponent);
  } catch {
    parts = [''];
  }
  const [store, ...prefix] = parts;
  const known = state.stores.some((s) => s.name === store);
  state.store = known ? store : state.stores[0]?.name ?? '';
  state.prefix = known ? prefix.join('/') : '';
  $('store').value = state.store;
  $('search').value = state.prefix;
  $('choose-files').disabled = $('choose-folder').disabled = !state.store;
  if (state.store) list();
}

// Nothing that was shown of the stores stays in the document.
function forget() {
  listing?.abort();
  clearTimeout(typing);
  if ($('details').open) $('details').close();
  for (const card of cards.values()) card.node.remove();
  cards.clear();
  Object.assign(state, { stores: [], store: '', prefix: '', token: null, shown: 0, blobs: null });
  moves = [];
  located = new Map();
  waiting = [];
  for (const id of ['rows', 'moves', 'crumbs', 'store', 'empty', 'details-body', 'details-title']) $(id).replaceChildren();
  $('store').dataset.names = '';
  $('search').value = '';
  $('stores-waiting').hidden = false;
  $('choose-files').disabled = $('choose-folder').disabled = true;
  for (const id of ['choose-files', 'choose-folder', 'send-hint']) $(id).title = '';
  put($('count'), '');
}

async function list(more = false) {
  if (!more) {
    listing?.abort();
    listing = new AbortController();
    waiting = [];
    located = new Map();
    state.token = null;
    state.shown = 0;
    state.blobs = blobsOf(state.store);
    seen.disconnect();
  }
  const mine = listing;
  const { store, prefix, token } = state;
  const isInside = () => $('listing').contains(document.activeElement) || $('crumbs').contains(document.activeElement);
  const wasInside = isInside();
  try {
    const parameters = { prefix, delimiter: '/', limit: pageSize };
    const page = await get(`/stores/${encodeURIComponent(store)}/blobs`, token ? { ...parameters, token } : parameters, mine.signal);
    // The focus may also have come into the rows while they were on their way.
    if (mine === listing) showPage(page, more, wasInside || isInside());
  } catch (error) {
    if (error.name === 'AbortError') return;
    $('keys-failure').hidden = false;
    put($('keys-failure'), error.message);
  }
}

function showPage(page, more, wasInside) {
  const rows = [...page.prefixes.map((p) => [p, folderRow]), ...page.items.map((i) => [i.key, () => keyRow(i)])]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, make]) => make(key));
  state.token = page.token;
  state.shown += rows.length;
  $('keys-failure').hidden = true;
  $('refresh').classList.remove('changed');
  if (more) $('rows').append(...rows);
  else $('rows').replaceChildren(...rows);
  $('listing').hidden = state.shown === 0;
  $('more').hidden = !page.token;
  showCrumbs();
  showEmpty();
  put($('count'), state.shown === 0 ? '' : `${exact.format(state.shown)} ${state.shown === 1 ? 'entry' : 'entries'}${page.token ? ', more below' : ''}`);
  if (more || wasInside) (rows[0]?.querySelector('a, button') ?? $('search')).focus();
}

function folderRow(prefix) {
  const name = prefix.slice(folderOf(state.prefix).length);
  return el('tr', { class: 'folder' },
    el('td', {}, el('a', { class: 'key', href: hashOf(state.store, prefix) }, el('bdi', {}, name || prefix))),
    el('td'), el('td', { class: 'when' }), el('td'));
}

function keyRow(info) {
  const name = info.key.slice(folderOf(state.prefix).length) || info.key;
  const store = state.store;
  const tiers = el('td', { class: 'tiers', 'data-key': info.key });
  located.set(info.key, tiers);
  seen.observe(tiers);
  return el('tr', {},
    el('td', {}, el('button', { type: 'button', class: 'key', title: info.key, onclick: () => openDetails(store, info.key) }, el('bdi', {}, name))),
    el('td', { class: 'number', title: exactly(info.length, ' bytes') }, bytes(info.length)),
    el('td', { class: 'when' }, timeOf(info.modified)),
    tiers);
}

function showCrumbs() {
  const steps = folderOf(state.prefix).split('/').slice(0, -1);
  const links = [el('a', { href: hashOf(state.store, '') }, el('bdi', {}, state.store))];
  steps.forEach((step, i) => links.push(el('a', { href: hashOf(state.store, `${steps.slice(0, i + 1).join('/')}/`) }, el('bdi', {}, step))));
  $('crumbs').replaceChildren(...links);
  for (const id of ['choose-files', 'choose-folder', 'send-hint']) $(id).title = `Into ${state.store}/${folderOf(state.prefix)}`;
}

function command(text) {
  const button = el('button', { type: 'button', class: 'small' }, 'Copy');
  button.addEventListener('click', () => navigator.clipboard.writeText(text).then(() => put(button, 'Copied'), () => put(button, 'Not allowed')));
  return el('div', { class: 'command' }, el('code', {}, text), button);
}

function showEmpty() {
  const empty = $('empty');
  empty.hidden = state.shown > 0;
  if (!empty.hidden && state.prefix) empty.replaceChildren(el('p', {}, 'No key begins with ', el('q', {}, el('bdi', {}, state.prefix)), '.'));
  else if (!empty.hidden) {
    empty.replaceChildren(
      el('h3', {}, 'Nothing here yet'),
      el('p', { class: 'quiet' }, 'Put something in, and watch where it settles:'),
      command(`strata put photo.jpg ${state.store}/photo.jpg`),
      command(`aws --no-sign-request s3 cp photo.jpg s3://${state.store}/photo.jpg --endpoint-url ${location.origin}`),
      command(`curl -T photo.jpg ${location.origin}/${encodeURIComponent(state.store)}/photo.jpg`));
  }
}

// A listing is not repainted under its reader's eyes, but an empty one has nothing to lose.
function noticeChange() {
  const blobs = blobsOf(state.store);
  if (blobs === state.blobs) return;
  state.blobs = blobs;
  if (!$('empty').hidden) list();
  else $('refresh').classList.add('changed');
}

// Where each row's blob is: asked only for rows in view, a few at a time.
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    askTiers(entry.target.dataset.key);
  }
});

function askTiers(key) {
  if (!waiting.includes(key)) waiting.push(key);
  locateSome();
}

function locateSome() {
  while (locating < locatesAtOnce && waiting.length > 0) locateNext();
}

async function locateNext() {
  const key = waiting.shift();
  const cell = located.get(key);
  const { store } = state;
  locating++;
  try {
    const answer = await get(`/stores/${encodeURIComponent(store)}/locate`, { key }, listing.signal);
    cell?.replaceChildren(...answer.tiers.map((tier) => chip(store, tier)));
  } catch (error) {
    if (error.name !== 'AbortError') cell?.replaceChildren(el('span', { class: 'chip none', title: error.message }, error.status === 404 ? 'gone' : 'unknown'));
  } finally {
    locating--;
    locateSome();
  }
}

function refreshTiers(fresh) {
  for (const move of fresh) {
    if (move.store === state.store && located.get(move.key)?.hasChildNodes()) askTiers(move.key);
    if (move.store === open?.store && move.key === open.key) loadDetails();
  }
}

let typing = 0;
$('search').addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    state.prefix = $('search').value;
    history.replaceState(null, '', hashOf(state.store, state.prefix));
    list();
  }, 200);
});
$('find').addEventListener('submit', (event) => {
  event.preventDefault();
  clearTimeout(typing);
  state.prefix = $('search').value;
  list();
});
$('store').addEventListener('change', () => { location.hash = hashOf($('store').value, ''); });
$('more').addEventListener('click', () => list(true));
addEventListener('hashchange', readHash);

// Down from the search goes into the list; up and down go along it.
function goByArrows(place, search, rows) {
  place.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const stops = [search, ...rows.querySelectorAll('.key')];
    const next = stops[stops.indexOf(document.activeElement) + (event.key === 'ArrowDown' ? 1 : -1)];
    if (!stops.includes(document.activeElement) || !next) return;
    event.preventDefault();
    next.focus();
  });
}

goByArrows(document.querySelector('.keys'), $('search'), $('rows'));

// Details -------------------------------------------------------------------------------------------------------------

let open = null;

function openDetails(store, key) {
  open = { store, key };
  $('details-title').replaceChildren(el('bdi', {}, key));
  $('details-body').replaceChildren(el('p', { class: 'quiet' }, 'Looking…'));
  $('details-failure').hidden = true;
  if (!$('details').open) $('details').showModal();
  loadDetails();
}

async function loadDetails() {
  const mine = open;
  try {
    const answer = await get(`/stores/${encodeURIComponent(mine.store)}/locate`, { key: mine.key });
    if (mine === open) $('details-body').replaceChildren(...describe(mine.store, answer));
  } catch (error) {
    if (mine !== open) return;
    $('details-body').replaceChildren();
    $('details-failure').hidden = false;
    put($('details-failure'), error.status === 404 ? 'This blob is not there any more.' : error.message);
  }
}

const pairs = (list) => el('dl', { class: 'terms' }, ...list.map(([name, value]) => el('div', {}, el('dt', {}, el('bdi', {}, name)), el('dd', {}, el('bdi', {}, value)))));

function describe(store, { info, tiers }) {
  const address = `/${encodeURIComponent(store)}/${pathOf(info.key)}`;
  const terms = [
    ['Size', `${bytes(info.length)} (${exactly(info.length, ' bytes')})`],
    ['Content type', info.contentType], ['Content encoding', info.contentEncoding],
    ['ETag', info.etag], ['Version', info.version], ['CRC-32C', info.checksum],
    ['Created', timeOf(info.created)], ['Modified', timeOf(info.modified)], ['Expires', info.expires ? timeOf(info.expires) : 'never'],
  ].filter(([, value]) => value != null);
  const metadata = Object.entries(info.metadata);
  const all = tiersOf(store);
  return [
    el('ol', { class: 'core', 'aria-label': 'Tiers' }, ...all.map((t, i) =>
      el('li', { class: `heat-${heat(i, all.length)} ${tiers.includes(t.name) ? 'holds' : ''}` }, el('strong', {}, t.name), el('span', {}, tiers.includes(t.name) ? (t.isOrigin ? 'holds it, the origin' : 'holds a copy') : 'no copy')))),
    el('p', { class: 'actions' }, el('a', { class: 'button', href: blobAddress(store, info.key), download: info.key.split('/').filter(Boolean).at(-1) }, 'Download'), command(location.origin + address)),
    all.length > 1 ? el('p', {}, el('a', { href: tiersHref(store, info.key), onclick: () => $('details').close() }, 'Why is it there?')) : '',
    pairs(terms),
    el('h3', {}, 'Metadata'),
    metadata.length > 0 ? pairs(metadata) : el('p', { class: 'quiet' }, 'None.'),
  ];
}

$('details-close').addEventListener('click', () => $('details').close());
$('details').addEventListener('click', (event) => { if (event.target === $('details')) $('details').close(); });
$('details').addEventListener('close', () => { open = null; });

// Questions -----------------------------------------------------------------------------------------------------------

// Asks before something is lost; the answer is false for whatever is not the button that says so.
function ask(title, text, yes, no) {
  const dialog = $('question');
  put($('question-title'), title);
  $('question-text').replaceChildren(...[text].flat());
  put($('question-yes'), yes);
  put($('question-no'), no);
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true }));
}

$('question-yes').addEventListener('click', () => $('question').close('yes'));
$('question-no').addEventListener('click', () => $('question').close());

$('address').textContent = location.origin;
