using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>Makes tiering runs, one at a time, and keeps what they came to.</summary>
internal sealed class TieringRunner(TieringParts parts, ILogger log) : IAsyncDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private TieringPass? _current;
    private TieringStatus _status = new();

    public TieringStatus Status
    {
        get
        {
            lock (_gate) return _status with { IsRunning = _current is not null, Progress = _current?.Progress ?? default, LastError = _status.LastError ?? parts.Accesses.LastError };
        }
    }

    /// <summary>Makes a run.</summary>
    /// <exception cref="StorageException">Of kind Closed if the store is closed meanwhile; or the rows of what is due failed.</exception>
    public async ValueTask<TieringReport> RunAsync(TieringRun run, long? bytesPerSecond, IProgress<TieringProgress>? progress, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Closing());
        try
        {
            await _one.WaitAsync(stop.Token).ConfigureAwait(false);
            try
            {
                return await RunOneAsync(run, bytesPerSecond, progress, stop.Token).ConfigureAwait(false);
            }
            finally
            {
                _one.Release();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw StorageException.Closed("tier", parts.Store);
        }
    }

    /// <summary>Ends the run under way before its next blob, and waits for it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_closing.IsCancellationRequested) return;
        await _closing.CancelAsync().ConfigureAwait(false);
        await _one.WaitAsync().ConfigureAwait(false);
        _one.Release();
    }

    private CancellationToken Closing() => _closing.IsCancellationRequested ? throw StorageException.Closed("tier", parts.Store) : _closing.Token;

    private async ValueTask<TieringReport> RunOneAsync(TieringRun run, long? bytesPerSecond, IProgress<TieringProgress>? progress, CancellationToken cancellationToken)
    {
        var pass = new TieringPass(parts, run, new TieringPace(bytesPerSecond, parts.Clock), progress);
        lock (_gate) _current = pass;
        try
        {
            await parts.Accesses.FlushAsync(cancellationToken).ConfigureAwait(false);
            await pass.RunAsync(_closing.Token, cancellationToken).ConfigureAwait(false);
            TieringReport report = pass.Report;
            End(run, report, report.End == TieringEnd.Failures ? report.FirstError : null);
            return report;
        }
        catch (OperationCanceledException)
        {
            End(run, pass.Report, null, isWhole: false);
            throw;
        }
        catch (Exception e)
        {
            End(run, pass.Report, e.Message, isWhole: false);
            throw;
        }
    }

    /// <summary>Keeps what a run came to, one that was broken off among them.</summary>
    private void End(TieringRun run, TieringReport report, string? error, bool isWhole = true)
    {
        lock (_gate)
        {
            _current = null;
            if (run.DryRun) return;
            _status = _status with
            {
                Runs = _status.Runs + (isWhole ? 1 : 0),
                FailedRuns = _status.FailedRuns + (error is null ? 0 : 1),
                Promoted = _status.Promoted + report.Promoted,
                Demoted = _status.Demoted + report.Demoted,
                Bytes = _status.Bytes + report.Bytes,
                Failed = _status.Failed + report.Failed,
                Recent = isWhole ? [report, .. _status.Recent.Take(TieringStatus.MostRecent - 1)] : _status.Recent,
                LastError = error ?? (isWhole ? null : _status.LastError),
            };
        }

        if (error is not null) log.LogWarning("The tiering run of store '{Store}' failed after {LookedAt} keys: {Error}", parts.Store, report.LookedAt, error);
        else if (report.Failed > 0) log.LogWarning("The tiering run of store '{Store}' looked at {LookedAt} keys, and {Failed} failed: {Error}", parts.Store, report.LookedAt, report.Failed, report.FirstError);
        else if (report.LookedAt > 0) log.LogInformation("The tiering run of store '{Store}' looked at {LookedAt} keys: {Promoted} promoted, {Demoted} demoted, {Bytes} bytes copied", parts.Store, report.LookedAt, report.Promoted, report.Demoted, report.Bytes);
    }
}
