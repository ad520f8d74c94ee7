using Strata.Testing;

namespace Strata.Tests;

/// <summary>A clock that stands still and counts who looks at it.</summary>
internal sealed class CountingClock : TimeProvider
{
    private int _reads;

    public FakeClock Fake { get; } = new();

    /// <summary>Wall clock and monotonic clock together.</summary>
    public int Reads => Volatile.Read(ref _reads);

    public override long TimestampFrequency => Fake.TimestampFrequency;

    public override DateTimeOffset GetUtcNow()
    {
        Interlocked.Increment(ref _reads);
        return Fake.GetUtcNow();
    }

    public override long GetTimestamp()
    {
        Interlocked.Increment(ref _reads);
        return Fake.GetTimestamp();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => Fake.CreateTimer(callback, state, dueTime, period);
}
