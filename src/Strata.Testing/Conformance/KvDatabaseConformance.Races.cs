using Xunit;

namespace Strata.Testing;

/// <content>Many callers at once: nothing is lost, nothing is seen by halves.</content>
public abstract partial class KvDatabaseConformance
{
    [Fact]
    public async Task Increments_by_check_and_set_lose_nothing()
    {
        await TogetherAsync(8, async _ =>
        {
            for (int done = 0; done < 40;)
            {
                KvEntry? entry = await GetAsync("n");
                ulong number = 0;
                Assert.True(entry is null || entry.Value.TryGetUInt64(out number));
                if ((await WriteAsync(new KvCheck(Key("n"), entry?.Versionstamp ?? default), KvMutation.Set(Key("n"), KvValue.OfUInt64(number + 1)))).IsCommitted) done++;
            }
        });
        Assert.Equal(320UL, await NumberAsync("n"));
    }

    [Fact]
    public async Task Of_many_checks_for_absence_at_once_exactly_one_holds()
    {
        for (int round = 0; round < 30; round++)
        {
            int winners = 0, winner = -1;
            await TogetherAsync(8, async thread =>
            {
                await Task.Yield();
                if (!(await WriteAsync(Absent($"race/{round}"), Set($"race/{round}", $"{thread}"))).IsCommitted) return;
                Interlocked.Increment(ref winners);
                winner = thread;
            });
            Assert.Equal(1, winners);
            await AssertHoldsAsync($"race/{round}", $"{winner}");
        }
    }

    [Fact]
    public async Task A_read_of_several_ranges_is_never_torn()
    {
        var seen = new KvTornReads(Database, TestSeed.Next());
        await seen.RunAsync(reads: 3_000);
    }

    [Fact]
    public async Task Money_that_is_moved_is_neither_lost_nor_made()
    {
        const int Accounts = 8;
        await CommitAsync([.. Enumerable.Range(0, Accounts).Select(i => KvMutation.Set(Key($"{i}"), KvValue.OfUInt64(100)))]);
        int moving = 4;
        Task movers = TogetherAsync(moving, async thread =>
        {
            var random = new Random(thread);
            for (int i = 0; i < 60; i++)
            {
                int from = random.Next(Accounts), to = (from + 1 + random.Next(Accounts - 1)) % Accounts;
                IReadOnlyList<KvRange> read = await ReadAsync(ReadRange.Of(Key($"{from}")), ReadRange.Of(Key($"{to}")));
                KvEntry source = Assert.Single(read[0].Entries), target = Assert.Single(read[1].Entries);
                Assert.True(source.Value.TryGetUInt64(out ulong available) && target.Value.TryGetUInt64(out ulong balance));
                ulong amount = Math.Min(available, (ulong)random.Next(50));
                await WriteAsync(
                    [new KvCheck(source.Key, source.Versionstamp), new KvCheck(target.Key, target.Versionstamp)],
                    KvMutation.Set(source.Key, KvValue.OfUInt64(available - amount)),
                    KvMutation.Sum(target.Key, amount));
            }

            Interlocked.Decrement(ref moving);
        });
        do
        {
            Assert.Equal(100UL * Accounts, (await ListAsync(Letters("0", "9"))).Aggregate(0UL, (sum, e) => e.Value.TryGetUInt64(out ulong n) ? sum + n : sum));
        }
        while (Volatile.Read(ref moving) > 0 && !movers.IsFaulted);
        await movers;
    }

    [Fact]
    public async Task Recorded_histories_are_linearizable()
    {
        int seed = TestSeed.Next();
        var random = new Random(seed);
        for (int run = 0; run < 60; run++) await KvHistory.CheckAsync(Database, $"history/{run}/", random.Next(), $"seed {seed}, run {run} (set {TestSeed.Variable}={seed} to repeat)");
    }
}
