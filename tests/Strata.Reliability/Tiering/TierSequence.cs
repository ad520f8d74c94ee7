using Strata.Testing;

namespace Strata.Reliability;

/// <summary>One random sequence; see <see cref="TierModelTests"/>.</summary>
internal sealed class TierSequence : IAsyncDisposable
{
    private const int Keys = 4, Steps = 50;
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(10), RequestLife = TimeSpan.FromMinutes(15);
    private readonly int _seed;
    private readonly bool _hasOtherWriters;
    private readonly TierTally _tally;
    private readonly Random _random;
    private readonly FakeClock _clock = new();
    private readonly StoreContext _context;
    private readonly MemoryBlobStore _origin;
    private readonly MemoryBlobStore _warm;
    private readonly MemoryKvDatabase _state;
    private readonly FaultStore _originFaults;
    private readonly FaultStore _warmFaults;
    private readonly ExpectedBlob[] _expected = [.. Enumerable.Range(0, Keys).Select(_ => new ExpectedBlob())];
    private readonly List<LostWrite> _lost = [];
    private readonly List<string> _trace = [];
    private List<(BlobInfo Info, byte[] Bytes)> _warmBefore = [];
    private Life _life = null!;
    private MemoryBlobStore _hot = null!;
    private TieredBlobStore _store = null!;
    private bool _isFaulty;
    private int _values;

    public TierSequence(int seed, bool hasOtherWriters, TierTally tally)
    {
        (_seed, _hasOtherWriters, _tally, _random) = (seed, hasOtherWriters, tally, new Random(seed));
        _context = StoreContext.Default with { Clock = _clock };
        _origin = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, _context);
        _warm = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }, _context);
        _state = new MemoryKvDatabase(null, _context);
        (_originFaults, _warmFaults) = (new FaultStore(_origin), new FaultStore(_warm));
    }

    public async Task RunAsync()
    {
        await BeginLifeAsync();
        try
        {
            for (int step = 0; step < Steps; step++)
            {
                await StepAsync();
                if (_life.IsOver) await NextLifeAsync();
                _clock.Advance(TimeSpan.FromMilliseconds(1));
            }

            await SettleAsync();
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException($"seed {_seed}: {e.Message}\n{Trace}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await _hot.DisposeAsync();
        await _origin.DisposeAsync();
        await _warm.DisposeAsync();
        await _state.DisposeAsync();
    }

    private string Trace => string.Join('\n', _trace);

    private static BlobKey KeyOf(int k) => BlobKey.Parse($"k/{k}");

    private Task StepAsync()
    {
        int k = _random.Next(Keys);
        _tally.Operations++;
        return _random.Next(24) switch
        {
            < 6 => ReadAsync(k),
            6 => StatAsync(k),
            < 10 => PutAsync(k, default),
            10 => WriteAsync(k),
            11 => PutUnderConditionAsync(k),
            < 14 => DeleteAsync(k),
            14 => UpdateAsync(k),
            15 => CopyAsync(k, (k + 1) % Keys),
            16 => PassAsync(),
            17 => FailAsync(),
            18 => HealAsync(),
            19 => _hasOtherWriters ? ChangeByOthersAsync(k) : LoseAsync(k),
            20 => ComeLateAsync(),
            21 => EndLifeAsync(),
            22 => _random.Next(3) == 0 ? SettleAsync() : _hot.DeleteAsync(KeyOf(k)).AsTask(),
            _ => TogetherAsync(k),
        };
    }

    private async Task ReadAsync(int k)
    {
        int? found;
        try
        {
            found = ValueOf(await _store.GetBytesAsync(KeyOf(k)));
        }
        catch (Exception e) when (IsExpected(e))
        {
            Note($"read {k}: {e.Message}");
            return;
        }

        Check(k, found, "read");
    }

    private async Task StatAsync(int k)
    {
        try
        {
            BlobInfo? info = await _store.StatAsync(KeyOf(k));
            Note($"stat {k}: {info?.Version.ToString() ?? "nothing"} in {info?.Tier}");
            if (info is null) Check(k, null, "stat");
        }
        catch (Exception e) when (IsExpected(e))
        {
            Note($"stat {k}: {e.Message}");
        }
    }

    private void Check(int k, int? found, string by)
    {
        if (_life.IsOver) return;
        _tally.Reads++;
        Note($"{by} {k}: {found?.ToString() ?? "nothing"}");
        Assert.True(_expected[k].Allows(found, _clock.GetUtcNow()), $"seed {_seed}: '{KeyOf(k)}' is {found?.ToString() ?? "nothing"}; expected was {_expected[k]}\n{Trace}");
    }

    private Task PutAsync(int k, WriteCondition condition)
    {
        (int value, byte[] bytes) = NextValue();
        return ChangeAsync(k, value, $"put {value} {condition.Kind}", async () => (await _store.PutBytesAsync(KeyOf(k), bytes, new WriteOptions { Condition = condition })).IsWritten, condition);
    }

    private Task WriteAsync(int k)
    {
        (int value, byte[] bytes) = NextValue();
        return ChangeAsync(k, value, $"write {value}", async () =>
        {
            IBlobWriter writer = await _store.OpenWriterAsync(KeyOf(k));
            await using (writer)
            {
                await writer.WriteAsync(bytes, CancellationToken.None);
                return (await writer.CommitAsync(null, CancellationToken.None)).IsWritten;
            }
        });
    }

    private async Task PutUnderConditionAsync(int k)
    {
        try
        {
            if (_random.Next(2) == 0) await PutAsync(k, WriteCondition.IfAbsent);
            else if (await _store.StatAsync(KeyOf(k)) is { } info) await PutAsync(k, WriteCondition.IfMatch(info.ETag));
        }
        catch (Exception e) when (IsExpected(e))
        {
            Note($"look at {k}: {e.Message}");
        }
    }

    private Task DeleteAsync(int k) => ChangeAsync(k, null, "delete", async () =>
    {
        DeleteStatus status = _random.Next(4) == 0
            ? (await _store.DeleteManyAsync([KeyOf(k)])).Outcomes[0] is { Error: { } error } ? throw error : DeleteStatus.Deleted
            : (await _store.DeleteAsync(KeyOf(k))).Status;
        return status != DeleteStatus.PreconditionFailed;
    });

    private async Task UpdateAsync(int k)
    {
        if (!_expected[k].IsKnown) return;
        await ChangeAsync(k, _expected[k].Acknowledged, "update", async () => (await _store.UpdateAsync(KeyOf(k), new BlobChanges { ContentType = $"a/{_random.Next()}" })).IsWritten);
    }

    private async Task CopyAsync(int from, int to)
    {
        if (!_expected[from].IsKnown || _hasOtherWriters) return;
        await ChangeAsync(to, _expected[from].Acknowledged, $"copy of {from}", async () => (await _store.CopyAsync(KeyOf(from), KeyOf(to))).IsWritten);
    }

    private async Task ChangeAsync(int k, int? value, string what, Func<Task<bool>> change, WriteCondition condition = default)
    {
        string? error = _store.GetDoubts().LastError;
        try
        {
            bool isDone = await change();
            if (_life.IsOver) throw new LifeEndedException();
            Note($"{what} of {k}: {(isDone ? "done" : "not done")}");
            if (_expected[k].IsKnown && condition.Kind == WriteConditionKind.IfAbsent && !_hasOtherWriters)
                Assert.True(isDone == (_expected[k].Acknowledged is null), $"seed {_seed}: IfAbsent of '{KeyOf(k)}' was {(isDone ? "" : "not ")}done; expected was {_expected[k]}\n{Trace}");
            if (!isDone) return;
            _expected[k].Acknowledge(value);
            string? said = _store.GetDoubts().LastError;
            if (ReferenceEquals(error, said) || said?.Contains("kept nowhere", StringComparison.Ordinal) != true) return;

            // Two failures at once, and the store says so: a request that was lost may yet take this write's place.
            Note(said);
            _tally.Unprotected++;
            foreach (LostWrite lost in _lost.Where(l => l.Key == k)) _expected[k].Doubt(lost.Value);
        }
        catch (StorageException e) when (IsExpected(e))
        {
            Note($"{what} of {k}: {e.Outcome}, {e.Message}");
            if (_life.IsOver || e.Outcome == WriteOutcome.Unknown) DoubtOf(k, value);
            else _tally.Refused++;
        }
        catch (LifeEndedException)
        {
            Note($"{what} of {k}: killed");
            DoubtOf(k, value);
        }
    }

    private void DoubtOf(int k, int? value)
    {
        _tally.Unknown++;
        _expected[k].Doubt(value);
    }

    private async Task TogetherAsync(int k)
    {
        // What is read meanwhile is one of both; what the write comes to counts behind it.
        (int value, byte[] bytes) = NextValue();
        ExpectedBlob before = _expected[k];
        Task<(bool IsRead, int? Value)>[] reads = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            try
            {
                return (true, ValueOf(await _store.GetBytesAsync(KeyOf(k))));
            }
            catch (Exception e) when (IsExpected(e))
            {
                return (false, (int?)null);
            }
        }))];
        DateTimeOffset now = _clock.GetUtcNow();
        var allowed = new HashSet<int?>(Enumerable.Range(0, value).Select(v => (int?)v).Append(null).Where(v => before.Allows(v, now))) { value };
        await ChangeAsync(k, value, $"put {value} among reads", async () => (await _store.PutBytesAsync(KeyOf(k), bytes)).IsWritten);
        foreach ((bool isRead, int? found) in await Task.WhenAll(reads))
            Assert.True(!isRead || _life.IsOver || allowed.Contains(found), $"seed {_seed}: '{KeyOf(k)}' was {found?.ToString() ?? "nothing"} while {value} was written\n{Trace}");
    }

    private Task PassAsync()
    {
        TimeSpan time = _random.Next(4) switch { 0 => TimeSpan.FromMinutes(20), 1 => TimeSpan.FromMinutes(2), _ => TimeSpan.FromSeconds(_random.Next(1, 20)) };
        Note($"{time} pass");
        _clock.Advance(time);
        return Task.CompletedTask;
    }

    private Task FailAsync()
    {
        bool isOrigin = _random.Next(2) == 0;
        var operation = (StoreOperation)_random.Next(Enum.GetValues<StoreOperation>().Length);
        CallMoment moment = _random.Next(2) == 0 ? CallMoment.Before : CallMoment.After;
        int times = _random.Next(3) == 0 ? int.MaxValue : _random.Next(1, 4);
        Note($"{(isOrigin ? "origin" : "warm")} fails {moment} {operation}, {times} times");
        (isOrigin ? _originFaults : _warmFaults).Inject(StoreFault.On(operation) with { Moment = moment, Times = times });
        _isFaulty = true;
        return Task.CompletedTask;
    }

    private Task HealAsync()
    {
        Note("healed");
        _originFaults.Heal();
        _warmFaults.Heal();
        _isFaulty = false;
        return Task.CompletedTask;
    }

    /// <summary>A write that is given up before it comes through.</summary>
    private async Task LoseAsync(int k)
    {
        await HealAsync();
        (int value, byte[] bytes) = NextValue();
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        var sent = BlobVersion.At(_clock.GetUtcNow());
        bool isLost = false;
        _originFaults.Inject(StoreFault.On(StoreOperation.Write) with
        {
            Times = 1,
            Error = call =>
            {
                isLost = call.Key == KeyOf(k);
                return new StorageException(StorageErrorKind.Timeout, "no reply") { Outcome = WriteOutcome.Unknown };
            },
        });
        _isFaulty = true;
        bool isKnown = false;
        await ChangeAsync(k, value, $"put {value}, which is lost,", async () => isKnown = (await _store.PutBytesAsync(KeyOf(k), bytes)).IsWritten);
        await HealAsync();
        _clock.Advance(TimeSpan.FromSeconds(1));
        if (!isLost || isKnown || _life.IsOver) return;
        var info = new BlobInfo { Key = KeyOf(k), Length = bytes.Length, ETag = sent.ToETag(), Version = sent, Created = sent.Time, Modified = sent.Time, Checksum = Crc32C.Of(bytes) };
        _lost.Add(new LostWrite(k, value, info, bytes, _clock.GetUtcNow()));
    }

    /// <summary>A lost request comes through, unless the longest life of one is over.</summary>
    private async Task ComeLateAsync()
    {
        _lost.RemoveAll(l => _clock.GetUtcNow() - l.Sent > RequestLife - TimeSpan.FromMinutes(1));
        if (_lost.Count == 0) return;
        LostWrite late = _lost[_random.Next(_lost.Count)];
        _lost.Remove(late);
        _tally.Late++;
        Note($"{late.Value} of {late.Key} comes late");
        await _origin.PutBytesAsync(KeyOf(late.Key), late.Bytes, new WriteOptions { AsCopyOf = late.Info });
    }

    private async Task ChangeByOthersAsync(int k)
    {
        DateTimeOffset until = _clock.GetUtcNow() + FreshFor + TimeSpan.FromMilliseconds(1);
        if (_random.Next(3) == 0)
        {
            Note($"others delete {k}");
            await _origin.DeleteAsync(KeyOf(k));
            _expected[k].ChangedByOthers(null, until);
            return;
        }

        (int value, byte[] bytes) = NextValue();
        Note($"others put {value} of {k}");
        await _origin.PutBytesAsync(KeyOf(k), bytes);
        _expected[k].ChangedByOthers(value, until);
    }

    private Task EndLifeAsync()
    {
        if (_random.Next(2) == 0)
        {
            Note("killed");
            _life.End();
        }
        else
        {
            int call = _random.Next(1, 8);
            bool after = _random.Next(2) == 0;
            Note($"killed {(after ? "after" : "before")} call {call} from now");
            _life.EndAt(call, after);
        }

        return Task.CompletedTask;
    }

    private async Task NextLifeAsync()
    {
        await CloseAsync();

        // A power cut undoes what the warm tier has not flushed: drops as well as fills.
        if (_random.Next(2) == 0)
        {
            Note($"the warm tier is as it was: {_warmBefore.Count} blobs");
            foreach (BlobKey key in Enumerable.Range(0, Keys).Select(KeyOf)) await _warm.DeleteAsync(key);
            foreach ((BlobInfo info, byte[] bytes) in _warmBefore) await _warm.PutBytesAsync(info.Key, bytes, new WriteOptions { AsCopyOf = info });
        }

        await HealAsync();
        await BeginLifeAsync();
        _warmBefore = await HeldAsync(_warm);
    }

    private async Task BeginLifeAsync()
    {
        Note("a life begins");
        _tally.Lives++;
        _life = new Life();
        _hot = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true, MaxBytes = 1 << 20 }, _context);
        Tier[] tiers =
        [
            new() { Name = "hot", Store = _hot, MaxBlobBytes = 100 },
            new() { Name = "warm", Store = _life.Of(_warmFaults) },
            new() { Name = "cold", Store = _life.Of(_originFaults, isSingleWriter: !_hasOtherWriters) },
        ];
        var options = new TieringOptions { MaxSharedLoadBytes = 150, FreshFor = _hasOtherWriters ? FreshFor : null, RequestLife = RequestLife };
        _store = await TieredBlobStore.OpenAsync(tiers, options, _context, _life.Of(_state));
    }

    private async Task CloseAsync()
    {
        _life.End();
        try
        {
            await _store.DisposeAsync();
        }
        catch (Exception e) when (IsExpected(e))
        {
            // It is dead, and tells nobody.
        }
    }

    /// <summary>Once all works and every request is answered or over, all that is known agrees, and stays so.</summary>
    private async Task SettleAsync()
    {
        Note("settles");
        _tally.Settled++;
        _life.EndAt(int.MaxValue, after: false);
        if (_life.IsOver) await NextLifeAsync();
        await HealAsync();
        _clock.Advance(RequestLife + TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(
            () =>
            {
                if (_store.GetDoubts().Keys > 0) _clock.Advance(TimeSpan.FromSeconds(10));
                return _store.GetDoubts().Keys == 0 && _store.IsIdle;
            },
            $"seed {_seed}: keys stay in doubt\n{Trace}");
        _lost.Clear();
        for (int k = 0; k < Keys; k++)
        {
            await ReadAsync(k);
            int? found = ValueOf(await _store.GetBytesAsync(KeyOf(k))), held = ValueOf(await _origin.GetBytesAsync(KeyOf(k)));
            Assert.True(found == held, $"seed {_seed}: '{KeyOf(k)}' is read as {found?.ToString() ?? "nothing"} where the origin has {held?.ToString() ?? "nothing"}\n{Trace}");
            Check(k, found, "settled");
            _expected[k].Settle(found);
        }

        string[] listed = await _store.EnumerateAsync().Select(i => i.Key.Value).ToArrayAsync();
        Assert.Equal(Enumerable.Range(0, Keys).Where(k => _expected[k].Acknowledged is not null).Select(k => KeyOf(k).Value), listed);
        _warmBefore = await HeldAsync(_warm);
    }

    private static async Task<List<(BlobInfo Info, byte[] Bytes)>> HeldAsync(MemoryBlobStore store)
    {
        var held = new List<(BlobInfo, byte[])>();
        for (int k = 0; k < Keys; k++)
        {
            await using BlobReadResult? read = await store.ReadAsync(KeyOf(k));
            if (read is not null) held.Add((read.Info, await read.ToArrayAsync()));
        }

        return held;
    }

    /// <summary>A failure that was made; any other is one of the store.</summary>
    private bool IsExpected(Exception e) => _life.IsOver || e is LifeEndedException || (e is StorageException && (_isFaulty || _store.GetDoubts().Keys > 0));

    private (int Value, byte[] Bytes) NextValue()
    {
        byte[] bytes = new byte[_random.Next(3) switch { 0 => 4, 1 => 120, _ => 300 }];
        BitConverter.TryWriteBytes(bytes, ++_values);
        return (_values, bytes);
    }

    private static int? ValueOf(byte[]? bytes) => bytes is null ? null : BitConverter.ToInt32(bytes);

    private void Note(string what) => _trace.Add($"  {_clock.GetUtcNow():HH:mm:ss.fff} {what}");

    /// <param name="Key">Which.</param>
    /// <param name="Value">What was written.</param>
    /// <param name="Info">As it would have been.</param>
    /// <param name="Bytes">Its content.</param>
    /// <param name="Sent">When it was given up.</param>
    private sealed record LostWrite(int Key, int Value, BlobInfo Info, byte[] Bytes, DateTimeOffset Sent);
}
