using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>A disk store in a folder of its own that a test opens, closes and tampers with.</summary>
public abstract class DiskFixture : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private DiskBlobStore? _store;

    protected static BlobKey Key { get; } = BlobKey.Parse("a/key");

    protected FakeClock Clock { get; } = new();

    private protected WarningCounter Log { get; } = new();

    protected string Folder => _folder.Path;

    protected DiskBlobStore Store => _store!;

    protected IMultipartUploads Uploads => Store.TryGetFacet(out IMultipartUploads? uploads) ? uploads : throw new InvalidOperationException("The store has no uploads.");

    /// <summary>Value files that hold something which the store needs.</summary>
    protected int FilesInUse => Store.GetValueFileStatistics().Files;

    /// <summary>Value files that nothing needs but a reader.</summary>
    protected int FilesRetired => Store.GetValueFileStatistics().Retired;

    public async ValueTask DisposeAsync()
    {
        if (_store is not null) await _store.DisposeAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the store; closes it before if it is open.</summary>
    protected async Task OpenAsync(long? maxBytes = null, TimeSpan? expiry = null, DiskDurability durability = DiskDurability.Flush, bool evicts = false, int? segmentBytes = null, bool mapReads = true)
    {
        await CloseAsync();
        var options = new DiskBlobStoreOptions
        {
            Path = _folder.Path,
            MaxBytes = maxBytes,
            Durability = durability,
            Evicts = evicts,
            MapReads = mapReads,
            SegmentBytes = segmentBytes ?? LogOptions.MaxSegmentBytes,
            UploadExpiry = expiry ?? TimeSpan.FromDays(7),
        };
        _store = await DiskBlobStore.OpenAsync(options, StoreContext.Default with { Clock = Clock, Loggers = Log });
    }

    protected async Task CloseAsync()
    {
        if (_store is not null) await _store.DisposeAsync();
        _store = null;
    }

    protected static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    protected static BlobKey KeyOf(int i) => BlobKey.Parse($"k/{i:d5}");

    protected async Task<PartReference> PartAsync(MultipartUpload upload, int number, byte[] bytes)
    {
        await using IBlobWriter? writer = await Uploads.OpenPartAsync(upload.Key, upload.Id, number);
        await writer!.WriteAsync(bytes, CancellationToken.None);
        WriteResult result = await writer.CommitAsync(null, CancellationToken.None);
        Assert.True(result.IsWritten, $"part {number} came to {result.Status}");
        return new PartReference(number, result.Info!.ETag);
    }

    /// <summary>An upload of <see cref="Key"/> with its parts, not completed.</summary>
    protected async Task<(MultipartUpload Upload, PartReference[] Parts)> BeginAsync(params byte[][] parts)
    {
        MultipartUpload upload = await Uploads.CreateAsync(Key, new WriteOptions { ContentType = "text/plain" });
        var references = new PartReference[parts.Length];
        for (int i = 0; i < parts.Length; i++) references[i] = await PartAsync(upload, i + 1, parts[i]);
        return (upload, references);
    }

    /// <summary>A blob under <see cref="Key"/> that was uploaded in these parts.</summary>
    protected async Task<MultipartUpload> ComposeAsync(params byte[][] parts)
    {
        (MultipartUpload upload, PartReference[] references) = await BeginAsync(parts);
        CompleteResult result = await Uploads.CompleteAsync(Key, upload.Id, references);
        Assert.Equal(CompleteStatus.Completed, result.Status);
        return upload;
    }

    protected Task AssertHoldsAsync(byte[] expected) => AssertHoldsAsync(Key, expected);

    protected async Task AssertHoldsAsync(BlobKey key, byte[] expected)
    {
        byte[]? read = await Store.GetBytesAsync(key);
        Assert.NotNull(read);
        Assert.True(expected.AsSpan().SequenceEqual(read), $"'{key}' holds other bytes than were written");
    }

    protected async Task AssertNoUploadsAsync() => Assert.Empty(await Uploads.ListUploadsAsync(new UploadListRequest()));

    /// <summary>The books are right: they say what an opening counts.</summary>
    protected async Task AssertBooksAsync(string when, long? maxBytes = null)
    {
        StoreStatistics before = Store.GetStatistics();
        int files = FilesInUse;
        await OpenAsync(maxBytes);
        StoreStatistics after = Store.GetStatistics();
        Assert.True((before.Blobs, before.Bytes) == (after.Blobs, after.Bytes), $"{when}: the books said {before.Blobs} blobs and {before.Bytes} bytes, and an opening finds {after.Blobs} and {after.Bytes}");
        Assert.True(files == FilesInUse, $"{when}: {files} value files were in use, and an opening finds {FilesInUse}");
    }
}
