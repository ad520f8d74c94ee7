namespace Strata.HitRatios;

/// <summary>
/// The memory store itself, with real values: what is left of the policy in shards of which each decides alone, with names
/// that may be forgotten and counts that may be missed.
/// </summary>
internal sealed class StoreItself : Policy, IAsyncDisposable
{
    /// <summary>How often the budget is corrected, in requests.</summary>
    private const int Correction = 256;

    private readonly MemoryBlobStore _store;
    private readonly BlobKey[] _keys;
    private readonly byte[] _value;
    private long _held;
    private int _requests;

    public StoreItself(Trace trace)
        : base(trace)
    {
        _store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = Budget });
        _store.Evicted += (_, length) => _held -= length;
        _keys = [.. Enumerable.Range(0, Keys).Select(key => BlobKey.Parse($"keys/{key:x7}"))];
        _value = new byte[Sizes.Max()];
    }

    public override string Name => "Strata";

    public override bool Request(int key)
    {
        if (++_requests % Correction == 0) GiveRoomForBookkeeping();
        if (_store.TryRead(_keys[key], out _)) return true;
        ValueTask<WriteResult> write = _store.WriteAsync(_keys[key], BlobContent.From(_value.AsMemory(0, Sizes[key])));
        if (!write.IsCompletedSuccessfully) throw new InvalidOperationException("A write into memory was not done at once.");
        _held += Sizes[key];
        return false;
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    /// <summary>The simulated caches count values alone: ours gets what it takes besides on top, so that all hold as many bytes of values.</summary>
    private void GiveRoomForBookkeeping() => _store.MaxBytes = Budget + _store.GetStatistics().Bytes - _held;
}
