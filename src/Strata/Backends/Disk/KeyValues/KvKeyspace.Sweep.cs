using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>What has expired is removed in the order of its times. Nobody sees it any more by then: this is about space.</content>
internal sealed partial class KvKeyspace
{
    private const int SweptAtOnce = 256;

    /// <summary>Between two sweeps, so that many keys that expire one after the other cost few commits.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1), PauseAfterFailure = TimeSpan.FromMinutes(1), LongestWait = TimeSpan.FromDays(1);
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _sweepGate = new();
    private readonly ITimer _timer;
    private readonly Task _sweeper;
    private TaskCompletionSource _due = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _armedFor;
    private long _expirations;

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        TimeSpan pause = Pause;
        try
        {
            while (true)
            {
                await Arm(pause).WaitAsync(cancellationToken).ConfigureAwait(false);
                pause = await TryRemoveExpiredAsync(cancellationToken).ConfigureAwait(false) ? Pause : PauseAfterFailure;
            }
        }
        catch (OperationCanceledException)
        {
            // The database closes.
        }
    }

    /// <summary>Ends when the next key is due, but not before the pause is over.</summary>
    private Task Arm(TimeSpan pause)
    {
        lock (_sweepGate)
        {
            _due = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _armedFor = long.MaxValue;
            if (_expiries.First is { } first) ArmFor(first, pause);
            return _due.Task;
        }
    }

    private void ArmFor(long expires, TimeSpan pause)
    {
        _armedFor = expires;
        var wait = TimeSpan.FromMilliseconds(Math.Clamp((double)expires - _time.Milliseconds, pause.TotalMilliseconds, LongestWait.TotalMilliseconds));
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void Wake()
    {
        lock (_sweepGate) _due.TrySetResult();
    }

    private void Expect(long expires, ReadOnlySpan<byte> key)
    {
        if (!_expiries.TryAdd(expires, key))
        {
            _logger.LogError("No memory for the expiry of a key of the database '{Store}'; it stays invisible from then on, and is removed after the next opening", _name);
            return;
        }

        lock (_sweepGate)
        {
            if (expires < _armedFor) ArmFor(expires, Pause);
        }
    }

    /// <returns>False: it failed, and is tried again after a while.</returns>
    private async ValueTask<bool> TryRemoveExpiredAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (_expiries.Due(_time.Milliseconds, SweptAtOnce) is { Count: > 0 } due)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await RemoveAsync(due).ConfigureAwait(false);
            }

            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _logger.LogWarning(e, "Cannot remove expired keys from the database '{Store}'; they stay invisible, and it is tried again", _name);
            return false;
        }
    }

    private async ValueTask RemoveAsync(List<(long Expires, byte[] Key)> due)
    {
        await _commits.WaitAsync().ConfigureAwait(false);
        try
        {
            using var batch = new LogBatch(_buffers);
            long bytes = PlanRemoval(batch, due);

            // A blob's rows came in between: what is due is looked for again.
            if (batch.Count > 0 && !(await _log.CommitAsync(batch).ConfigureAwait(false)).IsApplied) return;
            foreach ((long expires, byte[] key) in due) _expiries.Remove(expires, key);
            Interlocked.Add(ref _expirations, batch.Count);
            Interlocked.Add(ref _entries, -batch.Count);
            Interlocked.Add(ref _bytes, -bytes);
        }
        finally
        {
            _commits.Release();
        }
    }

    /// <returns>Bytes of the entries that go.</returns>
    private long PlanRemoval(LogBatch batch, List<(long Expires, byte[] Key)> due)
    {
        byte[] head = new byte[KvRecord.Bytes], room = new byte[LogEntryHeader.MaxKeyBytes];
        new KvRecord(KvEncoding.None, LastCommit, _time.Milliseconds).Write(head);
        long bytes = 0;
        foreach ((long expires, byte[] key) in due)
        {
            // Where the entry before was damaged the time may be that one's. What is damaged is left for verify and repair.
            ReadOnlySpan<byte> full = Of(key, room);
            if (!_log.TryLocate(full, out LogLocation location) || IsTombstone(location) || ExpiryAt(full, location) != expires) continue;
            if (IsShared) batch.Expect(full, location);
            batch.Delete(full, head);
            bytes += location.Length;
        }

        return bytes;
    }
}
