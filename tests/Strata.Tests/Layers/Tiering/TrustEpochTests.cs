using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>CONSISTENCY 4, staged: a warm copy that outlived what replaced it is never served.</summary>
public sealed class TrustEpochTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Warm => _folder.Sub("warm");

    private string Cold => _folder.Sub("cold");

    public void Dispose() => _folder.Dispose();

    /// <summary>Tier warm does not flush: the files of the day before its drop are what a power cut may leave of it.</summary>
    [Theory]
    [InlineData("new")]
    [InlineData(null)]
    public async Task A_power_cut_that_undid_the_drop_of_a_warm_copy_brings_nothing_back(string? after)
    {
        await using (TieredBlobStore store = await OpenAsync()) await store.PutBytesAsync(Key, Bytes("old"));
        string saved = _folder.Sub("saved");
        CopyFolder(Warm, saved);
        await using (TieredBlobStore store = await OpenAsync())
        {
            if (after is null) await store.DeleteAsync(Key);
            else await store.PutBytesAsync(Key, Bytes(after));
        }

        Directory.Delete(Warm, recursive: true);
        CopyFolder(saved, Warm);
        await using (DiskBlobStore warm = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = Warm })) Assert.Equal("old", await GetAsync(warm));
        await using TieredBlobStore again = await OpenAsync();
        Assert.Equal(after, await GetAsync(again));
        Assert.Equal(1, again.GetTierStatistics()[0].Repairs);
        Assert.Equal(after, await GetAsync(again));
    }

    [Fact]
    public async Task What_another_node_wrote_while_this_one_was_down_is_read()
    {
        await using (TieredBlobStore store = await OpenAsync()) await store.PutBytesAsync(Key, Bytes("old"));
        await using (DiskBlobStore other = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = Cold })) await other.PutBytesAsync(Key, Bytes("theirs"));
        await using TieredBlobStore again = await OpenAsync();
        Assert.Equal("theirs", await GetAsync(again));
        await WaitForAsync(() => again.IsIdle, "the promotion did not end");
        Assert.Equal("theirs", await GetAsync(again));
        Assert.Equal(1, again.GetTierStatistics()[0].Hits);
    }

    /// <summary>The drop seems to have failed, and comes through in the end, or does not: what is left is another write than the known one.</summary>
    [Fact]
    public async Task A_copy_that_could_not_be_dropped_is_not_served_though_a_later_write_is_trusted()
    {
        var warm = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" });
        var faults = new FaultStore(warm);
        await using var f = new TierFixture(warm: faults);
        await f.PutAsync("old");
        BlobInfo old = (await warm.StatAsync(Key))!;
        await f.PutAsync("new");

        // A fill of the older write that timed out comes through behind the newer one's.
        await warm.PutBytesAsync(Key, Bytes("old"), new WriteOptions { AsCopyOf = old });
        await f.Hot.DeleteAsync(Key);
        Assert.Equal("new", await f.GetAsync());
        Assert.Equal(1, f.Store.GetTierStatistics()[1].Repairs);

        // Dropped, or replaced by the copy that the read left, whichever was first.
        await f.IdleAsync();
        Assert.NotEqual("old", await GetAsync(warm));
    }

    [Fact]
    public async Task A_memory_copy_that_could_not_be_dropped_is_passed_by_until_it_is()
    {
        var hot = new StubbornMemory();
        var cold = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" });
        await using var store = new TieredBlobStore([new Tier { Name = "hot", Store = hot }, new Tier { Name = "cold", Store = cold }]);
        await store.PutBytesAsync(Key, Bytes("old"));
        Assert.Equal("old", await GetAsync(store));
        hot.IsStuck = true;
        Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(Key)).Status);
        Assert.Null(await GetAsync(store));
        Assert.Null(await store.StatAsync(Key));
        hot.IsStuck = false;
        Assert.Null(await GetAsync(store));
        Assert.False(hot.TryRead(Key, out _));
        await store.PutBytesAsync(Key, Bytes("new"));
        Assert.True(store.TryRead(Key, out _), "the key must be served from memory again");
    }

    private ValueTask<TieredBlobStore> OpenAsync() =>
        new TieredStoreBuilder().AddTier("warm", $"file:{Warm}?durability=system").AddTier("cold", $"file:{Cold}").OpenAsync();

    private static void CopyFolder(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
