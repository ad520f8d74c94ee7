namespace Strata.TieringYear;

/// <summary>The simulated time; timestamps stand still, so that nothing depends on how fast the machine is.</summary>
internal sealed class YearClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Now;

    public override long GetTimestamp() => 0;
}
