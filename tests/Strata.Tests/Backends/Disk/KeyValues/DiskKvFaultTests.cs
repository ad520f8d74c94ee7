using Xunit;

namespace Strata.Tests;

/// <summary>A disk that is full, fails or loses bytes: whoever is concerned is told, and nobody else.</summary>
public sealed class DiskKvFaultTests : DiskKvFixture
{
    private readonly SimulatedDisk _disk = new();

    [Fact]
    public async Task A_full_disk_refuses_sets_and_takes_deletes_and_expiry_even_after_a_restart()
    {
        DiskKvDatabaseOptions options = Options with { Disk = _disk, SegmentBytes = 64 << 10 };
        await OpenAsync(options);
        await CommitAsync(Set("soon", "1", After(1_000)));
        await FillAsync();
        for (int restart = 0; restart < 2; restart++)
        {
            // Together with what is refused, too.
            Task<Exception?>[] sets = [.. Enumerable.Range(0, 40).Select(i => Record.ExceptionAsync(() => CommitAsync(KvMutation.Set(Key($"more {i}"), KvValue.OfBytes(Bytes(30_000, i))))).AsTask())];
            await Task.WhenAll(Enumerable.Range(restart * 10, 10).Select(i => CommitAsync(Delete($"fill {i:d5}"))));
            Exception?[] refused = [.. (await Task.WhenAll(sets)).Where(e => e is not null)];
            Assert.NotEmpty(refused);
            Assert.All(refused, e => Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied), ((e as StorageException)?.Kind, (e as StorageException)?.Outcome)));
            Assert.Null(await GetAsync($"fill {restart * 10:d5}"));
            Assert.NotNull(await GetAsync("fill 00050"));
            await OpenAsync(options);
        }

        Clock.Advance(TimeSpan.FromSeconds(5));
        await RemovedAsync(Database.GetStatistics().Entries - 1);
        _disk.Capacity = null;
        await CommitAsync(Set("again", "1"));
        Assert.Equal("1", await GetAsync("again"));

        async Task FillAsync()
        {
            for (int i = 0; i < 100; i++) await CommitAsync(KvMutation.Set(Key($"fill {i:d5}"), KvValue.OfBytes(Bytes(10_000, i))));
            _disk.Capacity = 0;
            StorageException? full = null;
            for (int i = 100; full is null && i < 1_000; i++) full = await Record.ExceptionAsync(() => CommitAsync(KvMutation.Set(Key($"fill {i:d5}"), KvValue.OfBytes(Bytes(30_000, i))))) as StorageException;
            Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied), (full?.Kind, full?.Outcome));
        }
    }

    [Fact]
    public async Task A_disk_that_is_gone_at_the_close_leaves_no_log_open_with_its_thread()
    {
        DiskKvDatabase database = await DiskKvDatabase.OpenAsync(Options with { Disk = _disk });
        await database.AtomicWriteAsync(new AtomicWrite { Mutations = [Set("a", "1")] }, CancellationToken.None);
        LogEngine log = database.Log;
        _disk.Stop();
        await Record.ExceptionAsync(async () => await database.DisposeAsync());
        Assert.Equal(StorageErrorKind.Closed, (await Assert.ThrowsAsync<StorageException>(async () => await log.FlushAsync())).Kind);
    }

    [Fact]
    public async Task A_failed_flush_leaves_nothing_and_writing_goes_on()
    {
        await OpenAsync(Options with { Disk = _disk, Durability = DiskDurability.Flush });
        Versionstamp before = await CommitAsync(Set("a", "1"), Set("b", "1"));
        _disk.FailAt(DiskOperation.Sync, 1, DiskFault.SyncFails);
        var e = await Assert.ThrowsAsync<StorageException>(() => CommitAsync(Set("a", "2"), Set("c", "2"), Delete("b")));
        Assert.Equal((StorageErrorKind.Unavailable, WriteOutcome.NotApplied), (e.Kind, e.Outcome));
        Assert.Equal(("1", "1", null), (await GetAsync("a"), await GetAsync("b"), await GetAsync("c")));
        Assert.Equal(2, Database.GetStatistics().Entries);
        Assert.True(await CommitAsync(Set("a", "3")) > before);
        Assert.True((await WriteAsync(new AtomicWrite { Checks = [new KvCheck(Key("b"), before)], Mutations = [Set("b", "3")] })).IsCommitted);
        await OpenAsync(Options with { Disk = _disk, Durability = DiskDurability.Flush });
        Assert.Equal(("3", "3", null), (await GetAsync("a"), await GetAsync("b"), await GetAsync("c")));
    }

    [Fact]
    public async Task A_log_in_doubt_takes_no_writes_says_so_and_is_read()
    {
        await OpenAsync(Options with { Disk = _disk, Durability = DiskDurability.Flush });
        Versionstamp before = await CommitAsync(Set("a", "1"));
        _disk.Faults = call => call.Operation is DiskOperation.Read ? DiskFault.None : DiskFault.Fail;
        var unknown = await Assert.ThrowsAsync<StorageException>(() => CommitAsync(Set("a", "2")));
        Assert.Equal(WriteOutcome.Unknown, unknown.Outcome);
        _disk.Faults = null;
        StorageException refused = await FailsAsync(StorageErrorKind.Unavailable, Set("a", "3"));
        Assert.Equal(WriteOutcome.NotApplied, refused.Outcome);
        Assert.Equal("1", await GetAsync("a"));
        Assert.Contains("no writes until it is opened again", Database.GetStatistics().Fault, StringComparison.Ordinal);
        SimulatedDisk left = _disk.Kill();
        await OpenAsync(Options with { Disk = left, Durability = DiskDurability.Flush });
        Assert.True(await GetAsync("a") is "1" or "2");
        Assert.True(await CommitAsync(Set("a", "4")) > before.Next(), "a versionstamp that was in doubt was issued again");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Damage_is_told_to_whoever_reads_it_and_can_be_overwritten(bool maps)
    {
        await OpenAsync(Options with { MapReads = maps });
        byte[] mark = Bytes(40, 7);

        // With hints nothing but its readers comes across it.
        Versionstamp stamp = await CommitAsync(KvMutation.Set(Key("b"), KvValue.OfBytes(mark), After(60_000)));
        await CommitAsync(Set("a", "1"), Set("c", "1"));
        await OpenAsync(Options with { MapReads = maps });
        DiskDamage.Flip(Folder, mark, 20);

        Assert.Equal(StorageErrorKind.Corrupt, (await Assert.ThrowsAsync<StorageException>(() => GetAsync("b"))).Kind);
        Assert.Equal(StorageErrorKind.Corrupt, (await Assert.ThrowsAsync<StorageException>(() => AllAsync())).Kind);
        Assert.Equal(("1", "1"), (await GetAsync("a"), await GetAsync("c")));

        // A condition that cannot be judged fails its own write alone.
        Task<CommitResult> judged = WriteAsync(new AtomicWrite { Checks = [new KvCheck(Key("b"), stamp)], Mutations = [Set("a", "2")] });
        Task<Versionstamp> other = CommitAsync(Set("c", "2"));
        Assert.Equal(StorageErrorKind.Corrupt, (await Assert.ThrowsAsync<StorageException>(() => judged)).Kind);
        await other;
        Assert.Equal(("1", "2"), (await GetAsync("a"), await GetAsync("c")));

        await CommitAsync(Set("b", "new"));
        Assert.Equal("new", await GetAsync("b"));
        Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("new", await GetAsync("b"));
        Assert.Equal(3, Database.GetStatistics().Entries);
        await OpenAsync();
        Assert.Equal("new", await GetAsync("b"));
    }
}
