using Xunit;

namespace Strata.Tests;

/// <summary>Keys pass through a log and never come again, as they do through a cache: what they leave behind must go too.</summary>
public sealed class LogTurnoverTests : IDisposable
{
    private const int Keys = 200_000, Window = 8_000, Long = 40_000, AtOnce = 10, SegmentBytes = 256 << 10;
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Neither_tombstones_nor_files_grow_with_what_has_passed()
    {
        var options = new LogOptions { Name = "test", SegmentBytes = SegmentBytes, Durability = DiskDurability.OperatingSystem, CompactionBytesPerSecond = null };
        await using LogEngine log = LogEngine.Open(options, new SystemDisk(_folder.Path));
        byte[] value = new byte[1_000];
        long tombstones = 0;
        double files = 0;
        for (int i = 0; i < Keys; i += AtOnce)
        {
            using var batch = new LogBatch();
            for (int key = i; key < i + AtOnce; key++)
            {
                batch.Put(KeyOf(key), value);

                // Most go after a while, a few much later: what a hand passes by that goes round.
                if (key >= Window && (key - Window) % 20 != 0) batch.Delete(KeyOf(key - Window));
                if (key >= Long && (key - Long) % 20 == 0) batch.Delete(KeyOf(key - Long));
            }

            await log.CommitAsync(batch);
            if (i % 1_000 != 0) continue;
            LogStatistics now = log.GetStatistics();
            tombstones = Math.Max(tombstones, now.Tombstones);
            files = Math.Max(files, (now.FileBytes - (16.0 * SegmentBytes)) / Math.Max(1, now.LiveBytes));
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"at most {tombstones} tombstones, files of {files:f2} x what is live and sixteen segments; {log.GetStatistics()}");
        Assert.True(tombstones < Keys / 2, $"{tombstones} tombstones of {Keys} keys that passed, more than pass while the log is written anew: they go no more, and the index grows for ever");

        // What is live once more, and garbage until writers wait.
        Assert.True(files <= 4, $"the files have {files:f2} times what is live, and sixteen segments");
    }

    private static byte[] KeyOf(int key) => [(byte)LogKeyspace.System, .. BitConverter.GetBytes(key)];
}
