using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>What goes by itself when its time has come.</content>
public sealed partial class DiskBlobStore
{
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    private readonly ExpiryQueue<DiskEntry> _expiries = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _sweeper;
    private long _expirations;

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(SweepEvery, _clock);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                Sweep();
                _uploads.Sweep();
            }
        }
        catch (OperationCanceledException)
        {
            // The store closes.
        }
    }

    /// <summary>Removes what has expired, and tombstones past their time.</summary>
    private void Sweep()
    {
        bool isRefused = false;
        foreach (DiskEntry entry in _expiries.TakeDue(_clock.GetUtcNow(), int.MaxValue))
        {
            BlobKey key = entry.Info.Key;
            if (isRefused || !_locks.TryEnter(key, out KeyLocks.Held held))
            {
                // Whatever holds the key may leave this entry in place; the next sweep looks again.
                _expiries.Add(entry, entry.Info.Expires);
                continue;
            }

            using (held)
            {
                if (!ReferenceEquals(_index.Get(key), entry)) continue;
                try
                {
                    BuryUnderLock(key, entry, entry.Info.Version);
                    Interlocked.Increment(ref _expirations);
                }
                catch (Exception e) when (DiskErrors.IsDiskError(e) || e is StorageException)
                {
                    _log.LogWarning(e, "Cannot remove an expired blob from store '{Store}'; it stays invisible, and the next sweep tries again", _options.Name);
                    _expiries.Add(entry, entry.Info.Expires);
                    isRefused = true;
                }
            }
        }

        if (isRefused) return;
        foreach (BlobKey key in _tombstones.TakeDue())
        {
            ulong sequence;
            lock (_state)
            {
                // Deleted again meanwhile: the file is the newer delete's.
                if (_leftovers.Contains(key) || _tombstones.Get(key).IsKnown || !_tombstoneFiles.Remove(key, out sequence)) continue;
            }

            _folder.TryRemove(_folder.PathOf(key, sequence));
        }
    }
}
