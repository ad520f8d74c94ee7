using System.Numerics;

namespace Strata;

/// <summary>
/// What zeros do to a CRC-32C, for one number of them: appends them in a few nanoseconds, however many they are. It joins
/// checksums of neighbouring pieces of a fixed length. 4 KiB each: made once for each length.
/// </summary>
/// <param name="bytes">How many zeros: a multiple of 8.</param>
internal sealed class Crc32CShift(int bytes)
{
    private readonly uint[] _table = Tabulate(bytes);

    /// <summary>The state after the zeros.</summary>
    public uint Apply(uint state) =>
        _table[state & 0xFF] ^ _table[256 + ((state >> 8) & 0xFF)] ^ _table[512 + ((state >> 16) & 0xFF)] ^ _table[768 + (state >> 24)];

    /// <summary>The checksum of bytes that follow others, from the checksums of both; as many follow as this appends.</summary>
    public uint Combine(uint first, uint second) => Apply(first) ^ second;

    /// <summary>A checksum is linear over exclusive-or: that of each bit is computed, those of whole bytes follow.</summary>
    private static uint[] Tabulate(int bytes)
    {
        uint[] table = new uint[4 * 256];
        for (int bit = 0; bit < 32; bit++)
        {
            uint state = 1u << bit;
            for (int i = 0; i < bytes; i += sizeof(ulong)) state = BitOperations.Crc32C(state, 0UL);
            int from = (bit / 8 * 256) + (1 << (bit % 8));
            for (int i = 0; i < 1 << (bit % 8); i++) table[from + i] = table[from - (1 << (bit % 8)) + i] ^ state;
        }

        return table;
    }
}
