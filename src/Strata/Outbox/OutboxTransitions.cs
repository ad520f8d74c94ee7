using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// What happens to an intent from its change to its end: each step is one atomic write that checks the rows that it was judged
/// by, so that of several who try one succeeds, and a row is never removed but by its stamp.
/// </summary>
/// <param name="database">Where the rows are.</param>
/// <param name="keys">Their keys.</param>
/// <param name="options">The outbox's.</param>
/// <param name="owner">Who leases.</param>
/// <param name="clock">What time it is.</param>
/// <param name="log">Told of dead letters.</param>
internal sealed class OutboxTransitions(IKvDatabase database, OutboxKeys keys, OutboxOptions options, string owner, TimeProvider clock, ILogger log)
{
    /// <summary>Nothing waits for longer than this, Unix milliseconds; where it says so the clock was set back.</summary>
    public long LatestDue => Now + (long)(options.Lease > options.LongestDelay ? options.Lease : options.LongestDelay).TotalMilliseconds + 1;

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>
    /// Takes a key whose change is new, whose wait is over, or whose worker has died; a change that comes while the key waits is
    /// put to what waits.
    /// </summary>
    public async ValueTask<OutboxTaken> TryTakeAsync(string key, CancellationToken stop)
    {
        byte[] changeRow = keys.Change(key), stateRow = keys.State(key);
        IReadOnlyList<KvRange> found = await database.SnapshotReadAsync([ReadRange.Of(changeRow), ReadRange.Of(stateRow)], null, stop).ConfigureAwait(false);
        KvEntry? changed = found[0].Entries.Count == 0 ? null : found[0].Entries[0], state = found[1].Entries.Count == 0 ? null : found[1].Entries[0];
        if (changed is null && state is null) return default;
        OutboxEntry? entry = state is null ? null : OutboxEntry.Read(state.Value.Data);
        OutboxChange? change = changed is null ? null : OutboxChange.Read(changed.Value.Data);
        long now = Now;
        List<KvCheck> checks = [new KvCheck(stateRow, state?.Versionstamp ?? Versionstamp.None)];
        List<KvMutation> mutations = [];
        if (changed is not null)
        {
            checks.Add(new KvCheck(changeRow, changed.Versionstamp));
            mutations.Add(KvMutation.Delete(changeRow));
        }

        if (entry is not null && entry.Time > now && entry.Time <= LatestDue)
        {
            // Its worker takes it up when it has done with what it sends.
            if (entry.IsLeased || change is null) return default;
            mutations.Add(KvMutation.Set(stateRow, (entry with { Change = changed!.Versionstamp, Data = change.Value.Data, Attempts = 0 }).Write()));
            return new OutboxTaken(null, (await CommitAsync(checks, mutations, stop).ConfigureAwait(false)).IsCommitted ? 1 : 0);
        }

        int merged = changed is not null && entry is not null ? 1 : 0;
        if (change is null && entry!.Attempts >= options.MaxAttempts)
        {
            // Each attempt is counted when it begins: what kills its workers comes to an end, too.
            OutboxEntry last = entry.IsLeased ? entry with { Error = Ended(entry) } : entry;
            CommitResult ended = await CommitAsync(checks, GiveUp(key, last), stop).ConfigureAwait(false);
            return new OutboxTaken(null, ended.IsCommitted ? 1 : 0, ended.IsCommitted);
        }

        var next = new OutboxEntry
        {
            Change = changed?.Versionstamp ?? entry!.Change,
            Enqueued = entry?.Enqueued ?? change!.Value.Enqueued,
            Data = change?.Data ?? entry!.Data,
            Attempts = (change is null ? entry!.Attempts : 0) + 1,
            Time = now + (long)options.Lease.TotalMilliseconds,
            IsLeased = true,
            Owner = owner,
            Error = entry?.Error ?? "",
        };
        if (entry is not null) mutations.Add(KvMutation.Delete(keys.Time(entry.Time, key)));
        mutations.Add(KvMutation.Set(stateRow, next.Write()));
        mutations.Add(KvMutation.Set(keys.Time(next.Time, key), KvValue.OfBytes(default)));
        CommitResult result = await CommitAsync(checks, mutations, stop).ConfigureAwait(false);
        return result.IsCommitted ? new OutboxTaken(new OutboxLease(key, result.Versionstamp, next), merged) : default;
    }

    /// <summary>Removes a time that belongs to no intent.</summary>
    public async ValueTask RemoveTimeAsync(KvEntry time, CancellationToken stop)
    {
        string key = keys.TimeOf(time.Key).Key;
        byte[] stateRow = keys.State(key);
        IReadOnlyList<KvRange> found = await database.SnapshotReadAsync([ReadRange.Of(stateRow)], null, stop).ConfigureAwait(false);
        KvEntry? state = found[0].Entries.Count == 0 ? null : found[0].Entries[0];
        if (state is not null && OutboxEntry.Read(state.Value.Data).Time == keys.TimeOf(time.Key).Time) return;
        await CommitAsync([new KvCheck(stateRow, state?.Versionstamp ?? Versionstamp.None), new KvCheck(time.Key, time.Versionstamp)], [KvMutation.Delete(time.Key)], stop).ConfigureAwait(false);
    }

    /// <summary>Makes changes of what was prepared by owners who have not prolonged it: they are dead, or do not know how it went.</summary>
    /// <returns>How many.</returns>
    public async ValueTask<int> TakePreparationsAsync(int limit, CancellationToken stop)
    {
        int taken = 0;
        ReadOnlyMemory<byte>? from = null;
        while (true)
        {
            IReadOnlyList<KvEntry> page = (await database.SnapshotReadAsync([keys.PreparationsFrom(from, limit)], null, stop).ConfigureAwait(false))[0].Entries;
            foreach (KvEntry row in page)
            {
                var entry = OutboxEntry.Read(row.Value.Data);
                if (entry.Time > Now && entry.Time <= LatestDue) continue;
                string key = keys.KeyOfPreparation(row.Key);
                log.LogWarning("'{Owner}' has prepared an intent for '{Key}' of outbox '{Outbox}' and not said how it went; the key's state is sent", entry.Owner, key, options.Label);
                List<KvMutation> mutations = [KvMutation.Delete(row.Key), .. Change(key, new OutboxChange(entry.Enqueued, entry.Data))];
                if ((await CommitAsync([new KvCheck(row.Key, row.Versionstamp)], mutations, stop).ConfigureAwait(false)).IsCommitted) taken++;
            }

            if (page.Count < limit) return taken;
            from = (byte[])[.. page[^1].Key.Span, 0];
        }
    }

    /// <summary>The rows of a change.</summary>
    public IReadOnlyList<KvMutation> Change(string key, OutboxChange change) => [KvMutation.Set(keys.Change(key), change.Write()), KvMutation.Set(keys.Bell, KvValue.OfBytes(default))];

    /// <summary>Prolongs a lease. False: it is another's by now.</summary>
    public ValueTask<bool> TryRenewAsync(OutboxLease lease) => TryMoveAsync(lease, lease.Entry with { Time = Now + (long)options.Lease.TotalMilliseconds });

    /// <summary>The target has it. False: it was another's by then.</summary>
    public async ValueTask<bool> TryFinishAsync(OutboxLease lease) => (await CommitAsync(
        [new KvCheck(keys.State(lease.Key), lease.Stamp)],
        [KvMutation.Delete(keys.State(lease.Key)), KvMutation.Delete(keys.Time(lease.Entry.Time, lease.Key)), KvMutation.Delete(keys.DeadLetter(lease.Key))],
        CancellationToken.None).ConfigureAwait(false)).IsCommitted;

    /// <summary>Puts it back as if it had not been taken.</summary>
    public ValueTask<bool> TryReleaseAsync(OutboxLease lease, string error) =>
        TryMoveAsync(lease, lease.Entry with { Time = Now, IsLeased = false, Owner = "", Attempts = lease.Entry.Attempts - 1, Error = error });

    /// <summary>Frees it from a worker that has ended.</summary>
    public ValueTask<bool> TryTakeOverAsync(string key, Versionstamp stamp, OutboxEntry entry, CancellationToken cancellationToken) =>
        TryMoveAsync(new OutboxLease(key, stamp, entry), entry with { Time = Now, IsLeased = false, Owner = "", Error = Ended(entry) }, cancellationToken);

    /// <summary>Puts it off after a failed attempt.</summary>
    public ValueTask<bool> TryPutOffAsync(OutboxLease lease, string error)
    {
        TimeSpan wait = OutboxOptions.DelayAfter(lease.Entry.Attempts, options.FirstDelay, options.LongestDelay) * (1 - (Random.Shared.NextDouble() / 4));
        return TryMoveAsync(lease, lease.Entry with { Time = Now + Math.Max(1, (long)wait.TotalMilliseconds), IsLeased = false, Owner = "", Error = error });
    }

    /// <summary>Puts it off as if it had not been taken.</summary>
    public ValueTask<bool> TryDelayAsync(OutboxLease lease, TimeSpan wait, string error) => TryMoveAsync(lease, lease.Entry with
    {
        Time = Now + Math.Clamp((long)wait.TotalMilliseconds, 1, (long)options.LongestDelay.TotalMilliseconds), IsLeased = false, Owner = "", Attempts = lease.Entry.Attempts - 1, Error = error,
    });

    /// <summary>Makes it a dead letter.</summary>
    public async ValueTask<bool> TryGiveUpAsync(OutboxLease lease, string error) =>
        (await CommitAsync([new KvCheck(keys.State(lease.Key), lease.Stamp)], GiveUp(lease.Key, lease.Entry with { Error = error }), CancellationToken.None).ConfigureAwait(false)).IsCommitted;

    private List<KvMutation> GiveUp(string key, OutboxEntry entry)
    {
        log.LogError("The intent for '{Key}' of outbox '{Outbox}' is given up after {Attempts} attempts: {Error}", key, options.Label, entry.Attempts, entry.Error);
        return
        [
            KvMutation.Delete(keys.State(key)), KvMutation.Delete(keys.Time(entry.Time, key)),
            KvMutation.Set(keys.DeadLetter(key), (entry with { Time = Now, IsLeased = false, Owner = "" }).Write()),
        ];
    }

    private static string Ended(OutboxEntry entry) => $"The worker '{entry.Owner}' ended while it sent this.";

    private async ValueTask<bool> TryMoveAsync(OutboxLease lease, OutboxEntry next, CancellationToken cancellationToken = default)
    {
        List<KvMutation> mutations = [KvMutation.Set(keys.State(lease.Key), next.Write())];
        if (next.Time != lease.Entry.Time)
        {
            mutations.Add(KvMutation.Delete(keys.Time(lease.Entry.Time, lease.Key)));
            mutations.Add(KvMutation.Set(keys.Time(next.Time, lease.Key), KvValue.OfBytes(default)));
        }

        CommitResult result = await CommitAsync([new KvCheck(keys.State(lease.Key), lease.Stamp)], mutations, cancellationToken).ConfigureAwait(false);
        if (result.IsCommitted) (lease.Stamp, lease.Entry) = (result.Versionstamp, next);
        return result.IsCommitted;
    }

    private ValueTask<CommitResult> CommitAsync(IReadOnlyList<KvCheck> checks, IReadOnlyList<KvMutation> mutations, CancellationToken stop) =>
        database.AtomicWriteAsync(new AtomicWrite { Checks = checks, Mutations = mutations }, stop);
}
