using System.Text;

namespace Strata.Reliability;

/// <summary>Many watches, and watches that come and go, against what they leave behind. A class a database derives it.</summary>
[Collection(nameof(Alone))]
public abstract class KvWatchTests
{
    private const int Watches = 10_000;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Opens a database without entries.</summary>
    protected abstract ValueTask<IKvDatabase> OpenAsync();

    /// <summary>How many watches it keeps at this moment.</summary>
    protected abstract int CountWatches(IKvDatabase database);

    /// <summary>What the database keeps for reads to come, at most, bytes: however many watches there are.</summary>
    protected virtual long KeptForReads => 0;

    [Fact]
    public async Task Ten_thousand_watches_take_bounded_memory_however_much_is_written()
    {
        await using IKvDatabase database = await OpenAsync();
        byte[] value = new byte[20_000];

        // What the database keeps for itself however few watch it.
        for (int i = 0; i < 200; i++) await SetAsync(database, "shared", value);
        using var end = new CancellationTokenSource();
        long before = LiveBytes();
        IAsyncEnumerator<WatchUpdate>[] watches = [.. Enumerable.Range(0, Watches).Select(i => database.WatchAsync([Key("shared"), Key($"own/{i}")], end.Token).GetAsyncEnumerator(end.Token))];
        foreach (IAsyncEnumerator<WatchUpdate> watch in watches) Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(Deadline));
        Assert.Equal(Watches, CountWatches(database));
        double idle = (LiveBytes() - before) / (double)Watches;

        // Nobody asks while these are written: 200 updates of 20 kB for each of 10,000.
        for (int i = 0; i < 200; i++)
        {
            value[0] = (byte)i;
            await SetAsync(database, "shared", value);
        }

        double behind = (LiveBytes() - before) / (double)Watches;
        foreach (IAsyncEnumerator<WatchUpdate> watch in watches)
        {
            Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(Deadline));
            Assert.Equal(199, watch.Current.Entries[0]!.Value.Data.Span[0]);
        }

        foreach (IAsyncEnumerator<WatchUpdate> watch in watches) await watch.DisposeAsync();
        Assert.Equal(0, CountWatches(database));
        watches = [];
        double after = (LiveBytes() - before - KeptForReads) / (double)Watches;
        TestContext.Current.TestOutputHelper!.WriteLine($"a watch: {idle:f0} B idle, {behind:f0} B after 200 writes, {after:f0} B after its end");
        Assert.True(idle < 5_000, $"A watch takes {idle:f0} B.");
        Assert.True(behind < idle + 1_000 + (KeptForReads / (double)Watches), $"A watch takes {behind:f0} B after 200 writes, and {idle:f0} B before.");
        Assert.True(after < 200, $"A watch leaves {after:f0} B.");
    }

    [Fact]
    public async Task Ten_thousand_watches_of_the_model_that_wait_hold_no_value()
    {
        await using IKvDatabase database = await OpenAsync();
        var kv = new Kv(database);
        for (int i = 0; i < 200; i++) await kv.SetAsync(["shared"], new byte[20_000]);
        using var end = new CancellationTokenSource();
        long before = LiveBytes();
        IAsyncEnumerator<KvEntry<byte[]>?>[] watches = [.. Enumerable.Range(0, Watches).Select(_ => kv.WatchAsync<byte[]>(["shared"], end.Token).GetAsyncEnumerator(end.Token))];
        foreach (IAsyncEnumerator<KvEntry<byte[]>?> watch in watches)
        {
            Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(Deadline));
            Assert.Equal(20_000, watch.Current!.Value.Length);
        }

        Task<bool>[] next = [.. watches.Select(watch => watch.MoveNextAsync().AsTask())];
        await Eventually.HoldsAsync(() => CountWatches(database) == Watches && next.All(n => !n.IsCompleted), "They do not wait.");
        double waiting = (LiveBytes() - before - KeptForReads) / (double)Watches;
        TestContext.Current.TestOutputHelper!.WriteLine($"a watch of the model that waits: {waiting:f0} B");
        Assert.True(waiting < 5_000, $"A watch of a value of 20,000 bytes takes {waiting:f0} B while it waits.");
        await kv.DeleteAsync(["shared"]);
        foreach ((IAsyncEnumerator<KvEntry<byte[]>?> watch, Task<bool> told) in watches.Zip(next))
        {
            Assert.True(await told.WaitAsync(Deadline));
            Assert.Null(watch.Current);
            await watch.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_hundred_watches_that_come_and_go_see_the_last_state_and_leave_nothing()
    {
        await using IKvDatabase database = await OpenAsync();
        int reconnects = 0;
        Task writer = WriteAsync(database, 500, "end");
        await Task.WhenAll(Enumerable.Range(0, 100).Select(number => Task.Run(async () =>
        {
            var random = new Random(number);
            Versionstamp last = default;
            for (int connects = 0; ; connects++)
            {
                // Three times it goes after some updates, or while it waits, or before it has heard anything.
                using var end = new CancellationTokenSource();
                if (connects < 3) end.CancelAfter(random.Next(20));
                int updates = connects < 3 ? random.Next(4) : int.MaxValue;
                try
                {
                    await foreach (WatchUpdate update in database.WatchAsync([Key("a"), Key("b")], end.Token))
                    {
                        Assert.Equal(update.Entries[0]?.Versionstamp, update.Entries[1]?.Versionstamp);
                        if (update.Entries[0] is not { } entry) continue;
                        Assert.True(entry.Versionstamp >= last, $"{entry.Versionstamp} was told after {last}.");
                        last = entry.Versionstamp;
                        if (Encoding.UTF8.GetString(entry.Value.Data.Span) == "end" && connects >= 3) return;
                        if (--updates < 0) break;
                    }
                }
                catch (OperationCanceledException)
                {
                    // It has gone while it waited.
                }

                Interlocked.Increment(ref reconnects);
            }
        }))).WaitAsync(Deadline);
        await writer;
        Assert.True(reconnects >= 300, $"{reconnects} reconnects.");
        await Eventually.HoldsAsync(() => CountWatches(database) == 0, "Watches are left behind.");
    }

    [Fact]
    public async Task The_last_state_is_told_within_two_seconds()
    {
        await using IKvDatabase database = await OpenAsync();
        for (int round = 0; round < 20; round++)
        {
            using var late = new CancellationTokenSource();
            string last = $"last {round}";
            Task watch = Task.Run(async () =>
            {
                await foreach (WatchUpdate update in database.WatchAsync([Key("a"), Key("b")], late.Token))
                {
                    if (update.Entries[0] is { } entry && Encoding.UTF8.GetString(entry.Value.Data.Span) == last) return;
                }
            });
            await WriteAsync(database, 25, last);
            late.CancelAfter(TimeSpan.FromSeconds(2));
            await watch;
        }
    }

    private static async Task WriteAsync(IKvDatabase database, int writes, string last)
    {
        for (int i = 0; i < writes; i++) await CommitAsync($"{i}");
        await CommitAsync(last);

        async Task CommitAsync(string text)
        {
            KvValue value = KvValue.OfBytes(Encoding.UTF8.GetBytes(text));
            await database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(Key("a"), value), KvMutation.Set(Key("b"), value)] }, CancellationToken.None);
            await Task.Yield();
        }
    }

    private static async Task SetAsync(IKvDatabase database, string key, byte[] value) =>
        Assert.True((await database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(Key(key), KvValue.OfBytes(value))] }, CancellationToken.None)).IsCommitted);

    private static byte[] Key(string text) => Encoding.UTF8.GetBytes(text);

    private static long LiveBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
