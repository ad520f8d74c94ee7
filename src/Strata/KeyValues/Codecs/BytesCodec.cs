using System.Buffers;

namespace Strata;

/// <summary>Plain bytes.</summary>
internal sealed class BytesCodec<T>(Func<T, ReadOnlyMemory<byte>> write, Func<ReadOnlySequence<byte>, T> read) : IKvCodec<T>
{
    public KvEncoding Encoding => KvEncoding.Bytes;

    public void Write(T value, IBufferWriter<byte> output) => output.Write(write(value).Span);

    public T Read(KvEncoding encoding, ReadOnlySequence<byte> bytes) =>
        encoding == KvEncoding.Bytes ? read(bytes) : throw new FormatException($"bytes are asked for, and the value is of encoding {encoding}");
}
