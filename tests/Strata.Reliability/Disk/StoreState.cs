using System.Collections.Immutable;

namespace Strata.Reliability;

/// <summary>All that a disk store holds at a moment: as a test expects it, or as it was read.</summary>
internal sealed class StoreState
{
    /// <summary>By key.</summary>
    public SortedDictionary<string, StoredBlob> Blobs { get; private init; } = new(StringComparer.Ordinal);

    /// <summary>By the operation that began them.</summary>
    public SortedDictionary<string, StoredUpload> Uploads { get; private init; } = new(StringComparer.Ordinal);

    /// <summary>Files of the values folder that are in use.</summary>
    public int Files => Blobs.Values.Sum(b => b.Files) + Uploads.Values.Sum(u => u.Parts.Values.Count(p => p.Length > 0));

    /// <summary>Reads all of a store by listings of a few keys, each blob by its bytes.</summary>
    public static async Task<StoreState> ReadAsync(DiskBlobStore store)
    {
        var state = new StoreState();
        string? token = null;
        do
        {
            ListPage page = await store.ListPageAsync(new ListRequest { Limit = 4, Token = token });
            foreach (BlobInfo listed in page.Items) state.Blobs.Add(listed.Key.Value, await ReadAsync(store, listed));
            token = page.Token;
        }
        while (token is not null);

        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
        foreach (MultipartUpload upload in await uploads.ListUploadsAsync(new UploadListRequest()))
        {
            IReadOnlyList<UploadedPart> parts = (await uploads.ListPartsAsync(upload.Key, upload.Id))!;
            Assert.Equal((parts.Count, parts.Sum(p => p.Length)), (upload.Parts, upload.Bytes));
            string operation = upload.Options.Metadata!["op"];
            state.Uploads.Add(operation, new StoredUpload(operation, upload.Key.Value, parts.ToImmutableSortedDictionary(p => p.Number, p => new StoredPart(p.Length, p.Checksum) { ETag = p.ETag })) { Id = upload.Id });
        }

        return state;
    }

    public StoreState Copy() => new() { Blobs = new(Blobs, StringComparer.Ordinal), Uploads = new(Uploads, StringComparer.Ordinal) };

    /// <summary>What is left of it when so much time has passed.</summary>
    public StoreState At(DateTimeOffset now)
    {
        StoreState left = Copy();
        foreach (string gone in Blobs.Where(b => b.Value.Expires <= now).Select(b => b.Key)) left.Blobs.Remove(gone);
        return left;
    }

    /// <summary>How this, which was found, differs from what was wanted; null: it does not.</summary>
    public string? Difference(StoreState wanted)
    {
        IEnumerable<string> blobs =
            from key in Blobs.Keys.Union(wanted.Blobs.Keys)
            let found = Blobs.GetValueOrDefault(key)
            let want = wanted.Blobs.GetValueOrDefault(key)
            where found is null || want is null || !found.Is(want)
            select $"'{key}' is {found?.ToString() ?? "missing"}, not {want?.ToString() ?? "missing"}";
        IEnumerable<string> uploads =
            from operation in Uploads.Keys.Union(wanted.Uploads.Keys)
            let found = Uploads.GetValueOrDefault(operation)
            let want = wanted.Uploads.GetValueOrDefault(operation)
            where found is null || want is null || !found.Is(want)
            select $"upload {operation} is {found?.ToString() ?? "missing"}, not {want?.ToString() ?? "missing"}";
        string difference = string.Join("; ", blobs.Concat(uploads));
        return difference.Length == 0 ? null : difference;
    }

    private static async Task<StoredBlob> ReadAsync(DiskBlobStore store, BlobInfo listed)
    {
        Assert.Equal(listed.Version, (await store.StatAsync(listed.Key))?.Version);
        uint checksum = 0;
        bool isLost = false;
        try
        {
            await using BlobReadResult? read = await store.ReadAsync(listed.Key);
            Assert.NotNull(read);
            Assert.Equal((listed.Version, listed.Length), (read.Info.Version, read.Length));
            checksum = Crc32C.Of(await read.ToArrayAsync());
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Corrupt)
        {
            isLost = true;
        }

        return new StoredBlob(listed.Metadata["op"], listed.ContentType, listed.Length, checksum) { IsLost = isLost, Version = listed.Version, ETag = listed.ETag, Expires = listed.Expires };
    }
}
