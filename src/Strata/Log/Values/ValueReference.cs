using System.Buffers.Binary;

namespace Strata;

/// <summary>Where a large value is: what the log says instead of its bytes. docs/formats/log-values.md</summary>
/// <remarks>
/// <code>
///  0  u8   format version, 1
///  1  3    zeros
///  4  u32  number of pieces, 1 to 10,000; the value is one after the other
///  8  pieces, of each:
///      0  u64  file
///      8  u64  length, bytes
///     16  u32  CRC-32C of the piece
///     20  u8   exponent: a block has 2^16 to 2^26 bytes
///     21  3    zeros
///     of all pieces: CRC-32C of each block, combined with the seed of the file: u32 each, at most 2^18
/// </code>
/// Integers are little-endian. The entry of the log has a checksum; what is read here is verified already, and yet nothing
/// in it is believed that does not fit together.
/// </remarks>
internal sealed class ValueReference
{
    public const int MaxPieces = 10_000;
    private const byte Version = 1;
    private const int HeadBytes = 8, PieceBytes = 24;

    /// <summary>16 TiB: the most that 2^18 blocks of the largest kind hold.</summary>
    private const long MaxLength = (long)ValueBlocks.MaxBlocks << ValueBlocks.MaxExponent;

    private ValueReference(ReadOnlyMemory<byte> encoded, int count, long length)
    {
        Encoded = encoded;
        Count = count;
        Length = length;
    }

    /// <summary>As it is in the log.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>Number of pieces.</summary>
    public int Count { get; }

    /// <summary>Bytes of the value.</summary>
    public long Length { get; }

    /// <summary>A value of one piece.</summary>
    public static ValueReference Of(ValuePiece piece) => Of([piece]);

    /// <summary>A value composed of pieces. Where they have more than 2^18 blocks together, blocks are joined.</summary>
    /// <exception cref="ArgumentException">No pieces, more than <see cref="MaxPieces"/>, or more than 16 TiB.</exception>
    public static ValueReference Of(IReadOnlyList<ValuePiece> pieces)
    {
        if (pieces.Count is 0 or > MaxPieces) throw new ArgumentException($"A value has 1 to {MaxPieces} pieces, not {pieces.Count}.", nameof(pieces));
        long length = pieces.Sum(p => p.Length);
        if (length > MaxLength) throw new ArgumentException($"A value has at most {MaxLength} bytes, not {length}.", nameof(pieces));
        ValuePiece[] all = WithFewBlocks(pieces);
        byte[] encoded = new byte[HeadBytes + (all.Length * PieceBytes) + (all.Sum(p => p.Blocks.Length) * sizeof(uint))];
        encoded[0] = Version;
        BinaryPrimitives.WriteInt32LittleEndian(encoded.AsSpan(4), all.Length);
        int at = HeadBytes;
        foreach (ValuePiece piece in all)
        {
            Span<byte> head = encoded.AsSpan(at, PieceBytes);
            BinaryPrimitives.WriteUInt64LittleEndian(head, piece.Id);
            BinaryPrimitives.WriteInt64LittleEndian(head[8..], piece.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(head[16..], piece.Checksum);
            head[20] = (byte)piece.Exponent;
            at += PieceBytes;
        }

        foreach (ValuePiece piece in all)
        {
            foreach (uint block in piece.Blocks)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(encoded.AsSpan(at), block);
                at += sizeof(uint);
            }
        }

        return new ValueReference(encoded, all.Length, length);
    }

    /// <summary>Reads a reference; its bytes are not copied and must stay as they are while it is used.</summary>
    /// <param name="encoded">The value of an entry of the log.</param>
    /// <param name="reference">What it says, or null.</param>
    /// <returns>What is wrong with it, or null.</returns>
    public static string? Read(ReadOnlyMemory<byte> encoded, out ValueReference? reference)
    {
        reference = null;
        ReadOnlySpan<byte> from = encoded.Span;
        if (from.Length < HeadBytes) return "it is cut off";
        if (from[0] != Version) return $"it has format {from[0]}, and this version of Strata reads format {Version}";
        int count = BinaryPrimitives.ReadInt32LittleEndian(from[4..]);
        if ((from[1] | from[2] | from[3]) != 0 || count is < 1 or > MaxPieces || from.Length < HeadBytes + (count * PieceBytes)) return $"it cannot have {count} pieces";
        long length = 0, blocks = 0;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> head = from.Slice(HeadBytes + (i * PieceBytes), PieceBytes);
            long piece = BinaryPrimitives.ReadInt64LittleEndian(head[8..]);
            if ((head[21] | head[22] | head[23]) != 0
                || head[20] is < ValueBlocks.MinExponent or > ValueBlocks.MaxExponent
                || piece < 0
                || piece > MaxLength - length
                || piece > (long)ValueBlocks.MaxBlocks << head[20]) return $"its piece {i} is not one";
            length += piece;
            blocks += ValueBlocks.CountOf(piece, head[20]);
        }

        // Each piece may end in a block that is not full.
        if (blocks > ValueBlocks.MaxBlocks + MaxPieces || from.Length != HeadBytes + (count * PieceBytes) + (blocks * sizeof(uint))) return $"it does not have the checksums of {blocks} blocks";
        reference = new ValueReference(encoded, count, length);
        return null;
    }

    /// <summary>The file of a piece.</summary>
    public ulong IdOf(int piece) => BinaryPrimitives.ReadUInt64LittleEndian(Head(piece));

    /// <summary>Bytes of a piece.</summary>
    public long LengthOf(int piece) => BinaryPrimitives.ReadInt64LittleEndian(Head(piece)[8..]);

    /// <summary>All pieces, copied: to compose a larger value of them.</summary>
    public ValuePiece[] ToPieces()
    {
        var pieces = new ValuePiece[Count];
        ReadOnlySpan<byte> sums = Encoded.Span[(HeadBytes + (Count * PieceBytes))..];
        for (int i = 0; i < Count; i++)
        {
            int exponent = Head(i)[20], blocks = ValueBlocks.CountOf(LengthOf(i), exponent);
            pieces[i] = new ValuePiece(IdOf(i), LengthOf(i), BinaryPrimitives.ReadUInt32LittleEndian(Head(i)[16..]), exponent, Sums(sums, 0, blocks));
            sums = sums[(blocks * sizeof(uint))..];
        }

        return pieces;
    }

    /// <summary>What of each piece a range of the value covers, with the checksums of the blocks that it touches, copied.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the value.</exception>
    public ValueRange[] Cover(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        var ranges = new List<ValueRange>(1);
        ReadOnlySpan<byte> sums = Encoded.Span[(HeadBytes + (Count * PieceBytes))..];
        long start = 0;
        for (int i = 0; i < Count && start < offset + length; i++)
        {
            int exponent = Head(i)[20];
            long piece = LengthOf(i), from = Math.Max(0, offset - start), end = Math.Min(piece, offset + length - start);
            if (from < end)
            {
                int first = (int)(from >> exponent), last = (int)((end - 1) >> exponent);
                ranges.Add(new ValueRange(IdOf(i), start, piece, from, end, exponent, first, Sums(sums, first, last - first + 1)));
            }

            sums = sums[(ValueBlocks.CountOf(piece, exponent) * sizeof(uint))..];
            start += piece;
        }

        return [.. ranges];
    }

    private static ValuePiece[] WithFewBlocks(IReadOnlyList<ValuePiece> pieces)
    {
        ValuePiece[] all = [.. pieces];
        for (int exponent = ValueBlocks.MinExponent; exponent < ValueBlocks.MaxExponent && all.Sum(p => (long)p.Blocks.Length) > ValueBlocks.MaxBlocks; exponent++)
        {
            for (int i = 0; i < all.Length; i++)
            {
                if (all[i].Exponent == exponent && all[i].Blocks.Length > 1) all[i] = all[i].WithLargerBlocks();
            }
        }

        return all;
    }

    private static uint[] Sums(ReadOnlySpan<byte> from, int first, int count)
    {
        uint[] sums = new uint[count];
        for (int i = 0; i < count; i++) sums[i] = BinaryPrimitives.ReadUInt32LittleEndian(from[((first + i) * sizeof(uint))..]);
        return sums;
    }

    private ReadOnlySpan<byte> Head(int piece) => Encoded.Span.Slice(HeadBytes + (piece * PieceBytes), PieceBytes);
}
