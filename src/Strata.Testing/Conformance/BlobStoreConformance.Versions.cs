using Xunit;

namespace Strata.Testing;

/// <content>Versions, ETags and times.</content>
public abstract partial class BlobStoreConformance
{
    [Fact]
    public async Task Versions_rise_and_etags_differ_with_every_change()
    {
        await PutAsync("other", 9);
        var seen = new List<BlobInfo> { await PutAsync("a", 1), await PutAsync("a", 1) };
        seen.Add((await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/plain" })).Info!);
        seen.Add((await Store.UpdateAsync(Key("a"), new BlobChanges())).Info!);
        seen.Add((await Store.CopyAsync(Key("other"), Key("a"))).Info!);
        await using (IBlobWriter writer = await Store.OpenWriterAsync(Key("a")))
        {
            seen.Add((await writer.CommitAsync(null, CancellationToken.None)).Info!);
        }

        await Store.DeleteAsync(Key("a"));
        seen.Add(await PutAsync("a", 1));
        AssertRising(seen);
        AssertSame(seen[^1], await StatAsync("a"));
    }

    [Fact]
    public async Task Versions_rise_when_the_clock_steps_back_a_day()
    {
        var seen = new List<BlobInfo> { await PutAsync("a", 1) };
        Clock.Jump(TimeSpan.FromHours(-24));
        seen.Add(await PutAsync("a", 2));
        seen.Add((await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/plain" })).Info!);
        Clock.Jump(TimeSpan.FromHours(-24));
        DeleteResult deleted = await Store.DeleteAsync(Key("a"));
        if (deleted.Version.IsKnown) Assert.True(deleted.Version > seen[^1].Version);
        seen.Add(await PutAsync("a", 3));
        if (deleted.Version.IsKnown) Assert.True(seen[^1].Version > deleted.Version);
        Clock.Jump(TimeSpan.FromHours(48));
        seen.Add(await PutAsync("a", 4));
        AssertRising(seen);
    }

    [Fact]
    public async Task Versions_follow_the_clock()
    {
        BlobInfo first = await PutAsync("a");
        Clock.Advance(TimeSpan.FromDays(1));
        BlobInfo second = await PutAsync("a");
        Assert.True(second.Version >= BlobVersion.At(Clock.GetUtcNow()));
        Assert.True(first.Version < BlobVersion.At(Clock.GetUtcNow()));
    }

    [Fact]
    public async Task Created_stays_while_the_key_exists_and_is_new_after_a_delete()
    {
        DateTimeOffset first = Clock.GetUtcNow();
        await PutAsync("a", 1);
        Tick(1000);
        DateTimeOffset second = Clock.GetUtcNow();
        await PutAsync("a", 2);
        Assert.Equal((first, second), Times(await StatAsync("a")));
        Tick(1000);
        await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/plain" });
        Assert.Equal((first, Clock.GetUtcNow()), Times(await StatAsync("a")));
        await Store.DeleteAsync(Key("a"));
        Tick(1000);
        await PutAsync("a", 3);
        Assert.Equal((Clock.GetUtcNow(), Clock.GetUtcNow()), Times(await StatAsync("a")));

        static (DateTimeOffset Created, DateTimeOffset Modified) Times(BlobInfo info) => (info.Created, info.Modified);
    }

    [Fact]
    public async Task An_etag_that_the_caller_gives_is_kept_until_the_next_change()
    {
        Assert.Equal("0123abcd", (await PutAsync("a", Bytes(10), new WriteOptions { ETag = "0123abcd" })).ETag);
        Assert.Equal("0123abcd", (await StatAsync("a")).ETag);
        WriteResult updated = await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/plain" });
        Assert.NotEqual("0123abcd", updated.Info!.ETag);
        BlobInfo own = await PutAsync("a", 2);
        Assert.NotEqual("0123abcd", own.ETag);
        Assert.NotEqual(updated.Info.ETag, own.ETag);
    }

    [Fact]
    public async Task A_copy_keeps_the_etag_that_a_caller_gave_with_the_content_and_no_other()
    {
        BlobInfo given = await PutAsync("given", Bytes(10), new WriteOptions { ETag = "0123abcd" });
        BlobInfo own = await PutAsync("own", Bytes(10));
        BlobInfo ofGiven = (await Store.CopyAsync(Key("given"), Key("a"))).Info!;
        BlobInfo ofOwn = (await Store.CopyAsync(Key("own"), Key("b"))).Info!;
        Assert.Equal(given.ETag, ofGiven.ETag);
        Assert.True(ofGiven.Version > given.Version);
        Assert.NotEqual(own.ETag, ofOwn.ETag);
        Assert.Equal("0123abcd", (await StatAsync("a")).ETag);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AsCopyOf_keeps_what_the_commit_point_gave(bool streamed)
    {
        byte[] bytes = Bytes(5000);
        var original = new BlobInfo
        {
            Key = Key("elsewhere"),
            Length = bytes.Length,
            ETag = "etag-of-the-original",
            Version = BlobVersion.At(Clock.GetUtcNow() - TimeSpan.FromDays(3)).Next(),
            Created = Clock.GetUtcNow() - TimeSpan.FromDays(9),
            Modified = Clock.GetUtcNow() - TimeSpan.FromDays(3),
            Expires = Capabilities.Expiry ? After(60_000) : null,
            ContentType = "text/plain",
            ContentEncoding = "br",
            Checksum = Crc32C.Of(bytes),
            Metadata = new Dictionary<string, string> { ["x"] = "1" },
        };
        await WriteCopyAsync(bytes, original, streamed);

        AssertSame(original with { Key = Key("a") }, await StatAsync("a"));
        await AssertHoldsAsync("a", bytes);
        Assert.True((await PutAsync("a", 2)).Version > original.Version);
    }

    [Fact]
    public async Task A_write_over_a_copy_from_the_future_is_newer_still()
    {
        BlobInfo info = await PutAsync("source");
        BlobInfo future = info with { Version = BlobVersion.At(Clock.GetUtcNow() + TimeSpan.FromDays(30)), ETag = "future" };
        await WriteCopyAsync(Bytes(100), future, streamed: false);
        Assert.Equal(future.Version, (await StatAsync("a")).Version);
        BlobInfo over = await PutAsync("a", 2);
        Assert.True(over.Version > future.Version);
        Assert.True((await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/plain" })).Info!.Version > over.Version);
    }

    [Fact]
    public async Task A_write_over_a_tombstone_from_the_future_is_newer_still()
    {
        if (!Claims(WriteConditionKind.IfOlder)) return; // Its refusal is another test.
        BlobVersion future = BlobVersion.At(Clock.GetUtcNow() + TimeSpan.FromDays(30));
        await PutAsync("a", 1);
        BlobVersion tombstone = (await Store.DeleteAsync(Key("a"), WriteCondition.IfOlder(future))).Version;
        Assert.True((await PutAsync("a", 2)).Version > tombstone);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AsCopyOf_refuses_bytes_that_are_not_those_of_the_original(bool streamed)
    {
        BlobInfo info = await PutAsync("source", Bytes(100));
        info = info with { Checksum = Crc32C.Of(Bytes(100)) };
        await FailsAsync(StorageErrorKind.Corrupt, () => WriteCopyAsync(Bytes(100, 2), info, streamed));
        var error = await Assert.ThrowsAsync<StorageException>(() => WriteCopyAsync(Bytes(99), info, streamed));
        Assert.True(error.Kind is StorageErrorKind.LengthMismatch or StorageErrorKind.Corrupt, $"{error.Kind}");
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task A_copy_made_with_IfOlder_never_covers_what_is_newer()
    {
        if (!Claims(WriteConditionKind.IfOlder)) return; // Its refusal is another test.
        BlobInfo old = await PutAsync("a", 1);
        BlobInfo current = await PutAsync("a", 2);
        var options = new WriteOptions { AsCopyOf = old, Condition = WriteCondition.IfOlder(old.Version) };
        Assert.Equal(WriteStatus.PreconditionFailed, (await Store.PutBytesAsync(Key("a"), Bytes(100, 1), options)).Status);
        AssertSame(current, await StatAsync("a"));
        await AssertHoldsAsync("a", Bytes(100, 2));
    }

    private async Task WriteCopyAsync(byte[] bytes, BlobInfo original, bool streamed)
    {
        var options = new WriteOptions { AsCopyOf = original };
        if (!streamed)
        {
            Assert.True((await Store.PutBytesAsync(Key("a"), bytes, options)).IsWritten);
            return;
        }

        await using IBlobWriter writer = await Store.OpenWriterAsync(Key("a"), options);
        await writer.WriteAsync(bytes, CancellationToken.None);
        Assert.True((await writer.CommitAsync(null, CancellationToken.None)).IsWritten);
    }

    private static void AssertRising(List<BlobInfo> seen)
    {
        Assert.All(seen, info => Assert.True(info.Version.IsKnown));
        for (int i = 1; i < seen.Count; i++) Assert.True(seen[i].Version > seen[i - 1].Version, $"Version {i} is {seen[i].Version}, after {seen[i - 1].Version}.");
        Assert.Equal(seen.Count, seen.Select(info => info.ETag).Distinct().Count());
    }
}
