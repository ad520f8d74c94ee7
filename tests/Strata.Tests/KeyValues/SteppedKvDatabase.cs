using Strata.Testing;

namespace Strata.Tests;

/// <summary>A database under the tests of the model, with places to step in between two calls, and a look at what the model keeps for itself.</summary>
internal sealed class SteppedKvDatabase(IKvDatabase inner, FakeClock clock) : IKvDatabase
{
    private readonly Lock _latch = new();
    private readonly List<IReadOnlyList<ReadRange>> _asked = [];
    private int _reads;
    private int _writes;

    /// <summary>Of the database, and of the model over it.</summary>
    public FakeClock Clock => clock;

    public KvCapabilities Capabilities => inner.Capabilities;

    /// <summary>Whether a failed write says which checks failed.</summary>
    public bool TellsFailedChecks { get; init; } = true;

    /// <summary>Called before each write, with its number from 1.</summary>
    public Func<int, Task>? BeforeWrite { get; set; }

    /// <summary>Called before each read, with its number from 1; not before what a watch reads for itself.</summary>
    public Func<int, Task>? BeforeRead { get; set; }

    public int Reads => Volatile.Read(ref _reads);

    public int Writes => Volatile.Read(ref _writes);

    /// <summary>All ranges that were read since the last call.</summary>
    public IReadOnlyList<ReadRange> TakeAsked()
    {
        lock (_latch)
        {
            ReadRange[] asked = [.. _asked.SelectMany(ranges => ranges)];
            _asked.Clear();
            return asked;
        }
    }

    /// <summary>All keys that can be seen, the model's own among them.</summary>
    public async Task<IReadOnlyList<KvKey>> KeysAsync()
    {
        List<KvKey> keys = [];
        for (var range = new ReadRange(default, new byte[] { 0xFF, 0xFF, 0xFF }, Capabilities.Limits.MaxEntries, KeysOnly: true); ;)
        {
            IReadOnlyList<KvEntry> entries = (await inner.SnapshotReadAsync([range], null, CancellationToken.None))[0].Entries;
            keys.AddRange(entries.Select(e => KvKey.OfEncoded(e.Key)));
            if (entries.Count < range.Limit) return keys;
            range = range with { Start = (byte[])[.. entries[^1].Key.Span, 0] };
        }
    }

    /// <summary>The keys that are the model's own.</summary>
    public async Task<IReadOnlyList<KvKey>> OwnKeysAsync() => [.. (await KeysAsync()).Where(k => k.Encoded.Span[0] == 0xFF)];

    /// <summary>How many chunks of large values there are, and how many records of who has some.</summary>
    public async Task<(int Chunks, int Owners)> ChunksAndOwnersAsync()
    {
        IReadOnlyList<KvKey> own = await OwnKeysAsync();
        return (own.Count(k => k.Encoded.Span[2] == 'c'), own.Count(k => k.Encoded.Span[2] == 'o'));
    }

    /// <summary>What the database itself has under a key.</summary>
    public async Task<KvEntry?> FindAsync(KvKey key) => (await inner.SnapshotReadAsync([ReadRange.Of(key.Encoded)], null, CancellationToken.None))[0].Entries.SingleOrDefault();

    public async ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        lock (_latch) _asked.Add(ranges);
        int number = Interlocked.Increment(ref _reads);
        if (BeforeRead is { } before) await before(number);
        return await inner.SnapshotReadAsync(ranges, options, cancellationToken);
    }

    public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        int number = Interlocked.Increment(ref _writes);
        if (BeforeWrite is { } before) await before(number);
        CommitResult result = await inner.AtomicWriteAsync(write, cancellationToken);
        return result.IsCommitted || TellsFailedChecks ? result : CommitResult.CheckFailed([]);
    }

    public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) => inner.WatchAsync(keys, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
