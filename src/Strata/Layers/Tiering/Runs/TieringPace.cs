namespace Strata;

/// <summary>Holds a run down to some bytes a second, on average since its beginning.</summary>
internal sealed class TieringPace(long? bytesPerSecond, TimeProvider clock)
{
    private readonly long _began = clock.GetTimestamp();

    /// <summary>Waits until so many bytes may have been copied.</summary>
    public async ValueTask WaitAsync(long bytes, CancellationToken cancellationToken)
    {
        if (bytesPerSecond is not { } rate) return;
        TimeSpan ahead = TimeSpan.FromSeconds((double)bytes / rate) - clock.GetElapsedTime(_began);
        if (ahead > TimeSpan.Zero) await Task.Delay(ahead, clock, cancellationToken).ConfigureAwait(false);
    }
}
