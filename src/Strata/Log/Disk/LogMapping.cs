using System.Buffers;

namespace Strata;

/// <summary>A read-only mapping of a file. Whoever reads it holds a lease of what owns it: after disposal an access ends the process.</summary>
internal sealed unsafe class LogMapping(byte* pointer, long length, Action unmap) : MemoryManager<byte>
{
    private Action? _unmap = unmap;

    public byte* Pointer { get; } = pointer;

    public long Length { get; } = length;

    public override Span<byte> GetSpan() => new(Pointer, (int)Length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(Pointer + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing) => Interlocked.Exchange(ref _unmap, null)?.Invoke();
}
