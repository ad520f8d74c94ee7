using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>A tier above the origin: its copies, and what it has done.</summary>
internal sealed class UpperTier : TierCounters
{
    private readonly TierEvents _events;
    private readonly TierCircuit _circuit;

    public UpperTier(Tier tier, TierEvents events, TimeProvider clock, ILogger log)
        : base(tier, isOrigin: false, clock, log)
    {
        _events = events;
        _circuit = new TierCircuit(clock);
        Shared = tier.Store.TryGetFacet(out ISharedReads? shared) ? shared : null;
        if (tier.Store.TryGetFacet(out IEvictionSource? source)) source.Evicted += OnEvicted;
    }

    /// <summary>The tier's synchronous reads, where it has them.</summary>
    public ISharedReads? Shared { get; private set; }

    /// <summary>From now on its copies are compared with the origin like any other tier's, until the store is opened again.</summary>
    public void StopSharing() => Shared = null;

    /// <summary>Whether the tier may be asked: it is passed by for a while if it fails again and again. A memory tier always may.</summary>
    public bool Admits() => Shared is not null || _circuit.Admits();

    /// <summary>What is told of a tier that may not be asked.</summary>
    public StorageException PassedBy(string operation, BlobKey key) => new(StorageErrorKind.Unavailable, $"Tier '{Name}' is passed by for a while, as it failed again and again.")
    {
        Operation = operation, Key = key, Store = Name, IsTransient = true,
    };

    public override void NoteAnswer() => _circuit.Succeeded();

    public override TierStatistics Snapshot()
    {
        TierStatistics statistics = base.Snapshot();
        return Shared is null && _circuit.Fault is { } fault ? statistics with { Fault = fault } : statistics;
    }

    /// <summary>Notes that a copy was served because the origin is out.</summary>
    public void NoteStale(BlobInfo copy) => _events.Add(TierEventKind.ServedStale, Name, copy.Key, copy.Length);

    /// <summary>Removes the key's copy; a failure is noted. Not tried while the tier is passed by: what is in it then is not the known write.</summary>
    /// <returns>False if the copy may still be there.</returns>
    public async ValueTask<bool> DropAsync(BlobKey key)
    {
        if (!Admits()) return false;
        try
        {
            // Given up, it may come through later: it then costs a newer copy.
            if (HardTimeout is { } limit) await RunAsync(limit, key, token => Store.DeleteAsync(key, default, token), null, CancellationToken.None).ConfigureAwait(false);
            else await Store.DeleteAsync(key).ConfigureAwait(false);
            NoteAnswer();
            return true;
        }
        catch (Exception e)
        {
            NoteError(e, "drop", key);
            return false;
        }
    }

    /// <summary>Removes the copies of some keys at once; a failure is noted. Not tried while the tier is passed by.</summary>
    public async ValueTask<IReadOnlyList<DeleteOutcome>> DropAsync(IReadOnlyList<BlobKey> keys)
    {
        if (keys.Count == 0) return [];
        if (!Admits()) return [.. keys.Select(key => new DeleteOutcome(key, DeleteStatus.Failed))];
        try
        {
            IReadOnlyList<DeleteOutcome> outcomes = HardTimeout is { } limit
                ? await RunAsync(limit, keys[0], token => DeleteAsync(keys, token), null, CancellationToken.None).ConfigureAwait(false)
                : await DeleteAsync(keys, CancellationToken.None).ConfigureAwait(false);
            if (outcomes.FirstOrDefault(o => o.Error is not null) is { Error: { } error } failed) NoteError(error, "drop", failed.Key);
            else NoteAnswer();
            return outcomes;
        }
        catch (Exception e)
        {
            NoteError(e, "drop", keys[0]);
            return [.. keys.Select(key => new DeleteOutcome(key, DeleteStatus.Failed))];
        }
    }

    /// <summary>
    /// Begins a copy of a write. Where the tier has a hard time-out, a step that makes no progress for so long is given up with kind
    /// Timeout, the commit as well: a copy that comes through later is compared before it is served.
    /// </summary>
    public async ValueTask<IBlobWriter> OpenWriterAsync(BlobInfo copy, CancellationToken cancellationToken)
    {
        var options = new WriteOptions { AsCopyOf = copy };

        // What is served without a question must not come late.
        if (HardTimeout is not { } limit || Shared is not null) return await Store.OpenWriterAsync(copy.Key, options, cancellationToken).ConfigureAwait(false);
        return new TimedWriter(await RunAsync(limit, copy.Key, token => Store.OpenWriterAsync(copy.Key, options, token), DisposeLateAsync, cancellationToken).ConfigureAwait(false), this, limit, copy.Key);

        static ValueTask DisposeLateAsync(Task<IBlobWriter> late) => late is { IsCompletedSuccessfully: true, Result: { } writer } ? writer.DisposeAsync() : default;
    }

    /// <summary>Removes a copy that is damaged, and says so.</summary>
    public async ValueTask RepairAsync(BlobKey key, long length)
    {
        await DropAsync(key).ConfigureAwait(false);
        NoteRepair(key, length);
    }

    /// <summary>Removes a copy that is not the origin's write, unless a promotion has replaced it already, and says so.</summary>
    public async ValueTask RepairAsync(BlobInfo copy)
    {
        try
        {
            if (await StatAsync(copy.Key, CancellationToken.None).ConfigureAwait(false) is { } held && !held.IsSameWriteAs(copy))
            {
                NoteRepair(copy.Key, copy.Length);
                return;
            }
        }
        catch (Exception e)
        {
            NoteError(e, "stat", copy.Key);
        }

        await RepairAsync(copy.Key, copy.Length).ConfigureAwait(false);
    }

    /// <summary>Writes a copy of what the origin has committed; a failure, or a tier that is passed by, costs the copy, and leaves the older one, if any.</summary>
    /// <returns>True if the tier holds the copy.</returns>
    public async ValueTask<bool> FillAsync(BlobInfo info, BlobContent content)
    {
        if (!Admits()) return false;
        try
        {
            await Store.WriteAsync(info.Key, content, new WriteOptions { AsCopyOf = info }, CancellationToken.None).ConfigureAwait(false);
            NoteAnswer();
            NoteCopy(info, isFill: true);
            return true;
        }
        catch (Exception e)
        {
            NoteError(e, "fill", info.Key);
            return false;
        }
    }

    /// <summary>Notes that the tier holds a copy of what the origin has committed.</summary>
    public void NoteCopy(BlobInfo info, bool isFill)
    {
        (isFill ? Fills : Promotions).Increment();
        NoteWritten(info.Length);
        if (!isFill) _events.Add(TierEventKind.Promoted, Name, info.Key, info.Length);
    }

    /// <summary>Notes that a blob was taken from here to a slower tier.</summary>
    public void NoteDemotion(BlobInfo info)
    {
        Demotions.Increment();
        _events.Add(TierEventKind.Demoted, Name, info.Key, info.Length);
    }

    private void NoteRepair(BlobKey key, long length)
    {
        Repairs.Increment();
        _events.Add(TierEventKind.Repaired, Name, key, length);
    }

    private async ValueTask<IReadOnlyList<DeleteOutcome>> DeleteAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken) => keys.Count == 1
        ? [new DeleteOutcome(keys[0], (await Store.DeleteAsync(keys[0], default, cancellationToken).ConfigureAwait(false)).Status)]
        : (await Store.DeleteManyAsync(keys, cancellationToken).ConfigureAwait(false)).Outcomes;

    protected override void OnError(Exception e)
    {
        if (Outage.Is(e)) _circuit.Failed(e);
    }

    private void OnEvicted(BlobKey key, long length)
    {
        _events.Add(TierEventKind.Evicted, Name, key, length);
    }
}
