using Xunit;

namespace Strata.Testing;

/// <content>Streamed writes: nothing before the commit, nothing after an abort.</content>
public abstract partial class BlobStoreConformance
{
    [Fact]
    public async Task A_writer_shows_nothing_before_its_commit()
    {
        byte[] bytes = Bytes(UpTo(300_000));
        await using IBlobWriter writer = await Store.OpenWriterAsync(Key("a"));
        Assert.Equal(0, writer.Length);
        int written = 0;
        for (int size = 1; written < bytes.Length; size = (size * 3) + 1)
        {
            int piece = Math.Min(size, bytes.Length - written);
            await writer.WriteAsync(bytes.AsMemory(written, piece), CancellationToken.None);
            written += piece;
            Assert.Equal(written, writer.Length);
        }

        await AssertMissingAsync("a");
        WriteResult result = await writer.CommitAsync(null, CancellationToken.None);
        Assert.Equal(WriteStatus.Written, result.Status);
        Assert.Equal(bytes.Length, result.Info!.Length);
        AssertSame(result.Info, await StatAsync("a"));
        await AssertHoldsAsync("a", bytes);
    }

    [Fact]
    public async Task A_writer_that_is_disposed_leaves_nothing()
    {
        await using (IBlobWriter writer = await Store.OpenWriterAsync(Key("a")))
        {
            await writer.WriteAsync(Bytes(UpTo(200_000)), CancellationToken.None);
        }

        await AssertMissingAsync("a");
        BlobInfo old = await PutAsync("a", 1);
        await using (IBlobWriter writer = await Store.OpenWriterAsync(Key("a")))
        {
            await writer.WriteAsync(Bytes(UpTo(200_000), 2), CancellationToken.None);
        }

        AssertSame(old, await StatAsync("a"));
        await AssertHoldsAsync("a", Bytes(100));
        Assert.Equal(["a"], await KeysAsync());
    }

    [Fact]
    public async Task A_writer_without_bytes_writes_an_empty_blob()
    {
        await using (IBlobWriter writer = await Store.OpenWriterAsync(Key("a")))
        {
            await writer.WriteAsync(ReadOnlyMemory<byte>.Empty, CancellationToken.None);
            Assert.True((await writer.CommitAsync(null, CancellationToken.None)).IsWritten);
        }

        await AssertHoldsAsync("a", []);
    }

    [Fact]
    public async Task A_writer_commits_once()
    {
        await using IBlobWriter writer = await Store.OpenWriterAsync(Key("a"));
        await writer.WriteAsync(Bytes(100), CancellationToken.None);
        BlobInfo info = (await writer.CommitAsync(null, CancellationToken.None)).Info!;
        await Assert.ThrowsAnyAsync<InvalidOperationException>(async () => await writer.CommitAsync(null, CancellationToken.None));
        await Assert.ThrowsAnyAsync<InvalidOperationException>(async () => await writer.WriteAsync(Bytes(1), CancellationToken.None));
        AssertSame(info, await StatAsync("a"));
        await AssertHoldsAsync("a", Bytes(100));
    }

    [Fact]
    public async Task A_writer_that_was_disposed_commits_no_more()
    {
        IBlobWriter writer = await Store.OpenWriterAsync(Key("a"));
        await writer.WriteAsync(Bytes(100), CancellationToken.None);
        await writer.DisposeAsync();
        await writer.DisposeAsync();
        await Assert.ThrowsAnyAsync<InvalidOperationException>(async () => await writer.CommitAsync(null, CancellationToken.None));
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task The_commit_tells_the_etag_and_the_checksum()
    {
        byte[] bytes = Bytes(5000);
        await CommitAsync(bytes, new WriteOptions { ETag = "early" }, new CommitOptions { ETag = "late", Checksum = Crc32C.Of(bytes) });
        Assert.Equal("late", (await StatAsync("a")).ETag);
        await CommitAsync(bytes, new WriteOptions { ETag = "early" }, null);
        Assert.Equal("early", (await StatAsync("a")).ETag);
        await AssertHoldsAsync("a", bytes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_commit_with_another_checksum_is_refused(bool toldAtCommit)
    {
        BlobInfo old = await PutAsync("a", 1);
        uint wrong = Crc32C.Of(Bytes(5000)) ^ 1;
        StorageException error = await FailsAsync(StorageErrorKind.Corrupt, () => CommitAsync(
            Bytes(5000), toldAtCommit ? null : new WriteOptions { Checksum = wrong }, toldAtCommit ? new CommitOptions { Checksum = wrong } : null));
        Assert.Equal(WriteOutcome.NotApplied, error.Outcome);
        AssertSame(old, await StatAsync("a"));
        await AssertHoldsAsync("a", Bytes(100, 1));
    }

    [Fact]
    public async Task Writers_of_one_key_do_not_mix()
    {
        await using IBlobWriter first = await Store.OpenWriterAsync(Key("a"));
        await using IBlobWriter second = await Store.OpenWriterAsync(Key("a"));
        byte[] one = Bytes(20_000, 1), two = Bytes(30_000, 2);
        for (int i = 0; i < 10; i++)
        {
            await first.WriteAsync(one.AsMemory(i * 2000, 2000), CancellationToken.None);
            await second.WriteAsync(two.AsMemory(i * 3000, 3000), CancellationToken.None);
        }

        await second.CommitAsync(null, CancellationToken.None);
        await AssertHoldsAsync("a", two);
        await first.CommitAsync(null, CancellationToken.None);
        await AssertHoldsAsync("a", one);
    }

    [Fact]
    public async Task A_writer_may_stay_open_while_its_key_changes()
    {
        await using IBlobWriter writer = await Store.OpenWriterAsync(Key("a"));
        await writer.WriteAsync(Bytes(50, 1), CancellationToken.None);
        await PutAsync("a", 2);
        await Store.DeleteAsync(Key("a"));
        await AssertMissingAsync("a");
        await writer.WriteAsync(Bytes(50, 3), CancellationToken.None);
        await writer.CommitAsync(null, CancellationToken.None);
        await AssertHoldsAsync("a", [.. Bytes(50, 1), .. Bytes(50, 3)]);
    }

    [Fact]
    public async Task A_writer_that_is_cancelled_before_its_commit_applies_nothing()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await using (IBlobWriter writer = await Store.OpenWriterAsync(Key("a")))
        {
            await writer.WriteAsync(Bytes(50), CancellationToken.None);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await writer.CommitAsync(null, cancelled.Token));
        }

        await AssertMissingAsync("a");
    }

    private async Task CommitAsync(byte[] bytes, WriteOptions? options, CommitOptions? commit)
    {
        await using IBlobWriter writer = await Store.OpenWriterAsync(Key("a"), options);
        await writer.WriteFromAsync(new MemoryStream(bytes));
        Assert.True((await writer.CommitAsync(commit, CancellationToken.None)).IsWritten);
    }
}
