using System.Text;
using Xunit;

namespace Strata.Testing;

/// <summary>Reads of several ranges while the keys of all of them are changed together: each read must be of one commit.</summary>
internal sealed class KvTornReads(IKvDatabase database, int seed)
{
    private const int Keys = 12, Writers = 2, Readers = 2;
    private readonly ReadRange[] _ranges =
    [
        ReadRange.Of(KeyOf(0)), new(KeyOf(1), KeyOf(5), 10), new(KeyOf(5), KeyOf(Keys), 20, Reverse: true), ReadRange.Of(KeyOf(0)), new(KeyOf(0), KeyOf(Keys), 50, KeysOnly: true),
    ];

    private int _left;

    /// <summary>Commits that were under way beside the reads.</summary>
    public int Commits { get; private set; }

    /// <summary>Reads until it was done so often.</summary>
    public async Task RunAsync(int reads)
    {
        _left = reads;
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(i => Task.Run(() => WriteAsync(new Random(HashCode.Combine(seed, i)))))];
        Task[] readers = [.. Enumerable.Range(0, Readers).Select(_ => Task.Run(ReadAsync))];
        try
        {
            await Task.WhenAll(readers).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _left, 0);
            await Task.WhenAll(writers).ConfigureAwait(false);
        }

        Assert.True(Commits > 0, $"{reads} reads had no commit beside them.");
    }

    private async Task WriteAsync(Random random)
    {
        int commits = 0;
        do
        {
            bool isDelete = random.Next(4) == 0;
            KvValue value = KvValue.OfUInt64((ulong)random.NextInt64());
            KvMutation[] mutations = [.. Enumerable.Range(0, Keys).Select(i => isDelete ? KvMutation.Delete(KeyOf(i)) : KvMutation.Set(KeyOf(i), value))];
            random.Shuffle(mutations);
            await database.AtomicWriteAsync(new AtomicWrite { Mutations = mutations }, CancellationToken.None).ConfigureAwait(false);
            if (++commits % 16 == 0) await Task.Yield();
        }
        while (Volatile.Read(ref _left) > 0);
        lock (_ranges) Commits += commits;
    }

    private async Task ReadAsync()
    {
        for (int reads = 0; Interlocked.Decrement(ref _left) >= 0; reads++)
        {
            IReadOnlyList<KvRange> found = await database.SnapshotReadAsync(_ranges, null, CancellationToken.None).ConfigureAwait(false);
            KvEntry[] entries = [.. found.SelectMany(r => r.Entries)];
            Assert.True(
                entries.Length == 0 || (entries.Length == 2 * Keys + 1 && entries.All(e => e.Versionstamp == entries[0].Versionstamp)),
                $"Seed {seed}: a read of one instant has {entries.Length} of {2 * Keys + 1} entries, of the commits {string.Join(' ', entries.Select(e => e.Versionstamp).Distinct())}.");
            Assert.True(entries.Take(Keys + 1).All(e => e.Value == entries[0].Value), $"Seed {seed}: values of several commits were read at one instant.");
            if (reads % 16 == 0) await Task.Yield();
        }
    }

    private static byte[] KeyOf(int number) => Encoding.ASCII.GetBytes($"torn/{number:d2}");
}
