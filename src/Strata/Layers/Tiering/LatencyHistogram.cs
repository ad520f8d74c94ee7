using System.Numerics;

namespace Strata;

/// <summary>
/// How long something took, counted in fixed buckets: four to each doubling, from 100 ns to 14 min, so that a percentile is off by an
/// eighth at most. Counting takes no lock and allocates nothing; each processor has buckets of its own (1 KiB).
/// </summary>
internal sealed class LatencyHistogram
{
    private const int Octaves = 34;
    private const int Buckets = Octaves * 4;

    /// <summary>Numbers between two processors' buckets, so that they share no cache line.</summary>
    private const int Padding = 16;

    private readonly long[] _counts = new long[Environment.ProcessorCount * (Buckets + Padding)];

    public void Add(TimeSpan time)
    {
        uint stripe = (uint)Thread.GetCurrentProcessorId() % (uint)Environment.ProcessorCount;
        Interlocked.Increment(ref _counts[(stripe * (Buckets + Padding)) + (uint)BucketOf(time.Ticks)]);
    }

    /// <summary>A snapshot; exact once those who count are quiet.</summary>
    public LatencySnapshot Snapshot()
    {
        long[] sums = new long[Buckets];
        for (int stripe = 0; stripe < Environment.ProcessorCount; stripe++)
        {
            for (int i = 0; i < Buckets; i++) sums[i] += Volatile.Read(ref _counts[(stripe * (Buckets + Padding)) + i]);
        }

        return new LatencySnapshot(sums.Sum(), At(sums, 0.5), At(sums, 0.99));
    }

    private static TimeSpan At(long[] counts, double share)
    {
        long rank = (long)Math.Ceiling(counts.Sum() * share);
        if (rank == 0) return TimeSpan.Zero;
        int bucket = 0;
        for (long seen = counts[0]; seen < rank; seen += counts[bucket]) bucket++;
        (long from, long width) = RangeOf(bucket);
        return TimeSpan.FromTicks(from + (width / 2));
    }

    private static int BucketOf(long ticks)
    {
        ulong value = (ulong)Math.Max(ticks, 0);
        if (value < 4) return (int)value;
        int octave = BitOperations.Log2(value);
        return Math.Min(((octave - 1) * 4) + (int)((value >> (octave - 2)) & 3), Buckets - 1);
    }

    private static (long From, long Width) RangeOf(int bucket)
    {
        if (bucket < 4) return (bucket, 1);
        int octave = (bucket / 4) + 1;
        long width = 1L << (octave - 2);
        return ((4 + (bucket % 4)) * width, width);
    }
}
