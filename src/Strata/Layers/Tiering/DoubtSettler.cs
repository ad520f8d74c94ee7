using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>Clears keys up when their doubt is over; what fails is tried again.</summary>
internal sealed class DoubtSettler : IAsyncDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(10);
    private readonly Doubts _doubts;
    private readonly Func<BlobKey, CancellationToken, ValueTask> _settle;
    private readonly TimeProvider _clock;
    private readonly BackgroundRuns _runs;

    public DoubtSettler(Doubts doubts, Func<BlobKey, CancellationToken, ValueTask> settle, TimeProvider clock, ILogger log)
    {
        (_doubts, _settle, _clock) = (doubts, settle, clock);
        _runs = new BackgroundRuns(RunAsync, TimeSpan.Zero, clock, log);
    }

    /// <summary>Sees to it that it runs when the next doubt is over.</summary>
    public void Arm()
    {
        // A later doubt ends later. One that is over runs from the timer, too: whoever arms holds its key.
        if (_doubts.NextEnd is { } end) _runs.Wake(Until(end));
    }

    public ValueTask DisposeAsync() => _runs.DisposeAsync();

    private async ValueTask<TimeSpan?> RunAsync(CancellationToken closing)
    {
        bool hasFailed = false;
        foreach (BlobKey key in _doubts.Over())
        {
            try
            {
                await _settle(key, closing).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                closing.ThrowIfCancellationRequested();
                hasFailed = true;
                _doubts.NoteError(key, e);
            }
        }

        if (_doubts.NextEnd is not { } end) return null;
        TimeSpan next = Until(end);
        return hasFailed && next < RetryDelay ? RetryDelay : next;
    }

    private TimeSpan Until(DateTimeOffset end)
    {
        TimeSpan left = end - _clock.GetUtcNow();
        return left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1);
    }
}
