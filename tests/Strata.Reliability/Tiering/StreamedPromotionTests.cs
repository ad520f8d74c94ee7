using Strata.Testing;
using Strata.Workload;

namespace Strata.Reliability;

/// <summary>A blob far larger than memory's share is promoted while it is read: in constant memory, and the reader waits for no tier but the one he reads.</summary>
[Collection(nameof(Alone))]
public sealed class StreamedPromotionTests(ITestOutputHelper output)
{
    private const long MostMemory = 24 << 20;
    private static readonly BlobKey Key = BlobKey.Parse("large/blob");

    [Fact]
    public async Task A_large_blob_is_promoted_in_constant_memory_and_its_reader_is_not_delayed()
    {
        using var folder = new TemporaryFolder();
        long length = LongForm.Of(1L << 30, 64L << 20) + 5;
        var warm = new LatencyStore(await DiskAsync(folder.Path, "warm"));
        DiskBlobStore cold = await DiskAsync(folder.Path, "cold");
        await using var store = new TieredBlobStore([new Tier { Name = "warm", Store = warm }, new Tier { Name = "cold", Store = cold }], new TieringOptions { Writes = TieringWrites.Around });
        await store.WriteAsync(Key, BlobContent.FromStream(new PatternStream(length), length));

        long before = GC.GetTotalMemory(forceFullCollection: true), peak = 0;
        using var stop = new CancellationTokenSource();
        Task watch = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                // How much garbage the runtime leaves lying depends on the processor's caches.
                GC.Collect();
                peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: false) - before);
                await Task.Delay(20);
            }
        });

        // The promotion stands still; the reader has all of it all the same.
        using (StoreGate promoting = warm.Hold(StoreOperation.Append))
        {
            Assert.Equal("cold", await ReadAsync());
            await promoting.WaitForArrivalAsync();
            Assert.Equal("cold", await ReadAsync());
        }

        await Eventually.HoldsAsync(() => store.IsIdle, "the promotion never ended", TimeSpan.FromMinutes(5));
        Assert.Equal("warm", await ReadAsync());
        await stop.CancelAsync();
        await watch;
        output.WriteLine($"{length >> 20} MiB; at most {peak >> 20} MiB more on the heap");
        Assert.True(peak < MostMemory, $"{peak >> 20} MiB of memory for a blob of {length >> 20} MiB; at most {MostMemory >> 20}");

        async Task<string> ReadAsync()
        {
            await using BlobReadResult? read = await store.ReadAsync(Key);
            Assert.Equal(length, read!.Length);
            await using Stream stream = read.OpenStream();
            await using var expected = new PatternStream(length);
            byte[] piece = new byte[1 << 20], same = new byte[1 << 20];
            int count;
            while ((count = await stream.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false)) > 0)
            {
                await expected.ReadExactlyAsync(same.AsMemory(0, count));
                Assert.True(piece.AsSpan(0, count).SequenceEqual(same.AsSpan(0, count)), "other bytes came back");
            }

            return read.Source;
        }
    }

    private static async Task<DiskBlobStore> DiskAsync(string folder, string name) =>
        await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Name = name, Path = Path.Combine(folder, name), Durability = DiskDurability.OperatingSystem });
}
