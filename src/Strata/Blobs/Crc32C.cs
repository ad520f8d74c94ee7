using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Strata;

/// <summary>CRC-32C (Castagnoli; RFC 3720, appendix B.4), computed piece by piece with the processor's instruction.</summary>
public struct Crc32C
{
    private uint _state;

    /// <summary>The checksum of all bytes appended so far; 0 before the first.</summary>
    public readonly uint Value => _state;

    /// <summary>Appends bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~_state;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words) crc = BitOperations.Crc32C(crc, word);
        foreach (byte b in bytes[(words.Length * sizeof(ulong))..]) crc = BitOperations.Crc32C(crc, b);
        _state = ~crc;
    }

    /// <summary>Appends bytes.</summary>
    public void Append(in ReadOnlySequence<byte> bytes)
    {
        foreach (ReadOnlyMemory<byte> piece in bytes) Append(piece.Span);
    }

    /// <summary>The checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = default(Crc32C);
        crc.Append(bytes);
        return crc.Value;
    }

    /// <summary>The checksum of some bytes.</summary>
    public static uint Of(in ReadOnlySequence<byte> bytes)
    {
        var crc = default(Crc32C);
        crc.Append(bytes);
        return crc.Value;
    }
}
