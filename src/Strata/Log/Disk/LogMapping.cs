using System.Buffers;

namespace Strata;

/// <summary>
/// A read-only mapping of a file's first bytes, at most 2 GiB. Its memory is the file's pages: nothing is copied.
/// </summary>
/// <remarks>
/// Whoever reads holds a lease of what owns it: an access after the mapping is gone, or beyond the end of a file that was
/// shortened, ends the process. It has no finalizer, because a span of it does not keep it alive: one that nobody disposes
/// stays until the process ends.
/// </remarks>
internal sealed unsafe class LogMapping(byte* pointer, int length, Action unmap) : MemoryManager<byte>
{
    private Action? _unmap = unmap;

    public byte* Pointer { get; } = pointer;

    /// <summary>Bytes that can be read.</summary>
    public long Length => length;

    /// <exception cref="ObjectDisposedException">It is gone.</exception>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_unmap is null, this);
        return new Span<byte>(Pointer, length);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)length, nameof(elementIndex));
        ObjectDisposedException.ThrowIf(_unmap is null, this);
        return new MemoryHandle(Pointer + elementIndex);
    }

    /// <summary>Nothing to do: mapped pages do not move.</summary>
    public override void Unpin()
    {
    }

    /// <summary>Unmaps, at the first call.</summary>
    protected override void Dispose(bool disposing) => Interlocked.Exchange(ref _unmap, null)?.Invoke();
}
