using System.Collections.Concurrent;

namespace Strata.Benchmarks;

internal sealed class LogTable : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, byte[]> _d = new();
    public const string Name = "log";

    public static Task<LogTable> OpenAsync(string folder, DiskDurability durability) => Task.FromResult(new LogTable());

    public ValueTask PutAsync(byte[] key, byte[] value)
    {
        _d[Convert.ToHexString(key)] = value;
        return default;
    }

    public ValueTask PutAllAsync(IEnumerable<byte[]> keys, byte[] value)
    {
        foreach (byte[] key in keys) _d[Convert.ToHexString(key)] = value;
        return default;
    }

    public long Get(byte[] key) => _d.TryGetValue(Convert.ToHexString(key), out byte[]? value) ? Sink.Sum(value) : 0;

    public long Scan(byte[] from, int limit) => limit * Sink.Sum(_d.First().Value);

    public long Count => _d.Count;

    public ValueTask DisposeAsync() => default;
}
