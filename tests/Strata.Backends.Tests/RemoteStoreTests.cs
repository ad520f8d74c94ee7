using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Sweeps, and uploads in parts that outlive their process, over every object store alike.</summary>
public abstract class RemoteStoreTests : IAsyncLifetime
{
    private static readonly BlobKey Key = BlobKey.Parse("dir/blob");

    /// <summary>At the machine's time, as servers stamp their objects by theirs.</summary>
    private readonly FakeClock _clock = new(TimeProvider.System.GetUtcNow());
    private IBlobStore _store = null!;

    private IMultipartUploads Uploads => UploadsOf(_store);

    public async ValueTask InitializeAsync()
    {
        await PrepareAsync();
        _store = await OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _store.DisposeAsync();
        await CleanUpAsync();
    }

    [Fact]
    public async Task An_upload_outlives_its_process()
    {
        byte[][] parts = [Bytes(6 << 20, 1), Bytes(300, 2), Bytes(11 << 20, 3), Bytes(70_000, 4), Bytes(5 << 20, 5), Bytes(9, 6)];
        MultipartUpload upload = await Uploads.CreateAsync(Key, new WriteOptions { ContentType = "text/plain", Metadata = new Dictionary<string, string> { ["Wo"] = "Zürich" } });
        var references = new List<PartReference>();
        for (int i = 0; i < parts.Length; i++)
        {
            references.Add(await PartAsync(Uploads, upload, i + 1, parts[i]));
            if (i % 2 == 0) continue;
            await _store.DisposeAsync();
            _store = await OpenAsync();
        }

        MultipartUpload found = Assert.Single(await Uploads.ListUploadsAsync(new UploadListRequest()));
        Assert.Equal((upload.Id, 6, parts.Sum(p => (long)p.Length), "Zürich"), (found.Id, found.Parts, found.Bytes, found.Options.Metadata!["Wo"]));
        CompleteResult result = await Uploads.CompleteAsync(Key, upload.Id, references);
        Assert.Equal(CompleteStatus.Completed, result.Status);
        byte[] whole = [.. parts.SelectMany(p => p)];
        BlobInfo info = (await _store.StatAsync(Key))!;
        Assert.Equal((Crc32C.Of(whole), whole.Length, "text/plain", "Zürich"), (info.Checksum, (int)info.Length, info.ContentType, info.Metadata["Wo"]));
        AssertSame(whole, await _store.GetBytesAsync(Key));
        Assert.Empty(await OwnAsync("uploads/"));
    }

    [Fact]
    public async Task Another_process_sends_ends_and_is_told()
    {
        await using IBlobStore second = await OpenAsync();
        IMultipartUploads other = UploadsOf(second);
        MultipartUpload upload = await Uploads.CreateAsync(Key);
        PartReference part = await PartAsync(other, upload, 1, Bytes(100));
        await using IBlobWriter? late = await Uploads.OpenPartAsync(Key, upload.Id, 2);
        await late!.WriteAsync(Bytes(100), CancellationToken.None);
        Assert.True(await other.AbortAsync(Key, upload.Id));
        Assert.Equal(WriteStatus.Missing, (await late.CommitAsync(null, CancellationToken.None)).Status);
        Assert.Equal(CompleteStatus.Missing, (await Uploads.CompleteAsync(Key, upload.Id, [part])).Status);
        Assert.Null(await Uploads.FindAsync(Key, upload.Id));
        Assert.Empty(await OwnAsync("uploads/"));
    }

    [Fact]
    public async Task A_completion_under_a_condition_is_refused_or_whole()
    {
        BlobInfo there = (await _store.PutBytesAsync(Key, Bytes(10))).Info!;
        MultipartUpload upload = await Uploads.CreateAsync(Key);
        PartReference[] parts = [await PartAsync(Uploads, upload, 1, Bytes(6 << 20, 1)), await PartAsync(Uploads, upload, 2, Bytes(6 << 20, 2))];
        Assert.Equal(CompleteStatus.PreconditionFailed, (await Uploads.CompleteAsync(Key, upload.Id, parts, new CompleteOptions { Condition = WriteCondition.IfAbsent })).Status);
        Assert.Equal(Bytes(10), await _store.GetBytesAsync(Key));
        CompleteResult result = await Uploads.CompleteAsync(Key, upload.Id, parts, new CompleteOptions { Condition = WriteCondition.IfMatch(there.ETag) });
        Assert.Equal(CompleteStatus.Completed, result.Status);
        AssertSame([.. Bytes(6 << 20, 1), .. Bytes(6 << 20, 2)], await _store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_sweep_takes_what_has_expired_and_leaves_what_is_seen()
    {
        await _store.PutBytesAsync(Key, Bytes(1000));
        await _store.PutBytesAsync(BlobKey.Parse("short"), Bytes(500), new WriteOptions { Expires = _clock.GetUtcNow().AddMinutes(1) });
        await _store.PutBytesAsync(BlobKey.Parse("long"), Bytes(16), new WriteOptions { Expires = _clock.GetUtcNow().AddDays(30) });
        await _store.PutBytesAsync(BlobKey.Parse("large"), Bytes(12 << 20), new WriteOptions { Expires = _clock.GetUtcNow().AddMinutes(1) });
        _clock.Advance(TimeSpan.FromMinutes(59));
        SweepResult early = await SweepAsync();
        Assert.Equal((4, 0, 0, 0), (early.Listed, early.Expired, early.Failed, early.Appendices));
        _clock.Advance(TimeSpan.FromMinutes(3));
        SweepResult result = await SweepAsync();
        Assert.Equal((4, 2, 500 + (12 << 20), 0), (result.Listed, result.Expired, result.Bytes + (IsBuriedOnly ? 32 : 0), result.Failed));
        Assert.Equal([Key.Value, "long"], (await _store.ListPageAsync(new ListRequest())).Items.Select(i => i.Key.Value));
        Assert.Equal(IsBuriedOnly ? 4 : 2, (await NamesAsync()).Count(n => !n.StartsWith(".strata/", StringComparison.Ordinal)));
        Assert.Empty(await OwnAsync("appendix/"));
        Assert.Equal(Bytes(16), await _store.GetBytesAsync(BlobKey.Parse("long")));
    }

    [Fact]
    public async Task A_sweep_takes_tombstones_when_their_time_is_over()
    {
        await using IBlobStore store = await OpenAsync(TimeSpan.FromHours(2));
        for (int i = 0; i < 3; i++)
        {
            await store.PutBytesAsync(BlobKey.Parse($"k{i}"), Bytes(100));
            await store.DeleteAsync(BlobKey.Parse($"k{i}"));
        }

        await store.PutBytesAsync(BlobKey.Parse("k2"), Bytes(16));
        _clock.Advance(TimeSpan.FromHours(1.9));

        // One that keeps none knows by the tombstone itself how long it is needed.
        Assert.Equal(0, (await SweepAsync(new SweepOptions { OnlyTombstones = true })).Tombstones);
        _clock.Advance(TimeSpan.FromHours(0.2));
        var seen = new List<SweepResult>();
        SweepResult result = await SweepAsync(new SweepOptions { OnlyTombstones = true }, new Recorder(seen));
        Assert.Equal(result.Listed, seen[^1].Listed);
        Assert.Equal((IsBuriedOnly ? 0 : 2, IsBuriedOnly ? 2 : 0), (result.Tombstones, result.Kept));
        Assert.Equal(Bytes(16), await _store.GetBytesAsync(BlobKey.Parse("k2")));
    }

    [Fact]
    public async Task A_sweep_undoes_no_newer_write()
    {
        IBlobStore other = await OpenAsync();
        for (int round = 0; round < 10; round++)
        {
            BlobKey[] keys = [.. Enumerable.Range(0, 8).Select(i => BlobKey.Parse($"r{round}/{i}"))];
            foreach (BlobKey key in keys) await _store.PutBytesAsync(key, Bytes(100), new WriteOptions { Expires = _clock.GetUtcNow().AddMinutes(1) });
            _clock.Advance(TimeSpan.FromHours(2));
            Task<SweepResult> sweep = Task.Run(async () => await SweepAsync());
            await Task.WhenAll(keys.Select((key, i) => Task.Run(async () => await other.PutBytesAsync(key, Bytes(200, i)))));
            await sweep;
            for (int i = 0; i < keys.Length; i++) Assert.Equal(Bytes(200, i), await _store.GetBytesAsync(keys[i]));
        }

        await other.DisposeAsync();
    }

    [Fact]
    public async Task A_sweep_takes_what_crashes_left_after_a_day_and_not_before()
    {
        // An appendix that a blob names, one that none does, an upload whose time is over, one that goes on, a part without an upload.
        var metadata = new Dictionary<string, string> { ["long"] = new string('ü', 3900) };
        await _store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Metadata = metadata });
        string named = Assert.Single(await OwnAsync("appendix/"));
        await PutRawAsync(".strata/appendix/00112233445566778899aabb", "{}");
        await PutRawAsync($".strata/uploads/{new string('a', 32)}/00001", "left");
        MultipartUpload old = await Uploads.CreateAsync(BlobKey.Parse("old"));
        await PartAsync(Uploads, old, 1, Bytes(100));

        // Servers have their own clock, by which what was just written is new.
        SweepResult early = await SweepAsync();
        Assert.Equal((0, 0), (early.Appendices, early.Uploads));
        Assert.Equal(2, (await OwnAsync("appendix/")).Length);
        _clock.Advance(TimeSpan.FromDays(6));
        MultipartUpload fresh = await Uploads.CreateAsync(BlobKey.Parse("fresh"));
        _clock.Advance(TimeSpan.FromDays(1.1));
        SweepResult result = await SweepAsync();
        Assert.Equal((1, 2, 0), (result.Appendices, result.Uploads, result.Failed));
        Assert.Equal([named], await OwnAsync("appendix/"));
        Assert.Equal(fresh.Id, Assert.Single(await Uploads.ListUploadsAsync(new UploadListRequest())).Id);
        Assert.Single(await OwnAsync("uploads/"));
        Assert.Equal(metadata, (await _store.StatAsync(Key))!.Metadata);
    }

    [Fact]
    public async Task A_sweep_that_is_given_up_ends()
    {
        await _store.PutBytesAsync(Key, Bytes(10));
        using var given = new CancellationTokenSource();
        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await SweepOf(_store).SweepAsync(cancellationToken: given.Token));
        await Assert.ThrowsAsync<ArgumentException>(async () => await SweepAsync(new SweepOptions { AbandonedAfter = TimeSpan.FromMinutes(59) }));
    }

    /// <summary>True where the server removes nothing under a condition: what is due is replaced by tombstones, and those stay.</summary>
    protected virtual bool IsBuriedOnly => false;

    protected TimeProvider Clock => _clock;

    protected abstract Task PrepareAsync();

    protected abstract ValueTask<IBlobStore> OpenAsync(TimeSpan? tombstones = null);

    /// <summary>The names of all objects, as others see them.</summary>
    protected abstract Task<string[]> NamesAsync();

    protected abstract Task PutRawAsync(string name, string content);

    protected abstract Task CleanUpAsync();

    protected static IMultipartUploads UploadsOf(IBlobStore store) => store.TryGetFacet(out IMultipartUploads? uploads) ? uploads : throw new InvalidOperationException("The store takes no uploads in parts.");

    protected static async Task<PartReference> PartAsync(IMultipartUploads uploads, MultipartUpload upload, int number, byte[] bytes)
    {
        await using IBlobWriter? writer = await uploads.OpenPartAsync(upload.Key, upload.Id, number);
        await writer!.WriteAsync(bytes, CancellationToken.None);
        return new PartReference(number, (await writer.CommitAsync(null, CancellationToken.None)).Info!.ETag);
    }

    protected static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>As Assert.Equal, but quick and without megabytes in its message.</summary>
    protected static void AssertSame(byte[] expected, byte[]? actual)
    {
        int same = expected.AsSpan().CommonPrefixLength(actual);
        Assert.True(actual?.Length == expected.Length && same == expected.Length, $"There are {actual?.Length} bytes and not {expected.Length}, and they differ from offset {same} on.");
    }

    private static IBlobSweep SweepOf(IBlobStore store) => store.TryGetFacet(out IBlobSweep? sweep) ? sweep : throw new InvalidOperationException("The store has no sweep.");

    private ValueTask<SweepResult> SweepAsync(SweepOptions? options = null, IProgress<SweepResult>? progress = null) => SweepOf(_store).SweepAsync(options, progress);

    private async Task<string[]> OwnAsync(string folder) => [.. (await NamesAsync()).Where(n => n.StartsWith(".strata/" + folder, StringComparison.Ordinal))];

    private sealed class Recorder(List<SweepResult> seen) : IProgress<SweepResult>
    {
        public void Report(SweepResult value) => seen.Add(value);
    }
}
