using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What a store of mounts does that one store does not: each key to its mount, and copies, deletes, uploads and errors across mounts.</summary>
public sealed class RoutedBlobStoreTests
{
    private static readonly byte[] Bytes = [.. Enumerable.Range(0, 200_000).Select(i => (byte)(i * 7))];

    [Fact]
    public async Task A_key_lies_in_the_store_of_its_longest_prefix_under_its_whole_name()
    {
        (MemoryBlobStore rest, MemoryBlobStore photos, MemoryBlobStore raw) = (new(), new(), new());
        await using RoutedBlobStore store = Routed(("", rest), ("photos/", photos), ("photos/raw/", raw));
        foreach (string key in (string[])["a", "photos", "photos/1", "photos/raw", "photos/raw/1", "photos0"]) await store.PutBytesAsync(Key(key), Bytes);
        Assert.Equal(["a", "photos", "photos0"], await KeysAsync(rest));
        Assert.Equal(["photos/1", "photos/raw"], await KeysAsync(photos));
        Assert.Equal(["photos/raw/1"], await KeysAsync(raw));
        Assert.Equal("photos/raw/", store.FindMount(Key("photos/raw/1"))!.Prefix);
        Assert.Equal(Bytes, await store.GetBytesAsync(Key("photos/raw/1")));
    }

    [Fact]
    public async Task What_lies_under_a_mount_is_hidden_and_stays()
    {
        (MemoryBlobStore rest, MemoryBlobStore photos) = (new(), new());
        await rest.PutBytesAsync(Key("photos/old"), Bytes);
        await using RoutedBlobStore store = Routed(("", rest), ("photos/", photos));
        Assert.Null(await store.StatAsync(Key("photos/old")));
        Assert.Null(await store.ReadAsync(Key("photos/old")));
        Assert.Equal(DeleteStatus.Missing, (await store.DeleteAsync(Key("photos/old"))).Status);
        Assert.Empty((await store.ListPageAsync(new ListRequest { Delimiter = "/" })).Prefixes);
        Assert.NotNull(await rest.StatAsync(Key("photos/old")));
    }

    [Fact]
    public async Task A_key_that_no_mount_takes_is_missing_and_cannot_be_written()
    {
        await using RoutedBlobStore store = Routed(("a/", new MemoryBlobStore()), ("b/", new MemoryBlobStore()));
        Assert.Null(await store.StatAsync(Key("c")));
        Assert.Null(await store.ReadAsync(Key("c"), new ReadOptions { IfMatch = "*" }));
        Assert.Equal(DeleteStatus.Missing, (await store.DeleteAsync(Key("c"))).Status);
        Assert.Equal(DeleteStatus.PreconditionFailed, (await store.DeleteAsync(Key("c"), WriteCondition.IfMatch("*"))).Status);
        Assert.Equal(WriteStatus.Missing, (await store.UpdateAsync(Key("c"), new BlobChanges())).Status);
        Assert.Equal(WriteStatus.Missing, (await store.CopyAsync(Key("c"), Key("a/1"))).Status);
        Assert.Equal(DeleteStatus.Missing, Assert.Single((await store.DeleteManyAsync([Key("c")])).Outcomes).Status);
        await store.PutBytesAsync(Key("a/1"), Bytes);
        foreach (Func<Task> write in (Func<Task>[])[
            () => store.PutBytesAsync(Key("c"), Bytes).AsTask(), () => store.OpenWriterAsync(Key("c")).AsTask(), () => store.CopyAsync(Key("a/1"), Key("c")).AsTask()])
        {
            StorageException e = await Assert.ThrowsAsync<StorageException>(write);
            Assert.Equal((StorageErrorKind.Unsupported, WriteOutcome.NotApplied), (e.Kind, e.Outcome));
            Assert.Contains("'a/', 'b/'", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_copy_from_mount_to_mount_streams_and_keeps_what_describes_the_blob()
    {
        await using RoutedBlobStore store = Routed(("a/", new ChunkingStore(new MemoryBlobStore())), ("b/", new MemoryBlobStore()));
        var described = new WriteOptions { ContentType = "text/plain", ETag = "given", Metadata = new Dictionary<string, string> { ["x"] = "1" } };
        BlobInfo source = (await store.PutBytesAsync(Key("a/1"), Bytes, described)).Info!;
        WriteResult copied = await store.CopyAsync(Key("a/1"), Key("b/1"));
        Assert.Equal(("text/plain", "given", source.Checksum), (copied.Info!.ContentType, copied.Info.ETag, copied.Info.Checksum));
        Assert.Equal(Bytes, await store.GetBytesAsync(Key("b/1")));

        Assert.Equal(WriteStatus.PreconditionFailed, (await store.CopyAsync(Key("a/1"), Key("b/2"), new CopyOptions { SourceCondition = WriteCondition.IfMatch("other") })).Status);
        Assert.Equal(WriteStatus.PreconditionFailed, (await store.CopyAsync(Key("a/1"), Key("b/1"), new CopyOptions { Condition = WriteCondition.IfAbsent })).Status);
        Assert.Equal(WriteStatus.Missing, (await store.CopyAsync(Key("a/2"), Key("b/1"))).Status);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => store.CopyAsync(Key("a/1"), Key("b/3"), new CopyOptions { Replace = new BlobChanges { ContentType = new string('t', 256) } }).AsTask());
        Assert.Equal(["a/1", "b/1"], await KeysAsync(store));
    }

    [Fact]
    public async Task A_copy_whose_source_breaks_off_leaves_the_target()
    {
        var source = new FaultStore(new MemoryBlobStore());
        await using RoutedBlobStore store = Routed(("a/", source), ("b/", new MemoryBlobStore()));
        await store.PutBytesAsync(Key("a/1"), Bytes);
        await store.PutBytesAsync(Key("b/1"), "old"u8.ToArray());
        source.Inject(StoreFault.OnNth(StoreOperation.ReadStream, 2));
        await Assert.ThrowsAsync<StorageException>(() => store.CopyAsync(Key("a/1"), Key("b/1")).AsTask());
        Assert.Equal("old"u8.ToArray(), await store.GetBytesAsync(Key("b/1")));
    }

    [Fact]
    public async Task A_mount_that_fails_fails_its_own_keys_of_many_and_the_errors_name_it()
    {
        var broken = new FaultStore(new MemoryBlobStore());
        await using RoutedBlobStore store = Routed(("a/", new MemoryBlobStore()), ("b/", broken));
        foreach (string key in (string[])["a/1", "b/1", "a/2"]) await store.PutBytesAsync(Key(key), Bytes);
        broken.Inject(new StoreFault());
        DeleteManyResult result = await store.DeleteManyAsync([Key("a/1"), Key("b/1"), Key("c"), Key("a/2"), Key("b/2")]);
        Assert.Equal([DeleteStatus.Deleted, DeleteStatus.Failed, DeleteStatus.Missing, DeleteStatus.Deleted, DeleteStatus.Failed], result.Outcomes.Select(o => o.Status));
        Assert.Contains("mount 'b/'", result.Outcomes[1].Error!.Message, StringComparison.Ordinal);
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key("b/1")).AsTask());
        Assert.Equal((StorageErrorKind.Unavailable, true), (e.Kind, e.IsTransient));
        Assert.Contains("mount 'b/'", e.Message, StringComparison.Ordinal);

        broken.Heal();
        broken.Inject(StoreFault.On(StoreOperation.Commit) with { Moment = CallMoment.After });
        await using IBlobWriter writer = await store.OpenWriterAsync(Key("b/3"));
        e = await Assert.ThrowsAsync<StorageException>(() => writer.CommitAsync(null, CancellationToken.None).AsTask());
        Assert.Equal(WriteOutcome.Unknown, e.Outcome);
        Assert.Contains("mount 'b/'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Capabilities_are_what_holds_for_every_key_and_each_mount_can_what_it_can()
    {
        var small = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = 1 << 20, MaxBlobBytes = 1000 });
        await using RoutedBlobStore store = Routed(("", new MemoryBlobStore()), ("cache/", small));
        Assert.True(store.Capabilities.IsVolatile);
        Assert.True(store.Capabilities.MaxBlobLength > Bytes.Length);
        Assert.True((await store.PutBytesAsync(Key("a"), Bytes)).IsWritten);
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => store.PutBytesAsync(Key("cache/a"), Bytes).AsTask());
        Assert.Equal(StorageErrorKind.TooLarge, e.Kind);

        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
        Assert.NotNull(await uploads.CreateAsync(Key("a")));
        e = await Assert.ThrowsAsync<StorageException>(() => uploads.CreateAsync(Key("cache/a")).AsTask());
        Assert.Equal(StorageErrorKind.Unsupported, e.Kind);
        Assert.Null(await uploads.FindAsync(Key("cache/a"), "none"));
        Assert.False(store.TryGetFacet(out IEvictionSource? _));
        Assert.True(store.TryGetFacet(out IMountTable? table));
        Assert.Same(small, table.FindMount(Key("cache/a"))!.Store);
    }

    [Fact]
    public async Task Uploads_are_listed_across_mounts_in_key_order()
    {
        await using RoutedBlobStore store = Routed(("", new MemoryBlobStore()), ("b/", new MemoryBlobStore()), ("b/2/", new MemoryBlobStore()));
        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
        string[] keys = ["a", "b", "b/1", "b/2", "b/2/1", "b/2/1", "b/3", "c"];
        foreach (string key in keys.Reverse()) await uploads.CreateAsync(Key(key));
        var listed = new List<MultipartUpload>();
        while (await uploads.ListUploadsAsync(new UploadListRequest { Limit = 2, AfterKey = listed.LastOrDefault()?.Key.Value, AfterId = listed.LastOrDefault()?.Id }) is { Count: > 0 } page) listed.AddRange(page);
        Assert.Equal(keys, listed.Select(u => u.Key.Value));
        Assert.Equal(["b/2/1", "b/2/1"], (await uploads.ListUploadsAsync(new UploadListRequest { Prefix = "b/2/" })).Select(u => u.Key.Value));
    }

    [Fact]
    public async Task A_hit_in_a_mounts_memory_is_handed_out_as_it_is()
    {
        var memory = new MemoryBlobStore();
        await using RoutedBlobStore store = Routed(("", new ChunkingStore(new MemoryBlobStore())), ("a/", memory));
        await store.PutBytesAsync(Key("a/1"), Bytes);
        await store.PutBytesAsync(Key("b"), Bytes);
        Assert.True(store.TryGetFacet(out ISharedReads? shared));
        Assert.True(memory.TryRead(Key("a/1"), out BlobReadResult? entry));
        Assert.True(shared.TryRead(Key("a/1"), out BlobReadResult? hit));
        Assert.Same(entry, hit);
        Assert.Same(entry, await store.ReadAsync(Key("a/1")));
        Assert.False(shared.TryRead(Key("b"), out _));
        Assert.Equal(Bytes, await store.GetBytesAsync(Key("b")));
    }

    [Fact]
    public async Task One_store_may_be_mounted_twice_and_is_disposed_once()
    {
        var shared = new MemoryBlobStore();
        RoutedBlobStore store = Routed(("a/", shared), ("b/", shared));
        await store.PutBytesAsync(Key("a/1"), Bytes);
        Assert.True((await store.CopyAsync(Key("a/1"), Key("b/1"))).IsWritten);
        Assert.True(store.TryGetFacet(out IStoreStatistics? statistics));
        Assert.Equal(2, statistics.GetStatistics().Blobs);
        await store.DisposeAsync();
        await Assert.ThrowsAsync<StorageException>(() => shared.StatAsync(Key("a/1")).AsTask());
    }

    [Theory]
    [InlineData("/a", "empty segment")]
    [InlineData("a//", "empty segment")]
    [InlineData("a\n", "control")]
    [InlineData("../", "'..'")]
    public void A_prefix_with_which_no_key_begins_is_refused(string prefix, string why)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => Routed((prefix, new MemoryBlobStore())));
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_mounts_of_one_prefix_half_a_character_and_no_mount_are_refused()
    {
        Assert.Contains("'a/'", Assert.Throws<ArgumentException>(() => Routed(("a/", new MemoryBlobStore()), ("a/", new MemoryBlobStore()))).Message, StringComparison.Ordinal);

        // Not as a test's data, which are made valid on their way.
        Assert.Contains("lone surrogate", Assert.Throws<ArgumentException>(() => Routed(("a\uD83D", new MemoryBlobStore()))).Message, StringComparison.Ordinal);
        Assert.Contains("no mount", Assert.Throws<ArgumentException>(() => Routed()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_builder_that_fails_closes_what_it_was_given()
    {
        var given = new MemoryBlobStore();
        await Assert.ThrowsAsync<StrataConfigurationException>(() => new RoutedStoreBuilder().Mount("", given).Mount("a/", "nosuch:x").OpenAsync().AsTask());
        await Assert.ThrowsAsync<StorageException>(() => given.StatAsync(Key("a")).AsTask());
    }

    private static RoutedBlobStore Routed(params (string Prefix, IBlobStore Store)[] mounts) => new([.. mounts.Select(mount => new StoreMount { Prefix = mount.Prefix, Store = mount.Store })]);

    private static BlobKey Key(string text) => BlobKey.Parse(text);

    private static async Task<List<string>> KeysAsync(IBlobStore store)
    {
        var keys = new List<string>();
        await foreach (BlobInfo info in store.EnumerateAsync()) keys.Add(info.Key.Value);
        return keys;
    }
}
