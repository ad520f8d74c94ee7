using Xunit;

namespace Strata.Testing;

/// <content>Wrong lengths, wrong checksums, broken streams, cancellation, refusals: an error, and nothing applied.</content>
public abstract partial class BlobStoreConformance
{
    [Theory]
    [InlineData(10, 11)]
    [InlineData(11, 10)]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(200_000, 200_001)]
    [InlineData(200_001, 200_000)]
    [InlineData(100, 1_000_000)]
    public async Task A_content_of_another_length_than_declared_is_refused(int actual, int declared)
    {
        BlobContent Wrong() => BlobContent.FromStream(new MemoryStream(Bytes(UpTo(actual), 2)), UpTo(declared));
        if (UpTo(actual) == UpTo(declared)) return; // The store takes neither.
        StorageException error = await FailsAsync(StorageErrorKind.LengthMismatch, async () => await Store.WriteAsync(Key("a"), Wrong()));
        Assert.Equal(WriteOutcome.NotApplied, error.Outcome);
        await AssertMissingAsync("a");
        await AssertLeftAloneAsync(() => FailsAsync(StorageErrorKind.LengthMismatch, async () => await Store.WriteAsync(Key("a"), Wrong())));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(300_000)]
    public async Task A_content_with_another_checksum_is_refused(int length)
    {
        byte[] bytes = Bytes(UpTo(length), 2);
        uint sum = Crc32C.Of(bytes);
        await PutAsync("right", bytes, new WriteOptions { Checksum = sum });
        await AssertHoldsAsync("right", bytes);
        await AssertLeftAloneAsync(() => FailsAsync(StorageErrorKind.Corrupt, async () =>
            await Store.PutBytesAsync(Key("a"), bytes, new WriteOptions { Checksum = sum ^ 1 })));
        await AssertLeftAloneAsync(() => FailsAsync(StorageErrorKind.Corrupt, async () =>
            await Store.WriteAsync(Key("a"), BlobContent.FromStream(new MemoryStream(bytes)), new WriteOptions { Checksum = sum ^ 1 })));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(50_000, true)]
    [InlineData(50_000, false)]
    [InlineData(250_000, false)]
    public async Task A_content_whose_stream_breaks_leaves_what_was_there(int breaksAt, bool declaresLength)
    {
        await AssertLeftAloneAsync(async () =>
        {
            BlobContent content = BlobContent.FromStream(Breaking(breaksAt, () => throw new IOException("The line is cut.")), declaresLength ? 300_000 : null);
            await Assert.ThrowsAnyAsync<Exception>(async () => await Store.WriteAsync(Key("a"), content));
        });
        await Store.DeleteAsync(Key("a"));
        await Assert.ThrowsAnyAsync<Exception>(async () =>
            await Store.WriteAsync(Key("a"), BlobContent.FromStream(Breaking(breaksAt, () => throw new IOException("The line is cut.")))));
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task A_write_that_is_cancelled_in_the_middle_leaves_what_was_there()
    {
        using var source = new CancellationTokenSource();
        await AssertLeftAloneAsync(async () =>
        {
            BlobContent content = BlobContent.FromStream(Breaking(100_000, source.Cancel));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.WriteAsync(Key("a"), content, null, source.Token));
        });
    }

    [Fact]
    public async Task A_change_that_is_cancelled_before_its_start_applies_nothing()
    {
        using var source = new CancellationTokenSource();
        await source.CancelAsync();
        CancellationToken token = source.Token;
        await PutAsync("source", 5);
        await AssertLeftAloneAsync(async () =>
        {
            await CancelledAsync(async () => await Store.PutBytesAsync(Key("a"), Bytes(3), null, token));
            await CancelledAsync(async () => await Store.WriteAsync(Key("a"), BlobContent.FromStream(new MemoryStream(Bytes(3))), null, token));
            await CancelledAsync(async () => await Store.OpenWriterAsync(Key("a"), null, token));
            await CancelledAsync(async () => await Store.DeleteAsync(Key("a"), default, token));
            await CancelledAsync(async () => await Store.DeleteManyAsync([Key("a")], token));
            await CancelledAsync(async () => await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "x" }, default, token));
            await CancelledAsync(async () => await Store.CopyAsync(Key("source"), Key("a"), null, token));
        });

        static Task<OperationCanceledException> CancelledAsync(Func<Task> action) => Assert.ThrowsAnyAsync<OperationCanceledException>(action);
    }

    [Fact]
    public async Task The_default_key_is_the_callers_fault()
    {
        await AssertArgumentAsync(async () => await Store.StatAsync(default));
        await AssertArgumentAsync(async () => await Store.ReadAsync(default));
        await AssertArgumentAsync(async () => await Store.ReadAsync(default, new ReadOptions { IfMatch = "*" }));
        await AssertArgumentAsync(async () => await Store.PutBytesAsync(default, Bytes(1)));
        await AssertArgumentAsync(async () => await Store.OpenWriterAsync(default));
        await AssertArgumentAsync(async () => await Store.DeleteAsync(default));
        await AssertArgumentAsync(async () => await Store.DeleteManyAsync([Key("a"), default]));
        await AssertArgumentAsync(async () => await Store.UpdateAsync(default, new BlobChanges()));
        await AssertArgumentAsync(async () => await Store.CopyAsync(default, Key("a")));
        await AssertArgumentAsync(async () => await Store.CopyAsync(Key("a"), default));
        Assert.Empty(await KeysAsync());
    }

    [Fact]
    public async Task Null_where_something_is_needed_is_the_callers_fault()
    {
        await AssertArgumentAsync(async () => await Store.WriteAsync(Key("a"), null!));
        await AssertArgumentAsync(async () => await Store.DeleteManyAsync(null!));
        await AssertArgumentAsync(async () => await Store.UpdateAsync(Key("a"), null!));
        await AssertArgumentAsync(async () => await Store.ListPageAsync(null!));
    }

    [Fact]
    public async Task A_store_without_tiers_refuses_options_about_them()
    {
        if (Capabilities.Tiers.Count > 0) return; // The next test is for it.
        foreach (WriteOptions options in (WriteOptions[])[new() { SkipTiers = ["hot"] }, new() { OnlyTiers = ["hot"] }])
        {
            await UnsupportedAsync(async () => await Store.PutBytesAsync(Key("a"), Bytes(1), options));
            await UnsupportedAsync(async () => await Store.OpenWriterAsync(Key("a"), options));
        }

        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task A_store_with_tiers_skips_those_named_and_keeps_no_older_copy_there()
    {
        if (Capabilities.Tiers is not [string fastest, .., string origin]) return; // The test before is for it.
        await AssertArgumentAsync(async () => await Store.PutBytesAsync(Key("a"), Bytes(1), new WriteOptions { SkipTiers = ["no such tier"] }));
        await AssertArgumentAsync(async () => await Store.PutBytesAsync(Key("a"), Bytes(1), new WriteOptions { OnlyTiers = ["no such tier"] }));
        await AssertArgumentAsync(async () => await Store.PutBytesAsync(Key("a"), Bytes(1), new WriteOptions { SkipTiers = [origin] }));
        await AssertMissingAsync("a");

        await PutAsync("a", 1);
        await ReadAsync("a");
        WriteResult skipped = await Store.PutBytesAsync(Key("a"), Bytes(100, 2), new WriteOptions { SkipTiers = [fastest] });
        Assert.DoesNotContain(fastest, skipped.Tiers);
        Assert.NotEmpty(skipped.Tiers);
        await AssertHoldsAsync("a", Bytes(100, 2));

        WriteResult only = await Store.PutBytesAsync(Key("a"), Bytes(100, 3), new WriteOptions { OnlyTiers = [origin] });
        Assert.Equal([origin], only.Tiers);
        await AssertHoldsAsync("a", Bytes(100, 3));
    }

    [Fact]
    public async Task A_blob_that_is_too_long_is_refused()
    {
        if (Capabilities.MaxBlobLength > 32 << 20) return; // Beyond what a quick test can send.
        int longest = (int)Capabilities.MaxBlobLength;
        await AssertLeftAloneAsync(async () =>
        {
            await FailsAsync(StorageErrorKind.TooLarge, async () => await Store.PutBytesAsync(Key("a"), new byte[longest + 1]));
            await FailsAsync(StorageErrorKind.TooLarge, async () => await Store.WriteAsync(Key("a"), BlobContent.FromStream(new MemoryStream(new byte[longest + 1]))));
            await FailsAsync(StorageErrorKind.TooLarge, () => CommitAsync(new byte[longest + 1], null, null));
        });
    }

    /// <summary>Runs what must fail, over a blob that must stay as it is and beside which nothing may appear.</summary>
    private async Task AssertLeftAloneAsync(Func<Task> failing)
    {
        BlobInfo info = await PutAsync("a", Bytes(120, 1));
        List<string> keys = await KeysAsync();
        await failing();
        AssertSame(info, await StatAsync("a"));
        await AssertHoldsAsync("a", Bytes(120, 1));
        Assert.Equal(keys, await KeysAsync());
    }

    private static Task<ArgumentException> AssertArgumentAsync(Func<Task> action) => Assert.ThrowsAnyAsync<ArgumentException>(action);

    /// <summary>A stream of 300,000 bytes that does something on the way.</summary>
    private static HookedStream Breaking(int at, Action happens)
    {
        int reads = 0;
        return new HookedStream(new MemoryStream(Bytes(300_000, 2)), token =>
        {
            if (reads++ * 10_000 >= at) happens();
            token.ThrowIfCancellationRequested();
            return default;
        }, asked => Math.Min(asked, 10_000));
    }
}
