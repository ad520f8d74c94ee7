using System.Buffers;

namespace Strata;

/// <summary>A blob loaded from a lower tier once, for all who asked; immutable.</summary>
internal sealed class LoadedBlob(BlobInfo info, byte[] bytes, string source) : BlobReadResult
{
    public override BlobInfo Info => info;

    public override string Source => source;

    public byte[] Bytes => bytes;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = new ReadOnlySequence<byte>(bytes);
        return true;
    }

    public override Stream OpenStream() => new MemoryStream(bytes, writable: false);
}
