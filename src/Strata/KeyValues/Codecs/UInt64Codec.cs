using System.Buffers;
using System.Buffers.Binary;

namespace Strata;

/// <summary>The numbers of 64 bits that sum, min and max count with.</summary>
internal sealed class UInt64Codec : IKvCodec<ulong>
{
    public KvEncoding Encoding => KvEncoding.Le64;

    public void Write(ulong value, IBufferWriter<byte> output)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(output.GetSpan(sizeof(ulong)), value);
        output.Advance(sizeof(ulong));
    }

    public ulong Read(KvEncoding encoding, ReadOnlySequence<byte> bytes) =>
        new KvValue(bytes.IsSingleSegment ? bytes.First : bytes.ToArray(), encoding).TryGetUInt64(out ulong number)
            ? number
            : throw new FormatException($"a number of 64 bits is asked for, and the value is of encoding {encoding}");
}
