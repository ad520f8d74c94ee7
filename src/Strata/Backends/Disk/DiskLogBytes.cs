using System.Buffers;
using System.Runtime.InteropServices;

namespace Strata;

/// <summary>
/// Bytes of an entry of the log, which stay where they are until this is disposed: by then somebody else's bytes may be
/// there, or none, so that whoever comes later is refused, and whoever is at it, or has pinned them, is waited for. Where
/// nobody disposes it, the collector does, once nobody can read it any more.
/// </summary>
internal sealed class DiskLogBytes(LogEntry entry, int offset, int length) : MemoryManager<byte>
{
    private readonly ReadOnlyMemory<byte> _bytes = entry.Value.Slice(offset, length);
    private readonly Lease _lease = new(entry);

    public override Memory<byte> Memory => CreateMemory(length);

    public override Span<byte> GetSpan()
    {
        _lease.ThrowIfDisposed();
        return MemoryMarshal.AsMemory(_bytes).Span;
    }

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        _lease.Use();
        try
        {
            return new MemoryHandle(_bytes[elementIndex..].Pin().Pointer, default, this);
        }
        catch
        {
            _lease.Release();
            throw;
        }
    }

    public override void Unpin() => _lease.Release();

    /// <summary>Copies from a position on, and moves it.</summary>
    /// <returns>Bytes copied; 0 at the end.</returns>
    public int CopyTo(Span<byte> buffer, ref int position)
    {
        _lease.Use();
        try
        {
            int take = Math.Min(buffer.Length, length - position);
            _bytes.Span.Slice(position, take).CopyTo(buffer);
            position += take;
            return take;
        }
        finally
        {
            _lease.Release();
        }
    }

    protected override void Dispose(bool disposing) => _lease.Dispose();

    /// <summary>Counts who is at the entry; the last gives it back.</summary>
    private sealed class Lease(LogEntry entry) : IDisposable
    {
        private int _uses = 1;
        private bool _disposed;

#pragma warning disable MA0055 // a result that its reader forgot would keep a segment of the log for ever
        ~Lease()
        {
            // Not here: what follows may close files.
            ThreadPool.UnsafeQueueUserWorkItem(static forgotten => forgotten.Dispose(), entry, preferLocal: false);
        }
#pragma warning restore MA0055

        public void Use()
        {
            int uses = Volatile.Read(ref _uses);
            while (uses > 0 && !Volatile.Read(ref _disposed))
            {
                int seen = Interlocked.CompareExchange(ref _uses, uses + 1, uses);
                if (seen == uses) return;
                uses = seen;
            }

            throw Gone();
        }

        public void Release()
        {
            if (Interlocked.Decrement(ref _uses) == 0) entry.Dispose();
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, true)) return;
            GC.SuppressFinalize(this);
            Release();
        }

        public void ThrowIfDisposed()
        {
            if (Volatile.Read(ref _disposed)) throw Gone();
        }

        private static ObjectDisposedException Gone() => new(nameof(BlobReadResult), "The result whose bytes these are was disposed.");
    }
}
