using System.Buffers.Binary;
using Xunit;

namespace Strata.Tests;

/// <summary>A read sees all of a commit or nothing of it, in all its ranges, whatever writers and compaction do meanwhile.</summary>
public sealed class DiskKvSnapshotTests : DiskKvFixture
{
    private const int Writers = 4, Pairs = 50;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_read_is_torn_while_four_writers_commit_pairs(bool maps)
    {
        await OpenAsync(Options with { MapReads = maps, SegmentBytes = 256 << 10, CompactionBytesPerSecond = null });
        for (int writer = 0; writer < Writers; writer++)
        {
            for (int pair = 0; pair < Pairs; pair++) await PairAsync(writer, pair, 0);
        }

        using var done = new CancellationTokenSource();
        Task[] writing = [.. Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (int generation = 1; !done.IsCancellationRequested; generation++) await PairAsync(writer, generation % Pairs, generation);
        }))];
        Task compacting = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested) await Database.Log.CompactAsync(0.1, CancellationToken.None);
        });
        try
        {
            // Each half of the pairs is a range of its own; and once more as single keys, and downwards.
            ReadRange left = new(Key("l"), Key("m"), 1_000), right = new(Key("r"), Key("s"), 1_000);
            for (int read = 0; read < 400 || Database.GetLogStatistics().Compactions < 3; read++)
            {
                IReadOnlyList<KvRange> found = await Database.SnapshotReadAsync(
                    [left, right, right with { Reverse = true, KeysOnly = true }, ReadRange.Of(Name('l', read % Writers, read % Pairs)), ReadRange.Of(Name('r', read % Writers, read % Pairs))], null, CancellationToken.None);
                Assert.Equal((Writers * Pairs, Writers * Pairs), (found[0].Entries.Count, found[1].Entries.Count));
                for (int i = 0; i < Writers * Pairs; i++) AssertPair(found[0].Entries[i], found[1].Entries[i]);
                Assert.Equal(found[1].Entries.Select(e => e.Versionstamp), found[2].Entries.Reverse().Select(e => e.Versionstamp));
                AssertPair(found[3].Entries[0], found[4].Entries[0]);
            }
        }
        finally
        {
            await done.CancelAsync();
            await Task.WhenAll([.. writing, compacting]);
        }
    }

    private static byte[] Name(char side, int writer, int pair) => Key($"{side}/{writer}/{pair:d3}");

    private static void AssertPair(KvEntry left, KvEntry right)
    {
        Assert.True(left.Versionstamp == right.Versionstamp && left.Value == right.Value, $"half of the commit {left.Versionstamp} and half of {right.Versionstamp} were read as one state");
    }

    private async Task PairAsync(int writer, int pair, int generation)
    {
        byte[] value = new byte[500 + (generation % 300)];
        BinaryPrimitives.WriteInt32LittleEndian(value, generation);
        AtomicWrite write = new() { Mutations = [KvMutation.Set(Name('l', writer, pair), KvValue.OfBytes(value)), KvMutation.Set(Name('r', writer, pair), KvValue.OfBytes(value))] };
        Assert.True((await Database.AtomicWriteAsync(write, CancellationToken.None)).IsCommitted);
    }
}
