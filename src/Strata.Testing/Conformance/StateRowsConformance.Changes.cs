using Xunit;

namespace Strata.Testing;

/// <content>Which changes are recorded, and what they take along.</content>
public abstract partial class StateRowsConformance
{
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(100_000)]
    [InlineData(3_000_000)]
    public async Task Writes_of_any_length_take_their_rows_along(int length)
    {
        Record();
        BlobInfo written = await PutAsync("a", 1, length);
        BlobChange change = await LastAsync("a");
        Assert.Equal(written.Version, change.Version);
        Assert.Equal(written, change.Info);
        Assert.False(change.IsCopy);
        BlobInfo replaced = await PutAsync("a", 2, length);
        Assert.Equal(replaced.Version, (await LastAsync("a")).Version);
    }

    [Fact]
    public async Task Writers_take_their_rows_along_at_their_commit()
    {
        Record();
        IBlobWriter writer = await Store.OpenWriterAsync(BlobKey.Parse("a"));
        await using (writer)
        {
            await writer.WriteAsync(Bytes(100, 1), CancellationToken.None);
            await NothingAsync("a");
            WriteResult result = await writer.CommitAsync(null, CancellationToken.None);
            Assert.Equal(result.Info!.Version, (await LastAsync("a")).Version);
        }

        IBlobWriter given = await Store.OpenWriterAsync(BlobKey.Parse("b"));
        await using (given) await given.WriteAsync(Bytes(100, 1), CancellationToken.None);
        await NothingAsync("b");
    }

    [Fact]
    public async Task Updates_and_copies_take_their_rows_along()
    {
        Record();
        await PutAsync("a", 1);
        await LastAsync("a");
        WriteResult updated = await Store.UpdateAsync(BlobKey.Parse("a"), new BlobChanges { ContentType = "text/plain" });
        BlobChange change = await LastAsync("a");
        Assert.Equal(updated.Info!.Version, change.Version);
        Assert.Equal("text/plain", change.Info!.ContentType);
        WriteResult copied = await Store.CopyAsync(BlobKey.Parse("a"), BlobKey.Parse("b"));
        change = await LastAsync("b");
        Assert.Equal(copied.Info!.Version, change.Version);
        Assert.False(change.IsCopy, "A copy within the store is a change of its own.");
    }

    [Fact]
    public async Task A_copy_of_another_stores_blob_is_recorded_as_one()
    {
        BlobInfo source = await PutAsync("a", 1);
        Record();
        BlobInfo foreign = source with { Version = new BlobVersion(source.Version.Value + 17) };
        WriteResult result = await Store.WriteAsync(BlobKey.Parse("a"), BlobContent.From(Bytes(100, 1)), new WriteOptions { AsCopyOf = foreign });
        Assert.Equal(WriteStatus.Written, result.Status);
        BlobChange change = await LastAsync("a");
        Assert.True(change.IsCopy);
        Assert.Equal(foreign.Version, change.Version);
    }

    [Fact]
    public async Task Deletes_take_their_rows_along_one_by_one_and_many_at_once()
    {
        Record();
        await PutAsync("a", 1);
        await LastAsync("a");
        DeleteResult deleted = await Store.DeleteAsync(BlobKey.Parse("a"));
        BlobChange change = await LastAsync("a");
        Assert.Null(change.Info);
        Assert.Equal(deleted.Version, change.Version);
        Assert.Null(await Store.StatAsync(BlobKey.Parse("a")));
        BlobKey[] keys = [.. Enumerable.Range(0, 300).Select(i => BlobKey.Parse($"many/{i:d3}"))];
        foreach (BlobKey key in keys) await Store.PutBytesAsync(key, Bytes(10, 1));
        _recorded.Clear();
        DeleteManyResult many = await Store.DeleteManyAsync([.. keys, BlobKey.Parse("missing"), keys[0]]);
        Assert.Equal(300, many.Outcomes.Count(o => o.Status == DeleteStatus.Deleted));
        Assert.Equal(keys, _recorded.Select(c => c.Key).Order());
        Assert.All(await AllAsync("row/many/"), e => Assert.EndsWith("deleted", Text(e.Value.Data)));
    }

    [Fact]
    public async Task A_versioned_delete_of_what_is_not_there_is_recorded_because_it_leaves_a_tombstone()
    {
        Record();
        var version = new BlobVersion(((ulong)Clock.GetUtcNow().ToUnixTimeMilliseconds() << 16) + 5);
        Assert.Equal(DeleteStatus.Missing, (await Store.DeleteAsync(BlobKey.Parse("a"), WriteCondition.IfOlder(version))).Status);
        BlobChange change = await LastAsync("a");
        Assert.Null(change.Info);
        Assert.Equal(version, change.Version);
    }

    [Fact]
    public async Task A_completed_upload_takes_its_rows_along_and_its_parts_none()
    {
        Record();
        if (!Store.TryGetFacet(out IMultipartUploads? uploads)) return; // Not every store takes parts.
        var key = BlobKey.Parse("a");
        MultipartUpload upload = await uploads.CreateAsync(key);
        IBlobWriter part = (await uploads.OpenPartAsync(key, upload.Id, 1, CancellationToken.None))!;
        WriteResult written;
        await using (part)
        {
            await part.WriteAsync(Bytes(1_000, 1), CancellationToken.None);
            written = await part.CommitAsync(null, CancellationToken.None);
        }

        await NothingAsync("a");
        CompleteResult completed = await uploads.CompleteAsync(key, upload.Id, [new PartReference(1, written.Info!.ETag)]);
        Assert.Equal(CompleteStatus.Completed, completed.Status);
        Assert.Equal(completed.Info!.Version, (await LastAsync("a")).Version);
    }

    [Fact]
    public async Task What_changes_nothing_and_what_expires_is_not_recorded()
    {
        Record();
        var key = BlobKey.Parse("a");
        Assert.Equal(DeleteStatus.Missing, (await Store.DeleteAsync(key)).Status);
        Assert.Equal(WriteStatus.Missing, (await Store.UpdateAsync(key, new BlobChanges { ContentType = "a/b" })).Status);
        Assert.Equal(WriteStatus.Missing, (await Store.CopyAsync(key, BlobKey.Parse("b"))).Status);
        await NothingAsync("a");
        await PutAsync("a", 1, options: new WriteOptions { Expires = Clock.GetUtcNow() + TimeSpan.FromSeconds(1) });
        string? row = await TextAsync("row/a");
        _recorded.Clear();
        Assert.Equal(WriteStatus.PreconditionFailed, (await Store.PutBytesAsync(key, Bytes(1, 1), new WriteOptions { Condition = WriteCondition.IfAbsent })).Status);
        await Assert.ThrowsAsync<StorageException>(async () => await Store.PutBytesAsync(key, Bytes(10, 1), new WriteOptions { Checksum = 1 }));
        Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Null(await Store.StatAsync(key));
        await NothingAsync();
        Assert.Equal(row, await TextAsync("row/a"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_recorder_that_fails_or_wants_what_cannot_be_fails_the_change_with_nothing_applied(int how)
    {
        BlobInfo before = await PutAsync("a", 1);
        bool isBroken = true;
        Facet.Record(change => !isBroken ? [KvMutation.Set(Key("row"), Value("well"))] : how switch
        {
            0 => throw new InvalidOperationException("no"),
            1 => [KvMutation.Set(Key("row"), Value("x")), KvMutation.Sum(Key("sum"), 1)],
            2 => [KvMutation.Set(Key("row"), Value("x")), KvMutation.Set(Array.Empty<byte>(), Value("x"))],
            _ => [KvMutation.Set(Key("row"), Value("x")), KvMutation.Set(Key("y"), new KvValue(Bytes(3, 1), KvEncoding.Le64))],
        });
        var key = BlobKey.Parse("a");
        await FailsAsync(async () => await Store.PutBytesAsync(key, Bytes(10, 2)));
        await FailsAsync(async () => await Store.UpdateAsync(key, new BlobChanges { ContentType = "a/b" }));
        await FailsAsync(async () => await Store.DeleteAsync(key));
        await FailsAsync(async () => await Store.CopyAsync(key, BlobKey.Parse("b")));
        Assert.Equal(before, await Store.StatAsync(key));
        Assert.Null(await Store.StatAsync(BlobKey.Parse("b")));
        Assert.Empty(await AllAsync());

        // And the store goes on.
        isBroken = false;
        await PutAsync("a", 3);
        Assert.Equal("well", await TextAsync("row"));

        static async Task FailsAsync(Func<Task> change) => Assert.True(await Xunit.Record.ExceptionAsync(change) is InvalidOperationException or ArgumentException, "The change did not fail as its recorder did.");
    }

    [Fact]
    public async Task A_change_may_set_delete_and_stamp_several_rows_and_a_later_one_of_a_key_counts()
    {
        await RowAsync(KvMutation.Set(Key("old"), Value("x")));
        Facet.Record(change =>
        [
            KvMutation.Set(Key("twice"), Value("first")), KvMutation.Set(Key("twice"), Value("second")),
            KvMutation.Delete(Key("old")), KvMutation.Delete(Key("never")),
            KvMutation.SetVersionstampedKey(Key("log/"), Value("x")),
            KvMutation.Set(Key("passing"), Value("x"), Clock.GetUtcNow() + TimeSpan.FromSeconds(30)),
        ]);
        await PutAsync("a", 1);
        List<KvEntry> rows = await AllAsync();
        Assert.Equal(3, rows.Count);
        Versionstamp stamp = rows[0].Versionstamp;
        Assert.StartsWith($"log/\u0002{stamp}", Text(rows[0].Key), StringComparison.Ordinal);
        Assert.Equal("passing", Text(rows[1].Key));
        Assert.Equal("second", Text(rows[2].Value.Data));
        Assert.All(rows, r => Assert.Equal(stamp, r.Versionstamp));
        Clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(2, (await AllAsync()).Count);
    }
}
