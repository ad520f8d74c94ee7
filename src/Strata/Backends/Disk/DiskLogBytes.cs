using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Strata;

/// <summary>
/// Bytes of an entry of the log, or of a copy of one, which stay as they are until this is disposed: by then somebody
/// else's bytes may be there, or none, so that whoever comes later is refused, and whoever is at it, or has pinned them, is
/// waited for. Where nobody disposes it, the collector does, once nobody can read it any more.
/// </summary>
internal sealed class DiskLogBytes : MemoryManager<byte>
{
    private const int Disposed = 1, OneUse = 2;
    private readonly LogEntry _entry;
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly Forgotten? _forgotten;

    /// <summary>Twice the number of those who are at the entry, of whom the last gives it back; odd once it is disposed.</summary>
    private int _state = OneUse;

    /// <param name="entry">The entry; from now on this one's own.</param>
    /// <param name="at">Where in its value they begin.</param>
    /// <param name="length">How many.</param>
    public DiskLogBytes(in LogEntry entry, int at, int length)
    {
        _entry = entry;
        _bytes = entry.Value.Slice(at, length);

        // A buffer that nobody gives back is the collector's anyhow.
        if (entry.IsLeased) _forgotten = new Forgotten(entry);
    }

    public override Memory<byte> Memory => CreateMemory(_bytes.Length);

    public override Span<byte> GetSpan() => (Volatile.Read(ref _state) & Disposed) != 0 ? throw Gone() : MemoryMarshal.AsMemory(_bytes).Span;

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        Use();
        try
        {
            ReadOnlyMemory<byte> from = _bytes[elementIndex..];
            GCHandle buffer = MemoryMarshal.TryGetArray(from, out ArraySegment<byte> array) ? GCHandle.Alloc(array.Array, GCHandleType.Pinned) : default;
            return new MemoryHandle(Unsafe.AsPointer(ref MemoryMarshal.GetReference(from.Span)), buffer, this);
        }
        catch
        {
            Unpin();
            throw;
        }
    }

    public override void Unpin() => Release();

    /// <summary>Copies from a position on, and moves it.</summary>
    /// <returns>Bytes copied; 0 at the end.</returns>
    public int CopyTo(Span<byte> buffer, ref int position)
    {
        Use();
        try
        {
            int take = Math.Min(buffer.Length, _bytes.Length - position);
            _bytes.Span.Slice(position, take).CopyTo(buffer);
            position += take;
            return take;
        }
        finally
        {
            Release();
        }
    }

    /// <summary>Disposes it; later calls do nothing.</summary>
    public void Close()
    {
        bool isAlone = Interlocked.CompareExchange(ref _state, Disposed, OneUse) == OneUse;
        if (!isAlone && (Interlocked.Or(ref _state, Disposed) & Disposed) != 0) return;
        _forgotten?.Dispose();
        if (isAlone) _entry.Dispose();
        else Release();
    }

    protected override void Dispose(bool disposing) => Close();

    private void Use()
    {
        int state = Volatile.Read(ref _state);
        while ((state & Disposed) == 0)
        {
            int seen = Interlocked.CompareExchange(ref _state, state + OneUse, state);
            if (seen == state) return;
            state = seen;
        }

        throw Gone();
    }

    private void Release()
    {
        if (Interlocked.Add(ref _state, -OneUse) == Disposed) _entry.Dispose();
    }

    private static ObjectDisposedException Gone() => new(nameof(BlobReadResult), "The result whose bytes these are was disposed.");

    /// <summary>A result that its reader forgot would keep a segment of the log for ever.</summary>
    private sealed class Forgotten(LogEntry entry) : IDisposable
    {
#pragma warning disable MA0055 // it is what the type is for
        ~Forgotten()
        {
            // Not here: what follows may close files.
            ThreadPool.UnsafeQueueUserWorkItem(static forgotten => forgotten.Dispose(), entry, preferLocal: false);
        }
#pragma warning restore MA0055

        public void Dispose() => GC.SuppressFinalize(this);
    }
}
