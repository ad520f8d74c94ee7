using System.Buffers;
using System.Collections.Concurrent;

namespace Strata.Tests;

/// <summary>Spoils what is given back to it, so that whoever still reads it reads nonsense, and refuses what it did not lend.</summary>
internal sealed class SpoilingPool : ArrayPool<byte>
{
    private readonly ConcurrentDictionary<byte[], int> _lent = new(ReferenceEqualityComparer.Instance);

    /// <summary>Buffers that nobody has given back.</summary>
    public int Lent => _lent.Count;

    public override byte[] Rent(int minimumLength)
    {
        // Longer than asked for, as a pool's are, and never clean.
        byte[] buffer = new byte[minimumLength + 13];
        buffer.AsSpan().Fill(0xA5);
        _lent[buffer] = minimumLength;
        return buffer;
    }

    public override void Return(byte[] array, bool clearArray = false)
    {
        if (!_lent.TryRemove(array, out _)) throw new InvalidOperationException("A buffer was given back that is not lent: twice, or to the wrong pool.");
        array.AsSpan().Fill(0xDD);
    }
}
