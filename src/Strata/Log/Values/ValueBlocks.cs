using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Strata;

/// <summary>
/// The checksums of a value's blocks as it is written: one CRC-32C for each 64 KiB, and one of the whole. Beyond
/// <see cref="MaxBlocks"/> of them (16 GiB) neighbours are joined, so that no value needs more than 1 MiB of checksums; a
/// block is what is read and verified before any byte of it is handed out, so it grows with the value.
/// </summary>
internal sealed class ValueBlocks(int limit = ValueBlocks.MaxBlocks)
{
    /// <summary>The smallest block, and what <see cref="Add"/> takes at once.</summary>
    public const int SmallestBytes = 64 << 10;

    /// <summary>So many blocks at most; 2^18.</summary>
    public const int MaxBlocks = 1 << 18;

    /// <summary>A block has 2 to the power of 16 to 26 bytes.</summary>
    public const int MinExponent = 16, MaxExponent = 26;

    private static readonly Crc32CShift SmallestShift = new(SmallestBytes);
    private readonly List<uint> _sums = [];
    private long _room;

    /// <summary>A block has 2 to the power of this bytes; the last may be shorter.</summary>
    public int Exponent { get; private set; } = MinExponent;

    /// <summary>Bytes so far.</summary>
    public long Length { get; private set; }

    /// <summary>CRC-32C of all bytes so far.</summary>
    public uint Checksum { get; private set; }

    /// <summary>How many blocks a length has.</summary>
    public static int CountOf(long length, int exponent) => checked((int)((length + (1L << exponent) - 1) >> exponent));

    /// <summary>
    /// What the checksums of a file's blocks are combined with: what is in a recycled file from an earlier life does not
    /// match what is noted for this one, nor the other way round.
    /// </summary>
    public static uint SeedOf(ulong id)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, id);
        return Crc32C.Of(bytes);
    }

    /// <summary>Adds what follows: 64 KiB, or, as the last, fewer bytes.</summary>
    public void Add(uint checksum, int length)
    {
        if (_room == 0)
        {
            if (_sums.Count == limit) Halve();
            if (_room == 0)
            {
                _sums.Add(0);
                _room = 1L << Exponent;
            }
        }

        _sums[^1] = Join(_sums[^1], checksum, length);
        Checksum = Join(Checksum, checksum, length);
        _room -= length;
        Length += length;
    }

    /// <summary>The piece that these blocks are in a file.</summary>
    public ValuePiece ToPiece(ulong id)
    {
        uint seed = SeedOf(id);
        return new ValuePiece(id, Length, Checksum, Exponent, [.. _sums.Select(sum => sum ^ seed)]);
    }

    /// <summary>Joins each two neighbours among the checksums of blocks, without a seed, in place; as many as <see cref="CountOf"/> says for the next exponent remain.</summary>
    public static void Halve(Span<uint> sums, long length, int exponent)
    {
        var shift = new Crc32CShift(1 << exponent);
        for (int i = 0; i < sums.Length; i += 2)
        {
            long second = Math.Min(1L << exponent, length - ((i + 1L) << exponent));
            sums[i / 2] = second <= 0 ? sums[i] : second == 1L << exponent ? shift.Combine(sums[i], sums[i + 1]) : Crc32C.Combine(sums[i], sums[i + 1], second);
        }
    }

    private void Halve()
    {
        Halve(CollectionsMarshal.AsSpan(_sums), Length, Exponent);
        Exponent++;
        int count = CountOf(Length, Exponent);
        _sums.RemoveRange(count, _sums.Count - count);
        _room = ((long)count << Exponent) - Length;
    }

    private static uint Join(uint first, uint second, int length) =>
        length == SmallestBytes ? SmallestShift.Combine(first, second) : Crc32C.Combine(first, second, length);
}
