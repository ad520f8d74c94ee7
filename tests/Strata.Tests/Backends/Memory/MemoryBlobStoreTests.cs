using System.Runtime.CompilerServices;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What the memory store keeps, and what it lets go.</summary>
public sealed class MemoryBlobStoreTests
{
    private static readonly BlobKey Key = BlobKey.Parse("a/key");

    [Theory]
    [InlineData("delete")]
    [InlineData("overwrite")]
    [InlineData("evict")]
    public async Task A_blob_that_has_gone_before_its_expiry_takes_no_memory_any_more(string how)
    {
        var clock = new FakeClock();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = 64 << 10 }, StoreContext.Default with { Clock = clock });
        await store.PutBytesAsync(Key, new byte[4096], new WriteOptions { Expires = clock.GetUtcNow().AddHours(1) });
        WeakReference blob = Watch(store);
        if (how == "delete") await store.DeleteAsync(Key);
        else if (how == "overwrite") await store.PutBytesAsync(Key, new byte[1]);
        else for (int i = 0; store.TryGetActivity(Key, out _); i++) await PutAndReadAsync(store, i);

        await TierFixture.WaitForAsync(
            () =>
            {
                GC.Collect();
                return !blob.IsAlive;
            },
            "the blob is held until its expiry");
    }

    /// <summary>What was read itself makes what was read before give way.</summary>
    private static async Task PutAndReadAsync(MemoryBlobStore store, int number)
    {
        Assert.True(number < 10_000, "the blob is never evicted");
        BlobKey other = BlobKey.Parse($"other/{number}");
        await store.PutBytesAsync(other, new byte[4096]);
        store.TryRead(other, out _);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Watch(MemoryBlobStore store) => store.TryRead(Key, out BlobReadResult? blob) ? new WeakReference(blob) : throw new InvalidOperationException();
}
