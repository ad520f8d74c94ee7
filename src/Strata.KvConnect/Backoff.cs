namespace Strata.KvConnect;

/// <summary>How long is waited before something is tried again: up to twice as long each time, and never as long as others wait who failed at the same moment.</summary>
internal static class Backoff
{
    private const int MaxDoublings = 6;

    public static readonly TimeSpan First = TimeSpan.FromMilliseconds(100), Longest = TimeSpan.FromSeconds(5);

    /// <summary>The wait after so many failures before this one.</summary>
    /// <returns>Between half of it and all of it, at random: a server that comes back is not met by everybody at once.</returns>
    public static TimeSpan Of(int failures)
    {
        TimeSpan most = First * (1 << Math.Min(failures, MaxDoublings));
        return (most < Longest ? most : Longest) * (0.5 + (Random.Shared.NextDouble() / 2));
    }

    /// <summary>Waits.</summary>
    public static Task WaitAsync(int failures, TimeProvider clock, CancellationToken cancellationToken) => Task.Delay(Of(failures), clock, cancellationToken);
}
