namespace Strata.Workload;

/// <summary>The system's clock, set back: by less than nothing, it is fast.</summary>
internal sealed class LateClock(TimeSpan late) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() - late;
}
