using System.Text;
using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>Metadata out and in: the file is as documented, an import takes it whole or not at all, and touches no blob with other bytes.</summary>
public sealed class MetadataTests
{
    private static readonly string Golden = Path.Combine(Repository.Root, "tests", "Strata.Tests", "Layers", "Tiering", "Upkeep", "tier-metadata-1.jsonl");

    [Fact]
    public async Task The_file_is_as_documented()
    {
        await using UpkeepFixture f = await GoldenAsync();
        string written = await ExportAsync(f);
        Assert.Equal(await File.ReadAllTextAsync(Golden), written);
    }

    [Fact]
    public async Task The_golden_file_is_read_for_ever()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/plain", "plain");
        await f.PutAsync("b/rich", "rich");
        await f.PutAsync("c/foreign", "other bytes");
        f.Store.ScoreOf = _ => 1;
        MetadataImport import = await ImportAsync(f, await File.ReadAllTextAsync(Golden));
        Assert.Equal((3, 1, 1, 0, 1, 0), (import.Blobs, import.Applied, import.Unchanged, import.Missing, import.OtherContent, import.Expired));
        Assert.Equal(("tiered", new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)), (import.Store, import.Exported));
        BlobInfo rich = (await f.Store.StatAsync(BlobKey.Parse("b/rich")))!;
        Assert.Equal(("text/plain; charset=utf-8", "gzip", "Jörg \"x\""), (rich.ContentType, rich.ContentEncoding, rich.Metadata["Name"]));
        Assert.Equal(new DateTimeOffset(2031, 2, 3, 4, 5, 6, 789, TimeSpan.Zero), rich.Expires);
        Assert.Equal("rich", await f.GetAsync("b/rich"));
        Assert.Equal(1, (await ImportAsync(f, await File.ReadAllTextAsync(Golden))).OtherContent);
        Assert.Equal(2, (await ImportAsync(f, await File.ReadAllTextAsync(Golden))).Unchanged);
    }

    [Fact]
    public async Task Metadata_that_was_changed_since_comes_back_and_copies_with_the_changed_one_go()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "v", new WriteOptions { Metadata = new Dictionary<string, string> { ["owner"] = "anna" }, ContentType = "text/plain" });
        string export = await ExportAsync(f);
        await f.Store.UpdateAsync(Key, new BlobChanges { Metadata = new(null), ContentType = null });
        Assert.Equal("v", await f.GetAsync("a/key"));
        MetadataImport import = await ImportAsync(f, export);
        Assert.Equal(1, import.Applied);
        BlobReadResult? read = await f.Store.ReadAsync(Key);
        await using (read) Assert.Equal(("anna", "text/plain"), (read!.Info.Metadata["owner"], read.Info.ContentType));
    }

    [Fact]
    public async Task A_blob_that_is_gone_or_has_other_bytes_or_would_expire_at_once_is_left_and_counted()
    {
        await using var f = new UpkeepFixture();
        foreach (string key in new[] { "a/changed", "a/gone", "a/late" })
            await f.PutAsync(key, "v", new WriteOptions { ContentType = "text/plain", Expires = key == "a/late" ? f.Clock.GetUtcNow().AddHours(1) : null });
        string export = await ExportAsync(f);
        await f.PutAsync("a/changed", "w");
        await f.Store.DeleteAsync(BlobKey.Parse("a/gone"));
        await f.Store.TouchAsync(BlobKey.Parse("a/late"), null);
        f.Clock.Advance(TimeSpan.FromHours(2));
        MetadataImport import = await ImportAsync(f, export);
        Assert.Equal((3, 0, 1, 1, 1), (import.Blobs, import.Applied, import.Missing, import.OtherContent, import.Expired));
        Assert.Equal("v", await f.GetAsync("a/late"));
        import = await ImportAsync(f, export, new ImportMetadataOptions { OverOtherContent = true });
        Assert.Equal(1, import.Applied);
        Assert.Equal("text/plain", (await f.Store.StatAsync(BlobKey.Parse("a/changed")))!.ContentType);
    }

    public static TheoryData<string, string> Hostile => new()
    {
        { "", "Line 1" },
        { "nonsense\n", "Line 1" },
        { "[1]\n", "Line 1" },
        { """{"format":"other","version":1}""" + "\n", "Line 1" },
        { "HEAD", "Line 2" },
        { "HEAD{\"key\":\"a/key\"}\n", "'length' is missing" },
        { "HEAD{\"key\":\"../key\",\"length\":1}\n", "Line 2" },
        { "HEAD{\"key\":\"a/key\",\"key\":\"b\"}\n", "Line 2" },
        { "HEAD{\"blobs\":1,\"crc32c\":\"00000000\"}\n", "describes 0 blobs" },
        { "HEAD{\"blobs\":0,\"crc32c\":\"00000000\"}\n", "checksum" },
        { "HEAD" + new string(' ', 200_000) + "\n", "longer than" },
        { "HEAD" + new string('[', 100) + "\n", "Line 2" },
        { "HEAD{\"key\":", "cut within" },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task What_is_no_export_is_refused_with_its_line(string text, string told)
    {
        await using var f = new UpkeepFixture();
        string file = text.Replace("HEAD", "{\"format\":\"strata-tier-metadata\",\"version\":1,\"store\":\"s\",\"time\":\"2026-01-01T00:00:00Z\"}\n", StringComparison.Ordinal);
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => ImportAsync(f, file));
        Assert.Equal(StorageErrorKind.Corrupt, e.Kind);
        Assert.Contains(told, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_of_a_later_version_is_refused_as_such()
    {
        await using var f = new UpkeepFixture();
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => ImportAsync(f, "{\"format\":\"strata-tier-metadata\",\"version\":2}\n"));
        Assert.Equal(StorageErrorKind.Unsupported, e.Kind);
    }

    /// <summary>At every length and with every byte changed: all of it, or an error and nothing changed.</summary>
    [Fact]
    public async Task A_cut_or_changed_file_changes_nothing()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "v", new WriteOptions { ContentType = "text/old" });
        byte[] export = Encoding.UTF8.GetBytes(await ExportAsync(f));
        await f.Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/new" });
        for (int i = 0; i < export.Length; i++)
        {
            byte[] changed = [.. export];
            changed[i] ^= 1;
            await Assert.ThrowsAsync<StorageException>(() => f.Upkeep.ImportMetadataAsync(new MemoryStream(export[..i])).AsTask());
            await Assert.ThrowsAsync<StorageException>(() => f.Upkeep.ImportMetadataAsync(new MemoryStream(changed)).AsTask());
        }

        await Assert.ThrowsAsync<StorageException>(() => f.Upkeep.ImportMetadataAsync(new MemoryStream([.. export, .. "{}\n"u8])).AsTask());
        Assert.Equal("text/new", (await f.Store.StatAsync(Key))!.ContentType);
        Assert.Equal(1, (await f.Upkeep.ImportMetadataAsync(new MemoryStream(export))).Applied);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_twice_is_taken_too_up_to_its_limit()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "v");
        string export = await ExportAsync(f);
        using var pipe = new OneWay(Encoding.UTF8.GetBytes(export));
        Assert.Equal(1, (await f.Upkeep.ImportMetadataAsync(pipe)).Unchanged);
        using var again = new OneWay(Encoding.UTF8.GetBytes(export));
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => f.Upkeep.ImportMetadataAsync(again, new ImportMetadataOptions { MaxBytes = 100 }).AsTask());
        Assert.Equal(StorageErrorKind.TooLarge, e.Kind);
    }

    [Fact]
    public async Task A_tier_that_cannot_be_listed_is_told_in_the_file_and_the_rest_is_there()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "v");
        f.Warm.Inject(StoreFault.On(StoreOperation.List));
        using var stream = new MemoryStream();
        MetadataExport export = await f.Upkeep.ExportMetadataAsync(stream);
        Assert.Equal((1, 1), (export.Blobs, export.Bytes));
        Assert.Equal(["warm"], export.UnlistedTiers);
        string text = Encoding.UTF8.GetString(stream.ToArray());
        Assert.Contains("\"tiers\":[\"hot\",\"cold\"],\"score\":", text, StringComparison.Ordinal);
        Assert.Contains("\"unlisted\":[\"warm\"]", text, StringComparison.Ordinal);
        Assert.Equal(1, (await ImportAsync(f, text)).Unchanged);
        f.Origin.Inject(StoreFault.On(StoreOperation.List));
        await Assert.ThrowsAsync<StorageException>(() => f.Upkeep.ExportMetadataAsync(stream).AsTask());
    }

    /// <summary>The blobs of the golden file, with their versions and times.</summary>
    private static async Task<UpkeepFixture> GoldenAsync()
    {
        var f = new UpkeepFixture();
        var time = new DateTimeOffset(2025, 12, 31, 23, 59, 59, TimeSpan.Zero);
        var plain = new BlobInfo { Key = BlobKey.Parse("a/plain"), Length = 5, ETag = "e-1", Version = new BlobVersion(0x0123456789abcdef), Created = time, Modified = time.AddTicks(1), Checksum = Crc32C.Of("plain"u8) };
        BlobInfo rich = plain with
        {
            Key = BlobKey.Parse("b/rich"), Length = 4, ETag = "e-2", Version = new BlobVersion(0x0123456789abcdf0), Expires = new DateTimeOffset(2031, 2, 3, 4, 5, 6, 789, TimeSpan.Zero),
            ContentType = "text/plain; charset=utf-8", ContentEncoding = "gzip", Checksum = Crc32C.Of("rich"u8), Metadata = new Dictionary<string, string> { ["Name"] = "Jörg \"x\"", ["a"] = "" },
        };
        BlobInfo foreign = plain with { Key = BlobKey.Parse("c/foreign"), Length = 7, ETag = "e-3", Checksum = Crc32C.Of("foreign"u8) };
        await f.Store.PutBytesAsync(plain.Key, Bytes("plain"), new WriteOptions { AsCopyOf = plain });
        await f.Store.PutBytesAsync(rich.Key, Bytes("rich"), new WriteOptions { AsCopyOf = rich, SkipTiers = ["hot"] });
        await f.Store.PutBytesAsync(foreign.Key, Bytes("foreign"), new WriteOptions { AsCopyOf = foreign, OnlyTiers = [] });
        f.Store.ScoreOf = key => key == rich.Key ? 2.5 : 0;
        f.Store.PinOf = key => key == rich.Key ? "warm" : null;
        return f;
    }

    private static async Task<string> ExportAsync(UpkeepFixture f)
    {
        using var stream = new MemoryStream();
        await f.Upkeep.ExportMetadataAsync(stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static Task<MetadataImport> ImportAsync(UpkeepFixture f, string text, ImportMetadataOptions? options = null) =>
        f.Upkeep.ImportMetadataAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), options).AsTask();

    private sealed class OneWay(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
