using System.Buffers;
using System.Collections.Concurrent;

namespace Strata.Backends.Tests;

/// <summary>Buffers, and how many bytes of them are lent at once.</summary>
internal sealed class CountingPool : ArrayPool<byte>
{
    private readonly ConcurrentDictionary<byte[], int> _lent = new(ReferenceEqualityComparer.Instance);
    private readonly Lock _lock = new();
    private readonly List<int> _lengths = [];

    /// <summary>Bytes that were asked for and are not back yet.</summary>
    public long Lent { get; private set; }

    /// <summary>The most that was ever.</summary>
    public long Most { get; private set; }

    /// <summary>How often a buffer of so many bytes or more was asked for.</summary>
    public int TimesLent(int bytes)
    {
        lock (_lock) return _lengths.Count(l => l >= bytes);
    }

    public override byte[] Rent(int minimumLength)
    {
        byte[] buffer = Shared.Rent(minimumLength);
        _lent[buffer] = minimumLength;
        lock (_lock)
        {
            _lengths.Add(minimumLength);
            Lent += minimumLength;
            Most = Math.Max(Most, Lent);
        }

        return buffer;
    }

    public override void Return(byte[] array, bool clearArray = false)
    {
        if (!_lent.TryRemove(array, out int length)) throw new InvalidOperationException("A buffer came back that was not lent, or came back twice.");
        lock (_lock) Lent -= length;
        Shared.Return(array, clearArray);
    }
}
