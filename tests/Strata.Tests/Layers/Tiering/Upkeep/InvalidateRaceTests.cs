using System.Globalization;
using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>
/// Somebody changes the origin behind the store's back, again and again, and invalidates: a reader that comes after that never gets what
/// was there before, though readers, promotions and evictions go on meanwhile in every tier.
/// </summary>
public sealed class InvalidateRaceTests
{
    private const int Runs = 1500;
    private const int Readers = 3;
    private static readonly BlobKey Key = BlobKey.Parse("a/key");

    [Fact]
    public async Task What_was_invalidated_is_never_read_again()
    {
        int seed = TestSeed.Next();
        var origin = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" });
        var cold = new LatencyStore(origin);
        var warm = new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }));
        var hot = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true, MaxBytes = 64 << 10 });
        await using var store = new TieredBlobStore([new Tier { Name = "hot", Store = hot }, new Tier { Name = "warm", Store = warm }, new Tier { Name = "cold", Store = cold }]);
        using StoreGate dawdle = cold.Hold(Dawdle), linger = warm.Hold(Dawdle);
        for (int i = 0; i < 20; i++) await origin.PutBytesAsync(Other(i), new byte[6_000]);
        await origin.PutBytesAsync(Key, "0"u8.ToArray());

        long invalidated = 0, found = 0;
        using var stop = new CancellationTokenSource();
        Task[] readers = [.. Enumerable.Range(0, Readers).Select(i => Task.Factory.StartNew(
            () => ReadAsync(new Random(HashCode.Combine(seed, i))), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap())];
        var random = new Random(seed);

        // Where other tests have the processors, readers and promotions come seldom: until enough has happened, it goes on.
        for (int run = 1; (run <= Runs || (run <= 20 * Runs && !HasSeenEnough())) && !readers.Any(r => r.IsFaulted); run++)
        {
            await origin.PutBytesAsync(Key, Encoding.UTF8.GetBytes($"{run}"));
            InvalidateResult result = random.Next(8) switch
            {
                0 => await store.InvalidateAllAsync(),
                < 4 => await store.InvalidatePrefixAsync("a/"),
                _ => await store.InvalidateAsync(Key),
            };
            Assert.True(result.IsExact, "no tier failed");
            Volatile.Write(ref invalidated, run);
            Assert.Equal($"{run}", Encoding.UTF8.GetString((await store.GetBytesAsync(Key))!));
        }

        await stop.CancelAsync();
        await Task.WhenAll(readers);
        Assert.True(HasSeenEnough(), $"seed {seed}: too little was read or promoted to show anything");

        bool HasSeenEnough() => Volatile.Read(ref found) >= 1000 && store.GetTierStatistics()[0].Promotions > 100;

        async Task ReadAsync(Random own)
        {
            while (!stop.IsCancellationRequested)
            {
                if (own.Next(4) == 0) await store.GetBytesAsync(Other(own.Next(20)));
                long least = Volatile.Read(ref invalidated);
                long value = long.Parse(Encoding.UTF8.GetString((await store.GetBytesAsync(Key))!), CultureInfo.InvariantCulture);
                Assert.True(value >= least, $"seed {seed}: {value} was read by a call that began after {least} was invalidated");
                Interlocked.Increment(ref found);
            }
        }

        // Some hold what they have read long enough for an invalidation.
        static bool Dawdle(StoreCall call)
        {
            if (call.Operation == StoreOperation.ReadStream) Thread.SpinWait((int)(call.Number % 7) * 300);
            return false;
        }
    }

    private static BlobKey Other(int number) => BlobKey.Parse($"other/{number}");
}
