using System.Numerics;
using System.Runtime.InteropServices;

namespace Strata;

/// <summary>
/// Longer runs of a CRC-32C as three chains at once, which are joined: the processor's instruction has three times the
/// throughput that one chain of it reaches.
/// </summary>
internal static class Crc32CLanes
{
    private const int LongBytes = 1_024, ShortBytes = 256;
    private static readonly Crc32CShift Long = new(LongBytes), Short = new(ShortBytes);

    /// <summary>Takes as many whole rounds as there are.</summary>
    /// <param name="state">The state so far, and then.</param>
    /// <param name="bytes">What follows.</param>
    /// <returns>What is left of the bytes.</returns>
    public static ReadOnlySpan<byte> Append(scoped ref uint state, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 3 * ShortBytes) return bytes;
        bytes = Append(ref state, bytes, Long, LongBytes);
        return Append(ref state, bytes, Short, ShortBytes);
    }

    private static ReadOnlySpan<byte> Append(scoped ref uint state, ReadOnlySpan<byte> bytes, Crc32CShift shift, int length)
    {
        uint first = state;
        int words = length / sizeof(ulong);
        while (bytes.Length >= 3 * length)
        {
            ReadOnlySpan<ulong> all = MemoryMarshal.Cast<byte, ulong>(bytes[..(3 * length)]);
            ReadOnlySpan<ulong> one = all[..words], two = all.Slice(words, words), three = all.Slice(2 * words, words);
            uint second = 0, third = 0;
            for (int i = 0; i < one.Length; i++)
            {
                first = BitOperations.Crc32C(first, one[i]);
                second = BitOperations.Crc32C(second, two[i]);
                third = BitOperations.Crc32C(third, three[i]);
            }

            first = shift.Combine(shift.Combine(first, second), third);
            bytes = bytes[(3 * length)..];
        }

        state = first;
        return bytes;
    }
}
