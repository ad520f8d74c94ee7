using System.Diagnostics;
using Strata.Testing;

namespace Strata.Reliability;

/// <summary>
/// The budget is a promise to the machine: what the collector finds alive must be what the store was allowed, and what it
/// says it holds. Bookkeeping that is not counted, or entries that something forgotten keeps alive, end in an
/// out-of-memory after days, and nowhere earlier.
/// </summary>
[Collection(nameof(Alone))]
public sealed class MemoryBudgetTests(ITestOutputHelper output)
{
    private const int Writers = 16;
    private const double Tolerance = 0.05;

    [Fact]
    public async Task Live_bytes_stay_within_five_percent_of_the_budget_under_sixteen_writers_and_a_million_entries()
    {
        const int keys = 2_000_000;
        const long maxBytes = 384L << 20;
        int seed = TestSeed.Next();
        TimeSpan time = LongForm.Of(TimeSpan.FromMinutes(30), TimeSpan.FromSeconds(6)), between = LongForm.Of(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(2));
        long before = LiveBytes();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = maxBytes });
        for (int i = 0; store.GetStatistics().Evictions < 1_000; i++) await store.PutBytesAsync(Key(i), new byte[80 + (i % 100)]);
        Assert.True(store.GetStatistics().Blobs >= 1_000_000, $"{store.GetStatistics().Blobs} entries are fewer than the test is about");

        long start = Stopwatch.GetTimestamp(), written = 0;
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(i => Task.Factory.StartNew(
            async () =>
            {
                var load = new Load(store, new Random(HashCode.Combine(seed, i)), keys);
                while (Stopwatch.GetElapsedTime(start) < time)
                {
                    await load.StepAsync();
                    Interlocked.Increment(ref written);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap())];
        double most = 0, worstError = 0;
        Task all = Task.WhenAll(writers);
        while (!all.IsCompleted)
        {
            await Task.WhenAny(all, Task.Delay(between));
            long live = LiveBytes() - before;
            StoreStatistics now = store.GetStatistics();
            most = Math.Max(most, (double)live / maxBytes);
            worstError = Math.Max(worstError, Math.Abs((double)live / now.Bytes - 1));
            Assert.True(now.Bytes <= maxBytes * (1 + Tolerance), $"seed {seed}: the store says that it holds {now.Bytes} of {maxBytes} bytes");
            Assert.True(live <= maxBytes * (1 + Tolerance), $"seed {seed}: {live} bytes are alive, with a budget of {maxBytes}; the store says {now.Bytes}, in {now.Blobs} blobs, after {written} calls");
        }

        await all;
        long end = LiveBytes() - before;
        StoreStatistics last = store.GetStatistics();
        output.WriteLine($"seed {seed}: {written} calls, {last.Evictions} evictions, {last.Expirations} expirations, {last.Blobs} blobs; alive {end / (double)maxBytes:p2} of the budget (at most {most:p2} while writing), the store says {last.Bytes / (double)maxBytes:p2}; error at most {worstError:p2}");
        Assert.True(last.Blobs >= 1_000_000, $"{last.Blobs} entries are fewer than the test is about");
        Assert.InRange(end / (double)last.Bytes, 1 - Tolerance, 1 + Tolerance);
        Assert.InRange(end / (double)maxBytes, 1 - Tolerance, 1 + Tolerance);
    }

    [Theory]
    [InlineData("small", true)]
    [InlineData("small", false)]
    [InlineData("empty", true)]
    [InlineData("large", true)]
    [InlineData("metadata", true)]
    [InlineData("metadata", false)]
    [InlineData("expiring", true)]
    [InlineData("expiring", false)]
    [InlineData("overwritten", true)]
    [InlineData("deleted", true)]
    [InlineData("deleted", false)]
    public async Task What_the_store_says_it_holds_is_what_is_alive(string form, bool evicts)
    {
        // What tests before this one have left dies when it will, and counts as less alive here: an error of the store stays.
        const int Attempts = 3;
        for (int attempt = 1; attempt < Attempts; attempt++)
        {
            if (Math.Abs(await ErrorOfAsync(form, evicts)) <= Tolerance) return;
        }

        Assert.InRange(await ErrorOfAsync(form, evicts), -Tolerance, Tolerance);
    }

    /// <summary>How much more is alive than the store says, as a share of that.</summary>
    private async Task<double> ErrorOfAsync(string form, bool evicts)
    {
        const long maxBytes = 8 << 20;
        long before = LiveBytes();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = evicts, MaxBytes = maxBytes });
        for (int i = 0; store.GetStatistics().Bytes < maxBytes * 3 / 4 && i < 200_000; i++)
        {
            BlobKey key = Key(i);
            int length = form switch { "empty" => 0, "large" => 100_000, _ => 100 };
            await store.PutBytesAsync(key, new byte[length], form switch
            {
                "metadata" => new WriteOptions { ContentType = $"application/x-{i}", ETag = $"etag-{i}", Metadata = new Dictionary<string, string> { [$"name-{i}"] = $"value {i}", [$"other-{i}"] = new string('x', 1 + (i % 50)) } },
                "expiring" => new WriteOptions { Expires = TimeProvider.System.GetUtcNow().AddHours(1 + (i % 7)) },
                _ => null,
            });
            if (form == "overwritten") await store.PutBytesAsync(key, new byte[length + 20]);
            if (form == "deleted" && i % 2 == 0) await store.DeleteAsync(key);
        }

        long alive = LiveBytes() - before, said = store.GetStatistics().Bytes;
        output.WriteLine($"{form}: {alive} bytes alive, {said} said: {alive / (double)said - 1:p2} off");
        Assert.True(said > maxBytes / 4, "too little is held to measure");
        return (alive / (double)said) - 1;
    }

    /// <summary>Numbers as text, made on the way: the test holds no keys itself.</summary>
    private static BlobKey Key(int number) => BlobKey.Parse($"k/{number}");

    private static long LiveBytes()
    {
        // Twice, so that what finalizers let go is gone too.
        for (int i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        GCMemoryInfo info = GC.GetGCMemoryInfo(GCKind.FullBlocking);
        return info.HeapSizeBytes - info.FragmentedBytes;
    }

    /// <summary>What one writer does: mostly new and overwritten values of about 130 B, seldom a large one.</summary>
    private sealed class Load(MemoryBlobStore store, Random random, int keys)
    {
        public async ValueTask StepAsync()
        {
            BlobKey key = Key((int)(Math.Pow(random.NextDouble(), 2) * keys));
            int what = random.Next(1000);
            if (what < 150) store.TryRead(key, out _);
            else if (what < 230) await store.DeleteAsync(key);
            else if (what < 300) await store.PutBytesAsync(key, new byte[random.Next(200)], new WriteOptions { Expires = TimeProvider.System.GetUtcNow().AddSeconds(random.Next(120)) });
            else if (what < 330) await store.UpdateAsync(key, new BlobChanges { ContentType = "text/plain" });
            else if (what == 999) await store.PutBytesAsync(key, new byte[random.Next(64 << 10)]);
            else await store.PutBytesAsync(key, new byte[random.Next(60, 200)]);
        }
    }
}
