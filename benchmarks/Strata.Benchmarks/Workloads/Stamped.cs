using System.Buffers.Binary;

namespace Strata.Benchmarks;

/// <summary>
/// The bytes to put, different every time, as SQLite writes nothing where a value is put over itself. A buffer for each
/// of some callers, since a value must stay as it is while it is being put.
/// </summary>
internal sealed class Stamped(int length, int callers = 1)
{
    private readonly byte[][] _buffers = [.. Enumerable.Range(0, callers).Select(_ => Payload.Of(length))];
    private long _stamps;

    /// <summary>A caller's next value; the one before it is gone.</summary>
    public byte[] Next(int caller = 0)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_buffers[caller], Interlocked.Increment(ref _stamps));
        return _buffers[caller];
    }
}
