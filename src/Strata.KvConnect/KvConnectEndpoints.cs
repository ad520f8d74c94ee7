namespace Strata.KvConnect;

/// <summary>Addresses that can answer the same, in the order in which they are preferred. One that fails makes room for the next for a while.</summary>
/// <param name="addresses">At least one, each with a slash at its end.</param>
/// <param name="clock">Tells how long ago one failed.</param>
internal sealed class KvConnectEndpoints(Uri[] addresses, TimeProvider clock)
{
    /// <summary>How long one that has failed is left alone, where there is another.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    private readonly Lock _latch = new();
    private readonly long?[] _failed = new long?[addresses.Length];

    /// <summary>The one to ask: the first that has not failed lately, else the one whose failure is the longest ago.</summary>
    public Uri Current
    {
        get
        {
            if (addresses.Length == 1) return addresses[0];
            lock (_latch)
            {
                int best = 0;
                for (int i = 0; i < addresses.Length; i++)
                {
                    if (_failed[i] is not { } failed || clock.GetElapsedTime(failed) >= Rest) return addresses[i];
                    if (failed < _failed[best]) best = i;
                }

                return addresses[best];
            }
        }
    }

    /// <summary>This one could not answer.</summary>
    public void Failed(Uri address)
    {
        lock (_latch) _failed[Array.IndexOf(addresses, address)] = clock.GetTimestamp();
    }

    /// <summary>These, with what is known of them, if they are the same as those of newer metadata.</summary>
    public KvConnectEndpoints Or(KvConnectEndpoints newer) => newer.Are(addresses) ? this : newer;

    private bool Are(Uri[] others) => addresses.SequenceEqual(others);
}
