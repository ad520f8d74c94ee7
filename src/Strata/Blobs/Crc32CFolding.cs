using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Strata;

/// <summary>
/// Longer runs of a CRC-32C by carry-less multiplication of vectors (Gopal and others, "Fast CRC Computation for Generic
/// Polynomials Using PCLMULQDQ Instruction", 2009): twice as fast as three chains of the processor's own instruction.
/// </summary>
/// <remarks>
/// Four accumulators of 32 bytes stand for all bytes before them. To move one past some bytes is to multiply it by a power
/// of x: each half of 16 bytes by a constant of its own. What is left at the end are 16 bytes with the same checksum.
/// </remarks>
internal static class Crc32CFolding
{
    private const int RoundBytes = 128;

    // Beyond this the processor's own instruction is slower than setting up.
    private const int LeastBytes = 2 * RoundBytes;

    private static readonly Vector256<ulong> ByRound = Vector256.Create(Power(RoundBytes)), ByVector = Vector256.Create(Power(32));
    private static readonly Vector128<ulong> ByHalf = Power(16);

    public static bool IsSupported => Pclmulqdq.V256.IsSupported;

    /// <summary>Takes as many whole rounds as there are.</summary>
    /// <param name="state">The state so far, and then.</param>
    /// <param name="bytes">What follows.</param>
    /// <returns>What is left of the bytes.</returns>
    public static ReadOnlySpan<byte> Append(scoped ref uint state, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < LeastBytes) return bytes;
        int words = bytes.Length / RoundBytes * (RoundBytes / sizeof(ulong));
        ReadOnlySpan<ulong> from = MemoryMarshal.Cast<byte, ulong>(bytes)[..words];
        Vector256<ulong> a = Vector256.Create(from) ^ Vector256.CreateScalar((ulong)state);
        Vector256<ulong> b = Vector256.Create(from[4..]), c = Vector256.Create(from[8..]), d = Vector256.Create(from[12..]);
        Vector256<ulong> round = ByRound;
        for (from = from[16..]; from.Length >= 16; from = from[16..])
        {
            a = Fold(a, round) ^ Vector256.Create(from);
            b = Fold(b, round) ^ Vector256.Create(from[4..]);
            c = Fold(c, round) ^ Vector256.Create(from[8..]);
            d = Fold(d, round) ^ Vector256.Create(from[12..]);
        }

        Vector256<ulong> vector = ByVector;
        d ^= Fold(Fold(Fold(a, vector) ^ b, vector) ^ c, vector);
        Vector128<ulong> low = d.GetLower(), half = ByHalf;
        Vector128<ulong> last = Pclmulqdq.CarrylessMultiply(low, half, 0x00) ^ Pclmulqdq.CarrylessMultiply(low, half, 0x11) ^ d.GetUpper();
        state = BitOperations.Crc32C(BitOperations.Crc32C(0, last[0]), last[1]);
        return bytes[(words * sizeof(ulong))..];
    }

    private static Vector256<ulong> Fold(Vector256<ulong> accumulator, Vector256<ulong> power) =>
        Pclmulqdq.V256.CarrylessMultiply(accumulator, power, 0x00) ^ Pclmulqdq.V256.CarrylessMultiply(accumulator, power, 0x11);

    /// <summary>What 16 bytes are multiplied by to stand that many bytes further on: the earlier half by a power of x higher by 64.</summary>
    private static Vector128<ulong> Power(int bytes) => Vector128.Create(PowerOf(bytes + 4), PowerOf(bytes - 4));

    /// <summary>x to the power of 8 times a number, modulo the polynomial; bits reversed, as all here, which moves a product by one.</summary>
    private static ulong PowerOf(int bytes)
    {
        uint power = 0x80000000;
        for (int i = 0; i < bytes; i++) power = BitOperations.Crc32C(power, (byte)0);
        return (ulong)power << 1;
    }
}
