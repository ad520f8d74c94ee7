using System.Text;
using Xunit;

namespace Strata.Testing;

/// <content>Types and user metadata, their limits, and updates.</content>
public abstract partial class BlobStoreConformance
{
    [Fact]
    public async Task Metadata_and_types_are_kept_as_given()
    {
        var metadata = new Dictionary<string, string>
        {
            ["plain"] = "value", ["Plain"] = "names are case-sensitive", ["grüße"] = "Zürich — 東京 — 🚀", ["empty"] = "", ["lines"] = "a\nb\tc", ["x y"] = " spaces ",
        };
        await PutAsync("a", Bytes(10), new WriteOptions { ContentType = "text/plain; charset=utf-8", ContentEncoding = "gzip", Metadata = metadata });

        BlobInfo info = await StatAsync("a");
        Assert.Equal("text/plain; charset=utf-8", info.ContentType);
        Assert.Equal("gzip", info.ContentEncoding);
        AssertMetadata(metadata, info);
        metadata["plain"] = "changed by the caller, later";
        Assert.Equal("value", (await StatAsync("a")).Metadata["plain"]);
        await using IBlobWriter writer = await Store.OpenWriterAsync(Key("b"), new WriteOptions { ContentType = "image/png", Metadata = info.Metadata });
        await writer.CommitAsync(null, CancellationToken.None);
        Assert.Equal("image/png", (await StatAsync("b")).ContentType);
        AssertMetadata(info.Metadata, await StatAsync("b"));
    }

    [Fact]
    public async Task A_blob_without_metadata_has_an_empty_set()
    {
        await PutAsync("a");
        await PutAsync("b", Bytes(1), new WriteOptions { Metadata = new Dictionary<string, string>() });
        Assert.Empty((await StatAsync("a")).Metadata);
        Assert.Empty((await StatAsync("b")).Metadata);
    }

    [Fact]
    public async Task Metadata_up_to_the_limits_is_kept()
    {
        var metadata = new Dictionary<string, string> { [new string('n', 255)] = "long name", ["ü"] = "" };
        int used = metadata.Sum(p => Encoding.UTF8.GetByteCount(p.Key) + Encoding.UTF8.GetByteCount(p.Value));
        metadata["rest"] = new string('v', WriteOptions.MaxMetadataBytes - used - 4);
        await PutAsync("a", Bytes(1), new WriteOptions { Metadata = metadata, ContentType = new string('t', 255), ContentEncoding = new string('e', 255), ETag = new string('E', 255) });
        BlobInfo info = await StatAsync("a");
        AssertMetadata(metadata, info);
        Assert.Equal((255, 255, 255), (info.ContentType!.Length, info.ContentEncoding!.Length, info.ETag.Length));
    }

    public static TheoryData<string, WriteOptions> BeyondLimits => new()
    {
        { "too much metadata", new WriteOptions { Metadata = new Dictionary<string, string> { ["name"] = new string('ü', WriteOptions.MaxMetadataBytes / 2) } } },
        { "an empty name", new WriteOptions { Metadata = new Dictionary<string, string> { [""] = "v" } } },
        { "a long name", new WriteOptions { Metadata = new Dictionary<string, string> { [new string('n', 256)] = "v" } } },
        { "a control in a name", new WriteOptions { Metadata = new Dictionary<string, string> { ["a\nb"] = "v" } } },
        { "NUL in a value", new WriteOptions { Metadata = new Dictionary<string, string> { ["a"] = "a\0b" } } },
        { "a long type", new WriteOptions { ContentType = new string('t', 256) } },
        { "a control in a type", new WriteOptions { ContentType = "text/plain\r\nX: y" } },
        { "a long encoding", new WriteOptions { ContentEncoding = new string('e', 256) } },
        { "an empty ETag", new WriteOptions { ETag = "" } },
        { "the ETag *", new WriteOptions { ETag = "*" } },
        { "a long ETag", new WriteOptions { ETag = new string('e', 256) } },
    };

    [Theory]
    [MemberData(nameof(BeyondLimits), DisableDiscoveryEnumeration = true)]
    public async Task Options_beyond_their_limits_are_the_callers_fault(string what, WriteOptions options)
    {
        Assert.NotEmpty(what);
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.PutBytesAsync(Key("a"), Bytes(1), options));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.OpenWriterAsync(Key("a"), options));
        await AssertMissingAsync("a");
        if (options.ETag is not null) return; // An update has none.
        BlobInfo info = await PutAsync("a");
        var changes = new BlobChanges
        {
            ContentType = options.ContentType ?? default(Change<string?>),
            ContentEncoding = options.ContentEncoding ?? default(Change<string?>),
            Metadata = new Change<IReadOnlyDictionary<string, string>?>().Or(options.Metadata) is { } m ? Set(m) : default,
        };
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.UpdateAsync(Key("a"), changes));
        AssertSame(info, await StatAsync("a"));
    }

    [Fact]
    public async Task An_update_sets_clears_and_leaves()
    {
        await PutAsync("a", Bytes(5000), new WriteOptions { ContentType = "text/plain", ContentEncoding = "gzip", Metadata = new Dictionary<string, string> { ["x"] = "1", ["y"] = "2" } });

        WriteResult set = await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/html", Metadata = Set(new Dictionary<string, string> { ["z"] = "ž" }) });
        Assert.Equal(WriteStatus.Written, set.Status);
        BlobInfo info = await StatAsync("a");
        AssertSame(set.Info!, info);
        Assert.Equal(("text/html", "gzip"), (info.ContentType, info.ContentEncoding));
        AssertMetadata(new Dictionary<string, string> { ["z"] = "ž" }, info);

        await Store.UpdateAsync(Key("a"), new BlobChanges { ContentEncoding = (string?)null });
        info = await StatAsync("a");
        Assert.Equal(("text/html", null), (info.ContentType, info.ContentEncoding));
        Assert.Single(info.Metadata);

        await Store.UpdateAsync(Key("a"), new BlobChanges { Metadata = Set(null), ContentType = (string?)null });
        info = await StatAsync("a");
        Assert.Null(info.ContentType);
        Assert.Empty(info.Metadata);
        Assert.Equal(5000, info.Length);
        await AssertHoldsAsync("a", Bytes(5000));
        Assert.True(info.Checksum is null || info.Checksum == Crc32C.Of(Bytes(5000)));
    }

    [Fact]
    public async Task Edits_of_single_names_do_not_undo_each_other()
    {
        await PutAsync("a", Bytes(50), new WriteOptions { Metadata = new Dictionary<string, string> { ["kept"] = "1", ["gone"] = "2" } });
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
            await Store.UpdateAsync(Key("a"), new BlobChanges { MetadataEdits = new Dictionary<string, string?> { [$"n{i}"] = $"{i}", ["gone"] = null } }))));
        AssertMetadata(Enumerable.Range(0, 8).Select(i => ($"n{i}", $"{i}")).Append(("kept", "1")).ToDictionary(), await StatAsync("a"));
        var tooMuch = new BlobChanges { MetadataEdits = new Dictionary<string, string?> { ["x"] = new('v', WriteOptions.MaxMetadataBytes - 1) } };
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.UpdateAsync(Key("a"), tooMuch));
        await AssertHoldsAsync("a", Bytes(50));
    }

    [Fact]
    public async Task An_update_keeps_the_ETag_where_it_is_asked_to_and_is_a_newer_write_all_the_same()
    {
        BlobInfo first = await PutAsync("a", Bytes(50), new WriteOptions { ETag = "md5" });
        WriteResult kept = await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/plain", KeepsETag = true });
        Assert.Equal("md5", kept.Info!.ETag);
        Assert.True(kept.Info.Version > first.Version);
        AssertSame(kept.Info, await StatAsync("a"));
        await AssertHoldsAsync("a", Bytes(50));
        Assert.NotEqual("md5", (await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/html" })).Info!.ETag);
    }

    [Fact]
    public async Task Metadata_told_at_the_commit_takes_the_place_of_the_earlier()
    {
        await using IBlobWriter writer = await Store.OpenWriterAsync(Key("a"), new WriteOptions { Metadata = new Dictionary<string, string> { ["early"] = "1" } });
        await writer.WriteAsync(Bytes(10), CancellationToken.None);
        var late = new Dictionary<string, string> { ["late"] = "2" };
        Assert.True((await writer.CommitAsync(new CommitOptions { Metadata = late }, CancellationToken.None)).IsWritten);
        AssertMetadata(late, await StatAsync("a"));
    }

    private static Change<IReadOnlyDictionary<string, string>?> Set(IReadOnlyDictionary<string, string>? metadata) => new(metadata);

    private static void AssertMetadata(IReadOnlyDictionary<string, string> expected, BlobInfo info) =>
        Assert.Equal(expected.OrderBy(p => p.Key, StringComparer.Ordinal), info.Metadata.OrderBy(p => p.Key, StringComparer.Ordinal));
}
