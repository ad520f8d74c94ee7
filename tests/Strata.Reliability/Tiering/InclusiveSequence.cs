using Strata.Testing;

namespace Strata.Reliability;

/// <summary>Memory over a warm tier of copies, which power cuts set back, over an origin over a network.</summary>
internal sealed class InclusiveSequence : TierSequence
{
    private readonly MemoryBlobStore _origin;
    private readonly MemoryBlobStore _warm;
    private readonly MemoryKvDatabase _state;
    private readonly FaultStore _originFaults;
    private readonly FaultStore _warmFaults;
    private List<(BlobInfo Info, byte[] Bytes)> _warmBefore = [];

    public InclusiveSequence(int seed, bool hasOtherWriters, TierTally tally)
        : base(seed, hasOtherWriters, tally)
    {
        _origin = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, Context);
        _warm = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }, Context);
        _state = new MemoryKvDatabase(null, Context);
        Network = new LateStore(_origin, Clock, RequestLife, comparesVersions: true, Note);
        (_originFaults, _warmFaults) = (new FaultStore(Network), new FaultStore(_warm));
        Faults = [("origin", _originFaults), ("warm", _warmFaults)];
    }

    protected override LateStore Network { get; }

    protected override IReadOnlyList<(string Name, FaultStore Store)> Faults { get; }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Hot.DisposeAsync();
        await _origin.DisposeAsync();
        await _warm.DisposeAsync();
        await _state.DisposeAsync();
    }

    protected override ValueTask<TieredBlobStore> OpenAsync(Tier hot) => TieredBlobStore.OpenAsync(
        [hot, new Tier { Name = "warm", Store = Life.Of(_warmFaults) }, new Tier { Name = "cold", Store = Life.Of(_originFaults, isSingleWriter: !HasOtherWriters) }], Options, Context, Life.Of(_state));

    protected override Task OwnStepAsync(int k) => HasOtherWriters ? ChangeByOthersAsync(k, _origin) : OneIn(2) ? LoseAsync(k) : ComeLateAsync();

    protected override async Task SurviveAsync()
    {
        // Nothing tells the next process of a request that this one had no answer to yet.
        Network.Drop(_ => true);
        if (OneIn(2)) return;

        // A power cut undoes what the warm tier has not flushed: drops as well as fills.
        Tally.PowerCuts++;
        Note($"the warm tier is as it was: {_warmBefore.Count} blobs");
        foreach (BlobKey key in Enumerable.Range(0, Keys).Select(KeyOf)) await _warm.DeleteAsync(key);
        foreach ((BlobInfo info, byte[] bytes) in _warmBefore) await _warm.PutBytesAsync(info.Key, bytes, new WriteOptions { AsCopyOf = info });
    }

    protected override Task<bool> IsSettledAsync() => Task.FromResult(Network.Late.Count == 0);

    protected override string Unfinished => $"{Network.Late.Count} requests may come late";

    protected override async Task<int?> HeldAsync(int k) => ValueOf(await _origin.GetBytesAsync(KeyOf(k)));

    protected override async Task NoteHeldAsync()
    {
        _warmBefore = [];
        for (int k = 0; k < Keys; k++)
        {
            await using BlobReadResult? read = await _warm.ReadAsync(KeyOf(k));
            if (read is not null) _warmBefore.Add((read.Info, await read.ToArrayAsync()));
        }
    }
}
