using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Two homes, warm for blobs of up to 100 bytes and cold for any, with an index, all within reach of the test.</summary>
internal sealed class HomesFixture : IAsyncDisposable
{
    public static readonly BlobKey Key = BlobKey.Parse("a/key");

    private HomesFixture(bool isRemote, bool isShared)
    {
        Context = StoreContext.Default with { Clock = Clock };
        Warm = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }, Context);
        Cold = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, Context);
        WarmStage = new StagedTier(Warm, isRemote && !isShared);
        ColdStage = new StagedTier(Cold, isRemote);
        Rows = new MemoryKvDatabase(null, Context);
        Index = new FlakyDatabase(isShared ? Warm.Rows : Rows);
        if (isShared) WarmStage.OwnRows = Index;
    }

    /// <summary>Its uploads in parts.</summary>
    public IMultipartUploads Uploads => Store.TryGetFacet(out IMultipartUploads? uploads) ? uploads : throw new InvalidOperationException("The store takes no uploads in parts.");

    public FakeClock Clock { get; } = new();

    public StoreContext Context { get; }

    public MemoryBlobStore Warm { get; }

    public MemoryBlobStore Cold { get; }

    public StagedTier WarmStage { get; }

    public StagedTier ColdStage { get; }

    public MemoryKvDatabase Rows { get; }

    public FlakyDatabase Index { get; }

    public ExclusiveBlobStore Store { get; private set; } = null!;

    public static Task<HomesFixture> OpenAsync(bool isRemote = false, params PlacementRule[] rules) => OpenAsync(isRemote, isShared: false, rules);

    /// <summary>With the index in the warm home's own rows; then only the cold one can be remote.</summary>
    public static Task<HomesFixture> OpenSharedAsync(bool isRemote = false) => OpenAsync(isRemote, isShared: true, []);

    private static async Task<HomesFixture> OpenAsync(bool isRemote, bool isShared, PlacementRule[] rules)
    {
        var fixture = new HomesFixture(isRemote, isShared);
        await fixture.ReopenAsync(rules);
        return fixture;
    }

    /// <summary>As after a restart: what was in memory alone is forgotten.</summary>
    public async Task ReopenAsync(params PlacementRule[] rules)
    {
        if (Store is not null) await Store.DisposeAsync();
        Store = await ExclusiveBlobStore.OpenAsync(
            [new Tier { Name = "warm", Store = WarmStage, MaxBlobBytes = 100 }, new Tier { Name = "cold", Store = ColdStage }], Index, ownsIndex: false, new ExclusiveOptions { Rules = rules }, Context);
    }

    public static byte[] Bytes(int length, byte fill = 1) => Enumerable.Repeat(fill, length).ToArray();

    /// <summary>Begins an upload with one part.</summary>
    public async Task<(MultipartUpload Upload, PartReference Part)> BeginAsync(int length, byte fill = 1, WriteOptions? options = null, BlobKey? key = null)
    {
        MultipartUpload upload = await Uploads.CreateAsync(key ?? Key, options);
        await using IBlobWriter? writer = await Uploads.OpenPartAsync(upload.Key, upload.Id, 1);
        await writer!.WriteAsync(Bytes(length, fill), CancellationToken.None);
        return (upload, new PartReference(1, (await writer.CommitAsync(null, CancellationToken.None)).Info!.ETag));
    }

    public async Task<CompleteResult> UploadAsync(int length, byte fill = 1, WriteOptions? options = null, BlobKey? key = null)
    {
        (MultipartUpload upload, PartReference part) = await BeginAsync(length, fill, options, key);
        CompleteResult completed = await Uploads.CompleteAsync(upload.Key, upload.Id, [part]);
        Assert.Equal(CompleteStatus.Completed, completed.Status);
        return completed;
    }

    public async Task<WriteResult> PutAsync(int length, byte fill = 1, WriteOptions? options = null)
    {
        WriteResult result = await Store.PutBytesAsync(Key, Bytes(length, fill), options);
        Assert.True(result.IsWritten);
        return result;
    }

    /// <summary>Where the index says that the blob is, and which bytes it has.</summary>
    public async Task<string> StateAsync()
    {
        if (await Store.StatAsync(Key) is not { } info) return "none";
        byte[] bytes = (await Store.GetBytesAsync(Key))!;
        return $"{info.Tier} {bytes.Length} of {bytes.FirstOrDefault()}";
    }

    /// <summary>What each tier holds of the key.</summary>
    public async Task<string> TiersAsync()
    {
        var held = new StringBuilder();
        if (await Warm.GetBytesAsync(Key) is { } warm) held.Append(System.Globalization.CultureInfo.InvariantCulture, $"warm {warm.Length} ");
        if (await Cold.GetBytesAsync(Key) is { } cold) held.Append(System.Globalization.CultureInfo.InvariantCulture, $"cold {cold.Length} ");
        return held.ToString().TrimEnd();
    }

    public static StorageException Down(WriteOutcome outcome = WriteOutcome.NotApplied) => new(StorageErrorKind.Unavailable, "It is down.") { Outcome = outcome, IsTransient = true, Store = "staged" };

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await Warm.DisposeAsync();
        await Cold.DisposeAsync();
        await Rows.DisposeAsync();
    }
}
