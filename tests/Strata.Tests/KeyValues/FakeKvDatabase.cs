using Strata.Testing;

namespace Strata.Tests;

/// <summary>The simplest database that keeps the contract, with places to step in between two calls.</summary>
internal sealed class FakeKvDatabase : IKvDatabase, IKvView
{
    private readonly Lock _latch = new();
    private readonly SortedList<ReadOnlyMemory<byte>, KvEntry> _entries = new(KvKeyComparer.Instance);
    private readonly KvWatchers _watchers;
    private Versionstamp _last;

    public FakeKvDatabase(KvLimits? limits = null)
    {
        Capabilities = new KvCapabilities { Database = "fake", Limits = limits ?? KvLimits.Embedded };
        _watchers = new KvWatchers(Clock, "fake");
    }

    public FakeClock Clock { get; } = new();

    public KvCapabilities Capabilities { get; }

    /// <summary>Whether a failed write says which checks failed.</summary>
    public bool TellsFailedChecks { get; init; } = true;

    /// <summary>Called before each write is judged, with its number from 1.</summary>
    public Func<int, Task>? BeforeWrite { get; set; }

    /// <summary>Called before each read, with its number from 1.</summary>
    public Func<int, Task>? BeforeRead { get; set; }

    public int Reads { get; private set; }

    public int Writes { get; private set; }

    public List<IReadOnlyList<ReadRange>> Asked { get; } = [];

    /// <summary>All keys that can be seen, the model's own among them.</summary>
    public IReadOnlyList<KvKey> Keys
    {
        get
        {
            lock (_latch) return [.. _entries.Values.Where(IsVisible).Select(e => KvKey.OfEncoded(e.Key))];
        }
    }

    public IEnumerable<KvKey> OwnKeys => Keys.Where(k => k.Encoded.Span[0] == 0xFF);

    public async ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        Capabilities.Limits.Check(ranges);
        Asked.Add(ranges);
        int number = ++Reads;
        if (BeforeRead is { } before) await before(number);
        lock (_latch) return [.. ranges.Select(Read)];
    }

    public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        Capabilities.Limits.Check(write);
        int number = ++Writes;
        if (BeforeWrite is { } before) await before(number);
        KvChanges changes;
        CommitResult result;
        lock (_latch)
        {
            changes = new KvChanges(this, _last, Clock.GetUtcNow());
            result = changes.Add(write);
            _last = changes.Last;
            foreach ((ReadOnlyMemory<byte> key, KvEntry? entry) in changes.Entries)
            {
                if (entry is null) _entries.Remove(key);
                else _entries[Copy(key)] = entry with { Key = Copy(key), Value = entry.Value with { Data = Copy(entry.Value.Data) } };
            }
        }

        _watchers.Changed(changes.Entries.Keys);
        return result.IsCommitted || TellsFailedChecks ? result : CommitResult.CheckFailed([]);
    }

    public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken)
    {
        Capabilities.Limits.Check(keys);
        return _watchers.WatchAsync((ranges, token) => SnapshotReadAsync(ranges, null, token), keys, cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        _watchers.Close();
        return default;
    }

    public KvEntry? Find(ReadOnlyMemory<byte> key, bool keyOnly) => _entries.TryGetValue(key, out KvEntry? entry) && IsVisible(entry) ? entry : null;

    private static ReadOnlyMemory<byte> Copy(ReadOnlyMemory<byte> bytes) => bytes.ToArray();

    private bool IsVisible(KvEntry entry) => !(entry.Expires <= Clock.GetUtcNow());

    private KvRange Read(ReadRange range)
    {
        IEnumerable<KvEntry> found = _entries.Values.Where(e => range.Contains(e.Key.Span) && IsVisible(e));
        if (range.Reverse) found = found.Reverse();
        if (range.KeysOnly) found = found.Select(e => e with { Value = new KvValue(default, e.Value.Encoding) });
        return new KvRange([.. found.Take(range.Limit)]);
    }
}
