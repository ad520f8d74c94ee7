using Xunit;

namespace Strata.Tests;

/// <summary>Tiers of which each blob has one home, by their addresses.</summary>
public sealed class ExclusiveCompositionTests : IDisposable
{
    private static readonly BlobKey Key = BlobKey.Parse("a/key");
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Memory_on_top_holds_copies_and_folders_are_homes_over_restarts()
    {
        for (int life = 0; life < 2; life++)
        {
            await using TieredBlobStore store = await Builder().OpenAsync();
            if (life == 0) await store.PutBytesAsync(Key, new byte[300_000]);
            Assert.Equal(300_000, (await store.GetBytesAsync(Key))!.Length);
            Assert.True(store.TryGetFacet(out ISharedReads? _));
        }

        await using DiskBlobStore warm = await OpenAsync("warm"), cold = await OpenAsync("cold");
        Assert.Null(await warm.StatAsync(Key));
        Assert.NotNull(await cold.StatAsync(Key));
    }

    [Fact]
    public async Task A_store_whose_last_tier_held_everything_becomes_one_of_homes()
    {
        await using (TieredBlobStore inclusive = await Builder().WithOptions(new TieringOptions()).OpenAsync())
        {
            for (int i = 0; i < 50; i++) await inclusive.PutBytesAsync(BlobKey.Parse($"k{i:00}"), new byte[i * 1_000]);
        }

        await using (TieredBlobStore exclusive = await Builder().OpenAsync())
        {
            for (int i = 0; i < 50; i++) Assert.Equal(i * 1_000, (await exclusive.GetBytesAsync(BlobKey.Parse($"k{i:00}")))!.Length);
            Assert.Equal(50, (await exclusive.ListPageAsync(new ListRequest())).Items.Count);
            await exclusive.DeleteAsync(BlobKey.Parse("k01"));
            Assert.Equal(49, (await exclusive.ListPageAsync(new ListRequest())).Items.Count);
        }

        await using TieredBlobStore again = await Builder().OpenAsync();
        Assert.Null(await again.StatAsync(BlobKey.Parse("k01")));
        Assert.Equal(2_000, (await again.GetBytesAsync(BlobKey.Parse("k02")))!.Length);
    }

    [Fact]
    public async Task Tiers_that_blobs_live_in_are_not_taken_for_copies()
    {
        await using (TieredBlobStore exclusive = await Builder().OpenAsync()) await exclusive.PutBytesAsync(Key, new byte[100]);
        ArgumentException error = await Assert.ThrowsAsync<ArgumentException>(async () => await Builder().WithOptions(new TieringOptions()).OpenAsync());
        Assert.Contains("move all to 'cold'", error.Message, StringComparison.Ordinal);

        await using (TieredBlobStore exclusive = await Builder().OpenAsync()) await exclusive.PutBytesAsync(Key, new byte[200_000]);
        await using (TieredBlobStore inclusive = await Builder().WithOptions(new TieringOptions()).OpenAsync()) await inclusive.PutBytesAsync(Key, new byte[300_000]);

        // What was written meanwhile is not in the index of before.
        await using TieredBlobStore again = await Builder().OpenAsync();
        Assert.Equal(300_000, (await again.GetBytesAsync(Key))!.Length);
    }

    [Fact]
    public async Task Memory_among_or_below_the_homes_is_refused()
    {
        TieredStoreBuilder builder = Builder().AddTier("last", "memory:");
        ArgumentException error = await Assert.ThrowsAsync<ArgumentException>(async () => await builder.OpenAsync());
        Assert.Contains("'last' of store 'tiered' evicts, so it cannot be a blob's only home", error.Message, StringComparison.Ordinal);

        // What was opened is closed: the folders can be taken.
        await using DiskBlobStore warm = await OpenAsync("warm");
    }

    [Fact]
    public async Task A_store_that_was_not_composed_so_does_not_claim_to_be()
    {
        await using DiskBlobStore cold = await OpenAsync("cold");
        Assert.Contains(nameof(TieredStoreBuilder), Assert.Throws<ArgumentException>(() => new TieredBlobStore([new Tier { Name = "cold", Store = cold }], new TieringOptions { Containment = Containment.Exclusive })).Message, StringComparison.Ordinal);
    }

    private TieredStoreBuilder Builder() => new TieredStoreBuilder()
        .WithOptions(new TieringOptions { Containment = Containment.Exclusive })
        .AddTier("hot", "memory:?maxBytes=1MiB")
        .AddTier("warm", _folder.Sub("warm"), maxBytes: 8 << 20, maxBlobBytes: 100_000)
        .AddTier("cold", _folder.Sub("cold"));

    private ValueTask<DiskBlobStore> OpenAsync(string name) => DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Name = name, Path = _folder.Sub(name) });
}
