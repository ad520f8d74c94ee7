using System.Buffers.Binary;
using Xunit;

namespace Strata.Tests;

/// <summary>What the log says of a large value: it comes back as it was written, and nothing else is taken for one.</summary>
public sealed class ValueReferenceTests
{
    private const int Block = ValueBlocks.SmallestBytes;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Block - 1)]
    [InlineData(Block)]
    [InlineData((10 * Block) + 77)]
    public void Checksums_of_blocks_and_of_the_whole_are_those_of_the_bytes(int length)
    {
        byte[] bytes = ValueFilesFixture.Bytes(length);
        ValuePiece piece = Blocks(bytes, new ValueBlocks()).ToPiece(42);
        Assert.Equal(length, piece.Length);
        Assert.Equal(Crc32C.Of(bytes), piece.Checksum);
        Assert.Equal((length + Block - 1) / Block, piece.Blocks.Length);
        for (int i = 0; i < piece.Blocks.Length; i++)
            Assert.Equal(Crc32C.Of(bytes.AsSpan(i * Block, Math.Min(Block, length - (i * Block)))) ^ ValueBlocks.SeedOf(42), piece.Blocks[i]);
    }

    [Fact]
    public void Blocks_are_joined_as_a_value_grows_and_match_the_bytes_still()
    {
        for (int length = 1; length < 40 * Block; length += (3 * Block / 2) + 1)
        {
            byte[] bytes = ValueFilesFixture.Bytes(length);
            ValuePiece piece = Blocks(bytes, new ValueBlocks(limit: 4)).ToPiece(7);
            Assert.True(piece.Blocks.Length <= 4, $"{length} bytes have {piece.Blocks.Length} checksums, so memory would grow with the value");
            Assert.Equal(Crc32C.Of(bytes), piece.Checksum);
            AreOf(bytes, piece);
        }
    }

    [Fact]
    public void A_piece_with_larger_blocks_is_the_same_piece()
    {
        byte[] bytes = ValueFilesFixture.Bytes((5 * Block) + 3);
        ValuePiece piece = Blocks(bytes, new ValueBlocks()).ToPiece(9);
        for (int i = 0; i < 4; i++)
        {
            piece = piece.WithLargerBlocks();
            AreOf(bytes, piece);
        }

        Assert.Single(piece.Blocks);
    }

    [Fact]
    public void A_reference_comes_back_as_it_was()
    {
        ValuePiece[] pieces = [.. Enumerable.Range(0, ValueReference.MaxPieces).Select(i => Blocks(new byte[i % 300], new ValueBlocks()).ToPiece((ulong)i << 24))];
        ValueReference written = ValueReference.Of(pieces);
        Assert.Null(ValueReference.Read(written.Encoded, out ValueReference? read));
        Assert.Equal(pieces.Length, read!.Count);
        Assert.Equal(pieces.Sum(p => p.Length), read.Length);
        ValuePiece[] back = read.ToPieces();
        for (int i = 0; i < pieces.Length; i++)
        {
            Assert.Equal(pieces[i].Blocks, back[i].Blocks);
            Assert.Equal(pieces[i] with { Blocks = [] }, back[i] with { Blocks = [] });
            Assert.Equal(pieces[i].Id, read.IdOf(i));
        }
    }

    [Fact]
    public void Too_many_pieces_or_none_are_refused()
    {
        ValuePiece piece = Blocks([1], new ValueBlocks()).ToPiece(1);
        Assert.Throws<ArgumentException>(() => ValueReference.Of([]));
        Assert.Throws<ArgumentException>(() => ValueReference.Of([.. Enumerable.Repeat(piece, ValueReference.MaxPieces + 1)]));
    }

    [Fact]
    public void A_value_of_many_long_pieces_has_a_bounded_reference()
    {
        // 40 pieces of 1 GiB: 655,360 blocks of 64 KiB, of which the checksums would take 2.5 MiB.
        uint[] sums = [.. Enumerable.Range(0, 1 << 14).Select(i => (uint)i * 2_654_435_761)];
        ValuePiece[] pieces = [.. Enumerable.Range(0, 40).Select(i => new ValuePiece((ulong)i, 1L << 30, 0, 16, sums))];
        ValueReference reference = ValueReference.Of(pieces);
        Assert.True(reference.Encoded.Length <= (1 << 20) + 2_000, $"The reference has {reference.Encoded.Length} bytes.");
        Assert.Null(ValueReference.Read(reference.Encoded, out ValueReference? read));
        Assert.Equal(40L << 30, read!.Length);
    }

    [Fact]
    public void A_range_covers_the_pieces_and_blocks_that_it_touches()
    {
        ValuePiece[] pieces = [.. new[] { 100_000, 0, 1, 70_000 }.Select((length, i) => Blocks(ValueFilesFixture.Bytes(length, i), new ValueBlocks()).ToPiece((ulong)i))];
        ValueReference reference = ValueReference.Of(pieces);
        Assert.Empty(reference.Cover(5, 0));
        ValueRange only = Assert.Single(reference.Cover(65_536, 10));
        Assert.Equal((0UL, 65_536L, 65_546L, 1), (only.Id, only.From, only.End, only.FirstBlock));
        Assert.Equal([pieces[0].Blocks[1]], only.Blocks);
        Assert.Equal([0UL, 2UL, 3UL], reference.Cover(0, reference.Length).Select(r => r.Id));
        Assert.Equal([2UL], reference.Cover(100_000, 1).Select(r => r.Id));
        Assert.Throws<ArgumentOutOfRangeException>(() => reference.Cover(-1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => reference.Cover(0, reference.Length + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => reference.Cover(long.MaxValue, long.MaxValue));
    }

    [Fact]
    public void What_is_cut_off_or_has_more_than_its_pieces_is_no_reference()
    {
        byte[] encoded = ValueReference.Of([.. Enumerable.Range(0, 3).Select(i => Blocks(new byte[100_000], new ValueBlocks()).ToPiece((ulong)i))]).Encoded.ToArray();
        for (int length = 0; length < encoded.Length; length++) Assert.NotNull(ValueReference.Read(encoded.AsMemory(0, length), out _));
        Assert.NotNull(ValueReference.Read(new byte[encoded.Length + 4], out _));
        Assert.NotNull(ValueReference.Read((byte[])[.. encoded, 0, 0, 0, 0], out _));
    }

    [Fact]
    public void Hostile_bytes_are_refused_or_read_without_harm()
    {
        byte[] encoded = ValueReference.Of([.. Enumerable.Range(0, 3).Select(i => Blocks(new byte[100_000], new ValueBlocks()).ToPiece((ulong)i))]).Encoded.ToArray();
        var random = new Random(4);
        long[] nasty = [0, 1, -1, long.MaxValue, long.MinValue, 1L << 44, int.MaxValue, 65_536, 65_537];
        for (int i = 0; i < 200_000; i++)
        {
            byte[] hostile = [.. encoded.AsSpan(0, random.Next(8) == 0 ? random.Next(encoded.Length) : encoded.Length)];
            for (int k = random.Next(1, 4); k > 0 && hostile.Length > 8; k--)
            {
                if (random.Next(2) == 0) hostile[random.Next(hostile.Length)] = (byte)random.Next(256);
                else BinaryPrimitives.WriteInt64LittleEndian(hostile.AsSpan(random.Next(hostile.Length - 7)), nasty[random.Next(nasty.Length)]);
            }

            if (ValueReference.Read(hostile, out ValueReference? read) is not null) continue;
            Assert.True(read!.Length >= 0);
            ValueRange[] ranges = read.Cover(0, read.Length);
            Assert.Equal(read.Length, ranges.Sum(r => r.End - r.From));
        }
    }

    [Fact]
    public void The_record_of_a_file_comes_back_and_nothing_else_is_taken_for_one()
    {
        byte[] key = new byte[ValueFileRecord.KeyBytes], value = new byte[ValueFileRecord.ValueBytes];
        var record = new ValueFileRecord(0x0102030405060708, 1L << 40);
        ValueFileRecord.WriteKey(record.Id, key);
        record.WriteValue(value);
        Assert.True(ValueFileRecord.TryRead(key, value, out ValueFileRecord read));
        Assert.Equal(record, read);
        Assert.False(ValueFileRecord.TryRead(key.AsSpan(1), value, out _));
        Assert.False(ValueFileRecord.TryRead(key, value.AsSpan(1), out _));
        Assert.False(ValueFileRecord.TryRead(key, [.. value, 0], out _));
        value[^1] = 0xFF;
        Assert.False(ValueFileRecord.TryRead(key, value, out _), "a negative length would be added up");
    }

    private static ValueBlocks Blocks(byte[] bytes, ValueBlocks blocks)
    {
        for (int at = 0; at < bytes.Length; at += Block)
        {
            ReadOnlySpan<byte> block = bytes.AsSpan(at, Math.Min(Block, bytes.Length - at));
            blocks.Add(Crc32C.Of(block), block.Length);
        }

        return blocks;
    }

    private static void AreOf(byte[] bytes, ValuePiece piece)
    {
        Assert.Equal(ValueBlocks.CountOf(bytes.Length, piece.Exponent), piece.Blocks.Length);
        for (int i = 0; i < piece.Blocks.Length; i++)
        {
            int from = i << piece.Exponent;
            uint expected = Crc32C.Of(bytes.AsSpan(from, Math.Min(1 << piece.Exponent, bytes.Length - from))) ^ ValueBlocks.SeedOf(piece.Id);
            Assert.True(expected == piece.Blocks[i], $"block {i} of {piece.Blocks.Length} of {bytes.Length} bytes does not match");
        }
    }
}
