using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>What layers have missed: found again at the opening, sent by the outbox, forgotten once they have it.</content>
public sealed partial class FanoutBlobStore
{
    /// <summary>The key's blob by the layers that have its last change.</summary>
    /// <param name="key">The key.</param>
    /// <param name="but">A layer that is not asked.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async ValueTask<BlobReadResult?> OpenAsync(BlobKey key, Replica? but, CancellationToken cancellationToken) =>
        (await FindAsync(key, store => store.ReadAsync(key, null, cancellationToken), pastErrors: true, but, cancellationToken).ConfigureAwait(false)).Found;

    /// <summary>
    /// A layer refuses what was sent to it as it holds something later. That is a change which came meanwhile, and then all is well; or one that was not
    /// acknowledged, and then the key's state gets a version that is later still. Under the key's lock, as from outside the two look the same.
    /// </summary>
    internal async ValueTask PassAsync(Replica replica, BlobKey key, CancellationToken cancellationToken)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        (BlobInfo? state, _) = await FindAsync(key, store => store.StatAsync(key, cancellationToken), pastErrors: true, replica, cancellationToken).ConfigureAwait(false);
        BlobInfo? there = await replica.Store.StatAsync(key, cancellationToken).ConfigureAwait(false);
        if (state is null && there is null) return;
        if (state is not null && there is not null && (there.IsSameWriteAs(state) || there.Version < state.Version)) return;
        if (state is null) await replica.Store.DeleteAsync(key, WriteCondition.IfOlder(_versions.Next(there!.Version)), cancellationToken).ConfigureAwait(false);
        else await RewriteAsync(key, new BlobChanges { KeepsETag = true, Above = there?.Version ?? default }, default, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The rows of an intent are gone: unless a later change came, the layer has the key's state.</summary>
    internal async ValueTask ConfirmedAsync(Replica replica, BlobKey key)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
        if (!await replica.Outbox!.IsPendingAsync(key.Value, CancellationToken.None).ConfigureAwait(false)) replica.Missed.Remove(key);
    }

    private async ValueTask BackfillAsync(BlobKey key, IReadOnlyList<Replica> without, CancellationToken cancellationToken)
    {
        foreach (Replica replica in without)
        {
            try
            {
                await replica.Outbox!.EnqueueAsync(key.Value, default, cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException e)
            {
                // The read has its blob; a later one asks again.
                _log.LogWarning(e, "'{Key}' is not taken to layer '{Layer}' of store '{Store}' now", key, replica.Name, _options.Name);
            }
        }
    }

    private async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        foreach (Replica replica in _written)
        {
            await foreach (OutboxPending pending in replica.Outbox!.ListPendingAsync(cancellationToken).ConfigureAwait(false))
            {
                if (!BlobKey.TryParse(pending.Key, out BlobKey key)) throw new StorageException(StorageErrorKind.Corrupt, $"The outbox of layer '{replica.Name}' of store '{_options.Name}' names a key that is none.") { Operation = "open", Store = _options.Name };
                replica.Missed.Add(key);
            }
        }

        // A key that all have missed: each got its last change from the outbox, or is about to.
        foreach ((BlobKey key, BlobVersion version, bool isDelete) in await _state.ListChangesAsync(cancellationToken).ConfigureAwait(false)) await SettleAsync(key, version, isDelete, cancellationToken).ConfigureAwait(false);
        foreach (BlobKey key in Lost()) await SettleAsync(key, default, isDelete: false, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Keys of which no layer counts as having the last change.</summary>
    private List<BlobKey> Lost()
    {
        var lost = new List<BlobKey>();
        string from = "";
        while (_written[0].Missed.Page("", from, 1000) is { Count: > 0 } page)
        {
            lost.AddRange(page.Where(key => _written.All(replica => replica.Missed.Contains(key))));
            from = page[^1].Value + "\0";
        }

        return lost;
    }

    /// <summary>
    /// Decides what a key's state is after a change of which it is not known how far it came: nobody was told that it was made. The latest version
    /// that a layer has counts, or nothing if a delete had begun and a layer has made it; the others get that.
    /// </summary>
    private async ValueTask SettleAsync(BlobKey key, BlobVersion version, bool isDelete, CancellationToken cancellationToken)
    {
        Replica[] asked = [.. _written.Where(replica => !replica.Missed.Contains(key))];
        if (asked.Length == 0) asked = _written;
        var states = new List<(Replica Replica, BlobInfo? Info)>();
        StorageException? error = null;
        foreach (Replica replica in asked)
        {
            try
            {
                states.Add((replica, await replica.CallAsync(store => store.StatAsync(key, cancellationToken)).ConfigureAwait(false)));
            }
            catch (StorageException e)
            {
                error = e;
            }
        }

        if (states.Count == 0) throw error!;
        BlobInfo? state = isDelete && states.Exists(s => s.Info is null) ? null : states.Select(s => s.Info).MaxBy(info => info?.Version ?? default);
        Replica[] right = [.. states.Where(s => state is null ? s.Info is null : s.Info?.IsSameWriteAs(state) == true).Select(s => s.Replica)];
        foreach (Replica replica in right) replica.Missed.Remove(key);
        if (await EndAsync(key, version.IsKnown ? version : _versions.Next(state?.Version ?? default), covers: _readOnly.Length > 0 && (state is not null || isDelete), right).ConfigureAwait(false) is { } fault)
            throw new StorageException(StorageErrorKind.Unavailable, $"The state of store '{_options.Name}' cannot be written: {fault}") { Operation = "open", Key = key, Store = _options.Name };
    }

    private async Task WorkAsync(Replica replica, CancellationToken stop)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var sender = new ReplicaSender(this, replica, _clock, _options.RequestLife);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await replica.Outbox!.RunAsync(sender, stop).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // Without a worker what the layer lacks it would lack for ever, in silence.
                _log.LogError(e, "Sending to layer '{Layer}' of store '{Store}' has stopped; it is tried again", replica.Name, _options.Name);
                await Task.Delay(Retry, _clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
