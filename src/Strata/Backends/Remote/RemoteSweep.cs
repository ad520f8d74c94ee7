using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>One sweep of an object store (<see cref="IBlobSweep"/>).</summary>
/// <remarks>
/// An appendix is removed if it is old and a listing of all blobs that began behind it names it nowhere: no blob begins to name
/// an old one.
/// </remarks>
internal sealed class RemoteSweep(RemoteStore store, RemoteUploads uploads, TimeProvider clock, ILogger log, SweepOptions options, IProgress<SweepResult>? progress)
{
    private const int MostFailures = 100, PageLength = 1_000;

    /// <summary>Stores of one bucket are to agree on how long they keep tombstones; where they do not, what has expired keeps older copies out at least so long.</summary>
    private readonly TimeSpan _retention = store.KeepsTombstones is { } time && time > Tombstones.Retention ? time : Tombstones.Retention;

    private readonly HashSet<string> _unnamed = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private SweepResult _result = new();

    public async ValueTask<SweepResult> RunAsync(CancellationToken cancellationToken)
    {
        if (!options.OnlyTombstones) await FindAppendicesAsync(cancellationToken).ConfigureAwait(false);
        await foreach (IReadOnlyList<RemoteListed> page in store.ListAsync(new ListRequest { Limit = PageLength }, cancellationToken).ConfigureAwait(false))
            await LookAsync(page, cancellationToken).ConfigureAwait(false);
        if (_unnamed.Count > 0)
        {
            // Large parts of uploads have appendices as well.
            await foreach (IReadOnlyList<RemoteListed> page in store.ListAsync(new ListRequest { Prefix = RemoteUploads.Folder, Limit = PageLength }, cancellationToken).ConfigureAwait(false))
                await LookAsync(page, cancellationToken).ConfigureAwait(false);
        }

        // One that could not be looked at may name any of them.
        if (_result.Failed == 0) await RemoveAppendicesAsync(cancellationToken).ConfigureAwait(false);
        int ended = await store.EndUploadsAsync(clock.GetUtcNow() - options.AbandonedAfter, cancellationToken).ConfigureAwait(false);
        ended += await uploads.SweepAsync(options.AbandonedAfter, cancellationToken).ConfigureAwait(false);
        Count(r => r with { Uploads = r.Uploads + ended });
        return _result;
    }

    private async ValueTask LookAsync(IReadOnlyList<RemoteListed> page, CancellationToken cancellationToken)
    {
        var parallelism = new ParallelOptions { MaxDegreeOfParallelism = store.Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(page, parallelism, async (one, token) =>
        {
            try
            {
                await LookAsync(one, token).ConfigureAwait(false);
            }
            catch (StorageException e) when (e.Kind != StorageErrorKind.Closed && _result.Failed < MostFailures)
            {
                Count(r => r with { Failed = r.Failed + 1 });
                log.LogWarning(e, "A sweep could not remove '{Key}'; the next one tries again", one.Text);
            }
        }).ConfigureAwait(false);
        Count(r => r with { Listed = r.Listed + page.Count });
        progress?.Report(_result);
    }

    private async ValueTask LookAsync(RemoteListed one, CancellationToken cancellationToken)
    {
        if (options.OnlyTombstones && one.Length != RemoteTombstone.Bytes) return;
        if ((one.Blob ?? await store.HeadAsync(one.Key, "sweep", cancellationToken).ConfigureAwait(false)) is not { } found) return;
        if (found.Appendix is { } name)
        {
            lock (_gate) _unnamed.Remove(name);
        }

        if (one.Text.StartsWith(RemoteUploads.Reserved, StringComparison.Ordinal) || !IsDue(found)) return;
        cancellationToken.ThrowIfCancellationRequested();
        RemoteRemoval removal = await store.RemoveDueAsync(found).ConfigureAwait(false);
        bool isTombstone = RemoteTombstone.Is(found);
        if (removal == RemoteRemoval.Kept) Count(r => r with { Kept = r.Kept + 1 });
        else if (removal == RemoteRemoval.Changed) return;
        else if (isTombstone) Count(r => r with { Tombstones = r.Tombstones + 1, Bytes = r.Bytes + found.Info.Length });
        else Count(r => r with { Expired = r.Expired + 1, Bytes = r.Bytes + found.Info.Length - (removal == RemoteRemoval.Buried ? RemoteTombstone.Bytes : 0) });
    }

    private bool IsDue(RemoteBlob found)
    {
        DateTimeOffset now = clock.GetUtcNow();
        if (RemoteTombstone.Is(found)) return now >= (found.NeededUntil ?? found.Info.Modified);
        return found.Info.Expires is { } expires && now - expires >= _retention;
    }

    private async ValueTask FindAppendicesAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset before = clock.GetUtcNow() - options.AbandonedAfter;
        await foreach (IReadOnlyList<RemoteListed> page in store.ListAsync(new ListRequest { Prefix = RemoteUploads.AppendixFolder, Limit = PageLength }, cancellationToken).ConfigureAwait(false))
        {
            foreach (RemoteListed one in page)
            {
                if (one.Modified < before) _unnamed.Add(one.Text[RemoteUploads.AppendixFolder.Length..]);
            }
        }
    }

    private async ValueTask RemoveAppendicesAsync(CancellationToken cancellationToken)
    {
        foreach (string name in _unnamed)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await store.RemoveAppendixAsync(name).ConfigureAwait(false);
            Count(r => r with { Appendices = r.Appendices + 1 });
        }
    }

    private void Count(Func<SweepResult, SweepResult> change)
    {
        lock (_gate) _result = change(_result);
    }
}
