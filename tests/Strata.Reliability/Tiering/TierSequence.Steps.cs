using Strata.Testing;

namespace Strata.Reliability;

/// <content>The steps that every composition takes.</content>
internal abstract partial class TierSequence
{
    private static readonly string[] Tiers = ["hot", "warm", "cold"];

    /// <summary>Whether a write may go past the warm tier.</summary>
    protected virtual bool MaySkip => true;

    /// <summary>Which of the stores below is the one whose outage is most felt.</summary>
    protected virtual int OutageOf => 0;

    /// <summary>Whether a move may leave a copy where the blob was.</summary>
    protected virtual bool KeepsCopies => true;

    private Task StepAsync()
    {
        int k = Random.Next(Keys);
        Tally.Operations++;
        return Random.Next(30) switch
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
            19 => EndLifeAsync(),
            20 => OneIn(3) ? SettleAsync() : Hot.DeleteAsync(KeyOf(k)).AsTask(),
            21 => TogetherAsync(k),
            < 24 => TierAsync(k),
            24 => OutageAsync(k),
            _ => OwnStepAsync(k),
        };
    }

    private async Task ReadAsync(int k)
    {
        DateTimeOffset now = Clock.GetUtcNow();
        try
        {
            if (OneIn(2))
            {
                Check(k, ValueOf(await DoneAsync(token => Store.GetBytesAsync(KeyOf(k), token).AsTask())), "get", now, StaleAtMost);
                return;
            }

            (int? found, DateTimeOffset? confirmed) = await DoneAsync(async token =>
            {
                await using BlobReadResult? read = await Store.ReadAsync(KeyOf(k), null, token);
                return read is null ? (null, null) : (ValueOf(await read.ToArrayAsync(token)), read.StaleSince);
            });
            if (confirmed is { } since)
            {
                Tally.Marked++;
                Assert.True(Options.FailSafeFor is { } longest && now - since <= longest, Told($"'{KeyOf(k)}' is marked as stale since {since:HH:mm:ss.fff}"));
            }

            Check(k, found, confirmed is null ? "read" : "stale read", now, confirmed is null ? StaleFor : now - confirmed.Value);
        }
        catch (Exception e) when (IsExpected(e))
        {
            Note($"read {k}: {e.Message}");
        }
    }

    private async Task StatAsync(int k)
    {
        DateTimeOffset now = Clock.GetUtcNow();
        try
        {
            BlobInfo? info = await DoneAsync(token => Store.StatAsync(KeyOf(k), token).AsTask());
            Note($"stat {k}: {info?.Version.ToString() ?? "nothing"} in {info?.Tier}");
            if (info is null) Check(k, null, "stat", now, StaleFor);
        }
        catch (Exception e) when (IsExpected(e))
        {
            Note($"stat {k}: {e.Message}");
        }
    }

    private void Check(int k, int? found, string by, DateTimeOffset now, TimeSpan staleFor)
    {
        if (Life.IsOver) return;
        Tally.Reads++;
        Note($"{by} {k}: {Said(found)}");
        Assert.True(Expected[k].Allows(found, now, staleFor), Told($"'{KeyOf(k)}' is {Said(found)}; expected was {Expected[k]}"));
    }

    private Task PutAsync(int k, WriteCondition condition)
    {
        (int value, byte[] bytes) = NextValue();
        WriteOptions options = OptionsOf(condition);
        return ChangeAsync(k, value, $"put {value} {condition.Kind} {options.Tier}", async token => (await Store.PutBytesAsync(KeyOf(k), bytes, options, token)).IsWritten, condition);
    }

    private WriteOptions OptionsOf(WriteCondition condition)
    {
        var options = new WriteOptions { Condition = condition };
        return Random.Next(12) switch
        {
            0 => options with { Tier = Tiers[Random.Next(MaySkip ? 3 : 2)] },
            1 when MaySkip => options with { SkipTiers = ["warm"] },
            _ => options,
        };
    }

    private Task WriteAsync(int k)
    {
        (int value, byte[] bytes) = NextValue();
        WriteOptions options = OptionsOf(default);
        return ChangeAsync(k, value, $"write {value}", async token =>
        {
            IBlobWriter writer = await Store.OpenWriterAsync(KeyOf(k), options, token);
            await using (writer)
            {
                await writer.WriteAsync(bytes, token);
                return (await writer.CommitAsync(null, token)).IsWritten;
            }
        });
    }

    private async Task PutUnderConditionAsync(int k)
    {
        WriteConditionKind able = Store.Capabilities.Conditions;
        try
        {
            if (OneIn(2))
            {
                if (able.HasFlag(WriteConditionKind.IfAbsent)) await PutAsync(k, WriteCondition.IfAbsent);
            }
            else if (able.HasFlag(WriteConditionKind.IfMatch) && await DoneAsync(token => Store.StatAsync(KeyOf(k), token).AsTask()) is { } info)
            {
                await PutAsync(k, WriteCondition.IfMatch(info.ETag));
            }
        }
        catch (Exception e) when (IsExpected(e))
        {
            Note($"look at {k}: {e.Message}");
        }
    }

    private Task DeleteAsync(int k) => ChangeAsync(k, null, "delete", async token =>
    {
        DeleteStatus status = OneIn(4)
            ? (await Store.DeleteManyAsync([KeyOf(k)], token)).Outcomes[0] is { Error: { } error } ? throw error : DeleteStatus.Deleted
            : (await Store.DeleteAsync(KeyOf(k), default, token)).Status;
        return status != DeleteStatus.PreconditionFailed;
    });

    private async Task UpdateAsync(int k)
    {
        // An update of what others have replaced brings back, or keeps, either.
        if (!Expected[k].IsKnown || (HasOtherWriters && Expected[k].MayBeStale(Clock.GetUtcNow(), StaleAtMost + LongestWait))) return;
        await ChangeAsync(k, Expected[k].Acknowledged, "update", async token => (await Store.UpdateAsync(KeyOf(k), new BlobChanges { ContentType = $"a/{Random.Next()}" }, default, token)).IsWritten);
    }

    private async Task CopyAsync(int from, int to)
    {
        if (!Expected[from].IsKnown || HasOtherWriters) return;
        await ChangeAsync(to, Expected[from].Acknowledged, $"copy of {from}", async token => (await Store.CopyAsync(KeyOf(from), KeyOf(to), null, token)).IsWritten);
    }

    private async Task ChangeAsync(int k, int? value, string what, Func<CancellationToken, Task<bool>> change, WriteCondition condition = default)
    {
        string? error = Store.GetDoubts().LastError;
        try
        {
            bool isDone = await DoneAsync(change);
            if (Life.IsOver) throw new LifeEndedException();
            Note($"{what} of {k}: {(isDone ? "done" : "not done")}");
            if (Expected[k].IsKnown && condition.Kind == WriteConditionKind.IfAbsent && !HasOtherWriters)
                Assert.True(isDone == (Expected[k].Acknowledged is null), Told($"IfAbsent of '{KeyOf(k)}' was {(isDone ? "" : "not ")}done; expected was {Expected[k]}"));
            if (!isDone) return;
            Expected[k].Acknowledge(value);
            string? said = Store.GetDoubts().LastError;
            if (said is null || ReferenceEquals(error, said)) return;

            // Two failures at once, and the store says so: a request that was lost may yet take the place of this write, whose bytes are kept
            // nowhere, or where a power cut takes them.
            Note(said);
            Tally.Unprotected++;
            foreach (LateRequest lost in Network?.Late.Where(l => l.Key == KeyOf(k)) ?? []) Expected[k].Doubt(lost.Value);
        }
        catch (StorageException e) when (IsExpected(e))
        {
            Note($"{what} of {k}: {e.Outcome}, {e.Message}");
            if (Life.IsOver || e.Outcome == WriteOutcome.Unknown) DoubtOf(k, value);
            else Tally.Refused++;

            // Of several at once some may have been made: the store takes each for one of unknown outcome.
            if (value is null) Expected[k].DeleteMayCome();
        }
        catch (Exception e) when (IsExpected(e))
        {
            Note($"{what} of {k}: {(Life.IsOver ? "killed" : "given up")}");
            DoubtOf(k, value);
        }
    }

    private void DoubtOf(int k, int? value)
    {
        Tally.Unknown++;
        Expected[k].Doubt(value);
    }

    private async Task TogetherAsync(int k)
    {
        // What is read meanwhile is one of both; what the write comes to counts behind it.
        (int value, byte[] bytes) = NextValue();
        ExpectedBlob before = Expected[k];
        DateTimeOffset now = Clock.GetUtcNow();
        var allowed = new HashSet<int?>(Enumerable.Range(0, value).Select(v => (int?)v).Append(null).Where(v => before.Allows(v, now, StaleAtMost))) { value };
        Task<(bool IsRead, int? Value)>[] reads = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            try
            {
                return (true, ValueOf(await Store.GetBytesAsync(KeyOf(k))));
            }
            catch (Exception e) when (IsExpected(e))
            {
                return (false, (int?)null);
            }
        }))];
        await ChangeAsync(k, value, $"put {value} among reads", async token => (await Store.PutBytesAsync(KeyOf(k), bytes, null, token)).IsWritten);
        foreach ((bool isRead, int? found) in await DoneAsync(_ => Task.WhenAll(reads)))
            Assert.True(!isRead || Life.IsOver || allowed.Contains(found), Told($"'{KeyOf(k)}' was {Said(found)} while {value} was written"));
    }

    /// <summary>What takes blobs from tier to tier, or drops copies: no reader notices.</summary>
    private async Task TierAsync(int k)
    {
        BlobKey key = KeyOf(k);
        ITiering tiering = Store.Tiering;
        ITierUpkeep upkeep = Store;
        string tier = Tiers[Random.Next(Tiers.Length)];
        int which = Random.Next(12);
        Note($"tiering step {which} of {k}, {tier}");
        DateTimeOffset now = Clock.GetUtcNow();
        try
        {
            string came = await DoneAsync(async token => which switch
            {
                0 or 1 => $"{await tiering.RunTieringAsync(null, null, token)}",
                2 or 3 => $"{await tiering.PromoteAsync(key, tier, token)}",
                4 or 5 => $"{await tiering.DemoteAsync(key, tier, KeepsCopies && OneIn(2), token)}",
                6 => $"{await tiering.PinAsync(key, tier, token)}",
                7 => $"{await tiering.UnpinAsync(key, token)}",
                8 => $"{await upkeep.InvalidateAsync(key, token)}",
                9 => $"{await upkeep.InvalidateAllAsync(null, token)}",
                10 => $"{await upkeep.ScrubAsync(null, null, token)}",
                _ => $"view {ValueOf(await tiering.Tier(tier).GetBytesAsync(key, token))}",
            });
            Note(came);
            if (which < 6 && came is nameof(MoveStatus.Moved)) Tally.Moved++;
            if (which == 11 && came != "view ") Check(k, int.Parse(came[5..], System.Globalization.CultureInfo.InvariantCulture), "view", now, StaleAtMost);
        }
        catch (Exception e) when (IsExpected(e) || e is StorageException { Kind: StorageErrorKind.Changed })
        {
            Note(e.Message);
        }
    }

    /// <summary>A tier answers nobody for longer than a copy stays fresh.</summary>
    private async Task OutageAsync(int k)
    {
        await ReadAsync(k);
        (string name, FaultStore store) = Faults[OneIn(3) ? Random.Next(Faults.Count) : OutageOf];
        Note($"{name} is out");
        store.Inject(new StoreFault());
        IsFaulty = true;
        Clock.Advance(TimeSpan.FromSeconds(Random.Next(30)));
        await ReadAsync(k);
    }

    private Task PassAsync()
    {
        TimeSpan time = Random.Next(4) switch { 0 => TimeSpan.FromMinutes(20), 1 => TimeSpan.FromMinutes(2), _ => TimeSpan.FromSeconds(Random.Next(1, 20)) };
        Note($"{time} pass");
        Clock.Advance(time);
        return Task.CompletedTask;
    }

    private Task FailAsync()
    {
        (string name, FaultStore store) = Faults[Random.Next(Faults.Count)];
        var operation = (StoreOperation)Random.Next((int)StoreOperation.List + 1);
        CallMoment moment = OneIn(2) ? CallMoment.Before : CallMoment.After;
        int times = OneIn(3) ? int.MaxValue : Random.Next(1, 4);
        bool isAll = OneIn(4);
        Note($"{name} fails {moment} {(isAll ? "everything" : operation)}, {times} times");
        store.Inject((isAll ? new StoreFault() : StoreFault.On(operation)) with { Moment = moment, Times = times });
        IsFaulty = true;
        return Task.CompletedTask;
    }
}
