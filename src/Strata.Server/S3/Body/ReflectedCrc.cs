using System.Buffers.Binary;

namespace Strata.Server;

/// <summary>
/// A reflected CRC with all ones before and after, eight bytes a step by tables (slicing-by-8, Kounavis and Berry, 2008):
/// CRC-32 (ISO-HDLC) and CRC-64/NVME, the two of S3's checksums that the processor has no instruction for.
/// </summary>
internal sealed class ReflectedCrc
{
    /// <summary>CRC-32 of zip and Ethernet.</summary>
    public static ReflectedCrc Crc32 { get; } = new(0xEDB88320, 32);

    /// <summary>CRC-64 of the NVM Express command set.</summary>
    public static ReflectedCrc Crc64Nvme { get; } = new(0x9A6C9329AC4BC9B5, 64);

    private readonly ulong[] _table = new ulong[8 * 256];
    private readonly ulong _polynomial;
    private readonly ulong _ones;
    private readonly int _bits;

    private ReflectedCrc(ulong polynomial, int bits)
    {
        _polynomial = polynomial;
        _bits = bits;
        _ones = ulong.MaxValue >> (64 - bits);
        for (uint i = 0; i < 256; i++)
        {
            ulong crc = i;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ polynomial : crc >> 1;
            _table[i] = crc;
        }

        for (int i = 256; i < _table.Length; i++) _table[i] = (_table[i - 256] >> 8) ^ _table[(byte)_table[i - 256]];
    }

    /// <summary>The checksum of bytes that follow those of <paramref name="crc"/>, which is 0 before the first.</summary>
    public ulong Append(ulong crc, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> table = _table;
        crc ^= _ones;
        while (bytes.Length >= 8)
        {
            crc ^= BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            crc = table[0x700 + (byte)crc] ^ table[0x600 + (byte)(crc >> 8)] ^ table[0x500 + (byte)(crc >> 16)] ^ table[0x400 + (byte)(crc >> 24)]
                ^ table[0x300 + (byte)(crc >> 32)] ^ table[0x200 + (byte)(crc >> 40)] ^ table[0x100 + (byte)(crc >> 48)] ^ table[(byte)(crc >> 56)];
            bytes = bytes[8..];
        }

        foreach (byte b in bytes) crc = (crc >> 8) ^ table[(byte)(crc ^ b)];
        return crc ^ _ones;
    }

    /// <summary>The checksum of bytes that follow others, from the checksums of both alone.</summary>
    /// <param name="first">Checksum of the first bytes.</param>
    /// <param name="second">Checksum of those that follow.</param>
    /// <param name="secondLength">How many follow: 0 or more.</param>
    /// <remarks>
    /// A byte appended multiplies by x^8 modulo the polynomial, so that the first checksum is multiplied by x^8 to the power
    /// of the length, by squaring. Cost: some microseconds.
    /// </remarks>
    public ulong Combine(ulong first, ulong second, long secondLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(secondLength);

        // Bits are reflected: the highest one is x^0.
        ulong power = 1UL << (_bits - 1 - 8);
        for (ulong length = (ulong)secondLength; length != 0; length >>= 1)
        {
            if ((length & 1) != 0) first = Multiply(power, first);
            power = Multiply(power, power);
        }

        return first ^ second;
    }

    private ulong Multiply(ulong left, ulong right)
    {
        ulong product = 0;
        for (ulong bit = 1UL << (_bits - 1); bit != 0; bit >>= 1)
        {
            if ((left & bit) != 0) product ^= right;
            right = (right & 1) != 0 ? (right >> 1) ^ _polynomial : right >> 1;
        }

        return product;
    }
}
