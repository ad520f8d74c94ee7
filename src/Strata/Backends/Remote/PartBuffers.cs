using System.Buffers;
using System.Collections.Concurrent;

namespace Strata;

/// <summary>
/// The buffers of the parts of one upload, each used again for a later part. A pool that all share may keep one for every
/// thread that ever gave one back: with parts of many MiB that is memory that no option bounds.
/// </summary>
/// <param name="pool">Where they come from, and go to when the upload is over.</param>
internal sealed class PartBuffers(ArrayPool<byte> pool) : IDisposable
{
    private readonly ConcurrentStack<byte[]> _free = new();
    private volatile bool _disposed;

    /// <summary>A buffer of at least this length, in bytes.</summary>
    public byte[] Rent(int length)
    {
        while (_free.TryPop(out byte[]? buffer))
        {
            if (buffer.Length >= length) return buffer;
            pool.Return(buffer);
        }

        return pool.Rent(length);
    }

    /// <summary>Takes back a buffer from here, or one of the pool.</summary>
    public void Return(byte[] buffer)
    {
        _free.Push(buffer);
        if (_disposed) Drain();
    }

    public void Dispose()
    {
        _disposed = true;
        Drain();
    }

    private void Drain()
    {
        while (_free.TryPop(out byte[]? buffer)) pool.Return(buffer);
    }
}
