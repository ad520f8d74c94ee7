// Signing in to the page, where the server asks for it. The session is a cookie that no script can read; what is known
// of it here is whether there is one.
'use strict';

async function session(method, body) {
  const response = await fetch(`${api}/session`, {
    method, headers: { Accept: 'application/json', ...(body && { 'Content-Type': 'application/json' }) }, body: body && JSON.stringify(body),
  });
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw new Error(answer?.message ?? `The server answered ${response.status}.`);
}

function enter({ required, name }) {
  $('outside').hidden = true;
  $('inside').hidden = false;
  $('who').hidden = !required;
  put($('who-name'), name ?? '');
  connect();
  watchUploads();
  watchDatabases();
  watchTiers();
}

function leave(reason) {
  disconnect();
  forget();
  forgetUploads();
  forgetFiles();
  forgetDatabases();
  forgetTiers();
  if ($('question').open) $('question').close();
  $('inside').hidden = true;
  $('who').hidden = true;
  const wasOut = !$('outside').hidden;
  $('outside').hidden = false;
  say('out');
  refuse(reason);
  if (!wasOut) $('key-id').focus();
}

function refuse(reason) {
  $('sign-in-failure').hidden = !reason;
  put($('sign-in-failure'), reason ?? '');
}

let isLeaving = false;

// Whatever answers 401 ends up here: a key was revoked, the session has ended, or the server has started anew. Who signs out
// just then knows why.
function signedOut() {
  if (!isLeaving && !$('inside').hidden) leave('You are signed out: the session has ended, or its key was revoked.');
}

// Finds out whether the page may show anything, as often as it takes to reach the server.
async function resume() {
  try {
    const answer = await session('GET');
    if (!answer.required || answer.name != null) enter(answer);
    else if ($('inside').hidden) leave();
    else signedOut();
  } catch {
    say('lost');
    setTimeout(resume, patience);
  }
}

$('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = $('sign-in-submit');
  if (button.disabled) return;
  button.disabled = true;
  refuse();
  try {
    const answer = await session('POST', { id: $('key-id').value.trim(), secret: $('key-secret').value });
    enter(answer);
    $('inside').focus();
  } catch (error) {
    refuse(error instanceof TypeError ? 'The server cannot be reached.' : error.message);
    $('key-secret').focus();
  } finally {
    $('key-secret').value = '';
    button.disabled = false;
  }
});

$('sign-out').addEventListener('click', async () => {
  isLeaving = true;
  try {
    await session('DELETE');
    leave();
  } catch {
    say('lost');
  } finally {
    isLeaving = false;
  }
});

resume();
