namespace Strata;

/// <summary>Keeps a reader below so many bytes a second, counted from its beginning.</summary>
internal sealed class ByteThrottle(TimeProvider clock, long? bytesPerSecond)
{
    private readonly long _began = clock.GetTimestamp();
    private long _bytes;

    /// <summary>Notes bytes that were read, and waits until they are due.</summary>
    public ValueTask SpendAsync(long bytes, CancellationToken cancellationToken)
    {
        _bytes += bytes;
        if (bytesPerSecond is not { } rate) return default;
        TimeSpan ahead = TimeSpan.FromSeconds((double)_bytes / rate) - clock.GetElapsedTime(_began);
        return ahead <= TimeSpan.Zero ? default : new ValueTask(Task.Delay(ahead, clock, cancellationToken));
    }
}
