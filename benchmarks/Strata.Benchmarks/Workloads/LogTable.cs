using System.Buffers;

namespace Strata.Benchmarks;

/// <summary>The log engine alone, used as the stores above it use it, for values under keys.</summary>
internal sealed class LogTable : IAsyncDisposable
{
    private const byte Keyspace = (byte)LogKeyspace.Blobs;

    /// <summary>So many keys of a large load are committed together.</summary>
    private const int LoadedAtOnce = 1_000;
    private readonly LogEngine _engine;
    private readonly LogRangeReader _range;

    private LogTable(LogEngine engine)
    {
        _engine = engine;
        _range = new LogRangeReader(engine);
    }

    /// <summary>Keys with a value.</summary>
    public long Count => _engine.GetStatistics().Keys;

    public static async Task<LogTable> OpenAsync(string folder, DiskDurability durability)
    {
        var options = new LogOptions { Name = "benchmark", Durability = durability };
        return new LogTable(await Task.Run(() => LogEngine.Open(options, new SystemDisk(folder))));
    }

    public async ValueTask PutAsync(byte[] key, byte[] value)
    {
        using var batch = new LogBatch();
        Add(batch, key, value);
        Sink.Expect((await _engine.CommitAsync(batch)).IsApplied ? 1 : 0, 1);
    }

    /// <summary>Puts keys of the same value in one commit.</summary>
    public async ValueTask PutAllAsync(IEnumerable<byte[]> keys, byte[] value)
    {
        using var batch = new LogBatch();
        foreach (byte[] key in keys) Add(batch, key, value);
        Sink.Expect((await _engine.CommitAsync(batch)).IsApplied ? 1 : 0, 1);
    }

    /// <summary>Puts as many keys as there are, some at once.</summary>
    public async Task LoadAsync(IEnumerable<byte[]> keys, byte[] value)
    {
        foreach (byte[][] some in keys.Chunk(LoadedAtOnce)) await PutAllAsync(some, value);
    }

    /// <summary>The sum of a value's bytes, each touched where the log has them; 0 if it is missing.</summary>
    public long Get(byte[] key)
    {
        Span<byte> full = stackalloc byte[1 + key.Length];
        if (!_engine.TryRead(WithKeyspace(key, full), out LogEntry entry)) return 0;
        using (entry) return Sink.Sum(entry.View.Value);
    }

    /// <summary>The sum of the bytes of values in the order of their keys, each touched where the log has them. For one caller at a time.</summary>
    public long Scan(byte[] from, int limit)
    {
        Span<byte> first = stackalloc byte[1 + from.Length];
        int count = _range.Scan(new LogScan(WithKeyspace(from, first), [Keyspace + 1], limit));
        long sum = 0;
        for (int i = 0; i < count; i++)
        {
            if (_range.TryRead(i, out LogEntryView entry)) sum += Sink.Sum(entry.Value);
        }

        _range.Release();
        return sum;
    }

    public ValueTask DisposeAsync() => _engine.DisposeAsync();

    private static void Add(LogBatch batch, byte[] key, byte[] value)
    {
        Span<byte> full = stackalloc byte[1 + key.Length];
        batch.Put(WithKeyspace(key, full), default, new ReadOnlySequence<byte>(value));
    }

    private static ReadOnlySpan<byte> WithKeyspace(byte[] key, Span<byte> full)
    {
        full[0] = Keyspace;
        key.CopyTo(full[1..]);
        return full;
    }
}
