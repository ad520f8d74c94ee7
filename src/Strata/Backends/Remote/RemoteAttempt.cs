namespace Strata;

/// <summary>One attempt at a request: ends it when nothing moves any more. The SDK's own time-out ends with the answer's headers, and so not a stall behind them.</summary>
internal sealed class RemoteAttempt : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly TimeSpan _limit;

    public RemoteAttempt(TimeSpan limit, CancellationToken cancellationToken)
    {
        _limit = limit;
        _source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Progress();
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Something moved.</summary>
    public void Progress() => _source.CancelAfter(_limit);

    public void Dispose() => _source.Dispose();
}
