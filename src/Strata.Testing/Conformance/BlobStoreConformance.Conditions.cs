using Xunit;

namespace Strata.Testing;

/// <content>What must hold at the commit, for each kind of change.</content>
public abstract partial class BlobStoreConformance
{
    [Theory]
    [InlineData(StoreOperation.Write)]
    [InlineData(StoreOperation.Commit)]
    [InlineData(StoreOperation.Copy)]
    public async Task IfAbsent_lets_only_the_first_in(StoreOperation operation)
    {
        if (await RefusesAsync(WriteConditionKind.IfAbsent, operation, WriteCondition.IfAbsent)) return;
        await PutAsync("source", 9);
        Assert.Equal(WriteStatus.Written, await ChangeAsync(operation, WriteCondition.IfAbsent));
        BlobInfo first = await StatAsync("a");
        Assert.Equal(WriteStatus.PreconditionFailed, await ChangeAsync(operation, WriteCondition.IfAbsent));
        AssertSame(first, await StatAsync("a"));

        await Store.DeleteAsync(Key("a"));
        Assert.Equal(WriteStatus.Written, await ChangeAsync(operation, WriteCondition.IfAbsent));
    }

    [Theory]
    [InlineData(StoreOperation.Update)]
    [InlineData(StoreOperation.Delete)]
    public async Task IfAbsent_never_holds_for_a_change_of_what_is_there(StoreOperation operation)
    {
        if (await RefusesAsync(WriteConditionKind.IfAbsent, operation, WriteCondition.IfAbsent)) return;
        Assert.Equal(WriteStatus.Missing, await ChangeAsync(operation, WriteCondition.IfAbsent));
        BlobInfo info = await PutAsync("a");
        Assert.Equal(WriteStatus.PreconditionFailed, await ChangeAsync(operation, WriteCondition.IfAbsent));
        AssertSame(info, await StatAsync("a"));
    }

    [Theory]
    [InlineData(StoreOperation.Write)]
    [InlineData(StoreOperation.Commit)]
    [InlineData(StoreOperation.Update)]
    [InlineData(StoreOperation.Delete)]
    [InlineData(StoreOperation.Copy)]
    public async Task IfMatch_lets_only_the_current_etag_in(StoreOperation operation)
    {
        if (await RefusesAsync(WriteConditionKind.IfMatch, operation, WriteCondition.IfMatch("x"))) return;
        await PutAsync("source", 9);
        string old = (await PutAsync("a", 1)).ETag;
        BlobInfo current = await PutAsync("a", 2);

        Assert.Equal(WriteStatus.PreconditionFailed, await ChangeAsync(operation, WriteCondition.IfMatch(old)));
        Assert.Equal(WriteStatus.PreconditionFailed, await ChangeAsync(operation, WriteCondition.IfMatch("another")));
        AssertSame(current, await StatAsync("a"));
        await AssertHoldsAsync("a", Bytes(100, 2));
        Assert.Equal(WriteStatus.Written, await ChangeAsync(operation, WriteCondition.IfMatch(current.ETag)));
        if (operation == StoreOperation.Delete) await PutAsync("a");
        Assert.Equal(WriteStatus.Written, await ChangeAsync(operation, WriteCondition.IfMatch("*")));
    }

    [Theory]
    [InlineData(StoreOperation.Write, WriteStatus.PreconditionFailed)]
    [InlineData(StoreOperation.Commit, WriteStatus.PreconditionFailed)]
    [InlineData(StoreOperation.Copy, WriteStatus.PreconditionFailed)]
    [InlineData(StoreOperation.Delete, WriteStatus.PreconditionFailed)]
    [InlineData(StoreOperation.Update, WriteStatus.Missing)]
    public async Task IfMatch_never_holds_for_a_missing_key(StoreOperation operation, WriteStatus expected)
    {
        if (await RefusesAsync(WriteConditionKind.IfMatch, operation, WriteCondition.IfMatch("x"))) return;
        await PutAsync("source", 9);
        string gone = (await PutAsync("a")).ETag;
        await Store.DeleteAsync(Key("a"));
        Assert.Equal(expected, await ChangeAsync(operation, WriteCondition.IfMatch("*")));
        Assert.Equal(expected, await ChangeAsync(operation, WriteCondition.IfMatch(gone)));
        await AssertMissingAsync("a");
    }

    [Theory]
    [InlineData(StoreOperation.Write)]
    [InlineData(StoreOperation.Commit)]
    [InlineData(StoreOperation.Update)]
    [InlineData(StoreOperation.Delete)]
    [InlineData(StoreOperation.Copy)]
    public async Task IfOlder_lets_only_newer_versions_over_a_blob(StoreOperation operation)
    {
        if (await RefusesAsync(WriteConditionKind.IfOlder, operation, WriteCondition.IfOlder(new BlobVersion(5)))) return;
        await PutAsync("source", 9);
        BlobInfo info = await PutAsync("a");

        Assert.Equal(WriteStatus.PreconditionFailed, await ChangeAsync(operation, WriteCondition.IfOlder(new BlobVersion(info.Version.Value - 1))));
        Assert.Equal(WriteStatus.PreconditionFailed, await ChangeAsync(operation, WriteCondition.IfOlder(info.Version)));
        AssertSame(info, await StatAsync("a"));
        Assert.Equal(WriteStatus.Written, await ChangeAsync(operation, WriteCondition.IfOlder(info.Version.Next())));
    }

    [Theory]
    [InlineData(StoreOperation.Write)]
    [InlineData(StoreOperation.Commit)]
    [InlineData(StoreOperation.Copy)]
    public async Task IfOlder_compares_with_the_tombstone_of_a_delete(StoreOperation operation)
    {
        if (await RefusesAsync(WriteConditionKind.IfOlder, operation, WriteCondition.IfOlder(new BlobVersion(5)))) return;
        await PutAsync("source", 9);
        BlobInfo info = await PutAsync("a");
        BlobVersion tombstone = (await Store.DeleteAsync(Key("a"))).Version;

        Assert.True(tombstone > info.Version);
        Assert.Equal(WriteStatus.PreconditionFailed, await ChangeAsync(operation, WriteCondition.IfOlder(info.Version)));
        Assert.Equal(WriteStatus.PreconditionFailed, await ChangeAsync(operation, WriteCondition.IfOlder(tombstone)));
        await AssertMissingAsync("a");
        Assert.Equal(WriteStatus.Written, await ChangeAsync(operation, WriteCondition.IfOlder(tombstone.Next())));
    }

    [Theory]
    [InlineData(StoreOperation.Write)]
    [InlineData(StoreOperation.Commit)]
    [InlineData(StoreOperation.Copy)]
    public async Task IfOlder_succeeds_where_neither_blob_nor_tombstone_is(StoreOperation operation)
    {
        if (await RefusesAsync(WriteConditionKind.IfOlder, operation, WriteCondition.IfOlder(new BlobVersion(5)))) return;
        await PutAsync("source", 9);
        Assert.Equal(WriteStatus.Written, await ChangeAsync(operation, WriteCondition.IfOlder(new BlobVersion(1))));
        Assert.True(await Store.ExistsAsync(Key("a")));
    }

    [Fact]
    public async Task A_delete_that_is_older_leaves_the_blob_and_one_that_is_newer_keeps_older_copies_out()
    {
        if (!Claims(WriteConditionKind.IfOlder)) return; // Its refusal is another test.
        BlobInfo info = await PutAsync("a");
        BlobVersion newer = new(info.Version.Value + 1000);
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(Key("a"), WriteCondition.IfOlder(newer))).Status);

        WriteResult late = await Store.PutBytesAsync(Key("a"), Bytes(100), new WriteOptions { AsCopyOf = info, Condition = WriteCondition.IfOlder(info.Version) });
        Assert.Equal(WriteStatus.PreconditionFailed, late.Status);
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task A_failed_condition_tells_what_is_there_where_known()
    {
        if (!Claims(WriteConditionKind.IfAbsent)) return; // Its refusal is another test.
        BlobInfo info = await PutAsync("a");
        WriteResult result = await Store.PutBytesAsync(Key("a"), Bytes(3), new WriteOptions { Condition = WriteCondition.IfAbsent });
        if (result.Info is { } there) AssertSame(info, there);
        Assert.Empty(result.Tiers);
        Assert.False(result.IsWritten);
    }

    [Fact]
    public async Task The_condition_of_a_writer_is_checked_at_its_commit()
    {
        if (!Claims(WriteConditionKind.IfAbsent | WriteConditionKind.IfMatch)) return; // Their refusal is another test.
        await using (IBlobWriter writer = await Store.OpenWriterAsync(Key("a"), new WriteOptions { Condition = WriteCondition.IfAbsent }))
        {
            await writer.WriteAsync(Bytes(10, 1), CancellationToken.None);
            await PutAsync("a", 2);
            Assert.Equal(WriteStatus.PreconditionFailed, (await writer.CommitAsync(null, CancellationToken.None)).Status);
        }

        await AssertHoldsAsync("a", Bytes(100, 2));
        string etag = (await StatAsync("a")).ETag;
        await using (IBlobWriter writer = await Store.OpenWriterAsync(Key("a"), new WriteOptions { Condition = WriteCondition.IfMatch(etag) }))
        {
            await writer.WriteAsync(Bytes(10, 3), CancellationToken.None);
            await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/plain" });
            Assert.Equal(WriteStatus.PreconditionFailed, (await writer.CommitAsync(null, CancellationToken.None)).Status);
        }

        await AssertHoldsAsync("a", Bytes(100, 2));
    }

    /// <summary>Where a store does not claim a condition, checks that it refuses it and changes nothing; true if so.</summary>
    private async Task<bool> RefusesAsync(WriteConditionKind kind, StoreOperation operation, WriteCondition condition)
    {
        if (Claims(kind)) return false;
        BlobInfo info = await PutAsync("a");
        await PutAsync("source");
        await UnsupportedAsync(() => ChangeAsync(operation, condition));
        AssertSame(info, await StatAsync("a"));
        return true;
    }

    /// <summary>One change of the blob <c>a</c> under a condition.</summary>
    private async Task<WriteStatus> ChangeAsync(StoreOperation operation, WriteCondition condition)
    {
        switch (operation)
        {
            case StoreOperation.Write:
                return (await Store.PutBytesAsync(Key("a"), Bytes(64, 5), new WriteOptions { Condition = condition })).Status;
            case StoreOperation.Commit:
                await using (IBlobWriter writer = await Store.OpenWriterAsync(Key("a"), new WriteOptions { Condition = condition }))
                {
                    await writer.WriteAsync(Bytes(64, 6), CancellationToken.None);
                    return (await writer.CommitAsync(null, CancellationToken.None)).Status;
                }

            case StoreOperation.Update:
                return (await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/html" }, condition)).Status;
            case StoreOperation.Copy:
                return (await Store.CopyAsync(Key("source"), Key("a"), new CopyOptions { Condition = condition })).Status;
            case StoreOperation.Delete:
                return (await Store.DeleteAsync(Key("a"), condition)).Status switch
                {
                    DeleteStatus.Deleted => WriteStatus.Written,
                    DeleteStatus.Missing => WriteStatus.Missing,
                    _ => WriteStatus.PreconditionFailed,
                };
            default:
                throw new ArgumentOutOfRangeException(nameof(operation));
        }
    }
}
