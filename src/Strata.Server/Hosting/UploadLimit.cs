namespace Strata.Server;

/// <summary>Counts the request bodies that are received at once, so that their buffers together stay bounded.</summary>
internal sealed class UploadLimit(int max, ServerMetrics metrics)
{
    private int _underWay;

    /// <summary>The most at once.</summary>
    public int Max => max;

    /// <summary>Takes a place, which <see cref="End"/> gives back; false, and counted as a refusal, if all are taken.</summary>
    public bool TryBegin()
    {
        if (Interlocked.Increment(ref _underWay) <= max) return true;
        End();
        metrics.CountRefusal("uploads");
        return false;
    }

    /// <summary>Gives a place back.</summary>
    public void End() => Interlocked.Decrement(ref _underWay);
}
