using Strata.Workload;

namespace Strata.Reliability;

/// <summary>What the writers of a KV database were told, and so what it must hold, over any number of kills.</summary>
internal sealed class CommitHistory(int writers)
{
    private readonly long[] _numbers = new long[writers];
    private ulong _highest;

    /// <summary>Acknowledgements since the beginning.</summary>
    public long Acknowledged { get; private set; }

    /// <summary>Opens what a kill has left, and commits something itself.</summary>
    /// <param name="acknowledged">What the writers were told in this life.</param>
    /// <param name="options">Of the database.</param>
    /// <param name="context">For messages.</param>
    public async Task CheckAsync(IReadOnlyList<Acknowledgement> acknowledged, DiskKvDatabaseOptions options, string context)
    {
        Acknowledged += acknowledged.Count;
        foreach (Acknowledgement told in acknowledged) Assert.True((ulong)told.At > _highest, $"{context}: the versionstamp {told.At} was issued, and {_highest} in a life before");
        foreach (IGrouping<long, Acknowledgement> same in acknowledged.GroupBy(a => a.At)) Assert.True(same.Count() == 1, $"{context}: the versionstamp {same.Key} was issued {same.Count()} times");
        await using DiskKvDatabase database = await DiskKvDatabase.OpenAsync(options);
        for (int writer = 0; writer < writers; writer++)
        {
            Acknowledgement[] own = [.. acknowledged.Where(a => a.Writer == writer)];
            Assert.True(own.Zip(own.Skip(1)).All(p => p.First.At < p.Second.At), $"{context}: versionstamps of writer {writer} fall");
            await CheckAsync(database, writer, own, context);
        }

        KvEntry? total = await GetAsync(database, CommitCommand.Total);
        ulong counted = total is not null && total.Value.TryGetUInt64(out ulong sum) ? sum : 0;
        Assert.True(counted == (ulong)_numbers.Sum(), $"{context}: {counted} steps were counted, and {_numbers.Sum()} are there");

        IReadOnlyList<KvRange> all = await database.SnapshotReadAsync([new ReadRange(default, new byte[] { 255 }, 1_000)], null, CancellationToken.None);
        ulong seen = all[0].Entries.Select(e => e.Versionstamp.Counter).Concat(acknowledged.Select(a => (ulong)a.At)).Append(_highest).Max();
        CommitResult next = await database.AtomicWriteAsync(new AtomicWrite(), CancellationToken.None);
        Assert.True(next.Versionstamp.Counter > seen, $"{context}: the versionstamp {next.Versionstamp.Counter} was issued, and {seen} before");
        _highest = next.Versionstamp.Counter;
    }

    private async Task CheckAsync(DiskKvDatabase database, int writer, Acknowledgement[] acknowledged, string context)
    {
        KvEntry? left = await GetAsync(database, CommitCommand.LeftOf(writer)), right = await GetAsync(database, CommitCommand.RightOf(writer));
        long number = CommitCommand.NumberOf(left), told = acknowledged.Length == 0 ? _numbers[writer] : acknowledged[^1].Number;
        Assert.True(number >= told && number <= told + 1, $"{context}: writer {writer} was told of step {told}, and {number} is there");
        Assert.True(number == CommitCommand.NumberOf(right) && left?.Versionstamp == right?.Versionstamp, $"{context}: of writer {writer} the two halves of a commit are of {left?.Versionstamp} and {right?.Versionstamp}");
        _numbers[writer] = number;
        if (number == 0) return;
        Assert.True(left!.Value == CommitCommand.ValueOf(number), $"{context}: the value of step {number} of writer {writer} is another");
        if (number == told && acknowledged.Length > 0) Assert.Equal((ulong)acknowledged[^1].At, left.Versionstamp.Counter);
        IReadOnlyList<KvRange> log = await database.SnapshotReadAsync([new ReadRange(CommitCommand.LogOf(writer, 0), CommitCommand.LogOf(writer, long.MaxValue / 10_000_000), 1_000)], null, CancellationToken.None);
        long[] kept = [.. log[0].Entries.Select(e => e.Value.TryGetUInt64(out ulong n) ? (long)n : -1)];
        Assert.True(kept.SequenceEqual(Enumerable.Range(0, CommitCommand.Kept).Select(i => number - CommitCommand.Kept + 1 + i).Where(n => n > 0)), $"{context}: the log of writer {writer} at step {number} has {string.Join(", ", kept)}");
    }

    private static async Task<KvEntry?> GetAsync(DiskKvDatabase database, byte[] key) => (await database.SnapshotReadAsync([ReadRange.Of(key)], null, CancellationToken.None))[0].Entries.SingleOrDefault();
}
