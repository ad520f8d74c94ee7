using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>
/// CONSISTENCY 5, staged: a request of unknown outcome comes through later, behind what was acknowledged meanwhile. Nobody sees
/// that, and in the end what was acknowledged is so.
/// </summary>
public sealed class UnknownOutcomeTests
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(15);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_delayed_write_that_comes_through_after_an_acknowledged_delete_brings_nothing_back(bool isRead)
    {
        await using Stage s = await Stage.OpenAsync();
        await s.PutAsync("old");
        BlobInfo delayed = await s.LoseAsync(StoreOperation.Write, "delayed");
        Assert.Equal(DeleteStatus.Deleted, (await s.Store.DeleteAsync(Key)).Status);
        await s.ComesThroughAsync(delayed, "delayed");
        if (isRead)
        {
            Assert.Null(await s.GetAsync());
            Assert.Null(await s.Store.StatAsync(Key));
        }

        s.Clock.Advance(Life);
        await s.SettledAsync();
        Assert.Null(await s.Origin.StatAsync(Key));
        Assert.Null(await s.GetAsync());
        Assert.Equal(1, s.Store.GetDoubts().Repeated);
        await s.PutAsync("new");
        Assert.True(s.Store.TryRead(Key, out _), "the key must be served from memory again");
    }

    [Theory]
    [InlineData(StoreOperation.Read)]
    [InlineData(StoreOperation.Stat)]
    public async Task Meanwhile_no_tier_above_serves_the_key_or_gets_a_copy(StoreOperation asked)
    {
        await using Stage s = await Stage.OpenAsync();
        await s.PutAsync("old");
        await s.LoseAsync(StoreOperation.Write, "delayed");
        for (int i = 1; i <= 3; i++)
        {
            Assert.False(s.Store.TryRead(Key, out _));
            if (asked == StoreOperation.Read) Assert.Equal("old", await s.GetAsync());
            else Assert.Equal("cold", (await s.Store.StatAsync(Key))!.Tier);
            Assert.Equal(i, s.Faults.CountOf(asked));
        }

        WriteResult written = await s.Store.PutBytesAsync(Key, Bytes("newer"));
        Assert.Equal(["cold"], written.Tiers);
        Assert.Equal("newer", await s.GetAsync());
        await WaitForAsync(() => s.Store.IsIdle, "promotions never came to rest");
        Assert.False(s.Store.TryRead(Key, out _));
        s.Faults.Inject(StoreFault.On(StoreOperation.Read, StoreOperation.Stat));
        await Assert.ThrowsAsync<StorageException>(s.GetAsync);
    }

    [Theory]
    [InlineData(7, true)]
    [InlineData(200_000, true)]
    [InlineData(3 << 20, true)]
    [InlineData(200_000, false)]
    [InlineData(0, true)]
    public async Task A_delayed_write_that_covers_an_acknowledged_one_is_covered_again(int length, bool hasState)
    {
        await using Stage s = await Stage.OpenAsync(hasState: hasState);
        await s.PutAsync("old");
        BlobInfo delayed = await s.LoseAsync(StoreOperation.Write, "delayed");
        byte[] content = Random(length);
        BlobInfo acknowledged = (await s.Store.PutBytesAsync(Key, content, new WriteOptions { ContentType = "text/plain", Metadata = new Dictionary<string, string> { ["of"] = "mine" } })).Info!;
        await s.ComesThroughAsync(delayed, "delayed");
        Assert.Equal(content, await s.Store.GetBytesAsync(Key));
        BlobInfo held = (await s.Origin.StatAsync(Key))!;
        Assert.True(held.IsSameWriteAs(acknowledged), "the write must have kept its version and ETag");
        Assert.Equal(("text/plain", "mine"), (held.ContentType, held.Metadata["of"]));
        s.Clock.Advance(Life);
        await s.SettledAsync();
        Assert.Equal(content, await s.Store.GetBytesAsync(Key));
        Assert.Equal(1, s.Store.GetDoubts().Repeated);
    }

    [Fact]
    public async Task A_delayed_delete_takes_no_acknowledged_write_with_it()
    {
        await using Stage s = await Stage.OpenAsync();
        await s.PutAsync("old");
        await s.LoseAsync(StoreOperation.Delete);
        await s.PutAsync("acknowledged");
        await s.Origin.DeleteAsync(Key);
        s.Clock.Advance(Life);
        await s.SettledAsync();
        Assert.Equal("acknowledged", await GetAsync(s.Origin));
    }

    [Fact]
    public async Task A_streamed_write_an_update_and_a_copy_are_kept_as_well()
    {
        await using Stage s = await Stage.OpenAsync();
        await s.PutAsync("old");
        BlobInfo delayed = await s.LoseAsync(StoreOperation.Write, "delayed");
        await using (IBlobWriter writer = await s.Store.OpenWriterAsync(Key))
        {
            await writer.WriteAsync(Bytes("streamed"), CancellationToken.None);
            Assert.True((await writer.CommitAsync(null, CancellationToken.None)).IsWritten);
        }

        await s.ComesThroughAsync(delayed, "delayed");
        Assert.Equal("streamed", await s.GetAsync());
        Assert.True((await s.Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/plain" })).IsWritten);
        await s.ComesThroughAsync(delayed, "delayed");
        Assert.Equal("text/plain", (await s.Store.StatAsync(Key))!.ContentType);
        Assert.Equal("streamed", await s.GetAsync());
        BlobKey source = BlobKey.Parse("a/source");
        await s.Store.PutBytesAsync(source, Bytes("copied"));
        Assert.True((await s.Store.CopyAsync(source, Key)).IsWritten);
        await s.ComesThroughAsync(delayed, "delayed");
        Assert.Equal("copied", await s.GetAsync());
    }

    /// <summary>An update or a copy of what came through late would be an acknowledged change of the wrong bytes.</summary>
    [Fact]
    public async Task What_goes_by_the_state_goes_by_the_acknowledged_one()
    {
        await using Stage s = await Stage.OpenAsync();
        await s.PutAsync("old");
        BlobInfo delayed = await s.LoseAsync(StoreOperation.Write, "delayed");
        await s.PutAsync("acknowledged");
        await s.ComesThroughAsync(delayed, "delayed");
        Assert.True((await s.Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/plain" })).IsWritten);
        Assert.Equal("acknowledged", await s.GetAsync());
        await s.ComesThroughAsync(delayed, "delayed");
        BlobKey target = BlobKey.Parse("a/target");
        Assert.True((await s.Store.CopyAsync(Key, target)).IsWritten);
        Assert.Equal("acknowledged", await GetAsync(s.Store, target));
        await s.ComesThroughAsync(delayed, "delayed");
        string etag = (await s.Store.StatAsync(Key))!.ETag;
        await s.ComesThroughAsync(delayed, "delayed");
        Assert.True((await s.Store.PutBytesAsync(Key, Bytes("next"), new WriteOptions { Condition = WriteCondition.IfMatch(etag) })).IsWritten);
        await s.Store.DeleteAsync(Key);
        await s.ComesThroughAsync(delayed, "delayed");
        Assert.False((await s.Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/plain" })).IsWritten);
        await s.ComesThroughAsync(delayed, "delayed");
        Assert.Equal(WriteStatus.Missing, (await s.Store.CopyAsync(Key, target)).Status);
        await s.ComesThroughAsync(delayed, "delayed");
        Assert.True((await s.Store.PutBytesAsync(Key, Bytes("first"), new WriteOptions { Condition = WriteCondition.IfAbsent })).IsWritten);
        Assert.Equal("first", await s.GetAsync());
    }

    [Fact]
    public async Task A_restart_finds_the_keys_in_doubt_before_it_serves()
    {
        var state = new MemoryKvDatabase();
        var origin = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" });
        var warm = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" });
        var clock = new FakeClock();
        BlobInfo delayed;
        await using (Stage s = await Stage.OpenAsync(new Kept(state), origin, warm, clock))
        {
            await s.PutAsync("old");
            delayed = await s.LoseAsync(StoreOperation.Write, "delayed");
            await s.Store.DeleteAsync(Key);
        }

        // Meanwhile the request comes through, and a warm copy of the same write is there as well.
        await origin.PutBytesAsync(Key, Bytes("delayed"), new WriteOptions { AsCopyOf = delayed });
        await warm.PutBytesAsync(Key, Bytes("delayed"), new WriteOptions { AsCopyOf = delayed });
        await using (Stage s = await Stage.OpenAsync(new Kept(state), origin, warm, clock))
        {
            Assert.Equal(1, s.Store.GetDoubts().Keys);
            Assert.Null(await s.GetAsync());
            Assert.Null(await origin.StatAsync(Key));
            await s.ComesThroughAsync(delayed, "delayed");
            clock.Advance(Life);
            await s.SettledAsync();
            Assert.Null(await s.GetAsync());
            Assert.Null(await warm.StatAsync(Key));
        }

        await using Stage last = await Stage.OpenAsync(new Kept(state), origin, warm, clock);
        Assert.Equal(0, last.Store.GetDoubts().Keys);
    }

    [Fact]
    public async Task A_restart_long_after_makes_a_kept_write_again()
    {
        var state = new MemoryKvDatabase();
        var origin = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" });
        var clock = new FakeClock();
        byte[] content = Random(300_000);
        await using (Stage s = await Stage.OpenAsync(new Kept(state), origin, clock: clock))
        {
            BlobInfo delayed = await s.LoseAsync(StoreOperation.Write, "delayed");
            await s.Store.PutBytesAsync(Key, content);
            await s.ComesThroughAsync(delayed, "delayed");
        }

        clock.Advance(TimeSpan.FromDays(3));
        await using Stage again = await Stage.OpenAsync(new Kept(state), origin, clock: clock);
        Assert.Equal(content, await again.Store.GetBytesAsync(Key));
        await again.SettledAsync();
        Assert.Equal(content, await origin.GetBytesAsync(Key));
        IReadOnlyList<KvEntry> rows = (await state.SnapshotReadAsync([new ReadRange(new byte[] { 1 }, new byte[] { TierState.UseTable }, 100)], null, CancellationToken.None))[0].Entries;
        Assert.Empty(rows);
    }

    /// <summary>Of two lost requests the older comes through: what was acknowledged between them is there all the same.</summary>
    [Fact]
    public async Task A_delayed_delete_takes_no_write_that_was_acknowledged_since_whatever_was_lost_after_that()
    {
        await using Stage s = await Stage.OpenAsync();
        await s.PutAsync("old");
        await s.LoseAsync(StoreOperation.Delete);
        await s.PutAsync("acknowledged");
        await s.LoseAsync(StoreOperation.Write, "lost");
        await s.Origin.DeleteAsync(Key);
        Assert.Equal("acknowledged", await s.GetAsync());
        s.Clock.Advance(Life);
        await s.SettledAsync();
        Assert.Equal("acknowledged", await TierFixture.GetAsync(s.Origin));
    }

    [Fact]
    public async Task A_reader_waits_half_a_minute_for_a_write_that_is_made_again_and_no_longer()
    {
        await using Stage s = await Stage.OpenAsync(hasGates: true);
        await s.PutAsync("old");
        BlobInfo delayed = await s.LoseAsync(StoreOperation.Write, "delayed");
        await s.PutAsync("new");
        await s.ComesThroughAsync(delayed, "delayed");
        using StoreGate hung = s.Gates!.Hold(StoreOperation.Write);
        Task<string?> read = Task.Run(s.GetAsync);
        await hung.WaitForArrivalAsync();
        s.Clock.Advance(TimeSpan.FromSeconds(30));
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => read.WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal((StorageErrorKind.Unavailable, true), (e.Kind, e.IsTransient));
        hung.Open();
        Assert.Equal("new", await s.GetAsync());
    }

    [Fact]
    public async Task A_bulk_delete_of_one_key_that_did_not_reach_the_origin_leaves_no_doubt()
    {
        await using Stage s = await Stage.OpenAsync();
        await s.PutAsync("old");
        s.Faults.Inject(StoreFault.On(StoreOperation.DeleteMany));
        StorageException e = await Assert.ThrowsAsync<StorageException>(async () => await s.Store.DeleteManyAsync([Key]));
        Assert.Equal((WriteOutcome.NotApplied, 0), (e.Outcome, s.Store.GetDoubts().Keys));
        Assert.True(s.Store.TryRead(Key, out _), "the blob is as it was, and served from memory");
    }

    [Fact]
    public async Task Where_the_bytes_of_a_covered_write_are_nowhere_it_is_said_and_the_key_is_served_again()
    {
        await using Stage s = await Stage.OpenAsync(warm: new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm", MaxBlobBytes = 1000, Evicts = true }));
        BlobInfo delayed = await s.LoseAsync(StoreOperation.Write, "delayed");
        await s.Store.PutBytesAsync(Key, Random(20 << 20));
        Assert.Contains("kept nowhere", s.Store.GetDoubts().LastError, StringComparison.Ordinal);
        await s.ComesThroughAsync(delayed, "delayed");
        s.Clock.Advance(Life);
        await s.SettledAsync();
        Assert.Equal(1, s.Store.GetDoubts().Lost);
        Assert.Equal("delayed", await s.GetAsync());
    }

    [Fact]
    public async Task While_the_origin_is_out_a_key_stays_in_doubt_and_is_cleared_up_after_it()
    {
        await using Stage s = await Stage.OpenAsync();
        BlobInfo delayed = await s.LoseAsync(StoreOperation.Write, "delayed");
        await s.Store.DeleteAsync(Key);
        await s.ComesThroughAsync(delayed, "delayed");
        s.Faults.Inject(StoreFault.On(StoreOperation.Stat, StoreOperation.Read, StoreOperation.Delete));
        s.Clock.Advance(Life);
        await WaitForAsync(() => s.Store.GetDoubts().LastError is not null, "that it failed is not said");
        await Assert.ThrowsAsync<StorageException>(s.GetAsync);
        Assert.Equal(1, s.Store.GetDoubts().Keys);
        s.Faults.Heal();
        await WaitForAsync(
            () =>
            {
                s.Clock.Advance(TimeSpan.FromSeconds(10));
                return s.Store.GetDoubts().Keys == 0;
            },
            "it is not tried again");
        Assert.Null(await s.Origin.StatAsync(Key));
    }

    [Fact]
    public async Task What_somebody_else_wrote_later_stays()
    {
        await using Stage s = await Stage.OpenAsync(hasOtherWriters: true);
        await s.PutAsync("old");
        await s.LoseAsync(StoreOperation.Write, "delayed");
        await s.Store.DeleteAsync(Key);
        s.Clock.Advance(TimeSpan.FromSeconds(1));
        await s.Origin.PutBytesAsync(Key, Bytes("theirs"));
        Assert.Equal("theirs", await s.GetAsync());
        s.Clock.Advance(Life);
        await s.SettledAsync();
        Assert.Equal("theirs", await s.GetAsync());
    }

    [Fact]
    public async Task Without_a_database_the_doubt_is_in_memory_and_the_status_says_so()
    {
        await using Stage s = await Stage.OpenAsync(hasState: false);
        await s.LoseAsync(StoreOperation.Write, "delayed");
        Assert.Equal((1, false), (s.Store.GetDoubts().Keys, s.Store.GetDoubts().IsDurable));
        await using Stage durable = await Stage.OpenAsync(new Kept(new MemoryKvDatabase()));
        Assert.False(durable.Store.GetDoubts().IsDurable, "a database in memory is none that a restart finds");
    }

    [Fact]
    public async Task A_row_that_cannot_be_written_is_said_and_counts_all_the_same()
    {
        var state = new MemoryKvDatabase();
        await using Stage s = await Stage.OpenAsync(state);
        await s.PutAsync("old");
        await state.DisposeAsync();
        await s.LoseAsync(StoreOperation.Write, "delayed");
        Assert.False(s.Store.TryRead(Key, out _));
        Assert.NotNull(s.Store.GetDoubts().LastError);
    }

    private static byte[] Random(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Hands on a database and keeps it open.</summary>
    private sealed class Kept(IKvDatabase inner) : IKvDatabase
    {
        public KvCapabilities Capabilities => inner.Capabilities;

        public ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken) =>
            inner.SnapshotReadAsync(ranges, options, cancellationToken);

        public ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken) => inner.AtomicWriteAsync(write, cancellationToken);

        public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) => inner.WatchAsync(keys, cancellationToken);

        public ValueTask DisposeAsync() => default;
    }

    /// <summary>Memory over copies over an origin whose requests may be held back, with a database for the state.</summary>
    private sealed class Stage : IAsyncDisposable
    {
        public required TieredBlobStore Store { get; init; }

        public required FaultStore Faults { get; init; }

        public required MemoryBlobStore Origin { get; init; }

        public required FakeClock Clock { get; init; }

        /// <summary>Where requests to the origin can be held up.</summary>
        public LatencyStore? Gates { get; init; }

        public static async Task<Stage> OpenAsync(
            IKvDatabase? state = null, MemoryBlobStore? origin = null, MemoryBlobStore? warm = null, FakeClock? clock = null, bool hasState = true, bool hasOtherWriters = false, bool hasGates = false)
        {
            clock ??= new FakeClock();
            StoreContext context = StoreContext.Default with { Clock = clock };
            origin ??= new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, context);
            LatencyStore? gates = hasGates ? new LatencyStore(origin, context) : null;
            var faults = new FaultStore(new DistantStore(gates ?? (IBlobStore)origin, outlivesOwner: true));
            var tiers = new List<Tier>
            {
                new() { Name = "hot", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true, MaxBytes = 4 << 20 }, context) },
                new() { Name = "warm", Store = new FaultStore(new DistantStore(warm ?? new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }, context), outlivesOwner: true)) },
                new() { Name = "cold", Store = hasOtherWriters ? new DistantStore(faults, hasOtherWriters: true) : faults },
            };
            var options = new TieringOptions { FreshFor = hasOtherWriters ? TimeSpan.FromSeconds(1) : null };
            IKvDatabase? rows = hasState ? state ?? new MemoryKvDatabase() : null;
            return new Stage { Store = await TieredBlobStore.OpenAsync(tiers, options, context, rows), Faults = faults, Origin = origin, Clock = clock, Gates = gates };
        }

        public async Task PutAsync(string text) => Assert.True((await Store.PutBytesAsync(Key, Bytes(text))).IsWritten);

        public Task<string?> GetAsync() => TierFixture.GetAsync(Store);

        /// <summary>A request that is given up before it comes through.</summary>
        /// <returns>The blob as it would be, of the moment when it was sent.</returns>
        public async Task<BlobInfo> LoseAsync(StoreOperation operation, string text = "")
        {
            var sent = BlobVersion.At(Clock.GetUtcNow());
            Faults.Inject(StoreFault.On(operation) with { Error = _ => new StorageException(StorageErrorKind.Timeout, "no reply") { Outcome = WriteOutcome.Unknown } });
            StorageException e = await Assert.ThrowsAsync<StorageException>(async () =>
            {
                if (operation == StoreOperation.Delete) await Store.DeleteAsync(Key);
                else await Store.PutBytesAsync(Key, Bytes(text));
            });
            Assert.Equal(WriteOutcome.Unknown, e.Outcome);
            Faults.Heal();
            Clock.Advance(TimeSpan.FromSeconds(30));
            return new BlobInfo { Key = Key, Length = text.Length, ETag = sent.ToETag(), Version = sent, Created = sent.Time, Modified = sent.Time, Checksum = Crc32C.Of(Bytes(text).Span) };
        }

        public async Task ComesThroughAsync(BlobInfo delayed, string text)
        {
            await Origin.PutBytesAsync(Key, Bytes(text), new WriteOptions { AsCopyOf = delayed });
            Assert.Equal(text, await TierFixture.GetAsync(Origin));
        }

        public Task SettledAsync() => WaitForAsync(() => Store.GetDoubts().Keys == 0, "the key stays in doubt");

        public ValueTask DisposeAsync() => Store.DisposeAsync();
    }
}
