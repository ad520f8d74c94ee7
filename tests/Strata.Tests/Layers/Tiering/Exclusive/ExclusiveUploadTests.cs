using Strata.Testing;
using Xunit;
using static Strata.Tests.HomesFixture;

namespace Strata.Tests;

/// <summary>Uploads in parts where each blob has one home: where they begin, where they end, and what may fail in between.</summary>
public sealed class ExclusiveUploadTests
{
    [Theory]
    [InlineData(60, "warm")]
    [InlineData(100, "warm")]
    [InlineData(101, "cold")]
    public async Task A_completed_upload_is_where_its_length_belongs(int length, string home)
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(50);
        (MultipartUpload upload, PartReference part) = await f.BeginAsync(length, 2, new WriteOptions { ContentType = "text/plain" });
        Assert.Equal("warm 50 of 1", await f.StateAsync());
        CompleteResult completed = await f.Uploads.CompleteAsync(Key, upload.Id, [part], new CompleteOptions { ETag = "own" });
        Assert.Equal((CompleteStatus.Completed, home, "own", "text/plain"), (completed.Status, completed.Info!.Tier, completed.Info.ETag, completed.Info.ContentType));
        Assert.Equal(completed.Info, await f.Store.StatAsync(Key));
        Assert.Equal(($"{home} {length} of 2", $"{home} {length}", 0), (await f.StateAsync(), await f.TiersAsync(), f.Store.Pending));
        Assert.Empty(await f.Uploads.ListUploadsAsync(new UploadListRequest()));
    }

    [Fact]
    public async Task A_rule_and_before_it_the_upload_s_own_tier_say_where_it_goes()
    {
        await using HomesFixture f = await OpenAsync(false, new PlacementRule { Prefix = "a/", Tier = "cold" });
        Assert.Equal("cold", (await f.UploadAsync(10)).Info!.Tier);
        Assert.Equal("warm", (await f.UploadAsync(10, options: new WriteOptions { Tier = "warm" })).Info!.Tier);
        BlobKey other = BlobKey.Parse("b");
        Assert.Equal("cold", (await f.UploadAsync(10, options: new WriteOptions { OnlyTiers = ["cold"] }, key: other)).Info!.Tier);
        Assert.Equal("warm", (await f.UploadAsync(10, key: other)).Info!.Tier);

        // Over a restart, too.
        (MultipartUpload upload, PartReference part) = await f.BeginAsync(10, options: new WriteOptions { Tier = "cold" }, key: other);
        await f.ReopenAsync();
        Assert.Equal("cold", (await f.Uploads.CompleteAsync(other, upload.Id, [part])).Info!.Tier);
    }

    [Fact]
    public async Task A_condition_is_judged_by_the_index_and_leaves_the_upload_as_it_was()
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(50);
        (MultipartUpload upload, PartReference part) = await f.BeginAsync(500, 2);
        CompleteResult refused = await f.Uploads.CompleteAsync(Key, upload.Id, [part], new CompleteOptions { Condition = WriteCondition.IfAbsent });
        Assert.Equal((CompleteStatus.PreconditionFailed, 50L), (refused.Status, refused.Info!.Length));
        Assert.Equal((CompleteStatus.InvalidPart, 1), ((await f.Uploads.CompleteAsync(Key, upload.Id, [part with { ETag = "another" }])) is var invalid ? invalid.Status : default, invalid.InvalidPart));
        Assert.Equal(("warm 50 of 1", 0, 1), (await f.StateAsync(), f.Store.Pending, (await f.Uploads.FindAsync(Key, upload.Id))!.Parts));
        BlobInfo current = (await f.Store.StatAsync(Key))!;
        Assert.Equal(CompleteStatus.Completed, (await f.Uploads.CompleteAsync(Key, upload.Id, [part], new CompleteOptions { Condition = WriteCondition.IfMatch(current.ETag) })).Status);
        Assert.Equal(CompleteStatus.Missing, (await f.Uploads.CompleteAsync(Key, upload.Id, [part])).Status);
        Assert.Equal("cold 500 of 2", await f.StateAsync());
    }

    [Fact]
    public async Task A_home_that_is_out_costs_its_own_uploads()
    {
        await using HomesFixture f = await OpenAsync();
        (MultipartUpload cold, PartReference part) = await f.BeginAsync(500);
        (MultipartUpload warm, PartReference other) = await f.BeginAsync(50, 2, new WriteOptions { OnlyTiers = ["warm"] });
        f.ColdStage.Before = _ => throw Down();
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await f.Uploads.CompleteAsync(Key, cold.Id, [part]));
        Assert.Equal((StorageErrorKind.Unavailable, "cold", WriteOutcome.NotApplied), (error.Kind, error.Store, error.Outcome));
        await Assert.ThrowsAsync<StorageException>(async () => await f.Uploads.OpenPartAsync(Key, cold.Id, 2));
        Assert.Equal(CompleteStatus.Completed, (await f.Uploads.CompleteAsync(Key, warm.Id, [other])).Status);
        Assert.Equal("warm 50 of 2", await f.StateAsync());
        f.ColdStage.Before = _ => Task.CompletedTask;
        Assert.Equal(CompleteStatus.Completed, (await f.Uploads.CompleteAsync(Key, cold.Id, [part])).Status);
        Assert.Equal(("cold 500 of 1", "cold 500"), (await f.StateAsync(), await f.TiersAsync()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_completion_that_a_tier_made_and_did_not_confirm_is_carried_on(bool isAbove)
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(isAbove ? 50 : 500);
        (MultipartUpload upload, PartReference part) = await f.BeginAsync(600, 2);
        f.ColdStage.After = operation => operation == StoreOperation.CompleteUpload ? throw Down(WriteOutcome.Unknown) : Task.CompletedTask;
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await f.Uploads.CompleteAsync(Key, upload.Id, [part]));
        Assert.Equal((WriteOutcome.Unknown, "cold"), (error.Outcome, error.Store));
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.Pending == 0, "The change stays unfinished.");
        Assert.Equal(("cold 600 of 2", "cold 600"), (await f.StateAsync(), await f.TiersAsync()));
    }

    [Fact]
    public async Task A_completed_upload_that_cannot_be_moved_where_it_belongs_stays_where_it_is()
    {
        await using HomesFixture f = await OpenAsync();
        f.WarmStage.Before = operation => operation == StoreOperation.Write ? throw Down() : Task.CompletedTask;
        CompleteResult completed = await f.UploadAsync(50);
        Assert.Equal("cold", completed.Info!.Tier);
        Assert.Equal(("cold 50 of 1", "cold 50", 0), (await f.StateAsync(), await f.TiersAsync(), f.Store.Pending));
    }

    [Fact]
    public async Task Uploads_of_all_homes_are_listed_in_one_order_page_by_page()
    {
        await using HomesFixture f = await OpenAsync();
        var begun = new List<MultipartUpload>();
        for (int i = 0; i < 6; i++)
        {
            begun.Add(await f.Uploads.CreateAsync(BlobKey.Parse($"k{i / 3}"), i % 2 == 0 ? null : new WriteOptions { OnlyTiers = ["warm"] }));
            f.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        var listed = new List<string>();
        var request = new UploadListRequest { Limit = 2 };
        while (await f.Uploads.ListUploadsAsync(request) is { Count: > 0 } page)
        {
            listed.AddRange(page.Select(upload => upload.Id));
            request = request with { AfterKey = page[^1].Key.Value, AfterId = page[^1].Id };
        }

        Assert.Equal(begun.Select(upload => upload.Id), listed);
        Assert.True(await f.Uploads.AbortAsync(begun[1].Key, begun[1].Id));
        Assert.False(await f.Uploads.AbortAsync(begun[1].Key, begun[1].Id));
        Assert.Equal(5, (await f.Uploads.ListUploadsAsync(new UploadListRequest())).Count);
    }

    [Fact]
    public async Task Parts_outlive_a_restart_and_memory_above_serves_what_was_completed()
    {
        using var folder = new TempFolder();
        BlobKey key = BlobKey.Parse("big");
        MultipartUpload upload;
        PartReference first, second;
        await using (TieredBlobStore store = await Builder().OpenAsync())
        {
            Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
            await store.PutBytesAsync(key, Bytes(1_000));
            Assert.Equal(1_000, (await store.GetBytesAsync(key))!.Length);
            upload = await uploads.CreateAsync(key);
            first = await PartAsync(uploads, 1, Bytes(200_000, 2));
        }

        await using (TieredBlobStore store = await Builder().OpenAsync())
        {
            Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
            Assert.Equal(1_000, (await store.GetBytesAsync(key))!.Length);
            second = await PartAsync(uploads, 2, Bytes(100_000, 3));
            Assert.Equal(CompleteStatus.Completed, (await uploads.CompleteAsync(key, upload.Id, [first, second])).Status);
            byte[] whole = [.. Bytes(200_000, 2), .. Bytes(100_000, 3)];
            Assert.Equal(whole, await store.GetBytesAsync(key));
            Assert.Equal("cold", (await store.LocateAsync(key))[^1]);
        }

        TieredStoreBuilder Builder() => new TieredStoreBuilder()
            .WithOptions(new TieringOptions { Containment = Containment.Exclusive })
            .AddTier("hot", "memory:?maxBytes=1MiB")
            .AddTier("warm", folder.Sub("warm"), maxBytes: 8 << 20, maxBlobBytes: 100_000)
            .AddTier("cold", folder.Sub("cold"));

        async Task<PartReference> PartAsync(IMultipartUploads uploads, int number, byte[] bytes)
        {
            await using IBlobWriter? writer = await uploads.OpenPartAsync(key, upload.Id, number);
            await writer!.WriteAsync(bytes, CancellationToken.None);
            return new PartReference(number, (await writer.CommitAsync(null, CancellationToken.None)).Info!.ETag);
        }
    }
}
