using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>An upload in parts through the tiers: its completion is a write of the key, and no older copy outlives it.</summary>
public sealed class UploadTests
{
    [Fact]
    public async Task A_completion_leaves_no_older_copy_above_the_origin()
    {
        await using var f = new TierFixture();
        await f.PutAsync("old");
        Assert.Equal("old", await f.GetAsync());
        (IMultipartUploads uploads, MultipartUpload upload, PartReference part) = await BeginAsync(f, "new");
        Assert.Equal("old", await f.GetAsync());
        CompleteResult completed = await uploads.CompleteAsync(Key, upload.Id, [part]);
        Assert.Equal("cold", completed.Info!.Tier);
        Assert.Equal("new", await f.GetAsync());
        await f.IdleAsync();
        Assert.Equal("new", await f.GetAsync());
    }

    [Fact]
    public async Task A_reader_that_fetched_before_the_completion_fills_nothing_after_it()
    {
        await using var f = new TierFixture(new TieringOptions { Writes = TieringWrites.Around });
        await f.PutAsync("old");
        (IMultipartUploads uploads, MultipartUpload upload, PartReference part) = await BeginAsync(f, "new");
        using StoreGate gate = f.Gates.Hold(StoreOperation.Read, CallMoment.After);
        Task<string?> late = f.GetAsync();
        await gate.WaitForArrivalAsync();
        Assert.Equal(CompleteStatus.Completed, (await uploads.CompleteAsync(Key, upload.Id, [part])).Status);
        gate.Open();
        await late;
        await f.IdleAsync();
        Assert.Equal("new", await f.GetAsync());
    }

    [Fact]
    public async Task A_completion_that_the_origin_refused_leaves_the_copy_that_was_there()
    {
        await using var f = new TierFixture();
        await f.PutAsync("good");
        (IMultipartUploads uploads, MultipartUpload upload, PartReference part) = await BeginAsync(f, "failed");
        f.Faults.Inject(StoreFault.On(StoreOperation.CompleteUpload));
        await Assert.ThrowsAsync<StorageException>(async () => await uploads.CompleteAsync(Key, upload.Id, [part]));
        f.Faults.Inject(StoreFault.On(StoreOperation.Read));
        Assert.Equal("good", await f.GetAsync());
    }

    [Theory]
    [InlineData(CallMoment.After, "new")]
    [InlineData(CallMoment.Before, "old")]
    public async Task After_an_unknown_outcome_of_a_completion_the_origin_is_asked_first(CallMoment moment, string expected)
    {
        await using var f = new TierFixture();
        await f.PutAsync("old");
        (IMultipartUploads uploads, MultipartUpload upload, PartReference part) = await BeginAsync(f, "new");
        f.Faults.Inject(StoreFault.On(StoreOperation.CompleteUpload) with
        {
            Moment = moment, Error = _ => new StorageException(StorageErrorKind.Timeout, "no reply") { Outcome = WriteOutcome.Unknown },
        });
        await Assert.ThrowsAsync<StorageException>(async () => await uploads.CompleteAsync(Key, upload.Id, [part]));
        f.Faults.Inject(StoreFault.On(StoreOperation.Stat, StoreOperation.Read));
        await Assert.ThrowsAsync<StorageException>(f.GetAsync);
        f.Faults.Heal();
        Assert.Equal(expected, await f.GetAsync());
    }

    private static async Task<(IMultipartUploads Uploads, MultipartUpload Upload, PartReference Part)> BeginAsync(TierFixture f, string text)
    {
        Assert.True(f.Store.TryGetFacet(out IMultipartUploads? uploads));
        MultipartUpload upload = await uploads.CreateAsync(Key);
        await using IBlobWriter? writer = await uploads.OpenPartAsync(Key, upload.Id, 1);
        await writer!.WriteAsync(Bytes(text), CancellationToken.None);
        WriteResult kept = await writer.CommitAsync(null, CancellationToken.None);
        return (uploads, upload, new PartReference(1, kept.Info!.ETag));
    }
}
