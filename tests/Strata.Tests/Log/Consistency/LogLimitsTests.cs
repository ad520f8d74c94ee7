using System.Runtime.CompilerServices;
using Xunit;
using static Strata.Tests.LogFixture;

namespace Strata.Tests;

/// <summary>What the log refuses, reports or takes back where something has an end: memory, a medium, a reader's care.</summary>
public sealed class LogLimitsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Who_waits_for_room_does_not_wait_for_the_rate_that_compaction_keeps_to()
    {
        // What is moved first is to be rested from for more than a minute.
        LogOptions slow = Options with { GarbageShare = 0.5, CompactionBytesPerSecond = 200, Durability = DiskDurability.OperatingSystem };
        await using LogEngine log = LogEngine.Open(slow, new SimulatedDisk());
        for (int i = 0; i < 24; i++) await log.PutAsync(i % 3 == 0 ? $"kept {i}" : "key", Long);
        await Eventually.HoldsAsync(() => log.GetStatistics().CompactedBytes > 0, "nothing is moved, so there is nothing to rest from");
        Task writes = Task.Run(async () =>
        {
            for (int i = 0; i < 400; i++) await log.PutAsync("key", Long);
        });
        await Eventually.HoldsAsync(() => writes.IsCompleted, "writers wait for room that compaction makes only when it has rested");
        await writes;
        Assert.Equal(Long, log.Get("kept 0"));
    }

    [Fact]
    public async Task A_full_index_refuses_new_keys_clearly_and_takes_everything_else()
    {
        var disk = new SimulatedDisk();
        await using LogEngine log = LogEngine.Open(Options with { MaxIndexBytes = 200_000, Durability = DiskDurability.OperatingSystem }, disk);
        StorageException? full = null;
        int keys = 0;
        for (; full is null && keys < 100_000; keys++) full = await Record.ExceptionAsync(() => log.PutAsync($"key {keys}", "value")) as StorageException;
        Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied), (full?.Kind, full?.Outcome));
        Assert.Contains("MaxIndexBytes", full!.Message, StringComparison.Ordinal);
        Assert.False(log.TryLocate(Key($"key {keys - 1}"), out _), "what was refused is found");
        Assert.InRange(log.GetStatistics().IndexBytes, 100_000, 300_000);
        await log.PutAsync("key 0", "other");
        await log.DeleteAsync("key 1");
        Assert.Equal(("other", null, "value"), (log.Get("key 0"), log.Get("key 1"), log.Get("key 2")));
    }

    [Fact]
    public async Task A_medium_that_cannot_be_read_is_reported_and_not_called_damage()
    {
        var disk = new SimulatedDisk();
        await using LogEngine log = Open(disk);
        await log.PutAsync("key", "value");
        disk.Faults = call => call.Operation == DiskOperation.Read ? DiskFault.Fail : DiskFault.None;
        Assert.Equal(StorageErrorKind.Unavailable, Assert.Throws<StorageException>(() => log.Get("key")).Kind);
        await log.PutAsync("other", "value");
        disk.Faults = null;
        Assert.Equal(("value", "value"), (log.Get("key"), log.Get("other")));
    }

    [Fact]
    public async Task A_result_that_its_reader_forgot_gives_its_segment_back()
    {
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = _folder.Path, SegmentBytes = 256 << 10, Durability = DiskDurability.OperatingSystem });
        BlobKey key = BlobKey.Parse("key");
        byte[] bytes = new byte[100_000];
        await store.PutBytesAsync(key, bytes);
        await ForgetAsync(store, key);

        // Its segment has nothing that counts in the end, and goes, but for its reader.
        for (int i = 0; i < 12; i++) await store.PutBytesAsync(key, bytes);
        await Eventually.HoldsAsync(() => store.GetLogStatistics().Compactions > 0, "a segment without anything that counts stays");
        await Eventually.HoldsAsync(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return store.GetLogStatistics().UnlinkedSegments == 0;
            },
            "a result that nobody disposes keeps its segment's space for ever");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static async Task ForgetAsync(DiskBlobStore store, BlobKey key) => Assert.Equal(100_000, (await store.ReadAsync(key))!.Length);
    }
}
