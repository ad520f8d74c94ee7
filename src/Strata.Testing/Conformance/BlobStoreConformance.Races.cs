using Xunit;

namespace Strata.Testing;

/// <content>Many callers at once: conditions have one winner, and each key is a linearizable register.</content>
public abstract partial class BlobStoreConformance
{
    private const int Racers = 16;
    private const int Rounds = 50;

    [Fact]
    public async Task Of_many_IfAbsent_at_once_exactly_one_wins()
    {
        if (!Claims(WriteConditionKind.IfAbsent)) return; // Its refusal is another test.
        for (int round = 0; round < Rounds; round++)
        {
            string key = $"race/{round % 10}";
            await Store.DeleteAsync(Key(key));
            int winner = await RaceAsync(key, WriteCondition.IfAbsent);
            await AssertHoldsAsync(key, Bytes(200, winner));
        }
    }

    [Fact]
    public async Task Of_many_IfMatch_at_once_exactly_one_wins()
    {
        if (!Claims(WriteConditionKind.IfMatch)) return; // Its refusal is another test.
        string etag = (await PutAsync("race")).ETag;
        for (int round = 0; round < Rounds; round++)
        {
            int winner = await RaceAsync("race", WriteCondition.IfMatch(etag));
            await AssertHoldsAsync("race", Bytes(200, winner));
            etag = (await StatAsync("race")).ETag;
        }
    }

    [Fact]
    public async Task Many_writes_of_one_key_leave_one_of_them_whole()
    {
        byte[][] contents = [.. Enumerable.Range(0, Racers).Select(i => Bytes(5000 + i, i))];
        for (int round = 0; round < 10; round++)
        {
            Task<WriteResult>[] writes = [.. contents.Select((bytes, i) => Task.Run(async () => i % 2 == 0
                ? await Store.PutBytesAsync(Key("a"), bytes)
                : await Store.WriteAsync(Key("a"), BlobContent.FromStream(new MemoryStream(bytes)))))];
            Task<byte[]?>[] reads = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() => ReadAsync("a")))];
            WriteResult[] results = await Task.WhenAll(writes);
            foreach (byte[]? seen in await Task.WhenAll(reads))
                Assert.True(seen is null || contents.Any(c => c.AsSpan().SequenceEqual(seen)), "A reader saw a mixture.");

            BlobInfo last = results.Select(r => r.Info!).MaxBy(i => i.Version)!;
            Assert.Equal(Racers, results.Select(r => r.Info!.Version).Distinct().Count());
            AssertSame(last, await StatAsync("a"));
            await AssertHoldsAsync("a", contents.Single(c => c.Length == last.Length));
        }
    }

    [Fact]
    public async Task Each_key_is_a_linearizable_register()
    {
        if (!Capabilities.IsSingleWriter) return; // Such a store does not claim it.
        int seed = TestSeed.Next();
        var random = new Random(seed);
        for (int run = 0; run < 120; run++)
        {
            var history = new RegisterHistory(Store, Key($"register/{run}"), random.Next());
            await history.RecordAsync(threads: 4, operations: 5);
            Assert.True(history.IsLinearizable(), $"Seed {seed}, run {run} (set {TestSeed.Variable}={seed} to repeat): no order explains\n{history}");
        }
    }

    private async Task<int> RaceAsync(string key, WriteCondition condition)
    {
        Task<WriteResult>[] racers = [.. Enumerable.Range(0, Racers).Select(i => Task.Run(async () =>
        {
            await Task.Yield();
            return await Store.PutBytesAsync(Key(key), Bytes(200, i), new WriteOptions { Condition = condition });
        }))];
        WriteResult[] results = await Task.WhenAll(racers);
        int winner = Assert.Single(Enumerable.Range(0, Racers), i => results[i].IsWritten);
        Assert.All(results.Where(r => !r.IsWritten), r => Assert.Equal(WriteStatus.PreconditionFailed, r.Status));
        return winner;
    }
}
