using Strata.Testing;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>
/// Memory over two homes, of which each blob lives in one: a folder, and another one or a store over a network; with a placement index
/// on a disk of its own. Calls of any of them end the process.
/// </summary>
internal sealed class HomesSequence : TierSequence
{
    private const int Warm = 0, Cold = 1, Index = 2;
    private readonly TemporaryFolder _folder = new();
    private readonly SimulatedDisk[] _disks;
    private readonly MemoryBlobStore? _distant;
    private readonly FaultStore? _distantFaults;
    private ExclusiveBlobStore _homes = null!;
    private (string Name, FaultStore Store)[] _faults = [];
    private bool _isIndexLost;
    private int _openings;

    public HomesSequence(int seed, TierTally tally)
        : base(seed, hasOtherWriters: false, tally)
    {
        _disks = [.. Enumerable.Range(0, 3).Select(i => new SimulatedDisk(unchecked((3 * seed) + i)))];
        Options = Options with { Containment = Containment.Exclusive };
        if (OneIn(2)) return;
        _distant = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, Context);
        Network = new LateStore(_distant, Clock, RequestLife, comparesVersions: false, Note);
        _distantFaults = new FaultStore(Network);
    }

    protected override LateStore? Network { get; }

    protected override IReadOnlyList<(string Name, FaultStore Store)> Faults => _faults;

    protected override bool IsUnsettled => base.IsUnsettled || _homes.Pending > 0;

    protected override bool KeepsCopies => false;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_distant is not null) await _distant.DisposeAsync();
        _folder.Dispose();
    }

    protected override async ValueTask<TieredBlobStore> OpenAsync(Tier hot)
    {
        var opened = new List<IAsyncDisposable>();
        try
        {
            FaultStore warm = await FolderAsync(Warm, "warm", opened);
            FaultStore cold = _distantFaults ?? await FolderAsync(Cold, "cold", opened);
            _faults = [("warm", warm), ("cold", cold)];
            DiskKvDatabase index = Opened(await DiskKvDatabase.OpenAsync(
                new DiskKvDatabaseOptions { Name = "index", Path = NextPath(), Disk = Life.With(_disks[Index]), SegmentBytes = LogOptions.MinSegmentBytes, CompactionBytesPerSecond = null }, Context));
            opened.Add(index);
            List<Tier> tiers = [hot, new Tier { Name = "warm", Store = warm, MaxBlobBytes = 200 }, new Tier { Name = "cold", Store = _distant is null ? cold : Life.Of(cold, isRemote: true) }];
            IKvDatabase state = await ExclusiveTiers.ComposeAsync(tiers, Options, Context, index, CancellationToken.None);
            _homes = (ExclusiveBlobStore)tiers[^1].Store;
            opened.Add(_homes);
            return await TieredBlobStore.OpenAsync(tiers, Options, Context, state);
        }
        catch
        {
            foreach (IAsyncDisposable one in Enumerable.Reverse(opened)) await Record.ExceptionAsync(async () => await one.DisposeAsync());
            throw;
        }
    }

    protected override Task SurviveAsync()
    {
        bool isPowerCut = OneIn(2);
        if (isPowerCut) Tally.PowerCuts++;
        Note(isPowerCut ? "without power" : "the disks stay");
        for (int i = 0; i < _disks.Length; i++) _disks[i] = isPowerCut ? _disks[i].CutPower(Random) : _disks[i].Kill();
        if (!_isIndexLost) return Task.CompletedTask;
        Note("the index is lost");
        Tally.Rebuilt++;
        _disks[Index] = new SimulatedDisk(Seed);
        _isIndexLost = false;
        return Task.CompletedTask;
    }

    protected override Task OwnStepAsync(int k) => Random.Next(6) switch
    {
        < 2 when Network is not null => LoseAsync(k),
        < 4 when Network is not null => ComeLateAsync(),
        < 4 => MoveAsync(k),
        4 => MoveAsync(k),
        _ => RebuildAsync(),
    };

    protected override Task<bool> IsSettledAsync() => Task.FromResult((Network?.Late.Count ?? 0) == 0 && _homes.Pending == 0);

    protected override string Unfinished => $"{Network?.Late.Count} requests may come late, {_homes.Pending} keys in the journal, {string.Join(", ", _homes.GetTierStatistics().Select(t => $"{t.Name}: {t.LastError}"))}";

    /// <summary>It is in one home at most, and the index says in which; but for as long as a run of the background takes it elsewhere.</summary>
    protected override async Task<int?> HeldAsync(int k)
    {
        var held = new List<(string Tier, int? Value)>();
        string? home = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                held.Clear();
                foreach ((string name, FaultStore store) in _faults)
                {
                    if (await store.GetBytesAsync(KeyOf(k)) is { } bytes) held.Add((name, ValueOf(bytes)));
                }

                home = (await _homes.StatAsync(KeyOf(k)))?.Tier;
                if (held.Count <= 1 && held.FirstOrDefault().Tier == home) return true;
                Clock.Advance(TimeSpan.FromSeconds(5));
                return false;
            },
            what: Told($"'{KeyOf(k)}' is not in its home alone"));
        return held.FirstOrDefault().Value;
    }

    protected override void Settled()
    {
        // Once nothing is left to do the tiers alone tell all that the index does.
        if (!OneIn(4)) return;
        _isIndexLost = true;
        Life.End();
    }

    private async ValueTask<FaultStore> FolderAsync(int disk, string name, List<IAsyncDisposable> opened)
    {
        FaultStore store = Opened(new FaultStore(await DiskBlobStore.OpenAsync(
            new DiskBlobStoreOptions { Name = name, Path = NextPath(), Disk = Life.With(_disks[disk]), SegmentBytes = LogOptions.MinSegmentBytes, CompactionBytesPerSecond = null }, Context)));
        opened.Add(store);
        return store;
    }

    private string NextPath() => Path.Combine(_folder.Path, $"{_openings++}");

    private async Task MoveAsync(int k)
    {
        string tier = OneIn(2) ? "warm" : "cold";
        try
        {
            MoveStatus status = await DoneAsync(token => _homes.MoveAsync(KeyOf(k), tier, false, token).AsTask());
            Note($"move of {k} to {tier}: {status}");
            if (status == MoveStatus.Moved) Tally.Moved++;
        }
        catch (Exception e) when (IsExpected(e))
        {
            Note($"move of {k} to {tier}: {e.Message}");
        }
    }

    private async Task RebuildAsync()
    {
        if (IsFaulty || _homes.Pending > 0 || Network?.Late.Count > 0) return;
        Note("the index is made anew");
        Tally.Rebuilt++;
        try
        {
            await DoneAsync(token => _homes.RebuildAsync(null, token).AsTask());
        }
        catch (Exception e) when (IsExpected(e))
        {
            // Until the next life nothing is served.
            Note($"rebuild: {e.Message}");
            Life.End();
        }
    }
}
