using System.Buffers;

namespace Strata.Benchmarks;

/// <summary>How a store is read here: where its bytes are, without a copy if it can.</summary>
internal static class StoreReads
{
    /// <summary>The sum of a blob's bytes, each touched; 0 if it is missing.</summary>
    public static async ValueTask<long> SumAsync(this IBlobStore store, BlobKey key)
    {
        await using BlobReadResult? hit = await store.ReadAsync(key);
        if (hit is null) return 0;
        return hit.TryGetSequence(out ReadOnlySequence<byte> bytes) ? Sink.Sum(bytes) : Sink.Sum(await hit.ToArrayAsync());
    }
}
