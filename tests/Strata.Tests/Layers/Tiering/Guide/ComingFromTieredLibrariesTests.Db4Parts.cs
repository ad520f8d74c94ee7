using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <content>The table of @db4/storage: what decides where data is, what invalidates copies, and long uploads.</content>
public sealed partial class ComingFromTieredLibrariesTests
{
    private static readonly TierClassifier HotWarmCold = new(new TieringPolicy(), [new TierPlan { Name = "hot" }, new TierPlan { Name = "warm" }, new TierPlan { Name = "cold" }]);

    [Theory]
    [InlineData(30, 1, "hot")]
    [InlineData(120, 1, "warm")]
    [InlineData(50 * 60, 1, "cold")]
    [InlineData(50 * 60, 5, "hot")]
    [GuideRow("classifyTier(document, …)")]
    public void A_blob_is_classified_by_age_and_accesses(int minutes, int accesses, string tier)
    {
        DateTimeOffset now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero), modified = now.AddMinutes(-minutes);
        var use = new KeyUse { Accesses = accesses, HistoryAccesses = 5, FirstSeen = modified, LastAccess = accesses < 5 ? modified : now };
        var facts = new PlacementFacts { Key = Alice, Length = 10, Modified = modified, Now = now, Use = use };
        Assert.Equal(tier, HotWarmCold.Classify(facts).Tier);
        Assert.StartsWith(tier, HotWarmCold.Explain(facts), StringComparison.Ordinal);
    }

    [Fact]
    [GuideRow("getTierPriority()")]
    public void Tiers_are_in_order_the_hottest_first() =>
        Assert.Equal((0, 1, 2), (HotWarmCold.IndexOf("hot"), HotWarmCold.IndexOf("warm"), HotWarmCold.IndexOf("cold")));

    [Fact]
    [GuideRow("isHotter(), isColder()")]
    public void Tiers_are_hotter_or_colder_than_others()
    {
        Assert.True(HotWarmCold.IsHotter("hot", "warm"));
        Assert.True(HotWarmCold.IsColder("cold", "warm"));
        Assert.False(HotWarmCold.IsHotter("warm", "warm"));
        Assert.False(HotWarmCold.IsColder("warm", "warm"));
    }

    [Fact]
    [GuideRow("AccessPatternTracker: historyWindow, coldPredictionThreshold, coldAgeThreshold")]
    public void The_trackers_settings_are_those_and_the_defaults_too()
    {
        var policy = new TieringPolicy();
        Assert.Equal((TimeSpan.FromDays(7), 3, TimeSpan.FromDays(7)), (policy.HistoryWindow, policy.ColdPredictionThreshold, policy.ColdAge));
        var clock = new FakeClock();
        using AccessTracker tracker = New(clock, policy with { ColdPredictionThreshold = 2, ColdAge = TimeSpan.FromHours(1) });
        Record(tracker, Alice);
        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Empty(tracker.PredictCold());
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal([Alice], tracker.PredictCold());
    }

    [Fact]
    [GuideRow("recordAccess(key)")]
    public async Task An_access_is_recorded_by_hand_or_by_the_store_itself()
    {
        var clock = new FakeClock();
        using AccessTracker tracker = New(clock);
        tracker.RecordAccess(Alice);
        Assert.Equal((1, clock.GetUtcNow()), (tracker.UseOf(Alice).Accesses, tracker.UseOf(Alice).LastAccess));
        await using var f = new UpkeepFixture();
        await f.PutAsync("users/user-123", "Alice");
        await f.GetAsync("users/user-123");
        Assert.Equal(2, (await f.Store.StatAsync(Alice))!.AccessCount);
    }

    [Fact]
    [GuideRow("predictColdDocuments()")]
    public void What_is_hardly_used_is_predicted_cold()
    {
        var clock = new FakeClock();
        using AccessTracker tracker = New(clock);
        BlobKey used = BlobKey.Parse("users/used");
        foreach (BlobKey key in new[] { Alice, used }) Record(tracker, key);
        clock.Advance(TimeSpan.FromDays(8));
        for (int i = 0; i < 3; i++) Record(tracker, used);
        Assert.Equal([Alice], tracker.PredictCold());
    }

    [Fact]
    [GuideRow("getTieringScore(key)")]
    public void A_higher_score_is_hotter_and_it_falls_with_time()
    {
        var clock = new FakeClock();
        using AccessTracker tracker = New(clock);
        BlobKey often = BlobKey.Parse("users/often");
        Record(tracker, Alice);
        for (int i = 0; i < 4; i++) Record(tracker, often);
        Assert.Equal((1, 4, 0), (tracker.ScoreOf(Alice), tracker.ScoreOf(often), tracker.ScoreOf(BlobKey.Parse("users/none"))));
        clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal(2, tracker.ScoreOf(often), 2);
    }

    [Fact]
    [GuideRow("CacheInvalidationManager: set, get, invalidateOnWrite")]
    public async Task A_write_replaces_the_copies_and_a_delete_drops_them()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("users/user-123", "Alice");
        await f.PutAsync("users/user-123", "Alicia", new WriteOptions { Tier = "warm" });
        Assert.Equal("warm cold", await f.HoldersAsync("users/user-123"));
        Assert.Equal("Alicia", await f.GetAsync("users/user-123"));
        await f.IdleAsync();
        await f.Store.DeleteAsync(Alice);
        Assert.Equal("", await f.HoldersAsync("users/user-123"));
        Assert.Null(await f.GetAsync("users/user-123"));
    }

    [Fact]
    [GuideRow("defaultTtlMs, cache.set(…, ttl)")]
    public async Task A_copy_is_served_for_as_long_as_was_chosen_and_then_compared()
    {
        await using var f = new UpkeepFixture(new TieringOptions { FreshFor = TimeSpan.FromHours(1) });
        await f.PutAsync("users/user-123", "old");
        await f.PutBehindAsync("users/user-123", "new");
        f.Clock.Advance(TimeSpan.FromHours(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal("old", await f.GetAsync("users/user-123"));
        f.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("new", await f.GetAsync("users/user-123"));
    }

    [Fact]
    [GuideRow("get(…, expectedVersion), versionMismatch, versionBasedInvalidation")]
    public async Task A_reader_that_expects_a_version_is_told_that_it_changed()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("users/user-123", "Alice");
        string expected = (await f.Store.StatAsync(Alice))!.ETag;
        await f.PutAsync("users/user-123", "Bob");
        await using BlobReadResult? read = await f.Store.ReadAsync(Alice, new ReadOptions { IfMatch = expected });
        Assert.Equal(BlobReadStatus.PreconditionFailed, read!.Status);
    }

    [Fact]
    [GuideRow("invalidate(collection, id, HOT)")]
    public async Task A_copy_is_invalidated_in_one_tier_or_in_all()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("users/user-123", "Alice");
        Assert.Equal(["hot"], await f.Store.Tiering.DeleteFromAsync(Alice, ["hot"]));
        Assert.Equal("warm cold", await f.HoldersAsync("users/user-123"));
        await f.PutAsync("users/user-123", "Alicia");
        Assert.Equal(2, (await f.Upkeep.InvalidateAsync(Alice)).Copies);
        Assert.Equal("cold", await f.HoldersAsync("users/user-123"));
        Assert.Equal("Alicia", await f.GetAsync("users/user-123"));
    }

    [Fact]
    [GuideRow("subscribe(callback)")]
    public async Task Subscribers_are_told_what_was_invalidated()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("users/user-123", "Alice");
        await using IAsyncEnumerator<TierEvent> events = f.Store.WatchEventsAsync().GetAsyncEnumerator();
        ValueTask<bool> next = events.MoveNextAsync();
        await f.Upkeep.InvalidateAsync(Alice);
        Assert.True(await next);
        Assert.Equal((TierEventKind.Invalidated, "hot", Alice), (events.Current.Kind, events.Current.Tier, events.Current.Key));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [GuideRow("writeLarge(…, { partSize, concurrency, onProgress, abortSignal }), R2MultipartUploader")]
    public async Task A_long_blob_is_written_piece_by_piece_or_in_parts_side_by_side(bool inParts)
    {
        await using var f = new UpkeepFixture();
        if (inParts)
        {
            (IMultipartUploads uploads, MultipartUpload upload) = await BeginAsync(f);
            PartReference[] parts = await Task.WhenAll(PutPartAsync(uploads, upload, 2, "lice"), PutPartAsync(uploads, upload, 1, "A"));
            Assert.Equal(CompleteStatus.Completed, (await uploads.CompleteAsync(Alice, upload.Id, [.. parts.OrderBy(part => part.Number)])).Status);
        }
        else
        {
            await using IBlobWriter writer = await f.Store.OpenWriterAsync(Alice);
            foreach (string piece in new[] { "A", "lice" }) await writer.WriteAsync(Bytes(piece), CancellationToken.None);
            Assert.Null(await f.GetAsync("users/user-123"));
            await writer.CommitAsync(null, CancellationToken.None);
        }

        Assert.Equal("Alice", await f.GetAsync("users/user-123"));
    }

    [Fact]
    [GuideRow("getUploadStatus(id), resumeUpload(id, …)")]
    public async Task An_upload_is_found_again_and_gets_the_parts_that_are_missing()
    {
        await using var f = new UpkeepFixture();
        (IMultipartUploads uploads, MultipartUpload begun) = await BeginAsync(f);
        await PutPartAsync(uploads, begun, 1, "A");
        MultipartUpload upload = (await uploads.FindAsync(Alice, begun.Id))!;
        Assert.Equal((1, 1L), (upload.Parts, upload.Bytes));
        IReadOnlyList<UploadedPart> kept = (await uploads.ListPartsAsync(Alice, begun.Id))!;
        Assert.Equal([1], kept.Select(part => part.Number));
        PartReference rest = await PutPartAsync(uploads, begun, 2, "lice");
        await uploads.CompleteAsync(Alice, begun.Id, [new PartReference(1, kept[0].ETag), rest]);
        Assert.Equal("Alice", await f.GetAsync("users/user-123"));
    }

    [Fact]
    [GuideRow("cleanupExpiredUploads(age)")]
    public async Task An_upload_that_nobody_goes_on_with_expires_by_itself()
    {
        await using var f = new UpkeepFixture();
        (IMultipartUploads uploads, MultipartUpload upload) = await BeginAsync(f);
        TimeSpan expiry = new MemoryBlobStoreOptions().UploadExpiry;
        f.Clock.Advance(expiry - TimeSpan.FromMilliseconds(1));
        Assert.NotNull(await uploads.FindAsync(Alice, upload.Id));
        f.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null(await uploads.FindAsync(Alice, upload.Id));
    }

    [Fact]
    [GuideRow("MultipartUploadState, InMemorySessionStore")]
    public async Task An_upload_is_there_until_it_is_completed_or_aborted()
    {
        await using var f = new UpkeepFixture();
        (IMultipartUploads uploads, MultipartUpload upload) = await BeginAsync(f);
        Assert.True(await uploads.AbortAsync(Alice, upload.Id));
        Assert.Null(await uploads.FindAsync(Alice, upload.Id));
        (_, MultipartUpload other) = await BeginAsync(f);
        await uploads.CompleteAsync(Alice, other.Id, [await PutPartAsync(uploads, other, 1, "Alice")]);
        Assert.Null(await uploads.FindAsync(Alice, other.Id));
        Assert.Equal("Alice", await f.GetAsync("users/user-123"));
    }

    /// <summary>Accesses are noted in the background, at the time of that: a look brings it about at once.</summary>
    private static void Record(AccessTracker tracker, BlobKey key)
    {
        tracker.RecordAccess(key);
        _ = tracker.UseOf(key);
    }

    private static AccessTracker New(FakeClock clock, TieringPolicy? policy = null) => new(policy, null, StoreContext.Default with { Clock = clock });

    private static async Task<(IMultipartUploads Uploads, MultipartUpload Upload)> BeginAsync(UpkeepFixture f)
    {
        Assert.True(f.Store.TryGetFacet(out IMultipartUploads? uploads));
        return (uploads, await uploads.CreateAsync(Alice));
    }

    private static async Task<PartReference> PutPartAsync(IMultipartUploads uploads, MultipartUpload upload, int number, string text)
    {
        await using IBlobWriter? writer = await uploads.OpenPartAsync(upload.Key, upload.Id, number);
        await writer!.WriteAsync(Bytes(text), CancellationToken.None);
        return new PartReference(number, (await writer.CommitAsync(null, CancellationToken.None)).Info!.ETag);
    }
}
