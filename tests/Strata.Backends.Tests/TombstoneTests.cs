using Xunit;

namespace Strata.Backends.Tests;

/// <summary>
/// What a delete leaves so that an older copy cannot come back (CONSISTENCY 1): in the bucket, so that no restart and no other
/// process loses it, and seen by nobody.
/// </summary>
public abstract class TombstoneTests : IAsyncLifetime
{
    private static readonly BlobKey Key = BlobKey.Parse("dir/blob");
    private IBlobStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        await PrepareAsync();
        _store = await OpenAsync(keepsTombstones: true);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _store.DisposeAsync();
        await CleanUpAsync();
    }

    [Fact]
    public async Task A_restart_does_not_let_an_older_copy_back()
    {
        BlobInfo old = (await _store.PutBytesAsync(Key, Bytes(100))).Info!;
        DeleteResult deleted = await _store.DeleteAsync(Key);
        Assert.True(deleted.Version > old.Version, "the tombstone is newer than what it stands for");
        await _store.DisposeAsync();

        _store = await OpenAsync(keepsTombstones: true);
        Assert.Equal(WriteStatus.PreconditionFailed, (await CopyInAsync(old)).Status);
        Assert.Null(await _store.StatAsync(Key));
        Assert.Equal(WriteStatus.PreconditionFailed, (await CopyInAsync(old with { Version = deleted.Version })).Status);
        Assert.Equal(WriteStatus.Written, (await CopyInAsync(old with { Version = deleted.Version.Next() })).Status);
        Assert.Equal(Bytes(100), await _store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task Every_way_to_delete_leaves_one()
    {
        BlobKey[] keys = [.. Enumerable.Range(0, 4).Select(i => BlobKey.Parse($"k{i}"))];
        var olds = new List<BlobInfo>();
        foreach (BlobKey key in keys) olds.Add((await _store.PutBytesAsync(key, Bytes(100))).Info!);
        await _store.DeleteAsync(keys[0]);
        await _store.DeleteAsync(keys[1], WriteCondition.IfMatch(olds[1].ETag));
        Assert.Equal(3, (await _store.DeleteManyAsync([keys[2], keys[3], keys[2]])).Outcomes.Count);
        BlobKey never = BlobKey.Parse("never");
        BlobVersion later = olds[^1].Version.Next().Next();
        DeleteResult early = await _store.DeleteAsync(never, WriteCondition.IfOlder(later));
        Assert.Equal((DeleteStatus.Missing, later), (early.Status, early.Version));
        foreach (BlobInfo old in (BlobInfo[])[.. olds, olds[0] with { Key = never }])
        {
            WriteResult late = await _store.PutBytesAsync(old.Key, Bytes(100), new WriteOptions { AsCopyOf = old, Condition = WriteCondition.IfOlder(old.Version) });
            Assert.True(late.Status == WriteStatus.PreconditionFailed, $"an older copy of '{old.Key}' came back");
        }
    }

    [Fact]
    public async Task Nobody_sees_one()
    {
        await _store.PutBytesAsync(Key, Bytes(100));
        await _store.DeleteAsync(Key);
        Assert.Equal(1, await CountAsync());
        await using IBlobStore plain = await OpenAsync(keepsTombstones: false);
        foreach (IBlobStore store in (IBlobStore[])[_store, plain])
        {
            Assert.Null(await store.StatAsync(Key));
            Assert.Null(await store.ReadAsync(Key));
            Assert.Empty((await store.ListPageAsync(new ListRequest())).Items);
            Assert.Empty((await store.ListPageAsync(new ListRequest { Delimiter = "/" })).Prefixes);
            Assert.Equal(DeleteStatus.Missing, (await store.DeleteAsync(Key)).Status);
            Assert.Equal(WriteStatus.Missing, (await store.UpdateAsync(Key, new BlobChanges { ContentType = "a/b" })).Status);
            Assert.Equal(WriteStatus.Missing, (await store.CopyAsync(Key, BlobKey.Parse("copy"))).Status);
        }

        Assert.Empty((await _store.ListPageAsync(new ListRequest { Exact = false })).Items);
        Assert.True((await plain.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent })).IsWritten, "what was deleted is absent");
        Assert.Equal(Bytes(10), await _store.GetBytesAsync(Key));
        Assert.Equal(1, await CountAsync());
    }

    [Fact]
    public async Task A_write_rises_above_a_delete_by_a_clock_that_is_ahead()
    {
        BlobInfo old = (await _store.PutBytesAsync(Key, Bytes(100))).Info!;
        BlobVersion ahead = BlobVersion.At(old.Version.Time.AddDays(2));
        Assert.Equal(DeleteStatus.Deleted, (await _store.DeleteAsync(Key, WriteCondition.IfOlder(ahead))).Status);
        Assert.Equal(DeleteStatus.PreconditionFailed, (await _store.DeleteAsync(Key, WriteCondition.IfOlder(ahead))).Status);
        Assert.True((await _store.PutBytesAsync(Key, Bytes(10))).Info!.Version > ahead);
    }

    [Fact]
    public async Task Of_copies_and_deletes_of_many_versions_at_once_the_newest_remains()
    {
        for (int round = 0; round < 10; round++)
        {
            BlobKey key = BlobKey.Parse($"race/{round}");
            ulong first = BlobVersion.At(TimeProvider.System.GetUtcNow()).Value;
            int newest = round % 8;
            await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
            {
                // Seven older ones in any order, and one that is the newest: a copy, or every other time a delete.
                var version = new BlobVersion(first + (ulong)(i == newest ? 100 : i));
                if (i == newest && round % 2 == 1)
                {
                    await _store.DeleteAsync(key, WriteCondition.IfOlder(version));
                    return;
                }

                var info = new BlobInfo { Key = key, Length = 50, ETag = $"copy-{i}", Version = version, Checksum = Crc32C.Of(Bytes(50, i)) };
                await _store.PutBytesAsync(key, Bytes(50, i), new WriteOptions { AsCopyOf = info, Condition = WriteCondition.IfOlder(version) });
            })));
            Assert.Equal(round % 2 == 1 ? null : Bytes(50, newest), await _store.GetBytesAsync(key));
        }
    }

    protected abstract Task PrepareAsync();

    protected abstract ValueTask<IBlobStore> OpenAsync(bool keepsTombstones);

    /// <summary>How many objects others see.</summary>
    protected abstract Task<int> CountAsync();

    protected abstract Task CleanUpAsync();

    private async Task<WriteResult> CopyInAsync(BlobInfo info) =>
        await _store.PutBytesAsync(Key, Bytes(100), new WriteOptions { AsCopyOf = info, Condition = WriteCondition.IfOlder(info.Version) });

    private static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
