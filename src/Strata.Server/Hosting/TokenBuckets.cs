using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Strata.Server;

/// <summary>
/// A bucket of tokens for each name, full at first and refilled evenly. There are at most so many: those that are full
/// again tell no more than new ones and make room; if none is, newcomers share a bucket. One takes some 150 bytes.
/// </summary>
/// <param name="tokens">What a bucket holds, and what flows into it in a period: 1 or more.</param>
/// <param name="period">How long an empty bucket takes to be full.</param>
/// <param name="maxBuckets">The most names at a time that have a bucket of their own.</param>
/// <param name="clock">Tells how long ago a bucket was used.</param>
internal sealed class TokenBuckets(int tokens, TimeSpan period, int maxBuckets, TimeProvider clock)
{
    /// <summary>A full sweep may find nothing to drop, so that it is not made for every newcomer.</summary>
    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);
    private Bucket _shared;
    private long? _swept;
    private volatile int _count;

    /// <summary>Buckets that are held now, the shared one not among them.</summary>
    public int Count => _count;

    /// <summary>Takes a token; false if there is none.</summary>
    public bool TryTake(string name)
    {
        lock (_lock)
        {
            if (_buckets.Count >= maxBuckets && !_buckets.ContainsKey(name)) Sweep();
            ref Bucket bucket = ref BucketOf(name);
            _count = _buckets.Count;
            Refill(ref bucket);
            if (bucket.Taken > tokens - 1) return false;
            bucket.Taken++;
            return true;
        }
    }

    /// <summary>Puts a token back that was taken for nothing.</summary>
    public void GiveBack(string name)
    {
        lock (_lock)
        {
            ref Bucket bucket = ref CollectionsMarshal.GetValueRefOrNullRef(_buckets, name);
            if (Unsafe.IsNullRef(ref bucket)) bucket = ref _shared;
            bucket.Taken = Math.Max(0, bucket.Taken - 1);
        }
    }

    /// <summary>
    /// True if a name's own bucket has no token. Costs nothing while there are no buckets, and drops those that are full
    /// again, so that it soon costs nothing again.
    /// </summary>
    public bool HasRunOut(string name)
    {
        if (_count == 0) return false;
        lock (_lock)
        {
            Sweep();
            ref Bucket bucket = ref CollectionsMarshal.GetValueRefOrNullRef(_buckets, name);
            if (Unsafe.IsNullRef(ref bucket)) return false;
            Refill(ref bucket);
            return bucket.Taken > tokens - 1;
        }
    }

    private ref Bucket BucketOf(string name)
    {
        if (_buckets.Count < maxBuckets) return ref CollectionsMarshal.GetValueRefOrAddDefault(_buckets, name, out _);
        ref Bucket bucket = ref CollectionsMarshal.GetValueRefOrNullRef(_buckets, name);
        if (Unsafe.IsNullRef(ref bucket)) return ref _shared;
        return ref bucket;
    }

    private void Refill(ref Bucket bucket)
    {
        long now = clock.GetTimestamp();
        if (bucket.Taken > 0) bucket.Taken = Math.Max(0, bucket.Taken - (tokens * (clock.GetElapsedTime(bucket.Since, now) / period)));
        bucket.Since = now;
    }

    private void Sweep()
    {
        if (_swept is { } last && clock.GetElapsedTime(last) < BetweenSweeps) return;
        _swept = clock.GetTimestamp();
        foreach (string name in _buckets.Keys)
        {
            ref Bucket bucket = ref CollectionsMarshal.GetValueRefOrNullRef(_buckets, name);
            Refill(ref bucket);

            // Removing while enumerating is allowed (since .NET Core 3.0), and adding is not.
            if (bucket.Taken == 0) _buckets.Remove(name);
        }

        _count = _buckets.Count;
    }

    /// <summary>What is missing in a bucket since it was last looked at; as made it is full.</summary>
    private struct Bucket
    {
        public double Taken;
        public long Since;
    }
}
