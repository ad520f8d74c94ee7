using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>What goes by itself when its time has come.</content>
public sealed partial class DiskBlobStore
{
    private const int SweptAtOnce = 256;
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    private readonly DiskExpiries _expiries = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _sweeper;
    private long _expirations;

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(SweepEvery, _clock);
        try
        {
            await TryAsync(_uploads.DropLeftAsync).ConfigureAwait(false);
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                await TryAsync(() => RemoveExpiredAsync(cancellationToken)).ConfigureAwait(false);
                await TryAsync(_uploads.SweepAsync).ConfigureAwait(false);
                await TryAsync(_retired.FlushAsync).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The store closes.
        }
    }

    private async ValueTask TryAsync(Func<ValueTask> sweep)
    {
        try
        {
            await sweep().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Nobody foresaw it; the sweeps must not end with it, in silence.
            _logger.LogError(e, "A sweep of store '{Store}' failed; the next one tries again", _options.Name);
        }
    }

    /// <summary>Removes what has expired, many with one commit. A tombstone takes its place, so that an older copy cannot.</summary>
    private async ValueTask RemoveExpiredAsync(CancellationToken cancellationToken)
    {
        while (_expiries.TakeDue(_time.Now, SweptAtOnce) is { Count: > 0 } due)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                using DiskChange change = NewChange();
                int count = PrepareRemoval(change, due);
                if (change.Batch.Count == 0) continue;
                if (await TryCommitAsync(change, "expire", null).ConfigureAwait(false)) Interlocked.Add(ref _expirations, count);
                else Again(due);
            }
            catch (Exception e)
            {
                Again(due);
                if (e is not StorageException) throw;
                _logger.LogWarning(e, "Cannot remove expired blobs from store '{Store}'; they stay invisible, and the next sweep tries again", _options.Name);
                return;
            }
        }
    }

    private int PrepareRemoval(DiskChange change, List<(long Expires, BlobKey Key)> due)
    {
        long now = _time.Now;
        int count = 0;
        foreach (BlobKey key in due.Select(d => d.Key).Distinct())
        {
            // Written again meanwhile, it is not due any more.
            DiskBlob found = Find(key);
            if (found.Info is not { } info || found.Visible(now) is not null) continue;
            Bury(change, key, found, info.Version, now);
            count++;
        }

        return count;
    }

    private void Again(List<(long Expires, BlobKey Key)> due)
    {
        foreach ((long expires, BlobKey key) in due) _expiries.Change(key, 0, expires);
    }
}
