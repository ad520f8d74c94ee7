namespace Strata;

/// <summary>
/// The one writer of a database: whoever comes while a transaction is under way waits, and all that wait go into the next
/// one together (group commit). A lone caller's write runs on its own thread, without a queue.
/// </summary>
/// <param name="commit">
/// Evaluates the group against the state and commits what that comes to, as one transaction; returns when it is durable as
/// far as the database promises and readers see it. Called once at a time. What it throws, each caller of the group gets.
/// </param>
/// <param name="watchers">Told of what has changed.</param>
public sealed class KvWriter(Func<KvCommitGroup, ValueTask> commit, KvWatchers watchers)
{
    /// <summary>Bounds what one transaction holds up and holds in memory; a single write may be larger.</summary>
    private const int MostWrites = 1_000, MostBytes = 4 << 20;

    private readonly Lock _latch = new();
    private readonly Queue<KvCommitGroup.Waiting> _waiting = new();
    private bool _isLed;

    /// <summary>Commits a write; its limits were checked before.</summary>
    /// <exception cref="ArgumentException">A mutation cannot be applied; nothing was.</exception>
    /// <exception cref="StorageException">What the backend says.</exception>
    public Task<CommitResult> WriteAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(write);
        cancellationToken.ThrowIfCancellationRequested();
        var waiting = new KvCommitGroup.Waiting(write);
        lock (_latch)
        {
            _waiting.Enqueue(waiting);
            if (_isLed) return waiting.Completion.Task;
            _isLed = true;
        }

        // It reports to those who wait, and ends when nobody does: whoever closes the database waits for its writes.
        _ = LeadAsync();
        return waiting.Completion.Task;
    }

    private async Task LeadAsync()
    {
        for (int groups = 0; ; groups++)
        {
            var group = new KvCommitGroup();
            lock (_latch)
            {
                while (_waiting.TryPeek(out KvCommitGroup.Waiting? next) && group.TryAdd(next, MostWrites, MostBytes)) _waiting.Dequeue();
                if (group.IsEmpty)
                {
                    _isLed = false;
                    return;
                }
            }

            // The caller's own write was in the first group: it does not serve the others for as long as they come.
            if (groups == 1) await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            Exception? failure = await TryCommitAsync(group).ConfigureAwait(false);
            if (failure is StorageException { Kind: StorageErrorKind.Full, Outcome: WriteOutcome.NotApplied } && group.TakeRelief() is { } relief)
            {
                // What frees space may not fail because of what takes it.
                Complete(relief, await TryCommitAsync(relief).ConfigureAwait(false));
                failure = await TryCommitAsync(group).ConfigureAwait(false);
            }

            Complete(group, failure);
        }
    }

    private async ValueTask<Exception?> TryCommitAsync(KvCommitGroup group)
    {
        try
        {
            await commit(group).ConfigureAwait(false);
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    private void Complete(KvCommitGroup group, Exception? failure)
    {
        // After a failure too: what is in doubt may be there.
        if (group.Changes is { } changes) watchers.Changed(changes.Entries.Keys);
        group.Complete(failure);
    }
}
