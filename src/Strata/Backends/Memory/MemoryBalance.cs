namespace Strata;

/// <summary>
/// The share of the bytes that the small queues have, for all shards: what left a small queue too early raises it, what
/// left a main queue too early lowers it. Adjusted without a lock; an adjustment that is lost does no harm.
/// </summary>
internal sealed class MemoryBalance
{
    private const double Least = 0.01;
    private const double Most = 0.8;

    /// <summary>0.01 to 0.8; begins at 0.1.</summary>
    public double SmallShare { get; private set; } = 0.1;

    public void Raise(double by) => SmallShare = Math.Min(Most, SmallShare + by);

    public void Lower(double by) => SmallShare = Math.Max(Least, SmallShare - by);
}
