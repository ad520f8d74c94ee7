using System.Diagnostics;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>A process that writes one blob and ends leaves the copies that it was to leave; and no tier that hangs holds up the end.</summary>
public sealed class PromotionsAtCloseTests : IDisposable
{
    private static readonly BlobKey Key = BlobKey.Parse("a/key");
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_copies_of_a_stream_are_made_though_the_store_is_closed_at_once()
    {
        await using (TieredBlobStore store = await TieredBlobStore.OpenAsync([new Tier { Name = "first", Store = await OpenAsync("first") }, new Tier { Name = "second", Store = await OpenAsync("second") }, new Tier { Name = "origin", Store = await OpenAsync("origin") }], new TieringOptions { CopiesAtClose = TimeSpan.FromMinutes(1) }))
        {
            for (int i = 0; i < 5; i++) await PutAsync(store, BlobKey.Parse($"k{i}"));
        }

        foreach (string tier in (string[])["first", "second"])
        {
            await using DiskBlobStore left = await OpenAsync(tier);
            Assert.Equal(5, left.GetStatistics().Blobs);
        }
    }

    [Fact]
    public async Task A_tier_that_hangs_costs_the_end_a_second()
    {
        var hanging = new LatencyStore(await OpenAsync("first"));
        TieredBlobStore store = await TieredBlobStore.OpenAsync([new Tier { Name = "first", Store = hanging }, new Tier { Name = "origin", Store = await OpenAsync("origin") }]);
        using StoreGate gate = hanging.Hold(StoreOperation.OpenWriter);
        await PutAsync(store, Key);
        await gate.WaitForArrivalAsync();
        await PutAsync(store, BlobKey.Parse("next"));
        long started = Stopwatch.GetTimestamp();
        await store.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(Stopwatch.GetElapsedTime(started) >= TimeSpan.FromSeconds(0.9), "copies that were queued were given no time");
    }

    /// <summary>As a file is put by the tool.</summary>
    private static async Task PutAsync(TieredBlobStore store, BlobKey key) => Assert.True((await store.WriteAsync(key, BlobContent.FromStream(new MemoryStream(new byte[1_000])))).IsWritten);

    private ValueTask<DiskBlobStore> OpenAsync(string tier) => DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Name = tier, Path = _folder.Sub(tier) });
}
