namespace Strata.HitRatios;

/// <summary>A cache that is asked for one key after the other, within a budget of bytes.</summary>
internal abstract class Policy(Trace trace)
{
    public abstract string Name { get; }

    protected int Keys => trace.Sizes.Length;

    protected int[] Sizes { get; } = trace.Sizes;

    protected long Budget { get; } = trace.Budget;

    /// <summary>Asks for a key, which is admitted if it is missing.</summary>
    /// <returns>True for a hit.</returns>
    public abstract bool Request(int key);

    /// <summary>Asks for all keys of the trace.</summary>
    /// <returns>The share of hits among the requests that count, 0 to 1.</returns>
    public double Run()
    {
        long hits = 0, counted = 0;
        int[] requests = trace.Requests;
        for (int i = 0; i < requests.Length; i++)
        {
            int request = requests[i];
            bool isHit = Request(request < 0 ? ~request : request);
            if (i < trace.WarmUp || request < 0) continue;
            counted++;
            if (isHit) hits++;
        }

        return (double)hits / counted;
    }
}
