using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>A tier that hangs or fails: it holds up nobody who can be answered otherwise, and is left alone for a while.</summary>
public sealed class TierTimeoutTests : IAsyncDisposable
{
    private static readonly TimeSpan Soft = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly LatencyStore _warm = new(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }));

    public ValueTask DisposeAsync() => _warm.DisposeAsync();

    [Fact]
    public async Task A_hung_origin_does_not_hold_up_a_hit_in_memory()
    {
        await using var f = new TierFixture();
        await f.PutAsync("value");
        using StoreGate hung = f.Gates.Hold(_ => true);
        ValueTask<BlobReadResult?> read = f.Store.ReadAsync(Key);
        Assert.True(read.IsCompletedSuccessfully);
        Assert.Equal("hot", (await read)!.Source);
    }

    [Fact]
    public async Task A_hung_upper_tier_holds_a_read_up_for_its_soft_time_out()
    {
        await using TierFixture f = Open(tier => tier with { SoftTimeout = Soft });
        await f.PutAsync("value", new WriteOptions { SkipTiers = ["hot"] });
        using StoreGate hung = _warm.Hold(StoreOperation.Read);
        Assert.Equal("value", await await f.LateAsync(f.GetAsync, Soft));
        TierStatistics warm = f.Store.GetTierStatistics()[1];
        Assert.Equal((1, 0), (warm.Errors, warm.Repairs));
        Assert.NotNull(await _warm.StatAsync(Key));
    }

    [Fact]
    public async Task A_stream_of_an_upper_tier_that_hangs_goes_on_from_the_origin_at_the_same_byte_and_the_copy_stays()
    {
        byte[] content = new byte[3 << 20];
        new Random(5).NextBytes(content);
        await using TierFixture f = Open(tier => tier with { HardTimeout = Soft });
        await f.Store.PutBytesAsync(Key, content, new WriteOptions { SkipTiers = ["hot"] });
        using StoreGate hung = _warm.Hold(call => call is { Operation: StoreOperation.ReadStream, Number: > 4 });
        await using BlobReadResult? read = await f.Store.ReadAsync(Key);
        Assert.Equal("warm", read!.Source);
        var whole = new MemoryStream();
        await await f.LateAsync(
            async () =>
            {
                await read.CopyToAsync(whole);
                return true;
            },
            Soft);
        Assert.True(whole.ToArray().AsSpan().SequenceEqual(content));
        Assert.Equal(0, f.Store.GetTierStatistics()[1].Repairs);
        Assert.NotNull(await _warm.StatAsync(Key));
    }

    [Fact]
    public async Task A_stream_of_the_origin_that_hangs_ends_with_kind_timeout()
    {
        await using TierFixture f = Open(tier => tier with { HardTimeout = Soft });
        await f.Disk.PutBytesAsync(Key, new byte[3 << 20]);
        using StoreGate hung = f.Gates.Hold(call => call is { Operation: StoreOperation.ReadStream, Number: > 4 });
        await using BlobReadResult? read = await f.Store.ReadAsync(Key);
        Task<bool> copying = await f.LateAsync(
            async () =>
            {
                await read!.CopyToAsync(Stream.Null);
                return true;
            },
            Soft);
        Assert.Equal(StorageErrorKind.Timeout, (await Assert.ThrowsAsync<StorageException>(() => copying)).Kind);
    }

    [Fact]
    public async Task What_was_given_up_writes_into_no_memory_that_its_caller_has_by_now()
    {
        var slow = new SlowResult();
        var clock = new FakeClock();
        var reads = new TimedReads("slow", clock);
        await using BlobReadResult? read = await reads.OpenAsync(Soft, Key, _ => new(slow), CancellationToken.None);
        await using Stream stream = read!.OpenStream();
        byte[] buffer = new byte[16];
        Task<int> reading = stream.ReadAsync(buffer).AsTask();
        await clock.WaitForTimersAsync(1);
        clock.Advance(Soft);
        await Assert.ThrowsAsync<StorageException>(() => reading);
        await read.DisposeAsync();
        Assert.False(slow.IsDisposed, "it is in use still");
        slow.Go.SetResult();
        await WaitForAsync(() => slow.IsDisposed, "what was given up was never disposed");
        Assert.All(buffer, b => Assert.Equal(0, b));
    }

    [Fact]
    public async Task Reads_that_never_end_are_bounded_in_number()
    {
        var clock = new FakeClock();
        var reads = new TimedReads("slow", clock);
        var never = new TaskCompletionSource<BlobInfo?>();
        for (int i = 0; i < 64; i++)
        {
            Task<BlobInfo?> late = reads.RunAsync(Soft, Key, _ => new ValueTask<BlobInfo?>(never.Task), null, CancellationToken.None).AsTask();
            clock.Advance(Soft);
            await Assert.ThrowsAsync<StorageException>(() => late);
        }

        bool isAsked = false;
        await Assert.ThrowsAsync<StorageException>(() => reads.RunAsync(Soft, Key, Ask, null, CancellationToken.None).AsTask());
        Assert.False(isAsked);
        never.SetResult(null);
        await WaitForAsync(() => reads.RunAsync(Soft, Key, Ask, null, CancellationToken.None).AsTask().IsCompletedSuccessfully, "it is never asked again");
        Assert.True(isAsked);

        ValueTask<BlobInfo?> Ask(CancellationToken cancellationToken)
        {
            isAsked = true;
            return default;
        }
    }

    [Fact]
    public async Task A_tier_that_fails_again_and_again_is_passed_by_and_tried_by_one_read_after_each_pause()
    {
        var warm = new FaultStore(_warm);
        await using TierFixture f = Open(tier => tier, warm);
        await f.PutAsync("value", new WriteOptions { OnlyTiers = [] });
        warm.Inject(new StoreFault());
        for (int i = 0; i < 20; i++) Assert.Equal("value", await MissAsync());
        long asked = warm.CountOf(StoreOperation.Read);
        Assert.True(asked <= 5, $"asked {asked} times");
        Assert.Contains("Passed by", f.Store.GetTierStatistics()[1].Fault, StringComparison.Ordinal);

        // A write passes it by as well, and what it may hold is not served.
        await f.PutAsync("new", new WriteOptions { SkipTiers = ["hot"] });
        Assert.Equal((0, "new"), (warm.CountOf(StoreOperation.Write), await MissAsync()));

        for (int pause = 1; pause <= 64; pause *= 2)
        {
            await f.IdleAsync();
            asked = warm.CountOf(StoreOperation.Read);
            f.Clock.Advance(Second * Math.Min(pause, 30));
            for (int i = 0; i < 10; i++) await MissAsync();
            Assert.Equal(asked + 1, warm.CountOf(StoreOperation.Read));
        }

        await f.IdleAsync();
        warm.Heal();
        f.Clock.Advance(30 * Second);
        Assert.Equal("new", await MissAsync());
        Assert.Null(f.Store.GetTierStatistics()[1].Fault);
        await f.PutAsync("newer", new WriteOptions { SkipTiers = ["hot"] });
        Assert.Equal(1, warm.CountOf(StoreOperation.Write));

        async Task<string?> MissAsync()
        {
            await f.IdleAsync();
            await f.Hot.DeleteAsync(Key);
            return await f.GetAsync();
        }
    }

    [Theory]
    [InlineData(0.0, null)]
    [InlineData(null, -1.0)]
    [InlineData(2.0, 2.0)]
    [InlineData(null, 100_000.0)]
    public void Time_outs_out_of_range_are_refused_with_the_tiers_name(double? soft, double? hard)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => new TierFixture(adjust: tier => tier.Name == "hot" ? tier with { SoftTimeout = Seconds(soft), HardTimeout = Seconds(hard) } : tier));
        Assert.Contains("'hot'", e.Message, StringComparison.Ordinal);
        Assert.Contains(hard is null or 2 ? "SoftTimeout" : "HardTimeout", e.Message, StringComparison.Ordinal);

        static TimeSpan? Seconds(double? seconds) => seconds is { } value ? TimeSpan.FromSeconds(value) : null;
    }

    [Fact]
    public void A_soft_time_out_of_the_origin_needs_something_to_go_on_to() =>
        Assert.Contains("FailSafeFor", Assert.Throws<ArgumentException>(() => new TierFixture(adjust: tier => tier.Name == "cold" ? tier with { SoftTimeout = Soft } : tier)).Message, StringComparison.Ordinal);

    /// <summary>Warm and cold are adjusted; the soft time-out of the origin has nothing to go on to here.</summary>
    private TierFixture Open(Func<Tier, Tier> adjust, IBlobStore? warm = null) => new(
        warm: warm ?? _warm,
        adjust: tier => tier.Name == "hot" ? tier : adjust(tier) with { SoftTimeout = tier.Name == "warm" ? adjust(tier).SoftTimeout : null });

    /// <summary>A stream that fills the buffer it was given when the test says so, whether anybody waits or not.</summary>
    private sealed class SlowResult : BlobReadResult
    {
        public TaskCompletionSource Go { get; } = new();

        public bool IsDisposed { get; private set; }

        public override BlobInfo Info { get; } = new() { Key = Key, Length = 16, ETag = "1" };

        public override string Source => "slow";

        public override bool TryGetSequence(out System.Buffers.ReadOnlySequence<byte> sequence)
        {
            sequence = default;
            return false;
        }

        public override Stream OpenStream() => new SlowStream(Go.Task);

        public override ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return base.DisposeAsync();
        }
    }

    private sealed class SlowStream(Task go) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer) => throw new NotSupportedException();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await go;
            buffer.Span.Fill(1);
            return buffer.Length;
        }
    }
}
