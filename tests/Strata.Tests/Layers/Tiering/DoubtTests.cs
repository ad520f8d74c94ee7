using Xunit;

namespace Strata.Tests;

/// <summary>What counts as an older change that came through behind a later one, and the row that remembers it.</summary>
public sealed class DoubtTests
{
    private static readonly BlobKey Key = BlobKey.Parse("a/key");
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("write", "nothing", false, true)] // a delete may have come through, but none was sent
    [InlineData("delete", "older", true, true)]
    [InlineData("delete", "older", true, false)]
    [InlineData("delete", "newer", false, true)]
    [InlineData("delete", "nothing", false, true)]
    [InlineData("delete", "foreign", true, true)]
    [InlineData("delete", "foreign", false, false)]
    [InlineData("write", "itself", false, true)]
    [InlineData("write", "older", true, false)]
    [InlineData("none", "older", false, true)]
    public void Behind_a_write_of_unknown_outcome(string intention, string found, bool isUndone, bool isSingleWriter) =>
        Assert.Equal(isUndone, DoubtOf(intention, PendingChanges.Write).IsUndone(Found(found), isSingleWriter, Now));

    [Theory]
    [InlineData("write", "nothing", true)]
    [InlineData("write", "older", false)] // only a delete was sent: somebody else wrote it
    [InlineData("delete", "older", false)]
    public void Behind_a_delete_of_unknown_outcome(string intention, string found, bool isUndone) =>
        Assert.Equal(isUndone, DoubtOf(intention, PendingChanges.Delete).IsUndone(Found(found), isSingleWriter: true, Now));

    [Fact]
    public void A_write_that_has_expired_is_not_made_again() =>
        Assert.False((DoubtOf("write", PendingChanges.Delete) with { Info = Blob(20) with { Expires = Now } }).IsUndone(null, isSingleWriter: true, Now));

    /// <summary>The later change of unknown outcome may have come through: only what is older than the intention is known to be wrong.</summary>
    [Theory]
    [InlineData(PendingChanges.Write, "nothing", true)] // no write leaves nothing
    [InlineData(PendingChanges.Write, "newer", false)]
    [InlineData(PendingChanges.Write, "foreign", false)]
    [InlineData(PendingChanges.Write, "older", true)]
    [InlineData(PendingChanges.Delete, "nothing", false)]
    [InlineData(PendingChanges.Delete, "foreign", true)]
    [InlineData(PendingChanges.Delete, "older", true)]
    internal void Another_unknown_outcome_after_the_last_acknowledged_change(PendingChanges followedBy, string found, bool isUndone) =>
        Assert.Equal(isUndone, (DoubtOf("write", PendingChanges.Write | PendingChanges.Delete) with { FollowedBy = followedBy }).IsUndone(Found(found), isSingleWriter: true, Now));

    [Fact]
    public async Task A_row_comes_back_as_it_was()
    {
        var database = new MemoryKvDatabase();
        TierState state = await TierState.OpenAsync(database, "media", CancellationToken.None);
        BlobInfo full = Blob(20) with
        {
            Expires = Now.AddDays(1), ContentType = "text/plain", ContentEncoding = "gzip", Checksum = 7, Metadata = new Dictionary<string, string> { ["größe"] = "12", ["b"] = "" },
        };
        Doubt[] doubts =
        [
            DoubtOf("none", PendingChanges.Write), DoubtOf("delete", PendingChanges.Write | PendingChanges.Delete) with { Key = BlobKey.Parse("b"), FollowedBy = PendingChanges.Delete },
            DoubtOf("write", PendingChanges.Write) with { Key = BlobKey.Parse("c/ö"), Info = full with { Key = BlobKey.Parse("c/ö") }, Parts = 3 },
        ];
        byte[] bytes = new byte[150_000];
        new Random(1).NextBytes(bytes);
        foreach (Doubt doubt in doubts) await state.KeepAsync(doubt, doubt.Parts > 0 ? bytes : default(ReadOnlyMemory<byte>), 0);
        TierState again = await TierState.OpenAsync(database, "media", CancellationToken.None);
        IReadOnlyList<Doubt> read = await again.ReadDoubtsAsync(CancellationToken.None);
        Assert.Equal(doubts.Select(d => d with { Info = null }), read.Select(d => d with { Info = null }));
        Assert.Equivalent(doubts[2].Info, read[2].Info);
        Assert.Equal(bytes, await again.ReadBytesAsync(read[2]));

        // A shorter write takes the rows of the longer one with it; the end of the doubt all.
        await again.KeepAsync(read[2] with { Parts = 1 }, bytes.AsMemory(0, 100), before: 3);
        Assert.Equal(5, await CountAsync(database));
        foreach (Doubt doubt in read) await again.RemoveAsync(doubt.Key == BlobKey.Parse("c/ö") ? doubt with { Parts = 1 } : doubt);
        Assert.Equal(1, await CountAsync(database));
    }

    [Fact]
    public async Task Stores_that_share_a_database_do_not_see_each_others_rows()
    {
        var database = new MemoryKvDatabase();
        TierState one = await TierState.OpenAsync(database, "one", CancellationToken.None), other = await TierState.OpenAsync(database, "one2", CancellationToken.None);
        await one.KeepAsync(DoubtOf("none", PendingChanges.Write), default, 0);
        Assert.Single(await one.ReadDoubtsAsync(CancellationToken.None));
        Assert.Empty(await other.ReadDoubtsAsync(CancellationToken.None));
    }

    [Fact]
    public async Task More_rows_than_a_page_are_all_read()
    {
        TierState state = await TierState.OpenAsync(new MemoryKvDatabase(), "many", CancellationToken.None);
        for (int i = 0; i < 2001; i++) await state.KeepAsync(DoubtOf("none", PendingChanges.Write) with { Key = BlobKey.Parse($"key/{i}") }, default, 0);
        Assert.Equal(2001, (await state.ReadDoubtsAsync(CancellationToken.None)).Select(d => d.Key).Distinct().Count());
    }

    [Fact]
    public async Task A_row_of_another_format_is_refused_and_a_damaged_one_is_an_error()
    {
        var database = new MemoryKvDatabase();
        byte[] header = [0, .. "s"u8, 0], row = [1, .. "s"u8, 0, .. "a/key"u8];
        await SetAsync(header, [(byte)'S', (byte)'T', (byte)'I', (byte)'R', 2, 0, 0, 0]);
        Assert.Equal(StorageErrorKind.Unsupported, (await Assert.ThrowsAsync<StorageException>(async () => await TierState.OpenAsync(database, "s", CancellationToken.None))).Kind);
        await SetAsync(header, [(byte)'S', (byte)'T', (byte)'I', (byte)'R', 1, 0, 0, 0]);
        TierState state = await TierState.OpenAsync(database, "s", CancellationToken.None);
        byte[] whole = DoubtRecord.Write(DoubtOf("write", PendingChanges.Write));
        for (int length = 0; length < whole.Length; length++)
        {
            await SetAsync(row, whole[..length]);
            Assert.Equal(StorageErrorKind.Corrupt, (await Assert.ThrowsAsync<StorageException>(async () => await state.ReadDoubtsAsync(CancellationToken.None))).Kind);
        }

        async Task SetAsync(byte[] key, byte[] value) =>
            await database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(key, KvValue.OfBytes(value))] }, CancellationToken.None);
    }

    private static async Task<int> CountAsync(MemoryKvDatabase database) =>
        (await database.SnapshotReadAsync([new ReadRange(new byte[] { 0 }, new byte[] { 255 }, 1000)], null, CancellationToken.None))[0].Entries.Count;

    private static Doubt DoubtOf(string intention, PendingChanges pending) => new()
    {
        Key = Key, Since = Now, Pending = pending,
        Intention = intention switch { "write" => LastIntention.Write, "delete" => LastIntention.Delete, _ => LastIntention.None },
        Version = intention == "none" ? default : new BlobVersion(20),
        Info = intention == "write" ? Blob(20) : null,
    };

    private static BlobInfo? Found(string what) => what switch
    {
        "nothing" => null,
        "older" => Blob(10),
        "itself" => Blob(20),
        "newer" => Blob(30),
        _ => Blob(0) with { ETag = "theirs" },
    };

    private static BlobInfo Blob(ulong version) => new() { Key = Key, Length = 3, Version = new BlobVersion(version), ETag = new BlobVersion(version).ToETag(), Created = Now, Modified = Now };
}
