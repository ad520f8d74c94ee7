namespace Strata.HitRatios;

/// <summary>
/// The memory store itself, with real values: what is left of the policy in shards of which each decides alone, with names
/// that may be forgotten and counts that may be missed.
/// </summary>
internal sealed class StoreItself : Policy, IAsyncDisposable
{
    /// <summary>Bookkeeping of a value, key included, which the simulated caches do not have: the store gets it on top, so that all hold as many bytes of values.</summary>
    private const int Bookkeeping = 134;

    private readonly MemoryBlobStore _store;
    private readonly BlobKey[] _keys;
    private readonly byte[] _value;

    public StoreItself(Trace trace)
        : base(trace)
    {
        double mean = Sizes.Average(size => (double)size);
        _store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = (long)(Budget * (1 + (Bookkeeping / mean))) });
        _keys = [.. Enumerable.Range(0, Keys).Select(key => BlobKey.Parse($"keys/{key:x7}"))];
        _value = new byte[Sizes.Max()];
    }

    public override string Name => "Strata";

    public override bool Request(int key)
    {
        if (_store.TryRead(_keys[key], out _)) return true;
        ValueTask<WriteResult> write = _store.WriteAsync(_keys[key], BlobContent.From(_value.AsMemory(0, Sizes[key])));
        if (!write.IsCompletedSuccessfully) throw new InvalidOperationException("A write into memory was not done at once.");
        return false;
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();
}
