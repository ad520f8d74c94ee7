namespace Strata.HitRatios;

/// <summary>Requests for keys in order, and how large each key's value is.</summary>
/// <param name="Name">What the table and the chart call it.</param>
/// <param name="Requests">The keys, numbered from 0; a negative number <c>~key</c> is a request that is made and not counted: one of a scan.</param>
/// <param name="Sizes">Bytes of each key's value.</param>
/// <param name="Budget">Bytes of values that a cache may hold.</param>
internal sealed record Trace(string Name, int[] Requests, int[] Sizes, long Budget)
{
    /// <summary>Requests before the first that counts: the cache is filled by then.</summary>
    public int WarmUp => Requests.Length / 4;

    /// <summary>One key after the other, more than fit, round and round: what a policy hits of it says how it treats what it cannot help.</summary>
    public bool IsLoop { get; init; }

    /// <summary>What a cache would hit that held the most popular keys for ever, 0 to 1; null where popularity is not all that matters.</summary>
    public double? StaticOptimum { get; init; }
}
