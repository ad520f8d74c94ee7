using Xunit;

namespace Strata.Tests;

/// <summary>What tests of the log's rules do again and again.</summary>
internal static class LogFixture
{
    /// <summary>A value that fills a sixth of a segment.</summary>
    public static readonly string Long = new('x', 10_000);

    /// <summary>Small segments, and compaction that begins by itself only where nine tenths are garbage.</summary>
    public static LogOptions Options { get; } = new() { Name = "test", SegmentBytes = LogOptions.MinSegmentBytes, CompactionBytesPerSecond = null, GarbageShare = 0.9 };

    public static LogEngine Open(ILogDisk disk, DiskDurability durability = DiskDurability.Flush, StoreContext? context = null) => LogEngine.Open(Options with { Durability = durability }, disk, context);

    public static byte[] Key(string key) => LogEngineTests.Key(key);

    public static Task PutAsync(this LogEngine log, string key, string value) => LogEngineTests.Put(log, key, value);

    public static Task DeleteAsync(this LogEngine log, string key) => LogEngineTests.Delete(log, key);

    public static string? Get(this LogEngine log, string key) => LogEngineTests.Read(log, key);

    /// <summary>Commits long values until the segment at the end is another one, and so those before it are sealed.</summary>
    public static async Task FillAsync(this LogEngine log, string prefix = "fill", bool isGarbage = false)
    {
        uint? first = log.Appender.Active?.Incarnation;
        for (int i = 0; log.Appender.Active?.Incarnation == first || first is null; i++)
        {
            first ??= log.Appender.Active?.Incarnation;
            await log.PutAsync(isGarbage ? prefix : $"{prefix} {i}", Long);
        }
    }

    public static async Task<StorageException> RefusedAsync(Func<Task> write, WriteOutcome outcome = WriteOutcome.NotApplied)
    {
        StorageException e = await Assert.ThrowsAsync<StorageException>(write);
        Assert.True(e.Outcome == outcome, $"the outcome is {e.Outcome}: {e.Message}");
        return e;
    }
}
