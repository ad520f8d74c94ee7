using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Strata.Benchmarks;

/// <summary>
/// Why the contract reads as it does: the smallest store of that shape, with layers above it, against the plain
/// dictionary, and against the same written as async methods. Depends on no backend, so that a later change of one
/// does not change the answer.
/// </summary>
internal sealed class ReadShape : BenchmarkCase
{
    private const int Resident = 90_000;
    private const int ValueLength = 100;

    public override string Name => "read-shape";

    public override string Summary => "a shared entry by TryRead, by ValueTask without async, under layers, and by async methods, against a plain dictionary";

    /// <summary>The read of <see cref="IBlobStore"/>, alone.</summary>
    private interface IReads
    {
        ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default);
    }

    public override async Task RunAsync(Contest contest)
    {
        var keys = new ZipfKeys(Resident);
        var plain = new ConcurrentDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (string key in keys.Stored) plain[key] = new byte[ValueLength];
        var store = new SharedStore();
        foreach (string key in keys.Stored) store.Add(BlobKey.Parse(key), new byte[ValueLength]);
        var oneLayer = new Layer(store);
        var twoLayers = new Layer(oneLayer);
        var asyncStore = new AsyncLayer(store);
        var asyncLayer = new AsyncLayer(asyncStore);

        Lane dictionary = contest.Add("ConcurrentDictionary", operations => LookUp(plain, keys, operations));
        Lane tryRead = contest.Add("TryRead", operations => TryRead(store, keys, operations));
        Lane bare = contest.Add("ReadAsync", (_, operations) => ReadAsync(store, keys, operations));
        Lane one = contest.Add("ReadAsync, 1 layer above", (_, operations) => ReadAsync(oneLayer, keys, operations));
        Lane two = contest.Add("ReadAsync, 2 layers above", (_, operations) => ReadAsync(twoLayers, keys, operations));
        Lane oneAsync = contest.Add("async method", (_, operations) => ReadAsync(asyncStore, keys, operations));
        Lane twoAsync = contest.Add("async methods, 2 layers", (_, operations) => ReadAsync(asyncLayer, keys, operations));
        await contest.RunAsync();
        foreach (Lane lane in (Lane[])[tryRead, bare, one, two, oneAsync, twoAsync])
        {
            contest.Lower($"{lane.Name}, time", "ns/hit", Series.Nanoseconds(lane), Series.Nanoseconds(dictionary));
            contest.Lower($"{lane.Name}, allocated", "B/hit", Series.AllocatedBytes(lane), Series.AllocatedBytes(dictionary));
        }
    }

    private static void LookUp(ConcurrentDictionary<string, byte[]> plain, ZipfKeys keys, int operations)
    {
        int[] order = keys.Order;
        string[] asked = keys.Asked;
        int mask = keys.Mask;
        long found = 0;
        for (int i = 0; i < operations; i++)
        {
            if (plain.TryGetValue(asked[order[i & mask]], out byte[]? value)) found += value.Length;
        }

        Sink.Expect(found, (long)operations * ValueLength);
    }

    private static void TryRead(ISharedReads store, ZipfKeys keys, int operations)
    {
        int[] order = keys.Order;
        BlobKey[] asked = keys.AskedKeys;
        int mask = keys.Mask;
        long found = 0;
        for (int i = 0; i < operations; i++)
        {
            if (store.TryRead(asked[order[i & mask]], out BlobReadResult? hit)) found += hit.Length;
        }

        Sink.Expect(found, (long)operations * ValueLength);
    }

    private static async Task ReadAsync(IReads store, ZipfKeys keys, int operations)
    {
        int[] order = keys.Order;
        BlobKey[] asked = keys.AskedKeys;
        int mask = keys.Mask;
        long found = 0;
        for (int i = 0; i < operations; i++)
        {
            if (await store.ReadAsync(asked[order[i & mask]]) is { } hit) found += hit.Length;
        }

        Sink.Expect(found, (long)operations * ValueLength);
    }

    /// <summary>An immutable entry that is its own read result.</summary>
    private sealed class Entry(BlobKey key, byte[] bytes) : BlobReadResult
    {
        public override BlobInfo Info => new() { Key = key, Length = bytes.Length, ETag = "1" };

        public override long Length => bytes.Length;

        public override string Source => "shape";

        public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
        {
            sequence = new ReadOnlySequence<byte>(bytes);
            return true;
        }

        public override Stream OpenStream() => new MemoryStream(bytes, writable: false);
    }

    private sealed class SharedStore : IReads, ISharedReads
    {
        private readonly ConcurrentDictionary<BlobKey, Entry> _entries = new();

        public void Add(BlobKey key, byte[] bytes) => _entries[key] = new Entry(key, bytes);

        public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit)
        {
            bool found = _entries.TryGetValue(key, out Entry? entry);
            hit = entry;
            return found;
        }

        public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) =>
            options is null && TryRead(key, out BlobReadResult? hit) ? new(hit) : new((BlobReadResult?)null);
    }

    /// <summary>A layer as the contract means it: it resolves the synchronous facet when the stack is built.</summary>
    private sealed class Layer(IReads inner) : IReads, ISharedReads
    {
        private readonly ISharedReads _shared = (ISharedReads)inner;

        public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit) => _shared.TryRead(key, out hit);

        public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) =>
            options is null && _shared.TryRead(key, out BlobReadResult? hit) ? new(hit) : inner.ReadAsync(key, options, cancellationToken);
    }

    /// <summary>The same layer as it is usually written.</summary>
    private sealed class AsyncLayer(IReads inner) : IReads
    {
        public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) =>
            await inner.ReadAsync(key, options, cancellationToken);
    }
}
