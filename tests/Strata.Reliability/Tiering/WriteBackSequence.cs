using Strata.Testing;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>
/// Memory over a folder that acknowledges writes, over an origin that gets them afterwards: which is out, loses requests and replies,
/// refuses for good, and is written to by others.
/// </summary>
internal sealed class WriteBackSequence : TierSequence
{
    private static readonly StorageErrorKind[] Refusals = [StorageErrorKind.AccessDenied, StorageErrorKind.TooLarge, StorageErrorKind.Full];
    private static readonly DiskFault[] DiskFaults = [DiskFault.Fail, DiskFault.Full, DiskFault.SyncFails, DiskFault.SyncLosesPages];
    private readonly TemporaryFolder _folder = new();
    private readonly MemoryBlobStore _origin;
    private readonly FaultStore _originFaults;
    private readonly bool _comparesVersions;
    private readonly long? _maxBlobBytes;
    private SimulatedDisk _disk;
    private bool _isDiskFaulty;
    private int _openings;

    public WriteBackSequence(int seed, bool hasOtherWriters, TierTally tally)
        : base(seed, hasOtherWriters, tally)
    {
        _comparesVersions = OneIn(2);
        _maxBlobBytes = hasOtherWriters || OneIn(2) ? null : 200;
        _disk = new SimulatedDisk(seed);
        Options = Options with { Writes = TieringWrites.Back, WriteBack = new WriteBackOptions { MaxAttempts = 3, Parallelism = Random.Next(1, 4) } };
        _origin = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, Context);
        Network = new LateStore(_origin, Clock, RequestLife, _comparesVersions, Note);
        _originFaults = new FaultStore(Network);
        Faults = [("origin", _originFaults)];
    }

    protected override LateStore Network { get; }

    protected override IReadOnlyList<(string Name, FaultStore Store)> Faults { get; }

    protected override bool IsUnsettled => base.IsUnsettled || WriteBack.GetStatus().Pending > 0;

    /// <summary>Where others write, what of two writes to two places counts is not told by their order.</summary>
    protected override bool MaySkip => !HasOtherWriters;

    private IWriteBack WriteBack => Store.TryGetFacet(out IWriteBack? facet) ? facet : throw new InvalidOperationException("The store has no write-back.");

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _origin.DisposeAsync();
        _folder.Dispose();
    }

    protected override async ValueTask<TieredBlobStore> OpenAsync(Tier hot)
    {
        DiskBlobStore warm = Opened(await DiskBlobStore.OpenAsync(
            new DiskBlobStoreOptions
            {
                Name = "warm", Path = Path.Combine(_folder.Path, $"{_openings++}"), Disk = Life.With(_disk), SegmentBytes = LogOptions.MinSegmentBytes, CompactionBytesPerSecond = null,
            }, Context));
        try
        {
            return await TieredBlobStore.OpenAsync(
                [hot, new Tier { Name = "warm", Store = warm, MaxBlobBytes = _maxBlobBytes }, new Tier { Name = "cold", Store = Life.Of(_originFaults, isSingleWriter: !HasOtherWriters) }], Options, Context);
        }
        catch
        {
            await Record.ExceptionAsync(async () => await warm.DisposeAsync());
            throw;
        }
    }

    protected override Task SurviveAsync()
    {
        // A send is taken up again and known as one; nothing tells the next process of what went to the origin at once.
        Network.Drop(late => !late.IsCopy || late.Length > (_maxBlobBytes ?? long.MaxValue));
        bool isPowerCut = OneIn(2);
        if (isPowerCut) Tally.PowerCuts++;
        Note(isPowerCut ? "without power" : "the disk stays");
        _disk = isPowerCut ? _disk.CutPower(Random) : _disk.Kill();
        _isDiskFaulty = false;
        return Task.CompletedTask;
    }

    protected override async Task HealAsync()
    {
        await base.HealAsync();

        // A log that could not be written is read-only until it is opened again.
        if (_isDiskFaulty) Life.End();
    }

    protected override Task OwnStepAsync(int k) => Random.Next(10) switch
    {
        < 2 => HasOtherWriters ? ChangeByOthersAsync(k, _origin) : LoseAsync(k),
        < 4 => LoseAsync(k),
        < 6 => ComeLateAsync(),
        6 => FlushAsync(),
        7 => RefuseAsync(),
        8 => FailDiskAsync(),
        _ => ClearDeadLettersAsync(),
    };

    /// <summary>While something is pending here, the last of the two that gets to the origin counts.</summary>
    protected override void ChangedByOthers(int k, int? value)
    {
        if (WriteBack.GetStatus().Pending > 0) Expected[k].Doubt(value);
        else base.ChangedByOthers(k, value);
    }

    protected override async Task<bool> IsSettledAsync()
    {
        await foreach (OutboxDeadLetter letter in WriteBack.ListDeadLettersAsync()) await WriteBack.ReplayAsync(BlobKey.Parse(letter.Key));
        return Network.Late.Count == 0 && WriteBack.GetStatus().Pending == 0;
    }

    protected override string Unfinished => $"{Network.Late.Count} requests may come late, {WriteBack.GetStatus()}";

    protected override async Task<int?> HeldAsync(int k) => ValueOf(await _origin.GetBytesAsync(KeyOf(k)));

    /// <summary>When nothing is pending, the origin has what was acknowledged.</summary>
    private async Task FlushAsync()
    {
        Note("flush");
        try
        {
            await DoneAsync(token => WriteBack.FlushAsync(token).AsTask());
        }
        catch (Exception e) when (IsExpected(e))
        {
            Note($"flush: {e.Message}");
            return;
        }

        if (Life.IsOver || HasOtherWriters || IsFaulty || WriteBack.GetStatus().Dead > 0 || Store.GetDoubts().Keys > 0) return;
        Tally.Flushed++;
        for (int k = 0; k < Keys; k++)
        {
            if (!Expected[k].IsKnown) continue;
            int? held = await HeldAsync(k);
            Assert.True(held == Expected[k].Acknowledged, Told($"after a flush the origin has {Said(held)} of '{KeyOf(k)}'; acknowledged was {Expected[k]}"));
        }
    }

    /// <summary>The origin answers, but does not take it.</summary>
    private Task RefuseAsync()
    {
        StorageErrorKind kind = Refusals[Random.Next(Refusals.Length)];
        int times = Random.Next(1, 8);
        Note($"the origin refuses as {kind}, {times} times");
        _originFaults.Inject(StoreFault.On(StoreOperation.Write, StoreOperation.Delete) with { Kind = kind, Times = times });
        IsFaulty = true;
        return Task.CompletedTask;
    }

    private Task FailDiskAsync()
    {
        DiskFault fault = DiskFaults[Random.Next(DiskFaults.Length)];
        int change = Random.Next(1, 8);
        Note($"the disk's change {change} from now: {fault}");
        _disk.FailAt(change, fault);
        IsFaulty = _isDiskFaulty = true;
        return Task.CompletedTask;
    }

    private async Task ClearDeadLettersAsync()
    {
        try
        {
            OutboxDeadLetter[] letters = await DoneAsync(token => WriteBack.ListDeadLettersAsync(token).ToArrayAsync(token).AsTask());
            if (letters.Length == 0) return;
            Tally.Dead++;
            BlobKey key = BlobKey.Parse(letters[Random.Next(letters.Length)].Key);
            int k = int.Parse(key.Value[2..], System.Globalization.CultureInfo.InvariantCulture);
            if (OneIn(2))
            {
                Note($"dead letter of {k} is replayed: {await DoneAsync(token => WriteBack.ReplayAsync(key, token).AsTask())}");
                return;
            }

            int? held = await HeldAsync(k);
            if (Network.Late.Any(l => l.Key == key)) return;
            Expected[k].Doubt(held);
            bool isDiscarded = await DoneAsync(token => WriteBack.DiscardAsync(key, token).AsTask());
            Note($"dead letter of {k} is discarded: {isDiscarded}, {Said(held)} is at the origin");
            if (!isDiscarded || Life.IsOver) return;

            // What was written behind the dead letter may have got there meanwhile.
            Expected[k].Acknowledge(await HeldAsync(k));
            if (HasOtherWriters) Expected[k].Doubt(held);
        }
        catch (Exception e) when (IsExpected(e))
        {
            Note($"dead letters: {e.Message}");
        }
    }
}
