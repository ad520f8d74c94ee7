namespace Strata;

/// <summary>
/// Entries by key, in chains. Look-ups take no lock and see each key's entry whatever writers do; changes to a shard are
/// made under that shard's lock, by its owner.
/// </summary>
/// <remarks>
/// An entry that is taken out keeps its link, so that a reader that stands on it goes on; one that is replaced leaves its
/// place in the chain to the other. When a shard's buckets grow, its entries move, and a reader may be led astray and miss:
/// buckets that are being left are marked first, and who misses in marked ones looks again.
/// </remarks>
internal sealed class MemoryTable
{
    private const int LeastBuckets = 16;
    private static readonly MemoryBlob Left = MemoryBlob.Tombstone(BlobKey.Parse("-"), default, new MemoryDetails(""), 0);

    /// <summary>A shard's buckets, a power of two of them, and one more: <see cref="Left"/> if they are not, or not long any more, the shard's.</summary>
    private readonly MemoryBlob?[][] _shards;
    private readonly int[] _counts;
    private readonly int _shardBits;

    /// <param name="shards">A power of two.</param>
    public MemoryTable(int shards)
    {
        _shards = [.. Enumerable.Range(0, shards).Select(_ => new MemoryBlob?[LeastBuckets + 1])];
        _counts = new int[shards];
        _shardBits = int.Log2(shards);
    }

    public int ShardOf(uint hash) => (int)(hash & (uint)(_shards.Length - 1));

    /// <summary>What a shard's buckets take on the heap beyond those of an empty one.</summary>
    public long HeapBytes(int shard) => HeapSize.OfReferences(_shards[shard].Length) - HeapSize.OfReferences(LeastBuckets + 1);

    /// <summary>The key's entry, or null.</summary>
    public MemoryBlob? Find(BlobKey key)
    {
        uint hash = (uint)key.Hash;
        string text = key.Value;
        MemoryBlob?[][] shards = _shards;
        MemoryBlob?[] buckets = Volatile.Read(ref shards[hash & (uint)(shards.Length - 1)]);
        for (MemoryBlob? blob = Volatile.Read(ref buckets[BucketOf(hash, buckets)]); blob is not null; blob = blob.Next)
        {
            if (blob.Is(hash, text)) return blob;
        }

        return Volatile.Read(ref buckets[^1]) is null ? null : FindAgain(key, buckets);
    }

    /// <summary>Adds an entry of a key that has none.</summary>
    public void Add(MemoryBlob blob)
    {
        int shard = ShardOf(blob.Hash);
        if (++_counts[shard] > _shards[shard].Length - 1) Rebuild(shard, 2 * (_shards[shard].Length - 1));
        ref MemoryBlob? head = ref HeadOf(blob.Hash);
        blob.Next = head;
        Volatile.Write(ref head, blob);
    }

    /// <summary>Puts an entry in the place of another of the same key.</summary>
    public void Replace(MemoryBlob blob, MemoryBlob by)
    {
        by.Next = blob.Next;
        Relink(blob, by);
    }

    public void Remove(MemoryBlob blob)
    {
        Relink(blob, blob.Next);
        int shard = ShardOf(blob.Hash), buckets = _shards[shard].Length - 1;
        if (--_counts[shard] < buckets / 8 && buckets > LeastBuckets) Rebuild(shard, Math.Max(LeastBuckets, buckets / 4));
    }

    /// <summary>All entries of a shard.</summary>
    public void CopyTo(int shard, List<MemoryBlob> entries)
    {
        MemoryBlob?[] buckets = _shards[shard];
        for (int i = 0; i < buckets.Length - 1; i++)
        {
            for (MemoryBlob? blob = buckets[i]; blob is not null; blob = blob.Next) entries.Add(blob);
        }
    }

    private int BucketOf(uint hash, MemoryBlob?[] buckets) => (int)(hash >> _shardBits) & (buckets.Length - 2);

    private ref MemoryBlob? HeadOf(uint hash)
    {
        MemoryBlob?[] buckets = _shards[ShardOf(hash)];
        return ref buckets[BucketOf(hash, buckets)];
    }

    /// <summary>The buckets were left during the look-up; the entries have moved once others are in their place.</summary>
    private MemoryBlob? FindAgain(BlobKey key, MemoryBlob?[] left)
    {
        ref MemoryBlob?[] now = ref _shards[ShardOf((uint)key.Hash)];
        var wait = default(SpinWait);
        while (ReferenceEquals(Volatile.Read(ref now), left)) wait.SpinOnce();
        return Find(key);
    }

    private void Relink(MemoryBlob blob, MemoryBlob? to)
    {
        ref MemoryBlob? head = ref HeadOf(blob.Hash);
        if (ReferenceEquals(head, blob))
        {
            Volatile.Write(ref head, to);
            return;
        }

        MemoryBlob before = head!;
        while (!ReferenceEquals(before.Next, blob)) before = before.Next!;
        before.Next = to;
    }

    private void Rebuild(int shard, int count)
    {
        MemoryBlob?[] left = _shards[shard], fresh = new MemoryBlob?[count + 1];
        Volatile.Write(ref left[^1], Left);
        for (int i = 0; i < left.Length - 1; i++)
        {
            for (MemoryBlob? blob = left[i], next; blob is not null; blob = next)
            {
                next = blob.Next;
                ref MemoryBlob? head = ref fresh[BucketOf(blob.Hash, fresh)];
                blob.Next = head;
                head = blob;
            }
        }

        Volatile.Write(ref _shards[shard], fresh);
    }
}
