using System.Buffers.Binary;

namespace Strata;

/// <summary>A value: its bytes, and what they are.</summary>
/// <param name="Data">The bytes.</param>
/// <param name="Encoding">What they are.</param>
public readonly record struct KvValue(ReadOnlyMemory<byte> Data, KvEncoding Encoding)
{
    /// <summary>A number that sum, min and max count with.</summary>
    public static KvValue OfUInt64(ulong number)
    {
        byte[] bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
        return new KvValue(bytes, KvEncoding.Le64);
    }

    /// <summary>Plain bytes.</summary>
    public static KvValue OfBytes(ReadOnlyMemory<byte> bytes) => new(bytes, KvEncoding.Bytes);

    /// <summary>The number, of a value with the encoding <see cref="KvEncoding.Le64"/>.</summary>
    /// <returns>False: it is something else.</returns>
    public bool TryGetUInt64(out ulong number)
    {
        number = 0;
        return Encoding == KvEncoding.Le64 && BinaryPrimitives.TryReadUInt64LittleEndian(Data.Span, out number) && Data.Length == sizeof(ulong);
    }

    /// <summary>Compares the bytes, not where they are.</summary>
    public bool Equals(KvValue other) => Encoding == other.Encoding && Data.Span.SequenceEqual(other.Data.Span);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(Encoding);
        hash.AddBytes(Data.Span);
        return hash.ToHashCode();
    }

    /// <summary>What it is and how long; never the bytes, which may be secret.</summary>
    public override string ToString() => $"{Encoding}, {Data.Length} B";
}
