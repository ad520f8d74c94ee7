using System.Globalization;
using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>
/// Fills that come late, again and again: a reader has the value in hand, the key is deleted, and the copy would go into a
/// tier where nobody asks the origin any more. Here the fast tier is so small that it evicts and fills without end.
/// </summary>
public sealed class LateFillTests
{
    private const int Runs = 10_000;
    private const int Readers = 3;
    private const int Others = 20;
    private static readonly BlobKey Key = BlobKey.Parse("a/key");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_deleted_value_never_comes_back_in_ten_thousand_runs(bool isRevalidated)
    {
        int seed = TestSeed.Next();
        var hot = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true, MaxBytes = 64 << 10 });
        var origin = new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }));
        TieringOptions options = isRevalidated
            ? new() { FreshFor = TimeSpan.FromMicroseconds(50), StaleWhileRevalidate = TimeSpan.FromHours(1), FailSafeFor = TimeSpan.FromHours(2), FailSafeThrottle = TimeSpan.Zero }
            : new();
        await using var store = new TieredBlobStore([new Tier { Name = "hot", Store = hot }, new Tier { Name = "cold", Store = origin }], options);
        using StoreGate dawdle = origin.Hold(Dawdle);
        for (int i = 0; i < Others; i++) await store.PutBytesAsync(Other(i), new byte[6_000], new WriteOptions { SkipTiers = ["hot"] });

        long deleted = 0, found = 0, reads = 0;
        using var stop = new CancellationTokenSource();
        Task[] readers = [.. Enumerable.Range(0, Readers).Select(i => Task.Factory.StartNew(
            () => ReadAsync(new Random(HashCode.Combine(seed, i))), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap())];
        await Eventually.HoldsAsync(() => Volatile.Read(ref reads) > Readers, "no reader began");
        var random = new Random(seed);

        // Where other tests have the processors, readers come seldom: until enough has happened, it goes on.
        for (int run = 1; (run <= Runs || (run <= 10 * Runs && !IsEnough())) && !readers.Any(r => r.IsFaulted); run++)
        {
            await store.PutBytesAsync(Key, Encoding.UTF8.GetBytes($"{run}"), random.Next(4) == 0 ? null : new WriteOptions { SkipTiers = ["hot"] });
            if (random.Next(2) == 0) await store.GetBytesAsync(Key);
            await store.DeleteAsync(Key);
            Volatile.Write(ref deleted, run);
            Assert.True(await store.GetBytesAsync(Key) is null, $"seed {seed}: value {run} was read again right after its delete");
        }

        await stop.CancelAsync();
        await Task.WhenAll(readers);
        await Eventually.HoldsAsync(() => store.IsIdle, "promotions never came to rest");
        Assert.Null(await hot.StatAsync(Key));
        TierStatistics statistics = store.GetTierStatistics()[0];
        TestContext.Current.TestOutputHelper!.WriteLine($"{found} values read, {statistics.Promotions} promotions, {hot.GetStatistics().Evictions} evictions");
        Assert.True(IsEnough(), "too little was read, filled or evicted to show anything");

        bool IsEnough() => Volatile.Read(ref found) > 100 && store.GetTierStatistics()[0].Promotions > 100 && hot.GetStatistics().Evictions > 100;

        async Task ReadAsync(Random own)
        {
            while (!stop.IsCancellationRequested)
            {
                Interlocked.Increment(ref reads);
                if (own.Next(4) == 0) await store.GetBytesAsync(Other(own.Next(Others)));
                long gone = Volatile.Read(ref deleted);
                if (await store.GetBytesAsync(Key) is not { } bytes) continue;
                long value = long.Parse(Encoding.UTF8.GetString(bytes), CultureInfo.InvariantCulture);
                Interlocked.Increment(ref found);
                Assert.True(value > gone, $"seed {seed}: value {value} was read by a call that began after the delete of {gone} was acknowledged");
            }
        }

        // Whoever reads at the origin has the value in hand a while longer, some of them long enough for a delete.
        static bool Dawdle(StoreCall call)
        {
            if (call.Operation == StoreOperation.ReadStream) Thread.SpinWait((int)(call.Number % 7) * 300);
            return false;
        }
    }

    private static BlobKey Other(int number) => BlobKey.Parse($"other/{number}");
}
